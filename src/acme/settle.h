// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Which key is the account's? After a change of keys that was cut off only the CA knows: it is asked with
 * the new key, then with the old one (RFC 8555 sections 7.3.1 and 7.3.5). Main loop only.
 */
#pragma once

#include "acme/session.h"

G_BEGIN_DECLS

/* SESSION has a next key. Finishing means that it is settled: either the next key is the account's,
 * and in its place on disk, and there is no next key any more; or the old one is, and the next key
 * stays where it is. Errors: of the network: it is as unsettled as before; HERD_ERROR_ACTION_REQUIRED:
 * the CA knows neither key, or the account is over; HERD_ERROR_EXISTS: the next key is another
 * account's. */
void herd_acme_settle_async (HerdAcmeSession *session, HerdIssuerHost *host,
                             GCancellable *cancellable, GAsyncReadyCallback callback,
                             gpointer data);
/* The CA has said already that the next key is the account's: only puts it in place. */
void herd_acme_adopt_async (HerdAcmeSession *session, HerdIssuerHost *host,
                            GAsyncReadyCallback callback, gpointer data);
/* Of both. */
gboolean herd_acme_settle_finish (GAsyncResult *result, GError **error);

G_END_DECLS
