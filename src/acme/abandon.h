// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * An order that nobody goes on with: what was presented for it is taken away. No request leaves. Main loop
 * only.
 */
#pragma once

#include "acme/session.h"

G_BEGIN_DECLS

/* RESUME: the order's record (acme/record.h). Finishes when every solver has answered. Errors:
 * HERD_ERROR_FAILED (it is no record), the first of the solvers'. */
void herd_acme_abandon_async (HerdAcmeSession *session, GBytes *resume, HerdIssuerHost *host,
                              GAsyncReadyCallback callback, gpointer data);
gboolean herd_acme_abandon_finish (GAsyncResult *result, GError **error);

G_END_DECLS
