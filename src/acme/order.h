// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * One issuance at an ACME CA (RFC 8555 section 7.4): the table behind HerdIssuer.issue. Main loop
 * only.
 */
#pragma once

#include "acme/session.h"

G_BEGIN_DECLS

/* As HerdIssuer.issue_async(). SESSION lives until the end. */
void herd_acme_order_async (HerdAcmeSession *session, const HerdIssueRequest *request,
                            GBytes *resume, HerdIssuerHost *host, GCancellable *cancellable,
                            GAsyncReadyCallback callback, gpointer data);
HerdIssued *herd_acme_order_finish (GAsyncResult *result, GError **error);

G_END_DECLS
