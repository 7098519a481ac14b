// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The state's thread: takes what it is asked for in order, and makes one transaction of the batches
 * that wait together. Owns the database. Private to src/state; the functions are for the main
 * thread.
 */
#pragma once

#include "state/batch.h"

G_BEGIN_DECLS

typedef struct HerdWorker HerdWorker;

/* Runs on the thread, between transactions. */
typedef void (*HerdWork) (HerdDatabase *database, gpointer data);

/* Takes both: DATABASE, and REMOVED, name → last number (guint64 *) of names without a
 * certificate. */
HerdWorker *herd_worker_new (HerdDatabase *database, GHashTable *removed);
/* Does what is asked for, then ends the thread and closes the database. */
void herd_worker_free (HerdWorker *worker);

/* Takes both. TASK returns TRUE when BATCH is on disk. */
void herd_worker_commit (HerdWorker *worker, HerdBatch *batch, GTask *task);
/* Asks for WORK, which owns DATA. */
void herd_worker_push (HerdWorker *worker, HerdWork work, gpointer data);
/* Asks for WORK and waits for its end. */
void herd_worker_call (HerdWorker *worker, HerdWork work, gpointer data);

/* The last number of a name that no certificate has any more; 0 for any other. */
guint64 herd_worker_get_removed (HerdWorker *worker, const char *name);
guint64 herd_worker_get_n_commits (HerdWorker *worker);

G_END_DECLS
