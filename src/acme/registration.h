// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Making, or finding again, the account at a CA (RFC 8555 section 7.3): the table behind
 * HerdAccounts.register. Main loop only.
 */
#pragma once

#include "acme/session.h"

G_BEGIN_DECLS

/* As HerdAccounts.register_async(). SESSION lives until the end. */
void herd_acme_registration_async (HerdAcmeSession *session, GVariant *options,
                                   const HerdBinding *binding, HerdIssuerHost *host,
                                   GCancellable *cancellable, GAsyncReadyCallback callback,
                                   gpointer data);

G_END_DECLS
