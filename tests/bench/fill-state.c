// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Makes a state directory with N certificates, for an agent with keystore = file.
 *
 *   fill-state DIRECTORY N [DUE [GENERATIONS]]     DUE of them are due by now
 */
#include <gio/gio.h>
#include <stdlib.h>

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
  bench_fill (&rows, state);
  return 0;
}
