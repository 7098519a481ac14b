// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Challenges in flight.
 */
#include "plugin/challenge.h"

#include <string.h>

#define TOKEN_MIN 22  /* 128 bits in base64url (RFC 8555 section 8.1) */
#define TOKEN_MAX 128 /* our own bound; CAs use 43 */

typedef struct {
  HerdChallenge shown; /* the first member */
  gboolean promised;
  HerdChallengeWatcher watcher;
  gpointer data;
} Challenge;

HerdChallenge *
herd_challenge_new (const char *type, const char *identifier, const char *token,
                    const char *key_authorization)
{
  HerdChallenge *challenge = &g_atomic_rc_box_new0 (Challenge)->shown;

  challenge->type = g_strdup (type);
  challenge->identifier = g_strdup (identifier);
  challenge->token = g_strdup (token);
  challenge->key_authorization = g_strdup (key_authorization);
  return challenge;
}

HerdChallenge *
herd_challenge_ref (HerdChallenge *challenge)
{
  return g_atomic_rc_box_acquire (challenge);
}

static void
challenge_clear (gpointer data)
{
  HerdChallenge *challenge = data;

  g_free (challenge->type);
  g_free (challenge->identifier);
  g_free (challenge->token);
  g_free (challenge->key_authorization);
}

void
herd_challenge_unref (HerdChallenge *challenge)
{
  if (challenge != NULL)
    g_atomic_rc_box_release_full (challenge, challenge_clear);
}

void
herd_challenge_promise_sightings (HerdChallenge *challenge)
{
  ((Challenge *) challenge)->promised = TRUE;
}

gboolean
herd_challenge_has_promise (HerdChallenge *challenge)
{
  return ((Challenge *) challenge)->promised;
}

void
herd_challenge_set_watcher (HerdChallenge *challenge, HerdChallengeWatcher watcher, gpointer data)
{
  Challenge *self = (Challenge *) challenge;

  self->watcher = watcher;
  self->data = data;
}

void
herd_challenge_note_sighting (HerdChallenge *challenge)
{
  const Challenge *self = (Challenge *) challenge;

  if (self->watcher != NULL)
    self->watcher (challenge, self->data);
}

guint
herd_challenge_hash (gconstpointer challenge)
{
  const HerdChallenge *self = challenge;

  return (g_str_hash (self->token) * 31 + g_str_hash (self->identifier)) * 31
         + g_str_hash (self->type);
}

gboolean
herd_challenge_equal (gconstpointer a, gconstpointer b)
{
  const HerdChallenge *first = a;
  const HerdChallenge *second = b;

  return g_str_equal (first->token, second->token) && g_str_equal (first->type, second->type)
         && g_str_equal (first->identifier, second->identifier);
}

char *
herd_challenge_get_dns_value (const HerdChallenge *challenge)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  guint8 digest[32];
  gsize size = sizeof digest;
  char *text;

  g_checksum_update (checksum, (const guchar *) challenge->key_authorization, -1);
  g_checksum_get_digest (checksum, digest, &size);
  text = g_base64_encode (digest, size);
  g_strdelimit (g_strdelimit (text, "+", '-'), "/", '_');
  *strchr (text, '=') = '\0';
  return text;
}

char *
herd_challenge_get_dns_name (const HerdChallenge *challenge)
{
  return g_strconcat ("_acme-challenge.", challenge->identifier, NULL);
}

gboolean
herd_challenge_token_is_valid (const char *token)
{
  gsize length = token != NULL ? strlen (token) : 0;

  if (length < TOKEN_MIN || length > TOKEN_MAX)
    return FALSE;
  for (gsize i = 0; i < length; i++) {
    if (!g_ascii_isalnum (token[i]) && token[i] != '-' && token[i] != '_')
      return FALSE;
  }
  return TRUE;
}
