// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Giving the account a new key (RFC 8555 section 7.3.5): the table behind HerdAccounts.roll_key. Main
 * loop only.
 */
#pragma once

#include "acme/session.h"

G_BEGIN_DECLS

/* As HerdAccounts.roll_key_async(). SESSION lives until the end. */
void herd_acme_key_change_async (HerdAcmeSession *session, GBytes *resume, HerdIssuerHost *host,
                                 GCancellable *cancellable, GAsyncReadyCallback callback,
                                 gpointer data);

G_END_DECLS
