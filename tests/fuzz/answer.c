// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Answers, made of header fields as libsoup reads them. They have no status: only libsoup can set one.
 */
#include "answer.h"

#include "ca.h"
#include "net/response.h"

HerdHttpResponse *
fuzz_answer_new (const char *fields, gsize size, GBytes *body, gint64 now)
{
  g_autoptr (SoupMessage) message = soup_message_new ("POST", FUZZ_DIRECTORY_URL);
  /* The first line is the status line, which is passed over. */
  g_autofree char *head = g_strdup_printf ("HTTP/1.1 200 OK\r\n%.*s\r\n", (int) size, fields);

  soup_headers_parse (head, (int) strlen (head), soup_message_get_response_headers (message));
  return herd_http_response_new (message, FUZZ_DIRECTORY_URL, body, now, FALSE);
}

HerdHttpResponse *
fuzz_answer_split (const guint8 *data, gsize size, gint64 now)
{
  const char *text = (const char *) data;
  const char *end = g_strstr_len (text, (gssize) size, "\n\n");
  gsize length = end != NULL ? (gsize) (end - text) : 0;
  gsize begin = end != NULL ? length + 2 : 0;
  g_autoptr (GBytes) body = g_bytes_new (data + begin, size - begin);

  return fuzz_answer_new (text, length, body, now);
}
