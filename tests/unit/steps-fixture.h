// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The tests' operation: what each row of a run does is a line of a script, and what happened is a
 * string: ">" told, "!" commit begun, "+" enter, "-" leave, "." finished, each with the first
 * letter of the row's name.
 */
#pragma once

#include "manual-clock.h"
#include "util/steps.h"

G_BEGIN_DECLS

/* What the row STEP does; a row without one starts nothing and succeeds. */
typedef struct {
  const char *step;
  guint calls;       /* how many it starts */
  guint at_once;     /* how many of them answer before enter returns */
  gboolean refuse;   /* enter fails, after having started its calls */
  gboolean reject;   /* leave fails */
  gboolean wordless; /* … without setting an error */
  guint rounds;      /* how often leave says again */
  gint64 delay;
  const char *jump; /* the first time */
  gboolean cancel_in_enter, cancel_in_leave;
  gboolean commit_fails;
} Line;

typedef struct {
  HerdRun *run;
  HerdClock *clock;
  GString *log;
  const Line *script;
  GPtrArray *waiting; /* slots that nobody has answered */
  guint rounds;
  gboolean jumped;
  gboolean commits_wait; /* a commit's slot goes to WAITING */
  guint sum;             /* of the answers that leave read, each times its index + 1 */
  double fraction;
  GError *error;
  guint finished;
  gboolean drop; /* the report of the end unreferences the run */
  gboolean had_cancellable;
  const char *lowest, *highest; /* addresses of enter's frame */
} Operation;

/* Rows apple, berry, cherry, z-clean; in the second table with records: apple and z-clean before and
 * after, berry before, cherry after. */
extern const HerdStep plain_steps[4];
extern const HerdStep recorded_steps[4];
extern const HerdRunOps plain_ops;
extern const HerdRunOps recording_ops;

Operation *operation_new (const Line *script);
Operation *operation_new_recording (const Line *script);
Operation *operation_new_full (const HerdStep *steps, guint n_steps, const HerdRunOps *run_ops,
                               const Line *script, const HerdCrash *crash);
/* Fails if the runner left anything behind. */
void operation_free (Operation *operation);

/* leave of those tables, for others. */
gboolean operation_leave (HerdRun *run, gpointer data, GError **error);
/* Gives SLOT the answer VALUE. */
void operation_answer (gpointer slot, gssize value);
/* One of the slots that wait for an answer; it waits no more. */
gpointer operation_take_waiting (Operation *operation, guint index);
/* Turns the main loop until nothing is left to do; the end must have been told once. */
void operation_assert_ends (Operation *operation, const char *log);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Operation, operation_free)

G_END_DECLS
