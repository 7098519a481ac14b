// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * net/http against real TLS servers that misbehave: limits, redirects, time-outs, the gate.
 */
#include "net/http.h"

#include <string.h>

#include "http-fixture.h"
#include "net/link.h"

#define LARGE (10 * 1024 * 1024)

static gboolean
answer_large (TestExchange *exchange, gboolean chunked)
{
  g_autofree char *piece = g_strnfill (LARGE / 10, 'x');
  g_autofree char *chunk = g_strdup_printf ("%x\r\n", LARGE / 10);

  if (!test_exchange_write (exchange,
                            chunked ? "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                    : "HTTP/1.1 200 OK\r\n\r\n",
                            -1))
    return FALSE;
  for (guint i = 0; i < 10; i++) {
    if (chunked && !test_exchange_write (exchange, chunk, -1))
      return FALSE;
    if (!test_exchange_write (exchange, piece, -1))
      return FALSE;
    if (chunked && !test_exchange_write (exchange, "\r\n", -1))
      return FALSE;
  }
  return FALSE;
}

static gboolean
serve (TestExchange *exchange, gpointer data G_GNUC_UNUSED)
{
  const char *path = exchange->path;

  if (g_str_has_prefix (path, "/hello"))
    return test_exchange_answer (exchange, 200, "X-Twice: one\r\nx-twice: two\r\n", "hello");
  if (g_str_equal (path, "/head"))
    return test_exchange_answer (exchange, 200, NULL, exchange->head);
  if (g_str_equal (path, "/error"))
    return test_exchange_answer (exchange, 500, NULL, "broken");
  if (g_str_equal (path, "/denied"))
    return test_exchange_answer (exchange, 401, "WWW-Authenticate: Basic realm=\"x\"\r\n", "no");
  if (g_str_equal (path, "/large-chunked"))
    return answer_large (exchange, TRUE);
  if (g_str_equal (path, "/large-until-close"))
    return answer_large (exchange, FALSE);
  if (g_str_equal (path, "/large-announced"))
    return test_exchange_write (exchange, "HTTP/1.1 200 OK\r\nContent-Length: 10485760\r\n\r\nx",
                                -1)
           && test_exchange_hang (exchange);
  if (g_str_equal (path, "/redirect"))
    return test_exchange_answer (exchange, 302, "Location: /hello\r\n", "elsewhere");
  if (g_str_equal (path, "/redirect-down"))
    return test_exchange_answer (exchange, 302, "Location: http://127.0.0.1/hello\r\n", "");
  if (g_str_equal (path, "/redirect-forever"))
    return test_exchange_answer (exchange, 307, "Location: /redirect-forever\r\n", "");
  if (g_str_equal (path, "/cut"))
    return test_exchange_write (exchange, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", -1)
           && FALSE;
  if (g_str_equal (path, "/hang"))
    return test_exchange_hang (exchange);
  if (g_str_equal (path, "/hang-in-body"))
    return test_exchange_write (exchange, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", -1)
           && test_exchange_hang (exchange);
  if (g_str_equal (path, "/later"))
    return test_exchange_answer (exchange, 429, "Retry-After: 120\r\n", "");
  if (g_str_equal (path, "/later-date"))
    return test_exchange_answer (exchange, 503, "Retry-After: Thu, 01 Jan 2026 12:00:00 GMT\r\n",
                                 "");
  if (g_str_equal (path, "/later-garbage"))
    return test_exchange_answer (exchange, 503, "Retry-After: soon, -5\r\n", "");
  if (g_str_equal (path, "/later-negative"))
    return test_exchange_answer (exchange, 503, "Retry-After: -5\r\n", "");
  if (g_str_equal (path, "/later-huge"))
    return test_exchange_answer (exchange, 503, "Retry-After: 99999999999999999999\r\n", "");
  if (g_str_equal (path, "/links"))
    return test_exchange_answer (exchange, 200,
                                 "Link: <https://other.example/index>;rel=\"index\"\r\n"
                                 "Link: </page?2>; rel=\"prev next\"\r\n",
                                 "");
  return FALSE;
}

static void
set_up (HttpFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  http_set_up (fixture, serve);
}

static void
assert_body (HerdHttpResponse *response, const char *text)
{
  GBytes *body = herd_http_response_get_body (response);

  g_assert_cmpmem (g_bytes_get_data (body, NULL), g_bytes_get_size (body), text, strlen (text));
}

static void
test_answers (HttpFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  HttpAnswer answer = { 0 };

  http_get (fixture, "/hello", &answer);
  g_assert_no_error (answer.error);
  g_assert_cmpuint (herd_http_response_get_status (answer.response), ==, 200);
  assert_body (answer.response, "hello");
  g_assert_cmpstr (herd_http_response_get_header (answer.response, "X-Twice"), ==, "one");
  g_assert_null (herd_http_response_get_header (answer.response, "X-Never"));
  http_answer_clear (&answer);

  http_get (fixture, "/error", &answer);
  g_assert_no_error (answer.error);
  g_assert_cmpuint (herd_http_response_get_status (answer.response), ==, 500);
  assert_body (answer.response, "broken");
  http_answer_clear (&answer);

  http_get (fixture, "/denied", &answer);
  g_assert_no_error (answer.error);
  g_assert_cmpuint (herd_http_response_get_status (answer.response), ==, 401);
  http_answer_clear (&answer);
  g_assert_cmpuint (test_server_get_requests (fixture->server), ==, 3);
}

static void
post (HttpFixture *fixture, const char *path, HttpAnswer *answer)
{
  g_autofree char *url = test_server_get_url (fixture->server, path);
  g_autoptr (GBytes) body = g_bytes_new_static ("{}", 2);
  HerdHttpRequest request = { .label = "test",
                              .method = "POST",
                              .url = url,
                              .body = body,
                              .content_type = "application/jose+json",
                              .limit = HTTP_LIMIT };

  herd_http_send_async (fixture->http, &request, NULL, http_on_answer, answer);
  http_wait_for (answer);
}

/* One request after the other uses one connection; but when that breaks, a POST, which the server
 * may have carried out, is not sent again behind our back. */
static void
test_reuse (HttpFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  HttpAnswer answer = { 0 };

  for (guint i = 0; i < 5; i++) {
    http_get (fixture, "/hello", &answer);
    g_assert_no_error (answer.error);
    http_answer_clear (&answer);
    post (fixture, "/hello", &answer);
    g_assert_no_error (answer.error);
    http_answer_clear (&answer);
  }
  g_assert_cmpuint (test_server_get_connections (fixture->server), ==, 1);
  post (fixture, "/close", &answer);
  g_assert_error (answer.error, HERD_ERROR, HERD_ERROR_UNREACHABLE);
  http_answer_clear (&answer);
  g_assert_cmpuint (test_server_get_requests (fixture->server), ==, 11);
}

static void
test_fields (HttpFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autofree char *url = test_server_get_url (fixture->server, "/head");
  g_autoptr (GBytes) body = g_bytes_new_static ("{}", 2);
  HerdHttpRequest request = { .label = "test",
                              .method = "POST",
                              .url = url,
                              .body = body,
                              .content_type = "application/jose+json",
                              .accept = "application/pem-certificate-chain",
                              .limit = HTTP_LIMIT };
  HttpAnswer answer = { 0 };
  const char *head;

  herd_http_send_async (fixture->http, &request, NULL, http_on_answer, &answer);
  http_wait_for (&answer);
  g_assert_no_error (answer.error);
  head = g_bytes_get_data (herd_http_response_get_body (answer.response), NULL);
  g_assert_nonnull (strstr (head, "User-Agent: certherd-test/1 libsoup/3."));
  g_assert_nonnull (strstr (head, "Accept-Language: "));
  g_assert_nonnull (strstr (head, "Content-Type: application/jose+json\r\n"));
  g_assert_nonnull (strstr (head, "Accept: application/pem-certificate-chain\r\n"));
  g_assert_nonnull (strstr (head, "Content-Length: 2\r\n"));
  http_answer_clear (&answer);
}

static void
test_limits (HttpFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  HttpAnswer answer = { 0 };

  http_get (fixture, "/large-chunked", &answer);
  http_assert_failed (&answer, HERD_ERROR_REFUSED, "too large");
  http_get (fixture, "/large-until-close", &answer);
  http_assert_failed (&answer, HERD_ERROR_REFUSED, "too large");
  /* The loop must not wait for the rest of a body that never comes. */
  http_get (fixture, "/large-announced", &answer);
  http_assert_failed (&answer, HERD_ERROR_REFUSED, "too large");
  http_get (fixture, "/hello", &answer);
  g_assert_no_error (answer.error);
  http_answer_clear (&answer);
}

static void
test_redirects (HttpFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  const char *const refused[] = { "/redirect-down", "/redirect-forever" };
  g_autofree char *url = test_server_get_url (fixture->server, "/redirect");
  HttpAnswer answer = { 0 };

  http_get (fixture, "/redirect", &answer);
  http_assert_failed (&answer, HERD_ERROR_REFUSED, "redirect");
  g_assert_cmpuint (test_server_get_requests (fixture->server), ==, 1);
  http_start (fixture->http, url, TRUE, NULL, &answer);
  http_wait_for (&answer);
  g_assert_no_error (answer.error);
  assert_body (answer.response, "hello");
  http_answer_clear (&answer);
  for (guint i = 0; i < G_N_ELEMENTS (refused); i++) {
    g_autofree char *other = test_server_get_url (fixture->server, refused[i]);

    http_start (fixture->http, other, TRUE, NULL, &answer);
    http_wait_for (&answer);
    http_assert_failed (&answer, HERD_ERROR_REFUSED,
                        i == 0 ? "not an https URL" : "again and again");
  }
}

static void
test_urls (HttpFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const char *const urls[] = { "http://127.0.0.1/",
                                      "https://user@127.0.0.1/",
                                      "https://127.0.0.1/#x",
                                      "nonsense",
                                      "file:///etc/passwd",
                                      "https://",
                                      "" };
  g_autofree char *rest = g_strnfill (3000, 'x');
  g_autofree char *long_url = g_strconcat ("https://127.0.0.1/", rest, NULL);
  HttpAnswer answer = { 0 };

  for (guint i = 0; i < G_N_ELEMENTS (urls); i++) {
    http_start (fixture->http, urls[i], FALSE, NULL, &answer);
    http_wait_for (&answer);
    http_assert_failed (&answer, HERD_ERROR_REFUSED, urls[i]);
  }
  http_start (fixture->http, long_url, FALSE, NULL, &answer);
  http_wait_for (&answer);
  http_assert_failed (&answer, HERD_ERROR_REFUSED, "too long");
}

static void
test_cut_off (HttpFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autofree char *address = g_strdup_printf ("127.0.0.1:%u",
                                              test_server_get_port (fixture->server));
  g_autofree char *url = test_server_get_url (fixture->server, "/hello");
  HttpAnswer answer = { 0 };

  http_get (fixture, "/cut", &answer);
  http_assert_failed (&answer, HERD_ERROR_UNREACHABLE, address);
  http_get (fixture, "/close", &answer);
  http_assert_failed (&answer, HERD_ERROR_UNREACHABLE, address);

  g_clear_pointer (&fixture->server, test_server_free);
  http_start (fixture->http, url, FALSE, NULL, &answer);
  http_wait_for (&answer);
  http_assert_failed (&answer, HERD_ERROR_UNREACHABLE, "refused");
}

static void
test_hanging (HttpFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const char *const paths[] = { "/hang", "/hang-in-body" };
  HttpAnswer answer = { 0 };

  for (guint i = 0; i < G_N_ELEMENTS (paths); i++) {
    g_autofree char *url = test_server_get_url (fixture->server, paths[i]);

    http_start (fixture->http, url, FALSE, NULL, &answer);
    http_wait_for_requests (fixture->server, i + 1);
    while (g_main_context_iteration (NULL, FALSE))
      continue;
    herd_manual_clock_advance (fixture->clock, 29 * HERD_SECOND);
    g_assert_false (answer.done);
    herd_manual_clock_advance (fixture->clock, 2 * HERD_SECOND);
    http_wait_for (&answer);
    /* In the body, the last piece may have come before or after the first advance. */
    http_assert_failed (&answer, HERD_ERROR_UNREACHABLE, "did not answer for 30 seconds");
  }
  g_assert_cmpuint (herd_manual_clock_get_n_timers (fixture->clock), ==, 0);
}

static void
test_cancel (HttpFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (HerdHttp) narrow = http_new_session (fixture, test_ca_get_pem (fixture->ca), 1);
  g_autofree char *hang = test_server_get_url (fixture->server, "/hang");
  g_autofree char *hello = test_server_get_url (fixture->server, "/hello");
  g_autoptr (GCancellable) first = g_cancellable_new ();
  g_autoptr (GCancellable) second = g_cancellable_new ();
  HttpAnswer flying = { 0 };
  HttpAnswer waiting = { 0 };
  HttpAnswer late = { 0 };
  gint64 begun;

  http_start (narrow, hang, FALSE, first, &flying);
  http_start (narrow, hello, FALSE, second, &waiting);
  http_start (narrow, hello, FALSE, NULL, &late);
  http_wait_for_requests (fixture->server, 1);
  g_assert_false (waiting.done);
  g_cancellable_cancel (second);
  http_wait_for (&waiting);
  http_assert_failed (&waiting, HERD_ERROR_CANCELLED, "cancelled");
  g_assert_false (flying.done);
  g_assert_false (late.done);
  /* At once, not when the server is given up. */
  begun = g_get_monotonic_time ();
  g_cancellable_cancel (first);
  http_wait_for (&flying);
  http_assert_failed (&flying, HERD_ERROR_CANCELLED, "cancelled");
  g_assert_cmpint (g_get_monotonic_time () - begun, <, 10 * G_USEC_PER_SEC);
  http_wait_for (&late);
  g_assert_no_error (late.error);
  http_answer_clear (&late);

  http_start (narrow, hello, FALSE, first, &flying);
  http_wait_for (&flying);
  http_assert_failed (&flying, HERD_ERROR_CANCELLED, "cancelled");
}

static void
test_free_cancels (HttpFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autofree char *hang = test_server_get_url (fixture->server, "/hang");
  HttpAnswer flying = { 0 };
  HttpAnswer waiting = { 0 };
  HerdHttp *narrow = http_new_session (fixture, test_ca_get_pem (fixture->ca), 1);

  http_start (narrow, hang, FALSE, NULL, &flying);
  http_start (narrow, hang, FALSE, NULL, &waiting);
  http_wait_for_requests (fixture->server, 1);
  herd_http_free (narrow);
  http_wait_for (&flying);
  http_wait_for (&waiting);
  http_assert_failed (&flying, HERD_ERROR_CANCELLED, "cancelled");
  http_assert_failed (&waiting, HERD_ERROR_CANCELLED, "cancelled");
}

static void
test_retry_after (HttpFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const struct {
    const char *path;
    gint64 delay;
  } cases[] = {
    { "/later", 120 },         { "/later-date", 12 * 3600 },   { "/later-garbage", -1 },
    { "/later-negative", -1 }, { "/later-huge", 366 * 86400 }, { "/hello", -1 },
  };
  gint64 now = herd_clock_get_seconds (fixture->clock);
  HttpAnswer answer = { 0 };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    http_get (fixture, cases[i].path, &answer);
    g_assert_no_error (answer.error);
    g_assert_cmpint (herd_http_response_get_retry_at (answer.response), ==,
                     cases[i].delay < 0 ? 0 : now + cases[i].delay);
    http_answer_clear (&answer);
  }
}

static void
test_links (HttpFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autofree char *expected = test_server_get_url (fixture->server, "/page?2");
  g_auto (GStrv) next = NULL;
  g_auto (GStrv) alternates = NULL;
  HttpAnswer answer = { 0 };

  http_get (fixture, "/links", &answer);
  g_assert_no_error (answer.error);
  next = herd_http_response_get_links (answer.response, "next", 2);
  g_assert_cmpuint (g_strv_length (next), ==, 1);
  g_assert_cmpstr (next[0], ==, expected);
  alternates = herd_http_response_get_links (answer.response, "alternate", 2);
  g_assert_cmpuint (g_strv_length (alternates), ==, 0);
  http_answer_clear (&answer);
}

static void
test_link_parser (void)
{
  static const struct {
    const char *value;
    const char *target;
  } cases[] = {
    { "<a>;rel=\"next\"", "a" },
    { "<a>; rel=next", "a" },
    { "<a>;title=\"x, y; <z>\";rel=NEXT", "a" },
    { "<a>;rel=up, <b>;rel=\"prev next\"", "b" },
    { "<a>;rel=up;rel=next", NULL },
    { "<a,b>;rel=next", "a,b" },
    { "<a>;rel=\"nex\\t\"", "a" },
    { "<a>;rel=\"next", "a" },
    { "<a;rel=next", NULL },
    { "<a>", NULL },
    { "a;rel=next", NULL },
    { "<a> nonsense <b>;rel=next", NULL },
    { "", NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GPtrArray) targets = g_ptr_array_new_with_free_func (g_free);

    herd_link_find_all (cases[i].value, "next", 1, targets);
    g_assert_cmpuint (targets->len, ==, cases[i].target != NULL ? 1 : 0);
    if (targets->len > 0)
      g_assert_cmpstr (targets->pdata[0], ==, cases[i].target);
  }
}

int
main (int argc, char **argv)
{
  herd_net_init ();
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function)                                                                        \
  g_test_add ("/http/" path, HttpFixture, NULL, set_up, function, http_tear_down)
  ADD ("answers", test_answers);
  ADD ("reuse", test_reuse);
  ADD ("fields", test_fields);
  ADD ("limits", test_limits);
  ADD ("redirects", test_redirects);
  ADD ("urls", test_urls);
  ADD ("cut-off", test_cut_off);
  ADD ("hanging", test_hanging);
  ADD ("cancel", test_cancel);
  ADD ("free-cancels", test_free_cancels);
  ADD ("retry-after", test_retry_after);
  ADD ("links", test_links);
#undef ADD
  g_test_add_func ("/http/link-parser", test_link_parser);
  return g_test_run ();
}
