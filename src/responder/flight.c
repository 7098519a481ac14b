// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The challenges in flight.
 */
#include "responder/flight.h"

#include "plugin/error.h"
#include "responder/server-name.h"

struct HerdFlight {
  GHashTable *challenges; /* HerdChallenge → how often it was shown (GUINT_TO_POINTER) */
  GHashTable *by_name;    /* char *, server name → HerdChallenge, of those */
  HerdChallengeWatcher watcher;
  gpointer data;
};

HerdFlight *
herd_flight_new (void)
{
  HerdFlight *flight = g_new0 (HerdFlight, 1);

  flight->challenges = g_hash_table_new_full (herd_challenge_hash, herd_challenge_equal,
                                              (GDestroyNotify) herd_challenge_unref, NULL);
  flight->by_name = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  return flight;
}

void
herd_flight_free (HerdFlight *flight)
{
  if (flight == NULL)
    return;
  g_hash_table_unref (flight->by_name);
  g_hash_table_unref (flight->challenges);
  g_free (flight);
}

/* Is no server name of CHALLENGES that of another one? */
static gboolean
check_names (HerdFlight *flight, GPtrArray *challenges, GError **error)
{
  g_autoptr (GHashTable) claimed = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < challenges->len; i++) {
    HerdChallenge *challenge = g_ptr_array_index (challenges, i);
    g_autofree char *name = herd_server_name_of (challenge);
    const HerdChallenge *other;

    if (name == NULL)
      continue;
    other = g_hash_table_lookup (claimed, name);
    if (other == NULL)
      other = g_hash_table_lookup (flight->by_name, name);
    if (other != NULL && !herd_challenge_equal (other, challenge)) {
      g_set_error (error, HERD_ERROR, HERD_ERROR_BUSY,
                   "%s: a proof by %s for another order is under way, and a validator can be shown "
                   "one only; try again when that order has ended",
                   challenge->identifier, other->type);
      return FALSE;
    }
    g_hash_table_insert (claimed, g_steal_pointer (&name), challenge);
  }
  return TRUE;
}

static void
flight_take_out (HerdFlight *flight, const HerdChallenge *challenge)
{
  HerdChallenge *known = herd_flight_find (flight, challenge->type, challenge->token,
                                           challenge->identifier);
  g_autofree char *name = known != NULL ? herd_server_name_of (known) : NULL;

  if (name != NULL)
    g_hash_table_remove (flight->by_name, name);
  if (known != NULL)
    g_hash_table_remove (flight->challenges, known);
}

static void
flight_put (HerdFlight *flight, HerdChallenge *challenge)
{
  char *name = herd_server_name_of (challenge);

  /* What is equal is replaced: its key authorization may be another one now. */
  flight_take_out (flight, challenge);
  g_hash_table_replace (flight->challenges, herd_challenge_ref (challenge), GUINT_TO_POINTER (0));
  if (name != NULL)
    g_hash_table_replace (flight->by_name, name, challenge);
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
  if (!check_names (flight, challenges, error))
    return FALSE;
  for (guint i = 0; i < challenges->len; i++)
    flight_put (flight, g_ptr_array_index (challenges, i));
  return TRUE;
}

void
herd_flight_remove (HerdFlight *flight, GPtrArray *challenges)
{
  for (guint i = 0; i < challenges->len; i++)
    flight_take_out (flight, g_ptr_array_index (challenges, i));
}

void
herd_flight_clear (HerdFlight *flight)
{
  g_hash_table_remove_all (flight->by_name);
  g_hash_table_remove_all (flight->challenges);
}

guint
herd_flight_get_size (HerdFlight *flight)
{
  return g_hash_table_size (flight->challenges);
}

/* Only a client of HTTP/1.0 does not say which host it wants; it may cost a walk. */
static HerdChallenge *
find_anyhow (HerdFlight *flight, const char *type, const char *token)
{
  GHashTableIter iter;
  gpointer key;

  g_hash_table_iter_init (&iter, flight->challenges);
  while (g_hash_table_iter_next (&iter, &key, NULL)) {
    HerdChallenge *challenge = key;

    if (g_str_equal (challenge->token, token) && g_str_equal (challenge->type, type))
      return challenge;
  }
  return NULL;
}

HerdChallenge *
herd_flight_find (HerdFlight *flight, const char *type, const char *token, const char *identifier)
{
  const HerdChallenge wanted = { (char *) type, (char *) identifier, (char *) token, NULL };
  gpointer found = NULL;

  if (identifier == NULL)
    return find_anyhow (flight, type, token);
  g_hash_table_lookup_extended (flight->challenges, &wanted, &found, NULL);
  return found;
}

HerdChallenge *
herd_flight_find_by_server_name (HerdFlight *flight, const char *name)
{
  return g_hash_table_lookup (flight->by_name, name);
}

void
herd_flight_note_sighting (HerdFlight *flight, HerdChallenge *challenge)
{
  gpointer count;

  if (!g_hash_table_lookup_extended (flight->challenges, challenge, NULL, &count)
      || GPOINTER_TO_UINT (count) >= HERD_FLIGHT_SIGHTINGS)
    return;
  g_hash_table_insert (flight->challenges, herd_challenge_ref (challenge),
                       GUINT_TO_POINTER (GPOINTER_TO_UINT (count) + 1));
  if (flight->watcher != NULL)
    flight->watcher (challenge, flight->data);
}

void
herd_flight_set_watcher (HerdFlight *flight, HerdChallengeWatcher watcher, gpointer data)
{
  flight->watcher = watcher;
  flight->data = data;
}
