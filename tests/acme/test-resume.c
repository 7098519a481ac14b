// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Killed and started again: a process with the engine dies at every crash point that there is, and
 * another one, with what is on disk, finishes; with one order at the CA, and one account.
 */
#include <glib/gstdio.h>
#include <string.h>

#include "fixture.h"
#include "net/http.h"
#include "pebble.h"
#include "plugin/error.h"

#define KILLED 42

typedef struct {
  TestPebble *pebble;
  char *directory;
} Machine;

static void
machine_set_up (Machine *machine, TestPebble *pebble)
{
  machine->pebble = pebble;
  machine->directory = g_dir_make_tmp ("certherd-resume-XXXXXX", NULL);
}

static void
machine_tear_down (Machine *machine)
{
  test_remove_directory (machine->directory);
  g_clear_pointer (&machine->directory, g_free);
}

/* The exit status; *OUTPUT may be NULL. */
static int
run (Machine *machine, const char *verb, const char *point, char **output)
{
  g_autofree char *program = g_test_build_filename (G_TEST_BUILT, "issue-once", NULL);
  const char *command[] = { program,
                            verb,
                            machine->directory,
                            test_pebble_get (machine->pebble, "DIRECTORY_URL"),
                            test_pebble_get (machine->pebble, "TLS_CA"),
                            test_pebble_get (machine->pebble, "CHALLTESTSRV_URL"),
                            point,
                            NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess)
      process = g_subprocess_newv (command, G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error);
  g_autofree char *told = NULL;

  g_assert_no_error (error);
  g_assert_true (g_subprocess_communicate_utf8 (process, NULL, NULL, &told, NULL, &error));
  g_assert_true (g_subprocess_get_if_exited (process));
  if (output != NULL)
    *output = g_steal_pointer (&told);
  return g_subprocess_get_exit_status (process);
}

static char *
read_file (Machine *machine, const char *name)
{
  g_autofree char *path = g_build_filename (machine->directory, name, NULL);
  char *text = NULL;

  g_file_get_contents (path, &text, NULL, NULL);
  return text;
}

static gboolean
has_file (Machine *machine, const char *name)
{
  g_autofree char *text = read_file (machine, name);

  return text != NULL;
}

static void
remove_file (Machine *machine, const char *name)
{
  g_autofree char *path = g_build_filename (machine->directory, name, NULL);

  g_unlink (path);
}

static void
write_file (Machine *machine, const char *name, const char *text)
{
  g_autofree char *path = g_build_filename (machine->directory, name, NULL);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

/* The account's key as other programs keep it. */
static char *
read_pem (Machine *machine)
{
  g_autoptr (TestHost) host = test_host_new (machine->directory);
  g_autoptr (GBytes) der = test_host_get (host, "account-key");
  g_autoptr (HerdKey) key = herd_key_new_from_pkcs8 (der, NULL);
  g_autoptr (GBytes) pem = herd_key_to_pem (key, NULL);

  return g_strndup (g_bytes_get_data (pem, NULL), g_bytes_get_size (pem));
}

/* The points that one whole run reaches. */
static char **
list_points (Machine *machine, const char *verb)
{
  g_autofree char *text = NULL;
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) lines = NULL;

  g_assert_cmpint (run (machine, verb, NULL, NULL), ==, 0);
  text = read_file (machine, "points");
  lines = g_strsplit (text, "\n", -1);
  for (char **line = lines; *line != NULL; line++) {
    if (**line != '\0')
      g_strv_builder_add (builder, *line);
  }
  return g_strv_builder_end (builder);
}

/* Whatever was presented was taken away after it was presented last. */
static void
assert_cleaned_up (Machine *machine)
{
  g_autofree char *text = read_file (machine, "solver.log");
  g_auto (GStrv) lines = g_strsplit (text != NULL ? text : "", "\n", -1);
  g_autoptr (GHashTable) visible = g_hash_table_new (g_str_hash, g_str_equal);

  for (char **line = lines; *line != NULL; line++) {
    if (g_str_has_prefix (*line, "present "))
      g_hash_table_add (visible, *line + strlen ("present "));
    else if (g_str_has_prefix (*line, "cleanup "))
      g_hash_table_remove (visible, *line + strlen ("cleanup "));
  }
  g_assert_cmpuint (g_hash_table_size (visible), ==, 0);
}

/* Has the order's URL been on disk when the process died? */
static gboolean
knows_order (Machine *machine)
{
  g_autofree char *path = g_build_filename (machine->directory, "checkpoint", NULL);
  g_autofree char *bytes = NULL;
  gsize size;

  return g_file_get_contents (path, &bytes, &size, NULL)
         && memmem (bytes, size, "/my-order/", strlen ("/my-order/")) != NULL;
}

