// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * When the CA would like a certificate to be renewed (ARI, RFC 9773): the table behind
 * HerdIssuer.renewal_info, and the reading of the answer. Main loop only.
 */
#pragma once

#include "acme/session.h"

G_BEGIN_DECLS

/* As HerdIssuer.renewal_info_async(). SESSION lives until the end. */
void herd_acme_renewal_info_async (HerdAcmeSession *session, GBytes *chain, HerdIssuerHost *host,
                                   GCancellable *cancellable, GAsyncReadyCallback callback,
                                   gpointer data);
HerdRenewalInfo *herd_acme_renewal_info_finish (GAsyncResult *result, GError **error);

/* The answer in BODY, received at NOW with RETRY_AT (0: none), which is bounded: 1 minute to 1 day,
 * by default 6 hours (RFC 9773 section 4.3). Errors: HERD_ERROR_REFUSED (no window, or one that ends
 * before it begins). */
HerdRenewalInfo *herd_acme_renewal_info_read (GBytes *body, gint64 retry_at, gint64 now,
                                              GError **error);

G_END_DECLS
