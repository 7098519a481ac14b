// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The step runner. Nearly every test is a script for the operation of steps-fixture.h and the log
 * that it must leave.
 */
#include <string.h>

#include "steps-fixture.h"

#define WHOLE ">a+a-a>b+b-b>c+c-c>z+z-z."

/* Runs in which nothing comes from outside but answers, in order. */
typedef struct {
  const char *path;
  Line script[3];
  const char *log;
  int code;         /* of G_IO_ERROR, 0: success */
  const char *says; /* what the error mentions */
  const char *first;
  gboolean records;
} Case;

static const Case cases[] = {
  { "no-wait", { { NULL } }, WHOLE },
  { "wait-in-each-row", { { "apple", 1 }, { "z-clean", 2 } }, WHOLE },
  { "jump/forward", { { .step = "apple", .jump = "cherry" } }, ">a+a-a>c+c-c>z+z-z." },
  { "jump/backward",
    { { .step = "cherry", .calls = 1, .jump = "apple" } },
    ">a+a-a>b+b-b>c+c-c>a+a-a>b+b-b>c+c-c>z+z-z." },
  { "jump/to-last", { { .step = "apple", .jump = "z-clean" } }, ">a+a-a>z+z-z." },
  { "jump/nowhere",
    { { .step = "apple", .jump = "banana" } },
    ">a+a-a>z+z-z.",
    G_IO_ERROR_NOT_FOUND,
    "banana" },
  { "start/at-row", { { NULL } }, ">c+c-c>z+z-z.", 0, NULL, "cherry" },
  { "start/nowhere", { { NULL } }, ">z+z-z.", G_IO_ERROR_NOT_FOUND, "banana", "banana" },
  { "fail/in-enter",
    { { .step = "berry", .refuse = TRUE } },
    ">a+a-a>b+b>z+z-z.",
    G_IO_ERROR_BUSY,
    "enter berry" },
  { "fail/in-enter-with-calls",
    { { .step = "berry", .calls = 2, .at_once = 1, .refuse = TRUE } },
    ">a+a-a>b+b>z+z-z.",
    G_IO_ERROR_BUSY,
    "enter berry" },
  { "fail/in-leave",
    { { .step = "berry", .calls = 1, .reject = TRUE } },
    ">a+a-a>b+b-b>z+z-z.",
    G_IO_ERROR_EXISTS,
    "leave berry" },
  { "fail/after-jump",
    { { .step = "apple", .jump = "apple", .reject = TRUE } },
    ">a+a-a>z+z-z.",
    G_IO_ERROR_EXISTS,
    "leave apple" },
  { "fail/first-is-kept",
    { { .step = "apple", .refuse = TRUE }, { .step = "z-clean", .calls = 1, .reject = TRUE } },
    ">a+a>z+z-z.",
    G_IO_ERROR_BUSY,
    "enter apple" },
  { "clean-up/enter-fails",
    { { .step = "z-clean", .refuse = TRUE } },
    ">a+a-a>b+b-b>c+c-c>z+z.",
    G_IO_ERROR_BUSY,
    "enter z-clean" },
  { "clean-up/leave-fails",
    { { .step = "z-clean", .reject = TRUE } },
    WHOLE,
    G_IO_ERROR_EXISTS,
    "leave z-clean" },
  { "commit/around", { { NULL } }, ">a!a+a-a!a>b!b+b-b>c+c-c!c>z!z+z-z!z.", .records = TRUE },
  { "commit/once-per-visit",
    { { .step = "apple", .calls = 1, .at_once = 1, .rounds = 2 } },
    ">a!a+a+a-a!a>b!b+b-b>c+c-c!c>z!z+z-z!z.",
    .records = TRUE },
  { "commit/fails-before",
    { { .step = "berry", .commit_fails = TRUE } },
    ">b!b>z!z+z-z!z.",
    G_IO_ERROR_NO_SPACE,
    "commit berry",
    "berry",
    TRUE },
  { "commit/fails-after",
    { { .step = "cherry", .commit_fails = TRUE } },
    ">c+c-c!c>z!z+z-z!z.",
    G_IO_ERROR_NO_SPACE,
    "commit cherry",
    "cherry",
    TRUE },
  { "commit/not-after-failure",
    { { .step = "cherry", .reject = TRUE } },
    ">c+c-c>z!z+z-z!z.",
    G_IO_ERROR_EXISTS,
    "leave cherry",
    "cherry",
    TRUE },
  /* The clean-up is entered whatever happened, even if that cannot be recorded. */
  { "commit/fails-in-clean-up",
    { { .step = "z-clean", .commit_fails = TRUE } },
    ">z!z+z-z!z.",
    G_IO_ERROR_NO_SPACE,
    "commit z-clean",
    "z-clean",
    TRUE },
};

