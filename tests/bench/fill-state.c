// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Makes a state directory with N certificates, for an agent with keystore = file.
 *
 *   fill-state DIRECTORY N [DUE [GENERATIONS]]     DUE of them are due by now
 *
 * Where an agent has run before, its first issuer has made them, and has suggested when to renew them.
 */
#include <gio/gio.h>
#include <stdlib.h>
#include <string.h>

#include "acme/directory.h"
#include "rows.h"
#include "state/kek.h"

static void
on_kek (GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  *(GBytes **) data = herd_kek_load_finish (result, &error);
  if (error != NULL)
    g_error ("%s", error->message);
}

/* The issuer's directory as the agent keeps it, with renewal information. The issuer's id; 0: none. */
static guint64
put_directory (HerdState *state, gint64 now)
{
  static const char body[] = "{\"newNonce\":\"https://127.0.0.1:1/nonce\","
                             "\"newAccount\":\"https://127.0.0.1:1/new-account\","
                             "\"newOrder\":\"https://127.0.0.1:1/order\","
                             "\"renewalInfo\":\"https://127.0.0.1:1/renewal-info\"}";
  const HerdSite site = { .directory_url = "https://127.0.0.1:1/directory" };
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) json = g_bytes_new_static (body, strlen (body));
  g_autoptr (HerdDirectory) directory = herd_directory_new (json, &site, now, &error);
  g_autoptr (HerdStateContents) contents = herd_state_load (state, NULL);
  g_autoptr (GBytes) record = NULL;
  BenchWaiting waiting = { state, 0 };
  HerdBatch *batch;
  guint64 issuer;

  g_assert_no_error (error);
  if (contents == NULL || contents->authorities->len == 0)
    return 0;
  issuer = ((HerdAuthority *) g_ptr_array_index (contents->authorities, 0))->id;
  record = herd_directory_to_bytes (directory);
  batch = herd_batch_new ();
  herd_batch_put_record (batch, issuer, "directory", record, FALSE);
  herd_state_commit_async (state, batch, bench_committed, &waiting);
  bench_wait_for (&waiting, 1);
  return issuer;
}

int
main (int argc, char *argv[])
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) kek = NULL;
  g_autoptr (HerdState) state = NULL;
  BenchRows rows = { .n_generations = 1, .now = g_get_real_time () / G_USEC_PER_SEC };

  if (argc < 3) {
    g_printerr ("usage: fill-state DIRECTORY N [DUE [GENERATIONS]]\n");
    return 2;
  }
  rows.n = (guint) atoi (argv[2]);
  rows.n_due = argc > 3 ? (guint) atoi (argv[3]) : 0;
  rows.n_generations = argc > 4 ? (guint) atoi (argv[4]) : 1;
  state = herd_state_open (argv[1], NULL, &error);
  if (state == NULL)
    g_error ("%s", error->message);
  herd_kek_load_async (HERD_KEYSTORE_FILE, argv[1], TRUE, NULL, on_kek, &kek);
  while (kek == NULL)
    g_main_context_iteration (NULL, TRUE);
  if (!herd_state_unlock (state, kek, &error))
    g_error ("%s", error->message);
  rows.issuer = put_directory (state, rows.now);
  bench_fill (&rows, state);
  return 0;
}
