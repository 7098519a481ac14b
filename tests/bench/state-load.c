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
#include "state/state.h"

#define BATCH 500

typedef struct {
  HerdState *state;
  guint n_done;
} Waiting;

static void
committed (GObject *source, GAsyncResult *result, gpointer data)
{
  Waiting *waiting = data;
  g_autoptr (GError) error = NULL;

  if (!herd_state_commit_finish (waiting->state, result, &error))
    g_error ("%s", error->message);
  waiting->n_done++;
}

static void
wait_for (Waiting *waiting, guint n)
{
  while (waiting->n_done < n)
    g_main_context_iteration (NULL, TRUE);
  waiting->n_done = 0;
}

static HerdGeneration *
make_generation (guint64 id, guint64 number)
{
  HerdFacts *facts = herd_facts_new ();

  g_free (facts->serial);
  g_free (facts->fingerprint);
  g_free (facts->issued_by);
  g_strfreev (facts->identifiers);
  facts->not_before = 1700000000;
  facts->not_after = 1707776000;
  facts->serial = g_strdup_printf ("03%032" G_GINT64_MODIFIER "x", id * 100 + number);
  facts->fingerprint = g_compute_checksum_for_string (G_CHECKSUM_SHA256, facts->serial, -1);
  facts->issued_by = g_strdup ("Example CA R11");
  facts->identifiers = g_new0 (char *, 3);
  facts->identifiers[0] = g_strdup_printf ("host%d.example.org", (int) id);
  facts->identifiers[1] = g_strdup_printf ("www.host%d.example.org", (int) id);
  return herd_generation_new (number, 1, 1700000000, facts);
}

static HerdCertificate *
make_certificate (guint64 id)
{
  g_autofree char *name = g_strdup_printf ("host%d", (int) id);
  g_autofree char *a = g_strdup_printf ("host%d.example.org", (int) id);
  g_autofree char *b = g_strdup_printf ("www.host%d.example.org", (int) id);
  HerdCertificate *certificate = herd_certificate_new (
      id, name, 0, HERD_ORIGIN_BUS, g_variant_new_parsed ("{'identifiers': <[%s, %s]>}", a, b));
  HerdDelivery *delivery = herd_delivery_new ("live");

  delivery->state = HERD_DELIVERY_APPLIED;
  delivery->wanted = delivery->applied = delivery->proved = certificate->current = 1;
  g_ptr_array_add (certificate->deliveries, delivery);
  herd_certificate_set_action (certificate, HERD_ACTION_RENEW, 1705000000,
                               "a third of the lifetime is left");
  return certificate;
}

static void
put (HerdBatch *batch, guint64 id, guint n_generations, GBytes *chain, GBytes *key)
{
  g_autoptr (HerdCertificate) certificate = make_certificate (id);

  herd_batch_put_certificate (batch, certificate);
  for (guint64 number = 1; number <= n_generations; number++) {
    g_autoptr (HerdGeneration) generation = make_generation (id, number);

    herd_batch_put_generation (batch, id, generation, chain, key);
  }
}

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
fill (const char *directory, GBytes *kek, guint n, guint n_generations)
{
  g_autofree char *pem = g_strnfill (3500, 'p');
  g_autofree char *der = g_strnfill (138, 'd');
  g_autoptr (GBytes) chain = g_bytes_new (pem, 3500);
  g_autoptr (GBytes) key = g_bytes_new (der, 138);
  g_autoptr (HerdState) state = open_state (directory, kek);
  Waiting waiting = { state, 0 };
  gint64 start = g_get_monotonic_time ();

  for (guint id = 1; id <= n;) {
    HerdBatch *batch = herd_batch_new ();

    for (guint i = 0; i < BATCH && id <= n; i++)
      put (batch, id++, n_generations, chain, key);
    herd_state_commit_async (state, batch, committed, &waiting);
    wait_for (&waiting, 1);
  }
  g_print ("write: %.2f s in batches of %d\n", seconds_since (start), BATCH);
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
  g_autofree char *der = g_strnfill (138, 'd');
  g_autoptr (GBytes) key = g_bytes_new (der, 138);
  g_autoptr (HerdState) state = open_state (directory, kek);
  Waiting waiting = { state, 0 };
  guint64 before = herd_state_get_n_commits (state);
  gint64 start = g_get_monotonic_time ();

  for (guint i = 0; i < n_batches; i++) {
    HerdBatch *batch = herd_batch_new ();

    put (batch, 10000000 + i, 1, key, key);
    herd_state_commit_async (state, batch, committed, &waiting);
    if (!together)
      wait_for (&waiting, 1);
  }
  if (together)
    wait_for (&waiting, n_batches);
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
  guint n = argc > 1 ? (guint) atoi (argv[1]) : 100000;
  guint n_generations = argc > 2 ? (guint) atoi (argv[2]) : 1;
  g_autofree char *directory = g_dir_make_tmp ("certherd-bench-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (directory, "state.db", NULL);
  g_autofree char *lock = g_build_filename (directory, "lock", NULL);
  g_autoptr (GBytes) kek = herd_kek_new (NULL);
  GStatBuf status;

  fill (directory, kek, n, n_generations);
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