static void
run_case (gconstpointer data)
{
  const Case *one = data;
  g_autoptr (Operation) operation = one->records ? operation_new_recording (one->script)
                                                 : operation_new (one->script);

  herd_run_start (operation->run, one->first);
  while (operation->waiting->len > 0)
    operation_answer (operation_take_waiting (operation, 0), 1);
  operation_assert_ends (operation, one->log);
  if (one->code == 0) {
    g_assert_no_error (operation->error);
    return;
  }
  g_assert_error (operation->error, G_IO_ERROR, one->code);
  g_assert_nonnull (strstr (operation->error->message, one->says));
}

static void
bare_rows_and_wordless_failure (void)
{
  static const HerdStep bare[] = { { "apple" }, { "berry", NULL, operation_leave }, { "z-clean" } };
  static const Line script[] = { { .step = "berry", .reject = TRUE, .wordless = TRUE }, { NULL } };
  g_autoptr (Operation)
      operation = operation_new_full (bare, G_N_ELEMENTS (bare), &plain_ops, script, NULL);

  herd_run_start (operation->run, NULL);
  operation_assert_ends (operation, ">a>b-b>z.");
  g_assert_error (operation->error, G_IO_ERROR, G_IO_ERROR_FAILED);
  g_assert_nonnull (strstr (operation->error->message, "berry"));
}

static void
one_wait (void)
{
  static const Line script[] = { { "berry", 1 }, { NULL } };
  g_autoptr (Operation) operation = operation_new (script);

  herd_run_start (operation->run, NULL);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpstr (operation->log->str, ==, ">a+a-a>b+b");
  g_assert_cmpstr (herd_run_get_step (operation->run), ==, "berry");
  operation_answer (operation_take_waiting (operation, 0), 7);
  operation_assert_ends (operation, WHOLE);
  g_assert_no_error (operation->error);
  g_assert_cmpfloat (operation->fraction, ==, 0.75);
  g_assert_cmpuint (operation->sum, ==, 7);
}

static void
batch_in_any_order (void)
{
  static const Line script[] = { { "apple", 3 }, { NULL } };
  static const guint orders[6][3] = { { 0, 0, 0 }, { 0, 1, 0 }, { 1, 0, 0 },
                                      { 1, 1, 0 }, { 2, 0, 0 }, { 2, 1, 0 } };

  for (guint i = 0; i < G_N_ELEMENTS (orders); i++) {
    g_autoptr (Operation) operation = operation_new (script);
    gpointer slots[3];

    herd_run_start (operation->run, NULL);
    memcpy (slots, operation->waiting->pdata, sizeof slots);
    for (guint j = 0; j < 3; j++) {
      gpointer slot = operation_take_waiting (operation, orders[i][j]);

      g_assert_cmpstr (operation->log->str, ==, ">a+a");
      operation_answer (slot, slot == slots[0] ? 1 : slot == slots[1] ? 10 : 100);
    }
    operation_assert_ends (operation, WHOLE);
    g_assert_cmpuint (operation->sum, ==, 1 * 1 + 10 * 2 + 100 * 3);
  }
}

static void
batch_at_once (void)
{
  static const Line script[] = { { "apple", 3, 3 }, { "berry", 3, 2 }, { NULL } };
  g_autoptr (Operation) operation = operation_new (script);

  herd_run_start (operation->run, NULL);
  g_assert_cmpstr (operation->log->str, ==, ">a+a-a>b+b");
  g_assert_cmpuint (operation->sum, ==, 1 + 4 + 9);
  operation_answer (operation_take_waiting (operation, 0), 3);
  operation_assert_ends (operation, WHOLE);
  g_assert_cmpuint (operation->sum, ==, 2 * (1 + 4 + 9));
}

