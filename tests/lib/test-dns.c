// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * DNS servers for a test. Everything here blocks.
 */
#include "test-dns.h"

#include <stdlib.h>
#include <string.h>

TestRig *
test_dns_new (void)
{
  return test_rig_new (g_getenv ("HERD_TEST_DNS"), NULL);
}

guint16
test_dns_get_port (TestRig *rig)
{
  return (guint16) atoi (test_rig_get (rig, "PORT"));
}

/* "127.0.0.1:5300" as an address alone. */
static char *
get_address (TestRig *rig, const char *key)
{
  const char *server = test_rig_get (rig, key);

  return g_strndup (server, strcspn (server, ":"));
}

/* The output of ARGV with INPUT. */
static char *
run (const char *const *argv, const char *input)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) process = g_subprocess_newv (
      argv, G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error);
  char *output = NULL;

  g_assert_no_error (error);
  g_subprocess_communicate_utf8 (process, input, NULL, &output, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (g_subprocess_get_successful (process));
  return output;
}

void
test_dns_update (TestRig *rig, const char *key, const char *zone, const char *change)
{
  const char *const argv[] = { "nsupdate", "-k", test_rig_get (rig, "KEY_FILE"), NULL };
  g_autofree char *address = get_address (rig, key);
  g_autofree char *input = g_strdup_printf ("server %s %u\nzone %s\nupdate %s\nsend\n", address,
                                            test_dns_get_port (rig), zone, change);

  g_free (run (argv, input));
}

static int
compare (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

char *
test_dns_get_texts (TestRig *rig, const char *key, const char *name)
{
  g_autofree char *address = get_address (rig, key);
  g_autofree char *server = g_strconcat ("@", address, NULL);
  const char *const argv[] = {
    "dig", "+short", server, "-p", strchr (test_rig_get (rig, key), ':') + 1, name, "TXT", NULL
  };
  g_autofree char *output = run (argv, NULL);
  g_auto (GStrv) lines = NULL;

  g_strdelimit (output, "\"", ' ');
  lines = g_strsplit (g_strstrip (output), "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    g_strstrip (*line);
  qsort (lines, g_strv_length (lines), sizeof *lines, compare);
  return g_strjoinv (" ", lines);
}

char *
test_dns_get_secret (TestRig *rig)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) parts = NULL;

  g_assert_true (g_file_get_contents (test_rig_get (rig, "KEY_FILE"), &text, NULL, NULL));
  parts = g_strsplit (strstr (text, "secret"), "\"", 3);
  return g_strdup (parts[1]);
}
