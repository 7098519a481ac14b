// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Asking the CA which account a key has (RFC 8555 section 7.3.1), and what an account object says. One
 * signed request; nothing is created. Main loop only.
 */
#pragma once

#include "acme/post.h"

G_BEGIN_DECLS

/* SIGNER NULL: the account's key. It has to outlive the request, and so does SESSION. */
void herd_acme_find_async (HerdAcmeSession *session, HerdIssuerHost *host, const HerdSigner *signer,
                           GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
/* What was found becomes the session's account, in memory. Errors: those of herd_acme_post_finish():
 * accountDoesNotExist, unauthorized (some CAs say so of a deactivated account); those of
 * herd_acme_find_read(). */
gboolean herd_acme_find_finish (HerdAcmeSession *session, GAsyncResult *result, GError **error);
/* The URL of the account, and nothing changes. */
char *herd_acme_find_url_finish (HerdAcmeSession *session, GAsyncResult *result, GError **error);
/* Is the account still valid, as far as can be known? If not, its status says so, and so does the
 * error: HERD_ERROR_ACTION_REQUIRED. */
gboolean herd_acme_find_standing (HerdAcmeSession *session, GAsyncResult *result, GError **error);

/* Takes over into ACCOUNT what RESPONSE of newAccount says. Errors: HERD_ERROR_REFUSED. */
gboolean herd_acme_find_read (HerdAcmeSession *session, HerdAcmeAccount *account,
                              HerdHttpResponse *response, GError **error);

G_END_DECLS
