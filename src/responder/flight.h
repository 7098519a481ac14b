// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The challenges in flight: all that the responder knows. Main loop only.
 */
#pragma once

#include <glib.h>

#include "plugin/challenge.h"

G_BEGIN_DECLS

#define HERD_FLIGHT_LIMIT 65536 /* challenges */

typedef struct HerdFlight HerdFlight;

HerdFlight *herd_flight_new (void);
void herd_flight_free (HerdFlight *flight);

/* Adds all of CHALLENGES, or none: HERD_ERROR_LIMIT_EXCEEDED. */
gboolean herd_flight_add (HerdFlight *flight, GPtrArray *challenges, GError **error);
void herd_flight_remove (HerdFlight *flight, GPtrArray *challenges);
void herd_flight_clear (HerdFlight *flight);
guint herd_flight_get_size (HerdFlight *flight);

/* The challenge of TYPE with TOKEN for IDENTIFIER (NULL: whichever), or NULL. The flight's. */
const HerdChallenge *herd_flight_find (HerdFlight *flight, const char *type, const char *token,
                                       const char *identifier);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdFlight, herd_flight_free)

G_END_DECLS
