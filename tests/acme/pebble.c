// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Pebble for a test.
 */
#include "pebble.h"

#include <glib/gstdio.h>
#include <string.h>

struct TestPebble {
  GSubprocess *process;
  char *directory; /* Pebble's */
  char *scratch;   /* the test's */
  char *trust;
  GHashTable *values;
};

static void
read_values (TestPebble *pebble)
{
  g_autoptr (GDataInputStream)
      output = g_data_input_stream_new (g_subprocess_get_stdout_pipe (pebble->process));

  for (;;) {
    g_autofree char *line = g_data_input_stream_read_line_utf8 (output, NULL, NULL, NULL);
    char *equals;

    if (line == NULL)
      g_error ("Pebble did not start");
    if (*line == '\0')
      return;
    equals = strchr (line, '=');
    g_assert_nonnull (equals);
    g_hash_table_insert (pebble->values, g_strndup (line, (gsize) (equals - line)),
                         g_strdup (equals + 1));
  }
}

TestPebble *
test_pebble_new (const char *knobs)
{
  TestPebble *pebble = g_new0 (TestPebble, 1);
  g_autoptr (GStrvBuilder) words = g_strv_builder_new ();
  g_auto (GStrv) options = g_strsplit (knobs != NULL ? knobs : "", " ", -1);
  g_auto (GStrv) command = NULL;
  g_autoptr (GError) error = NULL;

  pebble->directory = g_dir_make_tmp ("certherd-pebble-XXXXXX", &error);
  g_assert_no_error (error);
  pebble->scratch = g_dir_make_tmp ("certherd-acme-XXXXXX", &error);
  g_assert_no_error (error);
  pebble->values = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_strv_builder_add_many (words, g_getenv ("HERD_TEST_PEBBLE"), "run", pebble->directory, NULL);
  for (char **option = options; *option != NULL; option++) {
    if (**option != '\0')
      g_strv_builder_add (words, *option);
  }
  command = g_strv_builder_end (words);
  pebble->process = g_subprocess_newv (
      (const char *const *) command, G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE,
      &error);
  g_assert_no_error (error);
  read_values (pebble);
  g_file_get_contents (test_pebble_get (pebble, "TLS_CA"), &pebble->trust, NULL, &error);
  g_assert_no_error (error);
  return pebble;
}

void
test_remove_directory (const char *directory)
{
  g_autoptr (GDir) dir = g_dir_open (directory, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *path = g_build_filename (directory, name, NULL);

    g_unlink (path);
  }
  g_rmdir (directory);
}

void
test_pebble_free (TestPebble *pebble)
{
  if (pebble == NULL)
    return;
  /* The end of its input ends it. */
  g_output_stream_close (g_subprocess_get_stdin_pipe (pebble->process), NULL, NULL);
  g_subprocess_wait (pebble->process, NULL, NULL);
  g_object_unref (pebble->process);
  test_remove_directory (pebble->directory);
  test_remove_directory (pebble->scratch);
  g_free (pebble->directory);
  g_free (pebble->scratch);
  g_free (pebble->trust);
  g_hash_table_unref (pebble->values);
  g_free (pebble);
}

const char *
test_pebble_get_directory (TestPebble *pebble)
{
  return pebble->scratch;
}

const char *
test_pebble_get (TestPebble *pebble, const char *key)
{
  const char *value = g_hash_table_lookup (pebble->values, key);

  g_assert_nonnull (value);
  return value;
}

const char *
test_pebble_get_trust (TestPebble *pebble)
{
  return pebble->trust;
}

guint
test_pebble_count (TestPebble *pebble, const char *method, const char *endpoint)
{
  g_autofree char *log = NULL;
  g_auto (GStrv) lines = NULL;
  g_autofree char *wanted = g_strdup_printf (" %s %s", method, endpoint != NULL ? endpoint : "/");
  guint count = 0;

  g_assert_true (g_file_get_contents (test_pebble_get (pebble, "PEBBLE_LOG"), &log, NULL, NULL));
  lines = g_strsplit (log, "\n", -1);
  for (char **line = lines; *line != NULL; line++) {
    if (strstr (*line, "-> calling handler()") != NULL && strstr (*line, wanted) != NULL)
      count++;
  }
  return count;
}