static void
kill_at (TestPebble *pebble, const char *point)
{
  Machine machine;
  guint orders;
  guint in_between;
  gboolean known;
  int status;

  g_test_message ("%s", point);
  machine_set_up (&machine, pebble);
  g_assert_cmpint (run (&machine, "register", NULL, NULL), ==, 0);
  orders = test_pebble_count (pebble, "POST", "/order-plz");
  status = run (&machine, "issue", point, NULL);
  /* Polling may have been over sooner this time. */
  if (status == KILLED) {
    known = knows_order (&machine);
    in_between = test_pebble_count (pebble, "POST", "/order-plz");
    g_assert_cmpint (run (&machine, "issue", NULL, NULL), ==, 0);
    g_assert_cmpuint (test_pebble_count (pebble, "POST", "/order-plz") - in_between, <=,
                      known ? 0 : 1);
    /* The CA keeps a list of orders: even a lost answer costs no second one, unless the first
     * request may not have come through. */
    g_assert_cmpuint (test_pebble_count (pebble, "POST", "/order-plz") - orders, <=, 2);
  } else {
    g_assert_cmpint (status, ==, 0);
  }
  assert_cleaned_up (&machine);
  machine_tear_down (&machine);
}

static void
test_issue (gconstpointer data)
{
  TestPebble *pebble = (TestPebble *) data;
  g_auto (GStrv) points = NULL;
  Machine machine;

  machine_set_up (&machine, pebble);
  g_assert_cmpint (run (&machine, "register", NULL, NULL), ==, 0);
  points = list_points (&machine, "issue");
  machine_tear_down (&machine);
  g_assert_cmpuint (g_strv_length (points), >=, 50);
  g_assert_true (g_strv_contains ((const char *const *) points, "net:newOrder:answered#1"));
  g_assert_true (g_strv_contains ((const char *const *) points, "run:issue/finalize:committed#1"));
  for (char **point = points; *point != NULL; point++)
    kill_at (pebble, *point);
}

/* An account that was made is found again: killed after newAccount left, the next run ends with the
 * account that the CA made then. */
static void
test_register (gconstpointer data)
{
  TestPebble *pebble = (TestPebble *) data;
  g_auto (GStrv) points = NULL;
  Machine machine;

  machine_set_up (&machine, pebble);
  points = list_points (&machine, "register");
  machine_tear_down (&machine);
  g_assert_true (g_strv_contains ((const char *const *) points, "net:newAccount:answered#1"));
  for (char **point = points; *point != NULL; point++) {
    g_autofree char *key = NULL;
    g_autofree char *key_after = NULL;
    g_autofree char *url = NULL;
    g_autofree char *url_again = NULL;

    g_test_message ("%s", *point);
    machine_set_up (&machine, pebble);
    g_assert_cmpint (run (&machine, "register", *point, NULL), ==, KILLED);
    key = read_file (&machine, "account-key");
    g_assert_cmpint (run (&machine, "register", NULL, &url), ==, 0);
    key_after = read_file (&machine, "account-key");
    if (key != NULL)
      g_assert_cmpstr (key, ==, key_after);
    g_assert_cmpint (run (&machine, "register", NULL, &url_again), ==, 0);
    g_assert_cmpstr (url, ==, url_again);
    machine_tear_down (&machine);
  }
}

/* What runs now can be killed anywhere, and the account is what it was, with a key that works: found out by
 * the same verb again, and by any other. */
static void
kill_account_at (TestPebble *pebble, const char *verb, const char *point)
{
  static const char *const next[] = { "register", NULL };
  g_autofree char *url = NULL;

  for (guint i = 0; i <= g_strv_length ((char **) next); i++) {
    const char *first = next[i] != NULL ? next[i] : verb;
    g_autofree char *found = NULL;
    g_autofree char *again = NULL;
    Machine machine;

    g_test_message ("%s, then %s", point, first);
    g_clear_pointer (&url, g_free);
    machine_set_up (&machine, pebble);
    g_assert_cmpint (run (&machine, "register", NULL, &url), ==, 0);
    g_assert_cmpint (run (&machine, verb, point, NULL), ==, KILLED);
    g_assert_cmpint (run (&machine, first, NULL, &found), ==, 0);
    g_assert_cmpstr (found, ==, url);
    g_assert_cmpint (run (&machine, verb, NULL, &again), ==, 0);
    g_assert_cmpstr (again, ==, url);
    remove_file (&machine, "checkpoint");
    g_assert_cmpint (run (&machine, "issue", NULL, NULL), ==, 0);
    machine_tear_down (&machine);
  }
}

