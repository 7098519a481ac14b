// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What an issuance that nobody goes on with has left with its solvers is taken away, without asking a CA, and
 * with the keys or without. Main loop only.
 *
 *   load → abandon → end
 */
#pragma once

#include "core/issuers.h"

G_BEGIN_DECLS

/* CHECKPOINT: what OPERATION has saved; NULL: it is read. Nothing is written: whoever is told deletes it. */
void herd_abandonment_run_async (HerdIssuers *issuers, guint64 operation, GBytes *checkpoint,
                                 GAsyncReadyCallback callback, gpointer data);
/* It was tried; what could not be done is in the journal: nothing depends on it. */
void herd_abandonment_run_finish (GAsyncResult *result);

G_END_DECLS
