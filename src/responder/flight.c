// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The challenges in flight.
 */
#include "responder/flight.h"

#include "plugin/error.h"

struct HerdFlight {
  GHashTable *challenges; /* set of HerdChallenge */
};

HerdFlight *
herd_flight_new (void)
{
  HerdFlight *flight = g_new0 (HerdFlight, 1);

  flight->challenges = g_hash_table_new_full (herd_challenge_hash, herd_challenge_equal,
                                              (GDestroyNotify) herd_challenge_unref, NULL);
  return flight;
}

void
herd_flight_free (HerdFlight *flight)
{
  if (flight == NULL)
    return;
  g_hash_table_unref (flight->challenges);
  g_free (flight);
}

gboolean
herd_flight_add (HerdFlight *flight, GPtrArray *challenges, GError **error)
{
  if (g_hash_table_size (flight->challenges) + challenges->len > HERD_FLIGHT_LIMIT) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_LIMIT_EXCEEDED,
                 "%u challenges are in flight already; at most %d may be",
                 g_hash_table_size (flight->challenges), HERD_FLIGHT_LIMIT);
    return FALSE;
  }
  /* Replaces what is equal: its key authorization may be another one now. */
  for (guint i = 0; i < challenges->len; i++) {
    HerdChallenge *challenge = g_ptr_array_index (challenges, i);

    g_hash_table_add (flight->challenges, herd_challenge_ref (challenge));
  }
  return TRUE;
}

void
herd_flight_remove (HerdFlight *flight, GPtrArray *challenges)
{
  for (guint i = 0; i < challenges->len; i++)
    g_hash_table_remove (flight->challenges, g_ptr_array_index (challenges, i));
}

void
herd_flight_clear (HerdFlight *flight)
{
  g_hash_table_remove_all (flight->challenges);
}

guint
herd_flight_get_size (HerdFlight *flight)
{
  return g_hash_table_size (flight->challenges);
}

/* Only a client of HTTP/1.0 does not say which host it wants; it may cost a walk. */
static const HerdChallenge *
find_anyhow (HerdFlight *flight, const char *type, const char *token)
{
  GHashTableIter iter;
  gpointer key;

  g_hash_table_iter_init (&iter, flight->challenges);
  while (g_hash_table_iter_next (&iter, &key, NULL)) {
    const HerdChallenge *challenge = key;

    if (g_str_equal (challenge->token, token) && g_str_equal (challenge->type, type))
      return challenge;
  }
  return NULL;
}

const HerdChallenge *
herd_flight_find (HerdFlight *flight, const char *type, const char *token, const char *identifier)
{
  const HerdChallenge wanted = { (char *) type, (char *) identifier, (char *) token, NULL };

  if (identifier == NULL)
    return find_anyhow (flight, type, token);
  return g_hash_table_lookup (flight->challenges, &wanted);
}