static void
test_roll_key (gconstpointer data)
{
  TestPebble *pebble = (TestPebble *) data;
  g_auto (GStrv) points = NULL;
  Machine machine;

  machine_set_up (&machine, pebble);
  g_assert_cmpint (run (&machine, "register", NULL, NULL), ==, 0);
  points = list_points (&machine, "roll-key");
  machine_tear_down (&machine);
  g_assert_true (g_strv_contains ((const char *const *) points, "net:keyChange:answered#1"));
  g_assert_true (g_strv_contains ((const char *const *) points, "run:settle/adopt:entered#1"));
  for (char **point = points; *point != NULL; point++)
    kill_account_at (pebble, "roll-key", *point);
}

/* An import that was cut off goes on, or has not begun. */
static void
test_import (gconstpointer data)
{
  TestPebble *pebble = (TestPebble *) data;
  g_auto (GStrv) points = NULL;
  g_autofree char *key = NULL;
  g_autofree char *url = NULL;
  Machine machine;
  guint number = 0;

  machine_set_up (&machine, pebble);
  g_assert_cmpint (run (&machine, "register", NULL, &url), ==, 0);
  key = read_pem (&machine);
  machine_tear_down (&machine);
  do {
    g_autofree char *found = NULL;
    const char *point = points != NULL ? points[number++] : NULL;

    machine_set_up (&machine, pebble);
    write_file (&machine, "import.pem", key);
    if (point == NULL) {
      points = list_points (&machine, "import");
    } else {
      g_test_message ("%s", point);
      g_assert_cmpint (run (&machine, "import", point, NULL), ==, KILLED);
      if (has_file (&machine, "account-key-import") || has_file (&machine, "account"))
        remove_file (&machine, "import.pem");
      g_assert_cmpint (run (&machine, "import", NULL, &found), ==, 0);
      g_assert_cmpstr (found, ==, url);
      g_assert_false (has_file (&machine, "account-key-import"));
    }
    machine_tear_down (&machine);
  } while (points[number] != NULL);
}

/* Between newOrder's answer and the commit of its URL: the list of orders has it, so there is one
 * order only. */
static void
test_lost_url (gconstpointer data)
{
  TestPebble *pebble = (TestPebble *) data;
  guint before;
  Machine machine;

  machine_set_up (&machine, pebble);
  g_assert_cmpint (run (&machine, "register", NULL, NULL), ==, 0);
  before = test_pebble_count (pebble, "POST", "/order-plz");
  g_assert_cmpint (run (&machine, "issue", "net:newOrder:answered#1", NULL), ==, KILLED);
  g_assert_false (knows_order (&machine));
  g_assert_cmpint (run (&machine, "issue", NULL, NULL), ==, 0);
  g_assert_cmpuint (test_pebble_count (pebble, "POST", "/order-plz"), ==, before + 1);
  g_assert_cmpuint (test_pebble_count (pebble, "POST", "/list-orderz/"), >, 0);
  machine_tear_down (&machine);
}

/* An order that was finalized with a key which is gone: its chain is refused, and nothing else. */
static void
test_other_key (gconstpointer data)
{
  TestPebble *pebble = (TestPebble *) data;
  g_autofree char *chain = NULL;
  Machine machine;
  g_autoptr (TestHost) host = NULL;

  machine_set_up (&machine, pebble);
  g_assert_cmpint (run (&machine, "register", NULL, NULL), ==, 0);
  g_assert_cmpint (run (&machine, "issue", "net:finalize:answered#1", NULL), ==, KILLED);
  host = test_host_new (machine.directory);
  test_host_put (host, "certificate-key", NULL);
  g_assert_cmpint (run (&machine, "issue", NULL, NULL), ==, 1);
  chain = read_file (&machine, "chain");
  g_assert_null (chain);
  machine_tear_down (&machine);
}

int
main (int argc, char **argv)
{
  g_autoptr (TestPebble) pebble = NULL;

  herd_net_init ();
  g_test_init (&argc, &argv, NULL);
  pebble = test_pebble_new ("--respond");
  g_test_add_data_func ("/resume/register", pebble, test_register);
  g_test_add_data_func ("/resume/roll-key", pebble, test_roll_key);
  g_test_add_data_func ("/resume/import", pebble, test_import);
  g_test_add_data_func ("/resume/lost-url", pebble, test_lost_url);
  g_test_add_data_func ("/resume/other-key", pebble, test_other_key);
  g_test_add_data_func ("/resume/issue", pebble, test_issue);
  return g_test_run ();
}
