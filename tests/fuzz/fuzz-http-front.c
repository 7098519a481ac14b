// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The responder's HTTP front: the first byte says in how large pieces the rest comes.
 */
#include <string.h>

#include "front.h"
#include "fuzz.h"
#include "responder/http-front.h"

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (GBytes) answer = NULL;
  gsize length;
  const char *text;

  if (size < 2 || size > 16384)
    return 0;
  answer = fuzz_front_feed (herd_http_front_new, data + 1, size - 1, 64 * (data[0] + 1u));
  text = g_bytes_get_data (answer, &length);
  if (length == 0)
    return 0;
  /* The key authorization is said to nobody who does not know the token. */
  g_assert_true (length > 12 && memcmp (text, "HTTP/1.1 ", 9) == 0);
  if (g_strstr_len (text, (gssize) length, ".thumbprint") != NULL)
    g_assert_nonnull (g_strstr_len ((const char *) data, (gssize) size, FUZZ_TOKEN));
  return 0;
}
