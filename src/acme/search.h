// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Finds an order again whose URL was lost: the agent, or the connection, ended between newOrder and
 * its answer. Main loop only.
 */
#pragma once

#include "acme/session.h"

G_BEGIN_DECLS

/* Looks for an order for IDENTIFIERS in the account's list of orders (RFC 8555 section 7.1.2.1),
 * which few CAs keep. Only one that is pending or ready can be the lost one: without its URL
 * nobody has sent a finalize. Orders that other operations work on are passed over. */
void herd_acme_search_async (HerdAcmeSession *session, HerdIssuerHost *host,
                             const char *const *identifiers, GCancellable *cancellable,
                             GAsyncReadyCallback callback, gpointer data);
/* Its URL, NULL without ERROR if there is none. Errors: only those that may pass. */
char *herd_acme_search_finish (GAsyncResult *result, GError **error);

G_END_DECLS
