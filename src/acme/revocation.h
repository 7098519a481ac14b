// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Revoking a certificate (RFC 8555 section 7.6): the table behind HerdIssuer.revoke. Main loop only.
 */
#pragma once

#include "acme/session.h"

G_BEGIN_DECLS

/* As HerdIssuer.revoke_async(). SESSION lives until the end. */
void herd_acme_revocation_async (HerdAcmeSession *session, GBytes *chain, guint reason,
                                 GBytes *public_key, HerdIssuerHost *host,
                                 GCancellable *cancellable, GAsyncReadyCallback callback,
                                 gpointer data);
gboolean herd_acme_revocation_finish (GAsyncResult *result, GError **error);

G_END_DECLS
