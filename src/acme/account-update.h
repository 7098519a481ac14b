// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Changes of the account object (RFC 8555 sections 7.3.2 and 7.3.6): the table behind HerdAccounts.update
 * and deactivate. Main loop only.
 */
#pragma once

#include "acme/session.h"

G_BEGIN_DECLS

/* As HerdAccounts.update_async(). SESSION lives until the end. */
void herd_acme_update_async (HerdAcmeSession *session, const char *const *contacts,
                             HerdIssuerHost *host, GCancellable *cancellable,
                             GAsyncReadyCallback callback, gpointer data);
/* As HerdAccounts.deactivate_async(). */
void herd_acme_deactivation_async (HerdAcmeSession *session, HerdIssuerHost *host,
                                   GCancellable *cancellable, GAsyncReadyCallback callback,
                                   gpointer data);

G_END_DECLS
