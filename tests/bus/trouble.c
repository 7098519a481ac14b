// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Issuers that fail as they are told.
 */
#include "trouble.h"

#include <stdio.h>

#include "plugin/error.h"

static void
note_asked (const char *folder, const char *issuer)
{
  g_autofree char *path = g_build_filename (folder, "asked", NULL);
  FILE *file = fopen (path, "ae");

  g_assert_nonnull (file);
  fprintf (file, "%s\n", issuer);
  fclose (file);
}

GError *
test_trouble_find (const char *issuer, gint64 now)
{
  const char *folder = g_getenv ("TEST_ISSUERS");
  HerdProblem problem = { .detail = "the double will not", .status = 403 };
  g_autofree char *path = NULL;
  g_autofree char *word = NULL;

  if (folder == NULL)
    return NULL;
  note_asked (folder, issuer);
  path = g_build_filename (folder, issuer, NULL);
  if (!g_file_get_contents (path, &word, NULL, NULL))
    return NULL;
  if (g_str_equal (word, "down"))
    return g_error_new_literal (HERD_ERROR, HERD_ERROR_UNREACHABLE, "the double is down");
  if (g_str_equal (word, "act"))
    return g_error_new_literal (HERD_ERROR, HERD_ERROR_ACTION_REQUIRED, "the terms are new");
  if (g_str_has_prefix (word, "challenge"))
    problem.type = "incorrectResponse";
  else if (g_str_equal (word, "limit"))
    problem.type = "rateLimited";
  else
    problem.type = "rejectedIdentifier";
  if (g_str_equal (word, "challenge-soon") || g_str_equal (word, "limit"))
    problem.retry_at = now + 1;
  return herd_error_new_problem (&problem, "newOrder");
}
