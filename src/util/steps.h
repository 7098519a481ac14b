// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The step runner: an operation is a struct and a const table of steps; this is the one loop that
 * walks such a table. No other file holds a callback that starts another asynchronous call.
 *
 *   enter   starts at most one wait. A wait is one or more asynchronous calls (a batch), each
 *           started with herd_run_ready() as its callback and herd_run_slot() as its user data.
 *           No slot taken: no wait, leave follows at once.
 *   leave   runs when every call of the wait has answered; it reads the answers and starts nothing.
 *           It may say herd_run_again() (enter the same step again after a delay) or
 *           herd_run_jump() (go on at another step). Otherwise the next row follows.
 *   failure of either, or a cancel, jumps to the last row and keeps the first error. Answers that
 *           come after a cancel are still read by leave, so that the clean-up knows of them. The
 *           last row is the clean-up: it is come to exactly once whatever happened (it may say
 *           "again", not jump), its own failure is kept only where there was none before, and it is
 *           not cancelled.
 *   commit  rows marked so have their record written before enter and/or after leave, through
 *           HerdRunOps.commit, as a wait of its own, once per visit (not for "again"); a failed
 *           commit is a failure of the step, and enter is not called after one, but for the last
 *           row's.
 *
 * The runner loops and never recurses, whether answers come synchronously or later. Main loop only.
 */
#pragma once

#include <gio/gio.h>

#include "util/clock.h"
#include "util/crash.h"

G_BEGIN_DECLS

typedef struct HerdRun HerdRun;

typedef enum {
  HERD_COMMIT_NONE = 0,
  HERD_COMMIT_BEFORE = 1 << 0,
  HERD_COMMIT_AFTER = 1 << 1,
} HerdCommit;

typedef struct {
  const char *name; /* what is logged, shown on the bus, and saved */
  gboolean (*enter) (HerdRun *run, gpointer operation, GError **error); /* NULL: nothing to start */
  gboolean (*leave) (HerdRun *run, gpointer operation, GError **error); /* NULL: nothing to read */
  HerdCommit commit;
} HerdStep;

typedef struct {
  /* Starts writing the operation's record with herd_run_ready and SLOT; NULL: nothing is written.
   */
  void (*commit) (HerdRun *run, gpointer operation, gpointer slot);
  gboolean (*commit_finish) (gpointer operation, GAsyncResult *result, GError **error);
  /* A step is about to be entered (not told again for "again"). FRACTION of the table, 0 to 1.
   * NULL: not told. */
  void (*entered) (gpointer operation, const char *step, double fraction);
  /* The end, exactly once, from the main loop and never from within herd_run_start(). ERROR is
   * the first failure or NULL; it stays the runner's. The run may be unreferenced here. */
  void (*finished) (gpointer operation, const GError *error);
} HerdRunOps;

/* A run of STEPS (N_STEPS rows, at least one; both tables outlive the run). NAME prefixes its
 * crash points "run:NAME/STEP:…": before-commit, committed, entered, answered (if there was a
 * wait), left, recorded (the commit after leave). CRASH may be NULL. A run that waits for an answer,
 * or whose end is not told yet, holds itself; one that is dropped in a delay is gone untold. */
HerdRun *herd_run_new (const char *name, const HerdStep *steps, guint n_steps,
                       const HerdRunOps *ops, gpointer operation, HerdClock *clock,
                       const HerdCrash *crash);
HerdRun *herd_run_ref (HerdRun *run);
void herd_run_unref (HerdRun *run);

/* Begins at the row named FIRST, or at the first one (NULL). Once per run. A name that is not in
 * the table (it may come from a record) fails the run with G_IO_ERROR_NOT_FOUND. */
void herd_run_start (HerdRun *run, const char *first);
/* Fails the run with G_IO_ERROR_CANCELLED as soon as the present wait has answered (the runner's
 * own delays end at once). No-op in the last row and after the end. */
void herd_run_cancel (HerdRun *run);
/* For the calls that enter starts; NULL in the last row, which nothing cancels. */
GCancellable *herd_run_get_cancellable (HerdRun *run);

/* In enter: one more call of this wait. Indices count from 0 in order of these calls. Each slot
 * is to be handed to exactly one herd_run_ready(). */
gpointer herd_run_slot (HerdRun *run);
/* The GAsyncReadyCallback of every call that enter starts. */
void herd_run_ready (GObject *source, GAsyncResult *result, gpointer slot);

/* In leave: the answers. */
guint herd_run_get_n_results (HerdRun *run);
GAsyncResult *herd_run_get_result (HerdRun *run, guint index);

/* In leave: enter this step again after DELAY microseconds; 0: at once, without the main loop. */
void herd_run_again (HerdRun *run, gint64 delay);
/* At any time: a delay of "again" that is running ends DELAY microseconds from now instead; otherwise
 * nothing happens. */
void herd_run_set_delay (HerdRun *run, gint64 delay);
/* In leave: go on at the row named STEP instead of the next one (forwards or backwards). */
void herd_run_jump (HerdRun *run, const char *step);

/* The name of the current row; NULL before the start and after the end. */
const char *herd_run_get_step (HerdRun *run);
/* The first failure so far, or NULL; for the last row. */
const GError *herd_run_get_error (HerdRun *run);
HerdClock *herd_run_get_clock (HerdRun *run);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdRun, herd_run_unref)

G_END_DECLS