static void
again_after_delay (void)
{
  static const Line script[] = {
    { .step = "berry", .calls = 1, .at_once = 1, .rounds = 2, .delay = 5000 }, { NULL }
  };
  g_autoptr (Operation) operation = operation_new (script);

  herd_run_start (operation->run, NULL);
  g_assert_cmpuint (operation->rounds, ==, 1);
  g_assert_cmpint (herd_manual_clock_get_next (operation->clock), ==, 5000);
  g_assert_cmpstr (herd_run_get_step (operation->run), ==, "berry");
  herd_manual_clock_advance (operation->clock, 4999);
  g_assert_cmpuint (operation->rounds, ==, 1);
  herd_manual_clock_advance (operation->clock, 1);
  g_assert_cmpuint (operation->rounds, ==, 2);
  herd_manual_clock_advance (operation->clock, 5000);
  operation_assert_ends (operation, ">a+a-a>b+b+b-b>c+c-c>z+z-z.");
  g_assert_no_error (operation->error);
}

/* What is waited for may be nearer, or further away, than it seemed. */
static void
again_with_another_delay (void)
{
  static const Line script[] = { { .step = "berry", .rounds = 1, .delay = 5000 }, { NULL } };
  g_autoptr (Operation) operation = operation_new (script);

  herd_run_start (operation->run, NULL);
  herd_run_set_delay (operation->run, 9000);
  herd_manual_clock_advance (operation->clock, 8999);
  g_assert_cmpuint (herd_manual_clock_get_n_timers (operation->clock), ==, 1);
  herd_run_set_delay (operation->run, 100);
  herd_manual_clock_advance (operation->clock, 99);
  g_assert_cmpuint (herd_manual_clock_get_n_timers (operation->clock), ==, 1);
  herd_manual_clock_advance (operation->clock, 1);
  g_assert_cmpuint (herd_manual_clock_get_n_timers (operation->clock), ==, 0);
  /* Where there is none, none begins. */
  herd_run_set_delay (operation->run, 100);
  g_assert_cmpuint (herd_manual_clock_get_n_timers (operation->clock), ==, 0);
  operation_assert_ends (operation, ">a+a-a>b+b+b-b>c+c-c>z+z-z.");
}

static void
again_does_not_recurse (void)
{
  static const Line script[] = { { .step = "berry", .calls = 2, .at_once = 2, .rounds = 100000 },
                                 { NULL } };
  g_autoptr (Operation) operation = operation_new (script);

  herd_run_start (operation->run, NULL);
  g_assert_cmpuint (operation->sum, ==, 100001 * 5);
  g_assert_cmpint (operation->highest - operation->lowest, ==, 0);
  operation_assert_ends (operation, ">a+a-a>b+b+b-b>c+c-c>z+z-z.");
}

static void
start_at_last (void)
{
  g_autoptr (Operation) operation = operation_new_full (
      plain_steps, 1, &plain_ops, (const Line[]){ { "apple", 1 }, { NULL } }, NULL);

  herd_run_start (operation->run, NULL);
  g_assert_false (operation->had_cancellable);
  herd_run_cancel (operation->run);
  operation_answer (operation_take_waiting (operation, 0), 1);
  operation_assert_ends (operation, ">a+a-a.");
  g_assert_no_error (operation->error);
}

static void
clean_up_may_wait_and_repeat (void)
{
  static const Line script[] = {
    { .step = "apple", .refuse = TRUE },
    { .step = "z-clean", .calls = 1, .at_once = 1, .rounds = 1, .delay = 10 },
    { NULL }
  };
  g_autoptr (Operation) operation = operation_new (script);

  herd_run_start (operation->run, NULL);
  herd_run_cancel (operation->run);
  g_assert_cmpint (herd_manual_clock_get_next (operation->clock), ==, 10);
  herd_manual_clock_advance (operation->clock, 10);
  operation_assert_ends (operation, ">a+a>z+z+z-z.");
  g_assert_error (operation->error, G_IO_ERROR, G_IO_ERROR_BUSY);
}

