// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Retry-After and Date, in both of their forms.
 */
#include <string.h>

#include "answer.h"
#include "ca.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autofree char *value = fuzz_dup_text (data, size);
  g_autofree char *fields = g_strdup_printf ("Retry-After: %s\r\nDate: %s\r\n", value, value);
  g_autoptr (GBytes) body = g_bytes_new_static ("", 0);
  g_autoptr (HerdHttpResponse) answer = fuzz_answer_new (fields, strlen (fields), body, FUZZ_NOW);

  g_assert_cmpint (herd_http_response_get_retry_at (answer), >=, 0);
  g_assert_cmpint (herd_http_response_get_date (answer), >=, 0);
  return 0;
}
