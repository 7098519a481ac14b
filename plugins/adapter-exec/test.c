// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * adapter-exec with small shell programs: what they get, what their exit statuses mean, and what
 * becomes of one that does not end.
 */
#include <errno.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugin/adapter.h"
#include "plugin/error.h"
#include "plugin/plugin.h"

extern const HerdPlugin herd_plugin;

#define KEY "-----BEGIN PRIVATE KEY-----\na2V5\n-----END PRIVATE KEY-----\n"
#define CHAIN "-----BEGIN CERTIFICATE-----\nbGVhZg==\n-----END CERTIFICATE-----\n"

typedef struct {
  char *root;
  char *program;
  GHashTable *settings;
} Fixture;

static void
setup (Fixture *fixture, gconstpointer data)
{
  fixture->root = g_dir_make_tmp ("certherd-exec-XXXXXX", NULL);
  g_assert_nonnull (fixture->root);
  fixture->program = g_build_filename (fixture->root, "program", NULL);
  fixture->settings = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_setenv ("CERTHERD_TEST_SECRET", "must not be inherited", TRUE);
}

static void
teardown (Fixture *fixture, gconstpointer data)
{
  const char *const argv[] = { "rm", "-rf", fixture->root, NULL };

  g_assert_true (g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL,
                               NULL, NULL, NULL));
  g_free (fixture->root);
  g_free (fixture->program);
  g_hash_table_unref (fixture->settings);
}

static void
set (Fixture *fixture, const char *key, const char *value)
{
  g_hash_table_insert (fixture->settings, g_strdup (key), g_strdup (value));
}

