// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The parser of request heads: what passes, and what does not.
 */
#include "responder/http-head.h"

#include <string.h>

static HerdHttpHead *
parse (const char *text)
{
  return herd_http_head_parse (text, strlen (text));
}

static void
test_good (void)
{
  static const struct {
    const char *text, *target, *identifier;
    HerdHttpMethod method;
  } good[] = {
    { "GET /a HTTP/1.1\r\nHost: www.example.org\r\n\r\n", "/a", "www.example.org", HERD_HTTP_GET },
    { "HEAD /a HTTP/1.1\r\nHOST:WWW.Example.org.:80 \r\n\r\n", "/a", "www.example.org",
      HERD_HTTP_HEAD },
    { "GET / HTTP/1.0\r\n\r\n", "/", NULL, HERD_HTTP_GET },
    { "GET / HTTP/1.1\r\nHost: [2001:DB8:0::1]:80\r\n\r\n", "/", "2001:db8::1", HERD_HTTP_GET },
    { "GET / HTTP/1.1\r\nHost: 192.0.2.1\r\n\r\n", "/", "192.0.2.1", HERD_HTTP_GET },
    { "GET / HTTP/1.1\r\nHost:\r\n\r\n", "/", "", HERD_HTTP_GET },
    { "GET / HTTP/1.1\r\nHost: ex\xf9mple.org\r\n\r\n", "/", "", HERD_HTTP_GET },
    { "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", "/", "", HERD_HTTP_GET },
    { "get / HTTP/1.1\r\nHost: a\r\nX-y: \xc3\xa4\t\r\n\r\n", "/", "a", HERD_HTTP_OTHER },
    { "DELETE /x?y HTTP/1.1\r\nHost: a\r\n\r\n", "/x?y", "a", HERD_HTTP_OTHER },
  };

  for (guint i = 0; i < G_N_ELEMENTS (good); i++) {
    g_autoptr (HerdHttpHead) head = parse (good[i].text);

    g_assert_nonnull (head);
    g_assert_cmpint (head->method, ==, good[i].method);
    g_assert_cmpstr (head->target, ==, good[i].target);
    g_assert_cmpstr (head->identifier, ==, good[i].identifier);
  }
}

static void
test_bad (void)
{
  static const char *const bad[] = {
    "",
    "\r\n\r\n",
    "GET / HTTP/1.1\r\n\r\n",                       /* no Host (RFC 9112 section 3.2) */
    "GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n", /* two */
    "GET / HTTP/1.1\r\nHost : a\r\n\r\n",           /* section 5.1 */
    "GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", /* section 5.2 */
    "GET / HTTP/1.1\r\nHost: a\r\nnonsense\r\n\r\n",
    "GET / HTTP/1.1\r\n: a\r\nHost: a\r\n\r\n",
    "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
    " GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.11\r\nHost: a\r\n\r\n",
    "GET / http/1.1\r\nHost: a\r\n\r\n",
    "GET /\r\n\r\n",
    "GET\r\n\r\n",
    "G\xc3\xa4T / HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /\xc3\xa4 HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.1\nHost: a\n\n",
    "GET / HTTP/1.1\r\nHost: a\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n",
    "GET / HTTP/1.1\rX\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\n\r\nmore",
  };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (HerdHttpHead) head = parse (bad[i]);

    g_assert_null (head);
  }
  g_assert_null (herd_http_head_parse ("GET / HTTP/1.0\r\nA: \0\r\n\r\n", 24));
}

static void
test_measure (void)
{
  static const char text[] = "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /next";
  const gsize length = strstr (text, "\r\n\r\n") + 4 - text;

  /* However it is cut, the end is found once it is there. */
  for (gsize size = 0; size < sizeof text; size++) {
    for (gsize seen = 0; seen <= MIN (size, length - 1); seen++)
      g_assert_cmpint (herd_http_head_measure (text, size, seen), ==,
                       size < length ? 0 : (gssize) length);
  }
  g_assert_cmpint (herd_http_head_measure ("\x16\x03\x01\x02", 4, 0), ==, -1);
  g_assert_cmpint (herd_http_head_measure ("GET /\0", 6, 0), ==, -1);
  g_assert_cmpint (herd_http_head_measure ("GET /\n", 6, 0), ==, -1);
  g_assert_cmpint (herd_http_head_measure ("\n", 1, 0), ==, -1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/http-head/good", test_good);
  g_test_add_func ("/http-head/bad", test_bad);
  g_test_add_func ("/http-head/measure", test_measure);
  return g_test_run ();
}
