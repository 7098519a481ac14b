// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The challenges in flight: all that the responder knows. Main loop only.
 */
#pragma once

#include <glib.h>

#include "plugin/challenge.h"

G_BEGIN_DECLS

#define HERD_FLIGHT_LIMIT 65536 /* challenges */
/* So often a validator's sight of one challenge is told. There are as many as the CA has perspectives,
 * each perhaps twice; more than that is somebody else. */
#define HERD_FLIGHT_SIGHTINGS 32

typedef struct HerdFlight HerdFlight;

HerdFlight *herd_flight_new (void);
void herd_flight_free (HerdFlight *flight);

/* Adds all of CHALLENGES, or none. Errors: HERD_ERROR_LIMIT_EXCEEDED; HERD_ERROR_BUSY, naming the
 * identifier: over TLS a validator gives no token, so there can be only one proof for a server name
 * (RFC 8737 section 3). */
gboolean herd_flight_add (HerdFlight *flight, GPtrArray *challenges, GError **error);
void herd_flight_remove (HerdFlight *flight, GPtrArray *challenges);
void herd_flight_clear (HerdFlight *flight);
guint herd_flight_get_size (HerdFlight *flight);

/* The challenge of TYPE with TOKEN for IDENTIFIER (NULL: whichever), or NULL. The flight's. */
HerdChallenge *herd_flight_find (HerdFlight *flight, const char *type, const char *token,
                                 const char *identifier);
/* The one that a validator asks for with the server name NAME (server-name.h), or NULL. The flight's. */
HerdChallenge *herd_flight_find_by_server_name (HerdFlight *flight, const char *name);

/* CHALLENGE, which was found in the flight and may have left it since, was shown to somebody: to be told
 * to whoever has set a watcher. */
void herd_flight_note_sighting (HerdFlight *flight, HerdChallenge *challenge);
void herd_flight_set_watcher (HerdFlight *flight, HerdChallengeWatcher watcher, gpointer data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdFlight, herd_flight_free)

G_END_DECLS
