// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The http-01 front (RFC 8555 section 8.3): a server that answers
 * /.well-known/acme-challenge/TOKEN for the challenges in flight, and nothing else. What was sent is
 * never sent back. Owned by main; main loop only.
 */
#pragma once

#include "responder/flight.h"
#include "responder/front.h"

G_BEGIN_DECLS

/* FLIGHT outlives the front. A head has HERD_FRONT_DEADLINE, and its answer has it again. */
HerdFront *herd_http_front_new (HerdFlight *flight, HerdClock *clock);

G_END_DECLS
