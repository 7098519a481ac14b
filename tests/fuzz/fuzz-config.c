// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A configuration file: its sections, keys and values.
 */
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"
#include "fuzz.h"

/* "trust" names a file to be read: none that a fuzzer hits upon by chance. */
static gboolean
names_files (const char *text)
{
  return strstr (text, "trust") != NULL && strchr (text, '/') != NULL;
}

static void
check_config (HerdConfig *config)
{
  GPtrArray *problems = herd_config_get_problems (config);

  for (HerdSection section = HERD_SECTION_AGENT; section <= HERD_SECTION_SOLVER; section++) {
    GPtrArray *entries = herd_config_get_entries (config, section);

    for (guint i = 0; i < entries->len; i++) {
      const HerdConfigEntry *entry = entries->pdata[i];
      g_autoptr (GHashTable) settings G_GNUC_UNUSED = herd_config_make_settings (entry->values);
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant)
          again = herd_vocabulary_check (section, HERD_SOURCE_FILE, entry->values, &error);

      /* The normal form is its own normal form. */
      g_assert_no_error (error);
      g_assert_true (g_variant_equal (again, entry->values));
      g_assert_true (herd_config_find (config, section, entry->name) == entry);
    }
  }
  for (guint i = 0; i < problems->len; i++)
    fuzz_assert_clean (((const HerdConfigProblem *) problems->pdata[i])->message);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autofree char *text = fuzz_dup_text (data, size);
  g_autofree char *directory = g_strdup_printf ("/dev/shm/certherd-fuzz-%d", (int) getpid ());
  g_autofree char *path = g_build_filename (directory, "certherd.conf", NULL);
  g_autoptr (HerdConfig) config = NULL;
  g_autoptr (GError) error = NULL;

  if (names_files (text))
    return 0;
  g_assert_cmpint (g_mkdir_with_parents (directory, 0700), ==, 0);
  g_file_set_contents_full (path, (const char *) data, (gssize) size, G_FILE_SET_CONTENTS_NONE,
                            0600, &error);
  g_assert_no_error (error);
  config = herd_config_load (directory);
  check_config (config);
  g_assert_cmpint (g_unlink (path), ==, 0);
  g_assert_cmpint (g_rmdir (directory), ==, 0);
  return 0;
}
