// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The tests' operation: what each row of a run does is a line of a script, and what happened is a
 * string: ">" told, "!" commit begun, "+" enter, "-" leave, "." finished, each with the first
 * letter of the row's name.
 */
#include "steps-fixture.h"

static void
log_row (Operation *operation, char sign)
{
  const char *step = herd_run_get_step (operation->run);

  g_string_append_c (operation->log, sign);
  g_string_append_c (operation->log, step[0]);
}

static const Line *
get_line (Operation *operation, const char *step)
{
  static const Line nothing = { 0 };

  for (const Line *line = operation->script; line != NULL && line->step != NULL; line++) {
    if (g_str_equal (line->step, step))
      return line;
  }
  return &nothing;
}

void
operation_answer (gpointer slot, gssize value)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, NULL, NULL);

  g_task_return_int (task, value);
  herd_run_ready (NULL, G_ASYNC_RESULT (task), slot);
}

gpointer
operation_take_waiting (Operation *operation, guint index)
{
  g_assert_cmpuint (index, <, operation->waiting->len);
  return g_ptr_array_steal_index (operation->waiting, index);
}

static gboolean
enter (HerdRun *run, gpointer data, GError **error)
{
  Operation *operation = data;
  const Line *line = get_line (operation, herd_run_get_step (run));
  const char here = 0;

  operation->lowest = operation->lowest == NULL ? &here : MIN (operation->lowest, &here);
  operation->highest = MAX (operation->highest, &here);
  operation->had_cancellable = herd_run_get_cancellable (run) != NULL;
  if (operation->rounds == 0 || operation->rounds == line->rounds)
    log_row (operation, '+');
  for (guint i = 0; i < line->calls; i++) {
    gpointer slot = herd_run_slot (run);

    if (i < line->at_once)
      operation_answer (slot, i + 1);
    else
      g_ptr_array_add (operation->waiting, slot);
  }
  if (line->cancel_in_enter)
    herd_run_cancel (run);
  if (line->refuse && !line->wordless)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_BUSY, "enter %s", line->step);
  return !line->refuse;
}

gboolean
operation_leave (HerdRun *run, gpointer data, GError **error)
{
  Operation *operation = data;
  const Line *line = get_line (operation, herd_run_get_step (run));

  g_assert_cmpuint (herd_run_get_n_results (run), ==, line->calls);
  for (guint i = 0; i < line->calls; i++) {
    gssize value = g_task_propagate_int (G_TASK (herd_run_get_result (run, i)), NULL);

    operation->sum += (guint) value * (i + 1);
  }
  if (line->cancel_in_leave)
    herd_run_cancel (run);
  if (operation->rounds < line->rounds) {
    operation->rounds++;
    herd_run_again (run, line->delay);
    return TRUE;
  }
  operation->rounds = 0;
  log_row (operation, '-');
  if (line->jump != NULL && !operation->jumped) {
    operation->jumped = TRUE;
    herd_run_jump (run, line->jump);
  }
  if (line->reject && !line->wordless)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_EXISTS, "leave %s", line->step);
  return !line->reject;
}

static void
commit (HerdRun *run, gpointer data, gpointer slot)
{
  Operation *operation = data;

  log_row (operation, '!');
  if (operation->commits_wait)
    g_ptr_array_add (operation->waiting, slot);
  else
    operation_answer (slot, 0);
}

static gboolean
commit_finish (gpointer data, GAsyncResult *result, GError **error)
{
  Operation *operation = data;
  const Line *line = get_line (operation, herd_run_get_step (operation->run));

  g_task_propagate_int (G_TASK (result), NULL);
  if (line->commit_fails)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE, "commit %s", line->step);
  return !line->commit_fails;
}

static void
entered (gpointer data, const char *step, double fraction)
{
  Operation *operation = data;

  g_assert_cmpstr (herd_run_get_step (operation->run), ==, step);
  g_assert_cmpfloat (fraction, >=, 0);
  g_assert_cmpfloat (fraction, <=, 1);
  operation->fraction = fraction;
  log_row (operation, '>');
}

static void
finished (gpointer data, const GError *error)
{
  Operation *operation = data;

  g_assert_null (herd_run_get_step (operation->run));
  g_assert_true (herd_run_get_error (operation->run) == error);
  g_string_append_c (operation->log, '.');
  operation->finished++;
  operation->error = error != NULL ? g_error_copy (error) : NULL;
  if (operation->drop)
    g_clear_pointer (&operation->run, herd_run_unref);
}

const HerdStep plain_steps[] = {
  { "apple", enter, operation_leave },
  { "berry", enter, operation_leave },
  { "cherry", enter, operation_leave },
  { "z-clean", enter, operation_leave },
};

const HerdStep recorded_steps[] = {
  { "apple", enter, operation_leave, HERD_COMMIT_BEFORE | HERD_COMMIT_AFTER },
  { "berry", enter, operation_leave, HERD_COMMIT_BEFORE },
  { "cherry", enter, operation_leave, HERD_COMMIT_AFTER },
  { "z-clean", enter, operation_leave, HERD_COMMIT_BEFORE | HERD_COMMIT_AFTER },
};

const HerdRunOps plain_ops = {
  .entered = entered,
  .finished = finished,
};

const HerdRunOps recording_ops = {
  .commit = commit,
  .commit_finish = commit_finish,
  .entered = entered,
  .finished = finished,
};

Operation *
operation_new_full (const HerdStep *steps, guint n_steps, const HerdRunOps *run_ops,
                    const Line *script, const HerdCrash *crash)
{
  Operation *operation = g_new0 (Operation, 1);

  operation->clock = herd_manual_clock_new ();
  operation->log = g_string_new (NULL);
  operation->script = script;
  operation->waiting = g_ptr_array_new ();
  operation->run = herd_run_new ("test", steps, n_steps, run_ops, operation, operation->clock,
                                 crash);
  return operation;
}

Operation *
operation_new (const Line *script)
{
  return operation_new_full (plain_steps, G_N_ELEMENTS (plain_steps), &plain_ops, script, NULL);
}

Operation *
operation_new_recording (const Line *script)
{
  return operation_new_full (recorded_steps, G_N_ELEMENTS (recorded_steps), &recording_ops, script,
                             NULL);
}

void
operation_free (Operation *operation)
{
  g_assert_cmpuint (operation->waiting->len, ==, 0);
  herd_run_unref (operation->run);
  g_assert_cmpuint (herd_manual_clock_get_n_timers (operation->clock), ==, 0);
  g_assert_cmpint (operation->clock->references, ==, 1);
  herd_clock_unref (operation->clock);
  g_string_free (operation->log, TRUE);
  g_ptr_array_unref (operation->waiting);
  g_clear_error (&operation->error);
  g_free (operation);
}

void
operation_assert_ends (Operation *operation, const char *log)
{
  g_assert_cmpuint (operation->finished, ==, 0);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (operation->finished, ==, 1);
  g_assert_cmpstr (operation->log->str, ==, log);
}
