// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the solvers of one order tell of the CA's validators.
 */
#include "acme/sightings.h"

typedef struct {
  HerdSightings *sightings;
  HerdChallenge *challenge;
  guint count;
} Watched;

struct HerdSightings {
  HerdClock *clock;
  void (*watcher) (gpointer data);
  gpointer data;
  GPtrArray *watched; /* Watched */
  gint64 last;
};

static void
watched_free (gpointer data)
{
  Watched *watched = data;

  herd_challenge_set_watcher (watched->challenge, NULL, NULL);
  herd_challenge_unref (watched->challenge);
  g_free (watched);
}

static void
on_sighting (HerdChallenge *challenge G_GNUC_UNUSED, gpointer data)
{
  Watched *watched = data;
  HerdSightings *sightings = watched->sightings;

  watched->count++;
  sightings->last = herd_clock_get_monotonic (sightings->clock);
  sightings->watcher (sightings->data);
}

HerdSightings *
herd_sightings_new (HerdClock *clock, void (*watcher) (gpointer data), gpointer data)
{
  HerdSightings *sightings = g_new0 (HerdSightings, 1);

  sightings->clock = herd_clock_ref (clock);
  sightings->watcher = watcher;
  sightings->data = data;
  sightings->watched = g_ptr_array_new_with_free_func (watched_free);
  return sightings;
}

void
herd_sightings_free (HerdSightings *sightings)
{
  if (sightings == NULL)
    return;
  g_ptr_array_unref (sightings->watched);
  herd_clock_unref (sightings->clock);
  g_free (sightings);
}

void
herd_sightings_watch (HerdSightings *sightings, HerdChallenge *challenge)
{
  Watched *watched = g_new0 (Watched, 1);

  watched->sightings = sightings;
  watched->challenge = herd_challenge_ref (challenge);
  g_ptr_array_add (sightings->watched, watched);
  herd_challenge_set_watcher (challenge, on_sighting, watched);
}

gboolean
herd_sightings_are_promised (HerdSightings *sightings)
{
  for (guint i = 0; i < sightings->watched->len; i++) {
    const Watched *watched = sightings->watched->pdata[i];

    if (!herd_challenge_has_promise (watched->challenge))
      return FALSE;
  }
  return sightings->watched->len > 0;
}

guint
herd_sightings_get_least (HerdSightings *sightings)
{
  guint least = G_MAXUINT;

  for (guint i = 0; i < sightings->watched->len; i++)
    least = MIN (least, ((const Watched *) sightings->watched->pdata[i])->count);
  return sightings->watched->len > 0 ? least : 0;
}

gint64
herd_sightings_get_last (HerdSightings *sightings)
{
  return sightings->last;
}
