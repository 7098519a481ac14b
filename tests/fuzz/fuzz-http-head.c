// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The head of an HTTP request at the responder, which comes in pieces: the first byte says how large they
 * are.
 */
#include "fuzz.h"
#include "responder/http-head.h"

static gssize
measure_in_pieces (const char *text, gsize size, gsize step)
{
  gssize length = 0;

  for (gsize seen = 0, next; seen < size && length == 0; seen = next) {
    next = MIN (seen + step, size);
    length = herd_http_head_measure (text, next, seen);
  }
  return length;
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autofree char *text = NULL;
  g_autoptr (HerdHttpHead) head = NULL;
  gssize length;

  if (size < 2 || size > HERD_HTTP_HEAD_LIMIT)
    return 0;
  text = g_memdup2 (data + 1, size - 1);
  length = measure_in_pieces (text, size - 1, data[0] + 1u);
  g_assert_cmpint (length, <=, (gssize) size - 1);
  g_assert_cmpint (length, ==, herd_http_head_measure (text, size - 1, 0));
  if (length <= 0)
    return 0;
  head = herd_http_head_parse (text, (gsize) length);
  if (head == NULL)
    return 0;
  for (const char *at = head->target; *at != '\0'; at++)
    g_assert_true (g_ascii_isgraph (*at));
  fuzz_assert_clean (head->identifier);
  return 0;
}
