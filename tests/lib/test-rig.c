// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Servers for a test.
 */
#include "test-rig.h"

#include <glib/gstdio.h>
#include <string.h>

struct TestRig {
  GSubprocess *process;
  char *directory;
  GHashTable *values;
};

static void
read_values (TestRig *rig, const char *program)
{
  g_autoptr (GDataInputStream)
      output = g_data_input_stream_new (g_subprocess_get_stdout_pipe (rig->process));

  for (;;) {
    g_autofree char *line = g_data_input_stream_read_line_utf8 (output, NULL, NULL, NULL);
    char *equals;

    if (line == NULL)
      g_error ("%s did not start its servers", program);
    if (*line == '\0')
      return;
    equals = strchr (line, '=');
    g_assert_nonnull (equals);
    g_hash_table_insert (rig->values, g_strndup (line, (gsize) (equals - line)),
                         g_strdup (equals + 1));
  }
}

TestRig *
test_rig_new (const char *program, const char *options)
{
  TestRig *rig = g_new0 (TestRig, 1);
  g_autoptr (GStrvBuilder) words = g_strv_builder_new ();
  g_auto (GStrv) parts = g_strsplit (options != NULL ? options : "", " ", -1);
  g_auto (GStrv) command = NULL;
  g_autoptr (GError) error = NULL;

  rig->directory = g_dir_make_tmp ("certherd-rig-XXXXXX", &error);
  g_assert_no_error (error);
  rig->values = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_strv_builder_add_many (words, program, "run", rig->directory, NULL);
  for (char **part = parts; *part != NULL; part++) {
    if (**part != '\0')
      g_strv_builder_add (words, *part);
  }
  command = g_strv_builder_end (words);
  rig->process = g_subprocess_newv ((const char *const *) command,
                                    G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE,
                                    &error);
  g_assert_no_error (error);
  read_values (rig, program);
  return rig;
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
test_rig_free (TestRig *rig)
{
  if (rig == NULL)
    return;
  /* The end of its input ends it. */
  g_output_stream_close (g_subprocess_get_stdin_pipe (rig->process), NULL, NULL);
  g_subprocess_wait (rig->process, NULL, NULL);
  g_object_unref (rig->process);
  test_remove_directory (rig->directory);
  g_free (rig->directory);
  g_hash_table_unref (rig->values);
  g_free (rig);
}

void
test_rig_tell (TestRig *rig, const char *line)
{
  g_autofree char *text = g_strconcat (line, "\n", NULL);

  g_assert_true (g_output_stream_write_all (g_subprocess_get_stdin_pipe (rig->process), text,
                                            strlen (text), NULL, NULL, NULL));
}

const char *
test_rig_get (TestRig *rig, const char *key)
{
  const char *value = g_hash_table_lookup (rig->values, key);

  g_assert_nonnull (value);
  return value;
}
