// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Taking over an account whose key another program made: the table behind HerdAccounts.import. Main loop
 * only.
 */
#pragma once

#include "acme/session.h"

G_BEGIN_DECLS

/* As HerdAccounts.import_async(). SESSION lives until the end. */
void herd_acme_import_async (HerdAcmeSession *session, GBytes *key, HerdIssuerHost *host,
                             GCancellable *cancellable, GAsyncReadyCallback callback,
                             gpointer data);

G_END_DECLS
