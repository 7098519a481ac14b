// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Feeds a fuzz target its seeds, the files of the folder in argv[1], without libFuzzer: an ordinary test,
 * so that the targets do not rot and what was once found stays found. TAP, one point for each file.
 */
#include <stdio.h>
#include <string.h>

#include "fuzz.h"

static int
compare (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

int
main (int argc, char **argv)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GDir) folder = NULL;
  g_autoptr (GError) error = NULL;
  const char *name;

  g_assert_cmpint (argc, ==, 2);
  folder = g_dir_open (argv[1], 0, &error);
  g_assert_no_error (error);
  while ((name = g_dir_read_name (folder)) != NULL)
    g_ptr_array_add (names, g_strdup (name));
  g_ptr_array_sort (names, compare);
  g_assert_cmpuint (names->len, >, 0);
  printf ("1..%u\n", names->len);
  for (guint i = 0; i < names->len; i++) {
    g_autofree char *path = g_build_filename (argv[1], names->pdata[i], NULL);
    g_autofree char *data = NULL;
    g_autofree guint8 *copy = NULL;
    gsize size;

    printf ("# %s\n", path);
    fflush (stdout);
    g_file_get_contents (path, &data, &size, &error);
    g_assert_no_error (error);
    copy = g_memdup2 (data, size); /* without the NUL at the end */
    g_assert_cmpint (LLVMFuzzerTestOneInput (copy, size), ==, 0);
    printf ("ok %u - %s\n", i + 1, (const char *) names->pdata[i]);
  }
  return 0;
}
