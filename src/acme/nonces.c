// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A stack of nonces.
 */
#include "acme/nonces.h"

#include <string.h>

#include "net/http.h"

#define NONCES_MAX HERD_HTTP_CONCURRENCY /* each request gives one back */
#define NONCE_LENGTH_MAX 512
#define AGE_MAX (5 * 60 * HERD_SECOND)

typedef struct {
  char *nonce;
  gint64 put; /* monotonic */
} Entry;

struct HerdNonces {
  HerdClock *clock;
  GArray *entries; /* of Entry, oldest first */
};

static void
entry_clear (gpointer data)
{
  g_free (((Entry *) data)->nonce);
}

HerdNonces *
herd_nonces_new (HerdClock *clock)
{
  HerdNonces *nonces = g_new0 (HerdNonces, 1);

  nonces->clock = herd_clock_ref (clock);
  nonces->entries = g_array_new (FALSE, FALSE, sizeof (Entry));
  g_array_set_clear_func (nonces->entries, entry_clear);
  return nonces;
}

void
herd_nonces_free (HerdNonces *nonces)
{
  if (nonces == NULL)
    return;
  g_array_unref (nonces->entries);
  herd_clock_unref (nonces->clock);
  g_free (nonces);
}

gboolean
herd_nonce_is_valid (const char *nonce)
{
  const char *at = nonce;

  while (at != NULL && (g_ascii_isalnum (*at) || *at == '-' || *at == '_'))
    at++;
  return at != NULL && at != nonce && *at == '\0' && at - nonce <= NONCE_LENGTH_MAX;
}

void
herd_nonces_put (HerdNonces *nonces, const char *nonce)
{
  Entry entry;

  if (!herd_nonce_is_valid (nonce))
    return;
  if (nonces->entries->len == NONCES_MAX)
    g_array_remove_index (nonces->entries, 0);
  entry.nonce = g_strdup (nonce);
  entry.put = herd_clock_get_monotonic (nonces->clock);
  g_array_append_val (nonces->entries, entry);
}

char *
herd_nonces_take (HerdNonces *nonces)
{
  Entry *newest;
  char *nonce;

  if (nonces->entries->len == 0)
    return NULL;
  newest = &g_array_index (nonces->entries, Entry, nonces->entries->len - 1);
  if (herd_clock_get_monotonic (nonces->clock) - newest->put > AGE_MAX) {
    herd_nonces_clear (nonces); /* the others are older still */
    return NULL;
  }
  nonce = g_steal_pointer (&newest->nonce);
  g_array_set_size (nonces->entries, nonces->entries->len - 1);
  return nonce;
}

void
herd_nonces_clear (HerdNonces *nonces)
{
  g_array_set_size (nonces->entries, 0);
}
