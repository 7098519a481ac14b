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

/* Takes both. TASK returns TRUE when BATCH is on disk. Where a batch fails that is to be undone, its
 * rows are closed, and TASK has HerdUndone as its data: until herd_worker_reopen() every batch about
 * one of them fails too. */
void herd_worker_commit (HerdWorker *worker, HerdBatch *batch, GTask *task);

/* What a batch that is to be undone leaves behind where it fails. */
typedef struct {
  GArray *ids;                 /* guint64: the rows that it closed */
  HerdStateContents *contents; /* they, as they are on disk; NULL: they could not be read */
} HerdUndone;

void herd_undone_free (HerdUndone *undone);
/* Memory is as the disk again: IDS (taken) are open for whatever is asked for from now on. */
void herd_worker_reopen (HerdWorker *worker, GArray *ids);
/* Asks for WORK, which owns DATA. */
void herd_worker_push (HerdWorker *worker, HerdWork work, gpointer data);
/* Asks for WORK and waits for its end. */
void herd_worker_call (HerdWorker *worker, HerdWork work, gpointer data);

/* The last number of a name that no certificate has any more; 0 for any other. */
guint64 herd_worker_get_removed (HerdWorker *worker, const char *name);
guint64 herd_worker_get_n_commits (HerdWorker *worker);

G_END_DECLS
