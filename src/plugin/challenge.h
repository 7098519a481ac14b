// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A challenge in flight: what a solver has to make visible to a CA's validators. Immutable, but for
 * what its solver tells of validators that have come. That is of the main loop only.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  char *type;              /* "http-01", "dns-01", … (IANA "ACME Validation Methods") */
  char *identifier;        /* normal form; of a wildcard the name below the "*." */
  char *token;             /* base64url, at least 22 characters, checked (RFC 8555 section 8.1) */
  char *key_authorization; /* TOKEN "." THUMBPRINT (RFC 8555 section 8.1) */
} HerdChallenge;

/* References are counted (g_atomic_rc_box). */
HerdChallenge *herd_challenge_new (const char *type, const char *identifier, const char *token,
                                   const char *key_authorization);
HerdChallenge *herd_challenge_ref (HerdChallenge *challenge);
void herd_challenge_unref (HerdChallenge *challenge);

/* For solvers that learn of it when a validator was shown CHALLENGE. It is not required, but saves its
 * user time: a CA is asked for its verdict when it has seen what it came for. A promise is made before
 * present() finishes; then every sighting is to be noted, the same validator's too. What is promised and
 * does not come only costs time. */
void herd_challenge_promise_sightings (HerdChallenge *challenge);
void herd_challenge_note_sighting (HerdChallenge *challenge);

/* For the solvers' user: WATCHER is called at each sighting, until there is another one, or NULL. */
typedef void (*HerdChallengeWatcher) (HerdChallenge *challenge, gpointer data);
void herd_challenge_set_watcher (HerdChallenge *challenge, HerdChallengeWatcher watcher,
                                 gpointer data);
gboolean herd_challenge_has_promise (HerdChallenge *challenge);

/* For sets (GHashFunc, GEqualFunc): two are the same if type, identifier and token are. The
 * challenges of one authorization may share their token. */
guint herd_challenge_hash (gconstpointer challenge);
gboolean herd_challenge_equal (gconstpointer a, gconstpointer b);

/* What a dns-01 validator has to find as a TXT record of "_acme-challenge.IDENTIFIER": the SHA-256
 * of the key authorization, base64url, 43 characters (RFC 8555 section 8.4). (transfer full) */
char *herd_challenge_get_dns_value (const HerdChallenge *challenge);
/* "_acme-challenge.IDENTIFIER", without a dot at its end. (transfer full) */
char *herd_challenge_get_dns_name (const HerdChallenge *challenge);

/* ^[A-Za-z0-9_-]{22,128}$: anything else must not come near a path or a message. */
gboolean herd_challenge_token_is_valid (const char *token);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdChallenge, herd_challenge_unref)

G_END_DECLS
