// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What happens to operation rows while something runs: steps, ends, and their time in the registry.
 * Functions on the shared services; main loop only.
 */
#pragma once

#include "core/services.h"

G_BEGIN_DECLS

/* How an issuance's own steps and the engine's share the progress. */
#define HERD_PROGRESS_ISSUE_BEGIN 0.1
#define HERD_PROGRESS_ISSUE_END 0.8

/* Ended operations that are kept at most, and for how long (seconds). */
#define HERD_OPERATIONS_KEPT 1000
#define HERD_OPERATION_TIME (24 * 3600)

/* Operation ID has come to STEP: shown on the bus, said in the journal once. No-op if it is gone. */
void herd_operations_enter (HerdServices *services, guint64 id, const char *step, double progress);

/* It has ended: ERROR NULL means done; what it says of identifiers is among the findings. Tells the observer. The row is put into BATCH, its checkpoint
 * and pending key are dropped there; so are the oldest ended operations past the limits. */
void herd_operations_end (HerdServices *services, guint64 id, const GError *error,
                          HerdBatch *batch);

G_END_DECLS
