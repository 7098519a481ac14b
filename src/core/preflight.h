// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A preflight: what would become of an attempt, found out without spending one, as far as it can be seen from
 * here. Main loop only.
 *
 *   directory → names → present → look → withdraw
 *
 * directory asks the issuers, names the DNS; present has the solvers make challenges of our own visible, look
 * fetches them as a validator would, withdraw takes them away again.
 */
#pragma once

#include "core/issuers.h"

G_BEGIN_DECLS

/* OPERATION: whose steps these are, and whose options are the whole wish: all its issuers are asked. The
 * challenges' tokens are made of it, so that one that was cut off is cleaned up when it is run again. Whatever
 * is found is a finding; errors: HERD_ERROR_CANCELLED. Finishes with aa{sv} (core/findings.h; transfer full). */
void herd_preflight_run_async (HerdIssuers *issuers, HerdSolvers *solvers,
                               const HerdOperation *operation, GCancellable *cancellable,
                               GAsyncReadyCallback callback, gpointer data);
GVariant *herd_preflight_run_finish (GAsyncResult *result, GError **error);

G_END_DECLS