static void
cancel_before_start (void)
{
  g_autoptr (Operation) operation = operation_new (NULL);

  herd_run_cancel (operation->run);
  herd_run_start (operation->run, NULL);
  operation_assert_ends (operation, ">z+z-z.");
  g_assert_error (operation->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
cancel_in_wait (void)
{
  static const Line script[] = { { "berry", 2 }, { NULL } };
  g_autoptr (Operation) operation = operation_new (script);
  GCancellable *cancellable;

  herd_run_start (operation->run, NULL);
  cancellable = herd_run_get_cancellable (operation->run);
  g_assert_false (g_cancellable_is_cancelled (cancellable));
  herd_run_cancel (operation->run);
  herd_run_cancel (operation->run);
  g_assert_true (g_cancellable_is_cancelled (cancellable));
  operation_answer (operation_take_waiting (operation, 1), 1);
  g_assert_cmpstr (operation->log->str, ==, ">a+a-a>b+b");
  operation_answer (operation_take_waiting (operation, 0), 1);
  /* The answers are read, so that the clean-up knows of them. */
  operation_assert_ends (operation, ">a+a-a>b+b-b>z+z-z.");
  g_assert_error (operation->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
cancel_comes_before_the_failure_it_causes (void)
{
  static const Line script[] = { { .step = "berry", .calls = 1, .reject = TRUE }, { NULL } };
  g_autoptr (Operation) operation = operation_new (script);

  herd_run_start (operation->run, NULL);
  herd_run_cancel (operation->run);
  operation_answer (operation_take_waiting (operation, 0), 1);
  operation_assert_ends (operation, ">a+a-a>b+b-b>z+z-z.");
  g_assert_error (operation->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
cancel_in_delay (void)
{
  static const Line script[] = { { .step = "berry", .rounds = 1, .delay = 5000 }, { NULL } };
  g_autoptr (Operation) operation = operation_new (script);

  herd_run_start (operation->run, NULL);
  g_assert_cmpuint (herd_manual_clock_get_n_timers (operation->clock), ==, 1);
  herd_run_cancel (operation->run);
  g_assert_cmpuint (herd_manual_clock_get_n_timers (operation->clock), ==, 0);
  operation->rounds = 0;
  operation_assert_ends (operation, ">a+a-a>b+b>z-z.");
  g_assert_error (operation->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
cancel_in_clean_up (void)
{
  static const Line script[] = { { "z-clean", 1 }, { NULL } };
  g_autoptr (Operation) operation = operation_new (script);

  herd_run_start (operation->run, NULL);
  g_assert_null (herd_run_get_cancellable (operation->run));
  herd_run_cancel (operation->run);
  operation_answer (operation_take_waiting (operation, 0), 1);
  herd_run_cancel (operation->run);
  operation_assert_ends (operation, WHOLE);
  g_assert_no_error (operation->error);
  herd_run_cancel (operation->run);
}

static void
cancel_from_within (void)
{
  static const Line in_enter[] = { { .step = "berry", .calls = 1, .cancel_in_enter = TRUE },
                                   { NULL } };
  static const Line in_leave[] = {
    { .step = "berry", .rounds = 1, .delay = 10, .cancel_in_leave = TRUE }, { NULL }
  };
  g_autoptr (Operation) operation = operation_new (in_enter);
  g_autoptr (Operation) other = operation_new (in_leave);

  herd_run_start (operation->run, NULL);
  g_assert_cmpstr (operation->log->str, ==, ">a+a-a>b+b");
  operation_answer (operation_take_waiting (operation, 0), 1);
  operation_assert_ends (operation, ">a+a-a>b+b-b>z+z-z.");
  g_assert_error (operation->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  herd_run_start (other->run, NULL);
  operation_assert_ends (other, ">a+a-a>b+b>z-z.");
  g_assert_error (other->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
commit_is_waited_for (void)
{
  g_autoptr (Operation) operation = operation_new_recording (NULL);

  operation->commits_wait = TRUE;
  herd_run_start (operation->run, NULL);
  g_assert_cmpstr (operation->log->str, ==, ">a!a");
  operation_answer (operation_take_waiting (operation, 0), 0);
  g_assert_cmpstr (operation->log->str, ==, ">a!a+a-a!a");
  herd_run_cancel (operation->run);
  operation_answer (operation_take_waiting (operation, 0), 0);
  g_assert_cmpstr (operation->log->str, ==, ">a!a+a-a!a>z!z");
  operation_answer (operation_take_waiting (operation, 0), 0);
  operation_answer (operation_take_waiting (operation, 0), 0);
  operation_assert_ends (operation, ">a!a+a-a!a>z!z+z-z!z.");
  g_assert_error (operation->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
commit_without_ops (void)
{
  g_autoptr (Operation) operation = operation_new_full (
      recorded_steps, G_N_ELEMENTS (recorded_steps), &plain_ops, NULL, NULL);

  herd_run_start (operation->run, NULL);
  operation_assert_ends (operation, WHOLE);
}

static void
finished_drops_run (void)
{
  static const Line script[] = { { "cherry", 1 }, { NULL } };
  g_autoptr (Operation) operation = operation_new (script);

  operation->drop = TRUE;
  herd_run_start (operation->run, NULL);
  operation_answer (operation_take_waiting (operation, 0), 1);
  operation_assert_ends (operation, WHOLE);
  g_assert_null (operation->run);
}

/* An agent that goes down drops its runs: nothing is told, no timer stays. */
static void
drop_in_delay (void)
{
  static const Line script[] = { { .step = "berry", .rounds = 1, .delay = 5000 }, { NULL } };
  g_autoptr (Operation) operation = operation_new (script);

  herd_run_start (operation->run, NULL);
  g_clear_pointer (&operation->run, herd_run_unref);
  g_assert_cmpuint (herd_manual_clock_get_n_timers (operation->clock), ==, 0);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_cmpuint (operation->finished, ==, 0);
}

static void
collect_point (const char *point, gpointer data)
{
  g_assert_true (g_str_has_prefix (point, "run:test/"));
  g_string_append_printf (data, "%s ", point + strlen ("run:test/"));
}

static void
crash_points (void)
{
  static const Line script[] = { { "apple", 2, 2 }, { "cherry", 1, 1 }, { NULL } };
  g_autoptr (GString) points = g_string_new (NULL);
  const HerdCrash crash = { collect_point, points };
  g_autoptr (Operation) operation = operation_new_full (
      recorded_steps, G_N_ELEMENTS (recorded_steps), &recording_ops, script, &crash);

  herd_run_start (operation->run, NULL);
  operation_assert_ends (operation, ">a!a+a-a!a>b!b+b-b>c+c-c!c>z!z+z-z!z.");
  g_assert_cmpstr (points->str, ==,
                   "apple:before-commit apple:committed apple:entered apple:answered apple:left "
                   "apple:recorded "
                   "berry:before-commit berry:committed berry:entered berry:left "
                   "cherry:entered cherry:answered cherry:left cherry:recorded "
                   "z-clean:before-commit z-clean:committed z-clean:entered z-clean:left "
                   "z-clean:recorded ");
}

static const struct {
  const char *path;
  void (*test) (void);
} tests[] = {
  { "/steps/wait/one", one_wait },
  { "/steps/wait/bare-rows", bare_rows_and_wordless_failure },
  { "/steps/wait/batch-in-any-order", batch_in_any_order },
  { "/steps/wait/batch-at-once", batch_at_once },
  { "/steps/again/after-delay", again_after_delay },
  { "/steps/again/with-another-delay", again_with_another_delay },
  { "/steps/again/does-not-recurse", again_does_not_recurse },
  { "/steps/start/at-last", start_at_last },
  { "/steps/clean-up/may-wait-and-repeat", clean_up_may_wait_and_repeat },
  { "/steps/cancel/before-start", cancel_before_start },
  { "/steps/cancel/in-wait", cancel_in_wait },
  { "/steps/cancel/comes-first", cancel_comes_before_the_failure_it_causes },
  { "/steps/cancel/in-delay", cancel_in_delay },
  { "/steps/cancel/in-clean-up", cancel_in_clean_up },
  { "/steps/cancel/from-within", cancel_from_within },
  { "/steps/commit/is-waited-for", commit_is_waited_for },
  { "/steps/commit/without-ops", commit_without_ops },
  { "/steps/end/drops-run", finished_drops_run },
  { "/steps/end/dropped-in-delay", drop_in_delay },
  { "/steps/crash-points", crash_points },
};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *path = g_strconcat ("/steps/", cases[i].path, NULL);

    g_test_add_data_func (path, &cases[i], run_case);
  }
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add_func (tests[i].path, tests[i].test);
  return g_test_run ();
}
