// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * States full of certificates, as a machine that has run for a while has them, for the programs that
 * print figures. One thread.
 */
#pragma once

#include "state/state.h"

G_BEGIN_DECLS

/* Commits of a state that somebody waits for. */
typedef struct {
  HerdState *state;
  guint n_done;
} BenchWaiting;

/* The callback of herd_state_commit_async; its data is a BenchWaiting. A failure ends the program. */
void bench_committed (GObject *source, GAsyncResult *result, gpointer data);
/* Until N more commits are done. */
void bench_wait_for (BenchWaiting *waiting, guint n);

/* What is put into a state: certificates hostN with two names each, delivered to "live",
 * with the renewal information of their CA. */
typedef struct {
  guint n;
  guint n_generations; /* of each; the last one is the current one */
  gint64 now;          /* seconds: they are as old as if renewed evenly over 60 days before it */
  guint n_due;         /* of them all, these are due by now */
  guint64 issuer;      /* id of who issued them; 0: nobody that is known */
} BenchRows;

/* Certificate ID as ROWS say, with its generations (chain and key of usual sizes), into BATCH. */
void bench_put (const BenchRows *rows, HerdBatch *batch, guint64 id);
/* All of ROWS, in batches. */
void bench_fill (const BenchRows *rows, HerdState *state);

G_END_DECLS