static HerdAdapter *
make (Fixture *fixture, const char *script, const char *arguments)
{
  g_autofree char *text = g_strdup_printf ("#!/bin/sh\ncd '%s'\n%s\n", fixture->root, script);
  g_autofree char *command = g_strconcat (fixture->program, arguments, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (HerdAdapter) adapter = NULL;

  g_file_set_contents_full (fixture->program, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0755,
                            &error);
  g_assert_no_error (error);
  set (fixture, "command", command);
  adapter = g_object_new (herd_plugin.get_type (), "target", "web", "settings", fixture->settings,
                          NULL);
  herd_adapter_check (adapter, &error);
  g_assert_no_error (error);
  return g_steal_pointer (&adapter);
}

/* The bundle; (transfer full). */
static HerdBundle *
install (HerdAdapter *adapter, const char *name, guint64 generation)
{
  g_autoptr (GPtrArray)
      bundles = g_ptr_array_new_with_free_func ((GDestroyNotify) herd_bundle_unref);
  g_autoptr (GBytes) key = g_bytes_new_static (KEY, strlen (KEY));
  g_autoptr (GBytes) chain = g_bytes_new_static (CHAIN, strlen (CHAIN));
  g_autoptr (GError) error = NULL;
  HerdFacts *facts = herd_facts_new ();

  g_strfreev (facts->identifiers);
  facts->identifiers = g_strsplit ("a.example b.example", " ", -1);
  g_ptr_array_add (bundles, herd_bundle_new (name, generation, chain, key, facts));
  g_assert_true (herd_adapter_install (adapter, bundles, &error));
  g_assert_no_error (error);
  return herd_bundle_ref (g_ptr_array_index (bundles, 0));
}

static char *
read_text (Fixture *fixture, const char *name)
{
  g_autofree char *path = g_build_filename (fixture->root, name, NULL);
  char *text = NULL;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  return text;
}

static void
test_given (Fixture *fixture, gconstpointer data)
{
  g_autoptr (HerdAdapter) adapter = make (
      fixture,
      "cat <&3 >key; cat <&4 >chain; env >env; printf '%s|' \"$@\" >arguments; "
      "(echo x >&3) 2>/dev/null && touch writable; ls /proc/self/fd | wc -l >fds; exit 0",
      "\none\ntwo words; $(touch shell)");
  g_autoptr (HerdBundle) bundle = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *key = NULL, *chain = NULL, *environment = NULL, *arguments = NULL;
  g_autofree char *writable = g_build_filename (fixture->root, "writable", NULL);
  g_autofree char *shell = g_build_filename (fixture->root, "shell", NULL);

  bundle = install (adapter, "www", 7);
  g_assert_true (herd_adapter_activate (adapter, bundle, &error));
  g_assert_no_error (error);
  key = read_text (fixture, "key");
  chain = read_text (fixture, "chain");
  environment = read_text (fixture, "env");
  arguments = read_text (fixture, "arguments");
  g_assert_cmpstr (key, ==, KEY);
  g_assert_cmpstr (chain, ==, CHAIN);
  g_assert_cmpstr (arguments, ==, "one|two words; $(touch shell)|");
  g_assert_nonnull (strstr (environment, "CERTHERD_NAME=www\n"));
  g_assert_nonnull (strstr (environment, "CERTHERD_GENERATION=7\n"));
  g_assert_nonnull (strstr (environment, "CERTHERD_TARGET=web\n"));
  g_assert_nonnull (strstr (environment, "CERTHERD_IDENTIFIERS=a.example b.example\n"));
  g_assert_null (strstr (environment, "CERTHERD_TEST_SECRET"));
  g_assert_null (strstr (environment, "PRIVATE KEY"));
  g_assert_false (g_file_test (writable, G_FILE_TEST_EXISTS));
  g_assert_false (g_file_test (shell, G_FILE_TEST_EXISTS));
}

static void
assert_judged (Fixture *fixture, const char *script, HerdError code, HerdErrorClass error_class,
               const char *words)
{
  g_autoptr (HerdAdapter) adapter = make (fixture, script, "");
  g_autoptr (HerdBundle) bundle = NULL;
  g_autoptr (GError) error = NULL;

  bundle = install (adapter, "www", 1);
  g_assert_false (herd_adapter_activate (adapter, bundle, &error));
  g_assert_error (error, HERD_ERROR, (int) code);
  g_assert_cmpint (herd_error_class (error), ==, error_class);
  g_assert_nonnull (strstr (error->message, words));
  g_assert_null (strpbrk (error->message, "\n\033"));
}

static void
test_statuses (Fixture *fixture, gconstpointer data)
{
  assert_judged (fixture, "echo busy with something >&2; exit 75", HERD_ERROR_BUSY,
                 HERD_ERROR_CLASS_BACKOFF, "busy with something");
  assert_judged (fixture, "echo first >&2; printf 'second \\033[31mred\\n' >&2; exit 3",
                 HERD_ERROR_REFUSED, HERD_ERROR_CLASS_PERMANENT,
                 "(exit status 3): second ?[31mred");
  assert_judged (fixture, "exit 1", HERD_ERROR_REFUSED, HERD_ERROR_CLASS_PERMANENT,
                 "did not say why");
  assert_judged (fixture, "kill -9 $$", HERD_ERROR_REFUSED, HERD_ERROR_CLASS_PERMANENT, "signal 9");
  assert_judged (fixture, "yes complaint | head -c 3000000 >&2; echo last >&2; exit 1",
                 HERD_ERROR_REFUSED, HERD_ERROR_CLASS_PERMANENT, ": last");
}

static void
test_not_there (Fixture *fixture, gconstpointer data)
{
  g_autoptr (HerdAdapter) adapter = make (fixture, "exit 0", "");
  g_autoptr (HerdBundle) bundle = NULL;
  g_autoptr (GError) error = NULL;

  bundle = install (adapter, "www", 1);
  g_assert_cmpint (g_unlink (fixture->program), ==, 0);
  g_assert_false (herd_adapter_activate (adapter, bundle, &error));
  g_assert_error (error, HERD_ERROR, HERD_ERROR_REFUSED);
  g_assert_nonnull (strstr (error->message, fixture->program));
}

/* The leader ignores SIGTERM, and has a child that would go on. */
static void
test_timeout (Fixture *fixture, gconstpointer data)
{
  g_autoptr (HerdAdapter) adapter = NULL;
  g_autoptr (HerdBundle) bundle = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *pids = NULL;
  g_auto (GStrv) words = NULL;

  set (fixture, "timeout", "1s");
  adapter = make (fixture, "trap '' TERM; sleep 1000 & echo $$ $! >pids; wait; wait; sleep 1000",
                  "");
  bundle = install (adapter, "www", 1);
  g_assert_false (herd_adapter_activate (adapter, bundle, &error));
  g_assert_error (error, HERD_ERROR, HERD_ERROR_REFUSED);
  g_assert_nonnull (strstr (error->message, "timeout"));
  pids = read_text (fixture, "pids");
  words = g_strsplit (g_strchomp (pids), " ", -1);
  for (guint i = 0; i < 2; i++) {
    g_autofree char *path = g_strdup_printf ("/proc/%s/cmdline", words[i]);
    g_autofree char *line = NULL;
    gsize length = 0;

    /* Gone, or not yet buried by whoever inherited it. */
    if (g_file_get_contents (path, &line, &length, NULL))
      g_assert_cmpuint (length, ==, 0);
  }
}

/* What it leaves behind keeps standard error open, and does not keep us. */
static void
test_daemon (Fixture *fixture, gconstpointer data)
{
  g_autoptr (HerdAdapter) adapter = NULL;
  g_autoptr (HerdBundle) bundle = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *pid = NULL;
  gint64 before = g_get_monotonic_time ();

  set (fixture, "timeout", "30s");
  adapter = make (fixture, "sleep 60 & echo $! >pid; exit 0", "");
  bundle = install (adapter, "www", 1);
  g_assert_true (herd_adapter_activate (adapter, bundle, &error));
  g_assert_no_error (error);
  g_assert_cmpint (g_get_monotonic_time () - before, <, 20 * G_USEC_PER_SEC);
  pid = read_text (fixture, "pid");
  g_assert_cmpint (kill ((pid_t) g_ascii_strtoll (pid, NULL, 10), SIGKILL), ==, 0);
}

/* Each is run for itself; twice is as good as once, and going back is one more. */
static void
test_again (Fixture *fixture, gconstpointer data)
{
  g_autoptr (HerdAdapter)
      adapter = make (fixture, "echo $CERTHERD_NAME $CERTHERD_GENERATION >>log", "");
  g_autoptr (HerdBundle) new = install (adapter, "a", 2);
  g_autoptr (HerdBundle) other = install (adapter, "b", 1);
  g_autoptr (HerdBundle) old = install (adapter, "a", 1);
  HerdBundle *const order[] = { new, new, other, old };
  g_autoptr (GError) error = NULL;
  g_autofree char *log = NULL;

  g_assert_true (herd_adapter_activates_each (adapter));
  for (guint i = 0; i < G_N_ELEMENTS (order); i++)
    g_assert_true (herd_adapter_activate (adapter, order[i], &error));
  g_assert_no_error (error);
  log = read_text (fixture, "log");
  g_assert_cmpstr (log, ==, "a 2\na 2\nb 1\na 1\n");
}

static void
test_files (Fixture *fixture, gconstpointer data)
{
  g_autoptr (HerdAdapter) adapter = NULL;
  g_autoptr (HerdBundle) bundle = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *copy = NULL;
  const char *const names[] = { "www", NULL };
  g_autofree char *link = g_build_filename (fixture->root, "www", NULL);

  set (fixture, "path", fixture->root);
  adapter = make (fixture, "cp www/privkey.pem copy", "");
  bundle = install (adapter, "www", 1);
  g_assert_true (herd_adapter_activate (adapter, bundle, &error));
  g_assert_no_error (error);
  copy = read_text (fixture, "copy");
  g_assert_cmpstr (copy, ==, KEY);
  g_assert_true (herd_adapter_withdraw (adapter, names, &error));
  g_assert_false (g_file_test (link, G_FILE_TEST_EXISTS));
}

static void
test_settings (Fixture *fixture, gconstpointer data)
{
  static const char *const bad[][2] = {
    { "command", "relative" }, { "timeout", "0s" }, { "timeout", "2h" },
    { "timeout", "soon" },     { "timeout", "10" }, { "path", "relative" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (HerdAdapter) adapter = NULL;
    g_autoptr (GError) error = NULL;

    g_hash_table_remove_all (fixture->settings);
    set (fixture, "command", "/bin/true");
    set (fixture, bad[i][0], bad[i][1]);
    adapter = g_object_new (herd_plugin.get_type (), "target", "web", "settings", fixture->settings,
                            NULL);
    g_assert_false (herd_adapter_check (adapter, &error));
    g_assert_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT);
    g_assert_nonnull (strstr (error->message, bad[i][0]));
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function)                                                                        \
  g_test_add ("/adapter-exec/" name, Fixture, NULL, setup, function, teardown)
  ADD ("given", test_given);
  ADD ("statuses", test_statuses);
  ADD ("not-there", test_not_there);
  ADD ("timeout", test_timeout);
  ADD ("daemon", test_daemon);
  ADD ("again", test_again);
  ADD ("files", test_files);
  ADD ("settings", test_settings);
  return g_test_run ();
}
