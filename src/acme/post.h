// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A signed request (RFC 8555 sections 6.2 to 6.5). Main loop only.
 */
#pragma once

#include "acme/session.h"

G_BEGIN_DECLS

typedef struct {
  const char *label;        /* "newOrder": for errors, logs and crash points */
  const char *url;          /* exactly as the CA gave it */
  const char *payload;      /* JSON; NULL: POST-as-GET */
  const char *accept;       /* NULL: anything */
  gboolean with_jwk;        /* sign with the key itself, not as the account: newAccount */
  gboolean repeatable;      /* asking twice does no harm: done where the answer is lost */
  const HerdSigner *signer; /* NULL: the account's; has to outlive the request */
  gsize limit;              /* of the answer; 0: HERD_SIZE_OBJECT */
} HerdAcmePost;

/* Sends POST, which is copied, with a nonce from the pool (asking for one if there is none), and
 * again, with the nonce of the answer, as long as the CA does not like the nonce, a bounded number
 * of times. What is repeatable, and a nonce, is asked for again, a few times and ever more slowly, where
 * the network or the server is in trouble. Where the CA calls the account unauthorized, it is asked what
 * the account is like, and that becomes the error. Finishes with an answer of success (2xx). Errors: of
 * the network; of the problem document; HERD_ERROR_UNREACHABLE if the CA likes no nonce at all;
 * HERD_ERROR_ACTION_REQUIRED if the account is no longer valid. */
void herd_acme_post_async (HerdAcmeSession *session, HerdIssuerHost *host, const HerdAcmePost *post,
                           GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
HerdHttpResponse *herd_acme_post_finish (GAsyncResult *result, GError **error);
/* After a failure: the request may have left, and no answer came to tell what it has done. */
gboolean herd_acme_post_is_unanswered (GAsyncResult *result);

G_END_DECLS
