// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Programs run with limits: what they get, what is kept of what they say, and what becomes of those that
 * do not end. Time stands still until a test moves it.
 */
#include "util/child.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "manual-clock.h"

#define TIMEOUT 30

typedef struct {
  HerdClock *clock;
  char *directory;
  char *fifo; /* what a program holds open tells that it, or a child of it, lives */
  int fd;
  GCancellable *cancellable;
  gboolean done;
  HerdChildResult *result;
  GError *error;
} Fixture;

static void
setup (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  fixture->clock = herd_manual_clock_new ();
  fixture->directory = g_dir_make_tmp ("certherd-child-XXXXXX", NULL);
  g_assert_nonnull (fixture->directory);
  fixture->fifo = g_build_filename (fixture->directory, "fifo", NULL);
  g_assert_cmpint (mkfifo (fixture->fifo, 0600), ==, 0);
  fixture->fd = -1;
  fixture->cancellable = g_cancellable_new ();
}

static void
teardown (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  /* Nothing of it stays armed. */
  g_assert_cmpuint (herd_manual_clock_get_n_timers (fixture->clock), ==, 0);
  herd_clock_unref (fixture->clock);
  if (fixture->fd >= 0)
    close (fixture->fd);
  g_unlink (fixture->fifo);
  g_rmdir (fixture->directory);
  g_free (fixture->fifo);
  g_free (fixture->directory);
  g_object_unref (fixture->cancellable);
  herd_child_result_free (fixture->result);
  g_clear_error (&fixture->error);
}

static void
on_done (GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
  Fixture *fixture = data;

  fixture->result = herd_child_run_finish (result, &fixture->error);
  fixture->done = TRUE;
}

static void
start (Fixture *fixture, const char *const *argv, GBytes *input)
{
  g_autofree char *fifo = g_strconcat ("FIFO=", fixture->fifo, NULL);
  const char *const environment[] = { "GIVEN=a b", fifo, NULL };
  const HerdChildOptions options = { argv, environment, input, TIMEOUT };

  herd_child_run_async (&options, fixture->clock, fixture->cancellable, on_done, fixture);
}

static void
start_script (Fixture *fixture, const char *script, GBytes *input)
{
  const char *const argv[] = { "/bin/sh", "-c", script, "name", "$HOME `x` \"y", NULL };

  start (fixture, argv, input);
}

static void
wait_for_end (Fixture *fixture)
{
  while (!fixture->done)
    g_main_context_iteration (NULL, TRUE);
}

static void
run_script (Fixture *fixture, const char *script, GBytes *input)
{
  start_script (fixture, script, input);
  wait_for_end (fixture);
  g_assert_no_error (fixture->error);
}

/* Until the program has opened the fifo and written a line. */
static void
wait_until_ready (Fixture *fixture)
{
  char byte;

  fixture->fd = open (fixture->fifo, O_RDONLY | O_CLOEXEC);
  g_assert_cmpint (fixture->fd, >=, 0);
  g_assert_cmpint (read (fixture->fd, &byte, 1), ==, 1);
}

/* Everybody who had the fifo open has ended: the read would wait otherwise. */
static void
assert_all_ended (Fixture *fixture)
{
  char byte;

  g_assert_cmpint (read (fixture->fd, &byte, 1), ==, 0);
}

static void
test_given (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GBytes) input = g_bytes_new_static ("first\nsecond\n", 13);

  g_setenv ("CERTHERD_TEST_SECRET", "must not be inherited", TRUE);
  run_script (
      fixture,
      "cat; env | grep -v -e ^PWD= -e ^_= -e ^SHLVL= -e ^FIFO=; printf '%s\\n' \"$1\"; pwd; "
      "[ $(ps -o pgid= $$) = $$ ] && echo leads; (echo x >/dev/stdin) 2>/dev/null && echo w; exit "
      "1",
      input);
  g_assert_cmpint (fixture->result->status, ==, 1);
  g_assert_cmpstr (fixture->result->output, ==,
                   "first\nsecond\nGIVEN=a b\n$HOME `x` \"y\n/\nleads\n");
}

static void
test_no_input (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  run_script (fixture, "read line && echo \"$line\"; readlink /proc/self/fd/0", NULL);
  g_assert_cmpstr (fixture->result->output, ==, "/dev/null\n");
  g_assert_cmpint (fixture->result->status, ==, 0);
}

