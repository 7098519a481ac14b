// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Pebble for a test.
 */
#include "pebble.h"

#include <string.h>

struct TestPebble {
  TestRig *rig;
  char *scratch;
  char *trust;
};

TestPebble *
test_pebble_new (const char *knobs)
{
  TestPebble *pebble = g_new0 (TestPebble, 1);
  g_autoptr (GError) error = NULL;

  pebble->rig = test_rig_new (g_getenv ("HERD_TEST_PEBBLE"), knobs);
  pebble->scratch = g_dir_make_tmp ("certherd-acme-XXXXXX", &error);
  g_assert_no_error (error);
  g_file_get_contents (test_pebble_get (pebble, "TLS_CA"), &pebble->trust, NULL, &error);
  g_assert_no_error (error);
  return pebble;
}

void
test_pebble_free (TestPebble *pebble)
{
  if (pebble == NULL)
    return;
  test_rig_free (pebble->rig);
  test_remove_directory (pebble->scratch);
  g_free (pebble->scratch);
  g_free (pebble->trust);
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
  return test_rig_get (pebble->rig, key);
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
