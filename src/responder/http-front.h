// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The http-01 front (RFC 8555 section 8.3): a server that answers
 * /.well-known/acme-challenge/TOKEN for the challenges in flight, and nothing else. It faces the
 * Internet: every size, count and time is bounded, and what was sent is never sent back. Owned by
 * main; main loop only.
 */
#pragma once

#include <gio/gio.h>

#include "responder/flight.h"
#include "util/clock.h"

G_BEGIN_DECLS

#define HERD_HTTP_CONNECTIONS 256             /* one more drops the oldest */
#define HERD_HTTP_DEADLINE (10 * HERD_SECOND) /* of a head, and again of its answer */

typedef struct HerdHttpFront HerdHttpFront;

/* FLIGHT outlives the front. */
HerdHttpFront *herd_http_front_new (HerdFlight *flight, HerdClock *clock);
void herd_http_front_free (HerdHttpFront *front);
/* Will serve SOCKET, which listens already. */
gboolean herd_http_front_add (HerdHttpFront *front, GSocket *socket, GError **error);
/* Begins to serve; nothing is added any more. */
void herd_http_front_start (HerdHttpFront *front);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdHttpFront, herd_http_front_free)

G_END_DECLS
