// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What can be asked of a CA before an order is begun: its directory, anew, and the account. Main loop only.
 */
#pragma once

#include "acme/session.h"

G_BEGIN_DECLS

/* One request for the directory, and one for the account where there is one. Errors: those of
 * HerdIssuer's preflight. */
void herd_acme_preflight_async (HerdAcmeSession *session, HerdIssuerHost *host,
                                GCancellable *cancellable, GAsyncReadyCallback callback,
                                gpointer data);
HerdOutlook *herd_acme_preflight_finish (GAsyncResult *result, GError **error);

G_END_DECLS
