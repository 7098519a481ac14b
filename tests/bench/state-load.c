// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * How long the state takes: to write N certificates, to open and load them, to commit batches that
 * wait together and one by one, and what SQLite's quick_check would cost. Figures, not a test.
 *
 *   state-load [N [GENERATIONS]]      100000 and 1 unless said otherwise; in $TMPDIR
 */
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <malloc.h>
#include <sqlite3.h>
#include <stdlib.h>

#include "crypto/seal.h"
#include "rows.h"

static double
seconds_since (gint64 start)
{
  return (double) (g_get_monotonic_time () - start) / G_USEC_PER_SEC;
}

/* Anonymous memory of this process, in MiB. */
static double
get_memory (void)
{
  g_autofree char *status = NULL;
  const char *line;

  malloc_trim (0);
  g_file_get_contents ("/proc/self/status", &status, NULL, NULL);
  line = status != NULL ? g_strstr_len (status, -1, "RssAnon:") : NULL;
  return line != NULL ? (double) g_ascii_strtoull (line + strlen ("RssAnon:"), NULL, 10) / 1024 : 0;
}

static HerdState *
open_state (const char *directory, GBytes *kek)
{
  g_autoptr (GError) error = NULL;
  HerdState *state = herd_state_open (directory, NULL, &error);

  if (state == NULL || !herd_state_unlock (state, kek, &error))
    g_error ("%s", error->message);
  return state;
}

static void
fill (const char *directory, GBytes *kek, const BenchRows *rows)
{
  g_autoptr (HerdState) state = open_state (directory, kek);
  gint64 start = g_get_monotonic_time ();

  bench_fill (rows, state);
  g_print ("write: %.2f s\n", seconds_since (start));
}

static void
load (const char *directory, GBytes *kek)
{
  double before = get_memory ();
  gint64 start = g_get_monotonic_time ();
  g_autoptr (HerdState) state = open_state (directory, kek);
  double opened = seconds_since (start);
  g_autoptr (GError) error = NULL;
  g_autoptr (HerdStateContents) contents = herd_state_load (state, &error);

  g_assert_no_error (error);
  g_print ("open: %.3f s; load: %.3f s, %u certificates, %.1f MiB\n", opened,
           seconds_since (start) - opened, contents->certificates->len, get_memory () - before);
}

static void
commit_group (const char *directory, GBytes *kek, guint n_batches, gboolean together)
{
  const BenchRows one = { .n = 1, .n_generations = 1 };
  g_autoptr (HerdState) state = open_state (directory, kek);
  BenchWaiting waiting = { state, 0 };
  guint64 before = herd_state_get_n_commits (state);
  gint64 start = g_get_monotonic_time ();

  for (guint i = 0; i < n_batches; i++) {
    HerdBatch *batch = herd_batch_new ();

    bench_put (&one, batch, 10000000 + i);
    herd_state_commit_async (state, batch, bench_committed, &waiting);
    if (!together)
      bench_wait_for (&waiting, 1);
  }
  if (together)
    bench_wait_for (&waiting, n_batches);
  g_print ("%u batches %s: %.1f ms, %d commits\n", n_batches, together ? "at once" : "one by one",
           seconds_since (start) * 1000, (int) (herd_state_get_n_commits (state) - before));
}

static void
check (const char *path)
{
  sqlite3 *connection;
  gint64 start = g_get_monotonic_time ();

  if (sqlite3_open (path, &connection) != SQLITE_OK
      || sqlite3_exec (connection, "PRAGMA quick_check", NULL, NULL, NULL) != SQLITE_OK)
    g_error ("%s", sqlite3_errmsg (connection));
  g_print ("quick_check: %.3f s\n", seconds_since (start));
  sqlite3_close (connection);
}

int
main (int argc, char *argv[])
{
  const BenchRows rows = { .n = argc > 1 ? (guint) atoi (argv[1]) : 100000,
                           .n_generations = argc > 2 ? (guint) atoi (argv[2]) : 1,
                           .now = g_get_real_time () / G_USEC_PER_SEC };
  g_autofree char *directory = g_dir_make_tmp ("certherd-bench-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (directory, "state.db", NULL);
  g_autofree char *lock = g_build_filename (directory, "lock", NULL);
  g_autoptr (GBytes) kek = herd_kek_new (NULL);
  GStatBuf status;

  fill (directory, kek, &rows);
  load (directory, kek);
  commit_group (directory, kek, 100, TRUE);
  commit_group (directory, kek, 100, FALSE);
  check (path);
  if (g_stat (path, &status) == 0)
    g_print ("file: %.1f MiB\n", (double) status.st_size / 1024 / 1024);
  g_remove (path);
  g_remove (lock);
  g_rmdir (directory);
  return 0;
}
