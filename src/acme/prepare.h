// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Before an operation speaks to its CA: the records are read, and the directory is known. Costs
 * nothing when that is so already. Main loop only.
 */
#pragma once

#include "acme/session.h"
#include "util/steps.h"

G_BEGIN_DECLS

/* Finishes when SESSION's account and directory are known. Callers at the same time share one run,
 * and so one request. Errors: HERD_ERROR_LOCKED (the key's record), those of the directory. */
void herd_acme_prepare_async (HerdAcmeSession *session, HerdIssuerHost *host,
                              GCancellable *cancellable, GAsyncReadyCallback callback,
                              gpointer data);
/* The same from the records alone: no request leaves, and the directory may stay unknown. */
void herd_acme_load_async (HerdAcmeSession *session, HerdIssuerHost *host,
                           GAsyncReadyCallback callback, gpointer data);
/* Of both. */
gboolean herd_acme_prepare_finish (GAsyncResult *result, GError **error);

/* Asks for the directory, as a wait of RUN. */
void herd_acme_ask_directory (HerdAcmeSession *session, HerdRun *run);
/* Its answer: SESSION has the directory from then on; on failure nothing has changed. (transfer full) */
HerdHttpResponse *herd_acme_take_directory (HerdAcmeSession *session, GAsyncResult *result,
                                            GError **error);

G_END_DECLS
