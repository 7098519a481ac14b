// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A front of the responder with one client, which says what a fuzzer wants and listens to the end.
 */
#pragma once

#include "responder/flight.h"
#include "responder/front.h"

G_BEGIN_DECLS

typedef HerdFront *(*FuzzFrontMake) (HerdFlight *flight, HerdClock *clock);

#define FUZZ_TOKEN "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"

/* The client says SIZE bytes, STEP at a time, then no more. Challenges of both types are in flight for
 * example.org. What the front answered. */
GBytes *fuzz_front_feed (FuzzFrontMake make, const guint8 *data, gsize size, gsize step);

G_END_DECLS
