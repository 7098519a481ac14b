// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Registration: an authority's account is there, or is made. Runs for itself (Issuer1.Register), or
 * before an issuance whose issuer has no account yet. Main loop only.
 */
#pragma once

#include "core/issuers.h"

G_BEGIN_DECLS

/* Makes sure of AUTHORITY's account, and leaves what it looks like in the row. OPERATION: whose
 * progress it is, 0: nobody's. OPTIONS (a{sv}: agree-terms, contacts), or NULL: what its settings say.
 * FORCE: asks the CA even if the account is known to be valid. Errors: the issuer's; they are kept in
 * the row too. */
void herd_registration_run_async (HerdIssuers *issuers, guint64 authority, guint64 operation,
                                  GVariant *options, gboolean force, GCancellable *cancellable,
                                  GAsyncReadyCallback callback, gpointer data);
gboolean herd_registration_run_finish (GAsyncResult *result, GError **error);

/* Only reads what the records say, at the start, for the bus. */
void herd_registration_load_async (HerdIssuers *issuers, guint64 authority,
                                   GAsyncReadyCallback callback, gpointer data);

G_END_DECLS
