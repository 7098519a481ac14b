// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Text from elsewhere, on its way to people.
 */
#include <string.h>

#include "fuzz.h"
#include "util/text.h"

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autofree char *copy = g_memdup2 (data, size);
  g_autofree char *clean = herd_text_from_remote (copy, (gssize) size);
  g_autofree char *lines = herd_text_lines_from_remote (copy, (gssize) size, 64);
  g_autofree char *text = fuzz_dup_text (data, size);
  g_autofree char *clean_text = herd_text_from_remote (text, -1);
  g_autofree char *again = herd_text_from_remote (clean, -1);

  fuzz_assert_clean (clean);
  fuzz_assert_clean (clean_text);
  g_assert_cmpuint (strlen (clean), <=, HERD_TEXT_LIMIT);
  g_assert_cmpuint (strlen (lines), <=, 64);
  g_assert_true (g_utf8_validate (lines, -1, NULL));
  /* What is clean stays as it is. */
  g_assert_cmpstr (again, ==, clean);
  return 0;
}
