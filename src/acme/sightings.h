// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the solvers of one order tell of the CA's validators (plugin/challenge.h): when they have all been
 * there, its verdict is near. Owned by the order; main loop only.
 */
#pragma once

#include "plugin/challenge.h"
#include "util/clock.h"

G_BEGIN_DECLS

typedef struct HerdSightings HerdSightings;

/* WATCHER is told of each. */
HerdSightings *herd_sightings_new (HerdClock *clock, void (*watcher) (gpointer data),
                                   gpointer data);
void herd_sightings_free (HerdSightings *sightings);
void herd_sightings_watch (HerdSightings *sightings, HerdChallenge *challenge);

/* Will all be told of that are watched? */
gboolean herd_sightings_are_promised (HerdSightings *sightings);
/* How often the challenge was seen that was seen least often. */
guint herd_sightings_get_least (HerdSightings *sightings);
/* When the last one was, monotonic, in microseconds; 0: there was none. */
gint64 herd_sightings_get_last (HerdSightings *sightings);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdSightings, herd_sightings_free)

G_END_DECLS