static void
test_statuses (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const struct {
    const char *script;
    int status;
    const char *complaint;
  } cases[] = {
    { "exit 0", 0, "" },
    { "exit 75", 75, "" },
    { "kill -TERM $$", 128 + SIGTERM, "" },
    { "echo 'no such zone' >&2; exit 1", 1, "no such zone" },
    { "echo out; printf 'one\\ntwo\\n\\n \\n' >&2; exit 2", 2, "two" },
    { "echo out; exit 3", 3, "out" },
    { "printf 'red \\033[31m \\342\\200\\256 \\377' >&2; exit 4", 4,
      "red \\x1b[31m \\u{202e} \\xff" },
    /* A writer whose reader has gone dies, and does not write on. */
    { "(yes 2>/dev/null; echo $? >&2) | head -c 1", 0, "141" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    run_script (fixture, cases[i].script, NULL);
    g_assert_cmpint (fixture->result->status, ==, cases[i].status);
    g_assert_cmpstr (fixture->result->complaint, ==, cases[i].complaint);
    g_clear_pointer (&fixture->result, herd_child_result_free);
    fixture->done = FALSE;
  }
}

static void
test_flood (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  run_script (fixture,
              "head -c 1000000 /dev/zero | tr '\\0' a; "
              "head -c 1000000 /dev/zero | tr '\\0' b >&2; echo end >&2",
              NULL);
  g_assert_cmpuint (strlen (fixture->result->output), <=, HERD_CHILD_OUTPUT_LIMIT);
  g_assert_true (g_str_has_prefix (fixture->result->output, "aaaa"));
  g_assert_true (g_str_has_suffix (fixture->result->output, "a…"));
  g_assert_cmpuint (strlen (fixture->result->complaint), <=, 512);
  g_assert_true (g_str_has_prefix (fixture->result->complaint, "bbbb"));
}

static void
test_left_behind (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  /* A server that a hook starts for its clean-up to end; it keeps the pipes. */
  run_script (fixture, "sleep 1000 & echo $!", NULL);
  g_assert_cmpint (fixture->result->status, ==, 0);
  g_assert_cmpint (kill ((pid_t) g_ascii_strtoll (fixture->result->output, NULL, 10), SIGKILL), ==,
                   0);
}

#define WITH_CHILD "exec 9>$FIFO; sleep 1000 & echo >&9; wait"
#define STUBBORN "trap '' TERM; exec 9>$FIFO; sleep 1000 & echo >&9; wait; wait; sleep 1000"

static void
test_timeout (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  start_script (fixture, WITH_CHILD, NULL);
  wait_until_ready (fixture);
  herd_manual_clock_advance (fixture->clock, TIMEOUT * HERD_SECOND - 1);
  while (g_main_context_iteration (NULL, FALSE))
    continue;
  g_assert_false (fixture->done);
  herd_manual_clock_advance (fixture->clock, 1);
  wait_for_end (fixture);
  g_assert_error (fixture->error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_assert_nonnull (strstr (fixture->error->message, "30 seconds"));
  assert_all_ended (fixture);
}

static void
test_stubborn (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  start_script (fixture, STUBBORN, NULL);
  wait_until_ready (fixture);
  herd_manual_clock_advance (fixture->clock, TIMEOUT * HERD_SECOND);
  /* The timeout is told, whatever comes after it. */
  g_cancellable_cancel (fixture->cancellable);
  herd_manual_clock_advance (fixture->clock, 2 * HERD_SECOND);
  wait_for_end (fixture);
  g_assert_error (fixture->error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  assert_all_ended (fixture);
}

/* The leader obeys, its child does not. */
static void
test_stubborn_child (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  start_script (fixture, "exec 9>$FIFO; (trap '' TERM; echo >&9; sleep 1000; sleep 1000) & wait",
                NULL);
  wait_until_ready (fixture);
  herd_manual_clock_advance (fixture->clock, TIMEOUT * HERD_SECOND);
  wait_for_end (fixture);
  g_assert_error (fixture->error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  assert_all_ended (fixture);
}

static void
test_cancel (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  start_script (fixture, WITH_CHILD, NULL);
  wait_until_ready (fixture);
  g_cancellable_cancel (fixture->cancellable);
  wait_for_end (fixture);
  g_assert_error (fixture->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  assert_all_ended (fixture);
  /* One that is cancelled before is not begun. */
  g_clear_error (&fixture->error);
  fixture->done = FALSE;
  start_script (fixture, "echo x >$FIFO", NULL);
  wait_for_end (fixture);
  g_assert_error (fixture->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
test_missing (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  const char *const argv[] = { "/nowhere/program", NULL };

  start (fixture, argv, NULL);
  wait_for_end (fixture);
  g_assert_error (fixture->error, G_SPAWN_ERROR, G_SPAWN_ERROR_NOENT);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  /* As in the agent. */
  signal (SIGPIPE, SIG_IGN);
#define ADD(path, func) g_test_add ("/child/" path, Fixture, NULL, setup, func, teardown)
  ADD ("given", test_given);
  ADD ("no-input", test_no_input);
  ADD ("statuses", test_statuses);
  ADD ("flood", test_flood);
  ADD ("left-behind", test_left_behind);
  ADD ("timeout", test_timeout);
  ADD ("stubborn", test_stubborn);
  ADD ("stubborn-child", test_stubborn_child);
  ADD ("cancel", test_cancel);
  ADD ("missing", test_missing);
#undef ADD
  return g_test_run ();
}
