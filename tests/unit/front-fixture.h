// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A front of the responder in this process, with a clock that the test moves and clients on plain
 * sockets. A front's clients have one timer each, which tells how many there are.
 */
#pragma once

#include "responder/flight.h"
#include "responder/front.h"

G_BEGIN_DECLS

typedef struct {
  HerdClock *clock;
  HerdFlight *flight;
  HerdFront *front;
  GSocketAddress *address;
} FrontFixture;

typedef HerdFront *(*FrontFixtureMake) (HerdFlight *flight, HerdClock *clock);

void front_fixture_set_up (FrontFixture *fixture, FrontFixtureMake make);
/* Nothing may be left of any client. */
void front_fixture_tear_down (FrontFixture *fixture);

/* A client (not blocking) that was accepted: EXPECTED clients are there now. */
GSocket *front_fixture_join (FrontFixture *fixture, guint expected);
void front_fixture_wait (FrontFixture *fixture, guint expected);
void front_fixture_say (GSocket *client, gconstpointer data, gsize size);
/* What the front says until it closes. */
GBytes *front_fixture_listen_to (GSocket *client);
gboolean front_fixture_is_closed (GSocket *client);

G_END_DECLS
