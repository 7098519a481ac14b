// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * net/http against real TLS servers that misbehave: limits, redirects, trust, time-outs, the gate.
 */
#include "net/http.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>

#include "manual-clock.h"
#include "net/link.h"
#include "plugin/error.h"
#include "test-ca.h"
#include "test-server.h"

#define LIMIT 65536
#define LARGE (10 * 1024 * 1024)

typedef struct {
  TestCa *ca;
  GTlsCertificate *certificate;
  TestServer *server;
  HerdClock *clock;
  HerdHttp *http;
} Fixture;

typedef struct {
  gboolean done;
  HerdHttpResponse *response;
  GError *error;
} Answer;

static void
on_answer (GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
  Answer *answer = data;

  g_assert_false (answer->done);
  answer->response = herd_http_send_finish (NULL, result, &answer->error);
  answer->done = TRUE;
}

static void
answer_clear (Answer *answer)
{
  g_clear_pointer (&answer->response, herd_http_response_free);
  g_clear_error (&answer->error);
  answer->done = FALSE;
}

static void
start (HerdHttp *http, const char *url, gboolean redirects, GCancellable *cancellable,
       Answer *answer)
{
  HerdHttpRequest request = {
    .label = "test", .method = "GET", .url = url, .limit = LIMIT, .redirects = redirects
  };

  herd_http_send_async (http, &request, cancellable, on_answer, answer);
}

static void
wait_for (Answer *answer)
{
  while (!answer->done)
    g_main_context_iteration (NULL, TRUE);
}

static void
wait_for_requests (TestServer *server, guint number)
{
  while (test_server_get_requests (server) < number)
    g_main_context_iteration (NULL, FALSE);
}

static void
get (Fixture *fixture, const char *path, Answer *answer)
{
  g_autofree char *url = test_server_get_url (fixture->server, path);

  start (fixture->http, url, FALSE, NULL, answer);
  wait_for (answer);
}

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

static HerdHttp *
new_session (Fixture *fixture, const char *trust, guint concurrency)
{
  HerdHttpOptions options = { .user_agent = "certherd-test/1",
                              .trust = trust,
                              .concurrency = concurrency,
                              .clock = fixture->clock };
  g_autoptr (GError) error = NULL;
  HerdHttp *http = herd_http_new (&options, &error);

  g_assert_no_error (error);
  return http;
}

static void
set_up (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  fixture->ca = test_ca_new ("A");
  fixture->certificate = test_ca_new_server (fixture->ca);
  fixture->server = test_server_new (fixture->certificate, 0, serve, NULL);
  fixture->clock = herd_manual_clock_new ();
  fixture->http = new_session (fixture, test_ca_get_pem (fixture->ca), 0);
}

static void
tear_down (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  herd_http_free (fixture->http);
  while (g_main_context_iteration (NULL, FALSE))
    continue;
  test_server_free (fixture->server);
  g_object_unref (fixture->certificate);
  test_ca_free (fixture->ca);
  herd_clock_unref (fixture->clock);
}

static void
assert_body (HerdHttpResponse *response, const char *text)
{
  GBytes *body = herd_http_response_get_body (response);

  g_assert_cmpmem (g_bytes_get_data (body, NULL), g_bytes_get_size (body), text, strlen (text));
}

static void
assert_failed (Answer *answer, HerdError code, const char *words)
{
  g_assert_error (answer->error, HERD_ERROR, (int) code);
  g_assert_null (answer->response);
  if (strstr (answer->error->message, words) == NULL)
    g_error ("\"%s\" does not say \"%s\"", answer->error->message, words);
  g_assert_true (g_str_has_prefix (answer->error->message, "test: "));
  answer_clear (answer);
}

static void
test_answers (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  Answer answer = { 0 };

  get (fixture, "/hello", &answer);
  g_assert_no_error (answer.error);
  g_assert_cmpuint (herd_http_response_get_status (answer.response), ==, 200);
  assert_body (answer.response, "hello");
  g_assert_cmpstr (herd_http_response_get_header (answer.response, "X-Twice"), ==, "one");
  g_assert_null (herd_http_response_get_header (answer.response, "X-Never"));
  answer_clear (&answer);

  get (fixture, "/error", &answer);
  g_assert_no_error (answer.error);
  g_assert_cmpuint (herd_http_response_get_status (answer.response), ==, 500);
  assert_body (answer.response, "broken");
  answer_clear (&answer);

  get (fixture, "/denied", &answer);
  g_assert_no_error (answer.error);
  g_assert_cmpuint (herd_http_response_get_status (answer.response), ==, 401);
  answer_clear (&answer);
  g_assert_cmpuint (test_server_get_requests (fixture->server), ==, 3);
}

static void
post (Fixture *fixture, const char *path, Answer *answer)
{
  g_autofree char *url = test_server_get_url (fixture->server, path);
  g_autoptr (GBytes) body = g_bytes_new_static ("{}", 2);
  HerdHttpRequest request = { .label = "test",
                              .method = "POST",
                              .url = url,
                              .body = body,
                              .content_type = "application/jose+json",
                              .limit = LIMIT };

  herd_http_send_async (fixture->http, &request, NULL, on_answer, answer);
  wait_for (answer);
}

/* One request after the other uses one connection; but when that breaks, a POST, which the server
 * may have carried out, is not sent again behind our back. */
static void
test_reuse (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  Answer answer = { 0 };

  for (guint i = 0; i < 5; i++) {
    get (fixture, "/hello", &answer);
    g_assert_no_error (answer.error);
    answer_clear (&answer);
    post (fixture, "/hello", &answer);
    g_assert_no_error (answer.error);
    answer_clear (&answer);
  }
  g_assert_cmpuint (test_server_get_connections (fixture->server), ==, 1);
  post (fixture, "/close", &answer);
  g_assert_error (answer.error, HERD_ERROR, HERD_ERROR_UNREACHABLE);
  answer_clear (&answer);
  g_assert_cmpuint (test_server_get_requests (fixture->server), ==, 11);
}

static void
test_fields (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autofree char *url = test_server_get_url (fixture->server, "/head");
  g_autoptr (GBytes) body = g_bytes_new_static ("{}", 2);
  HerdHttpRequest request = { .label = "test",
                              .method = "POST",
                              .url = url,
                              .body = body,
                              .content_type = "application/jose+json",
                              .accept = "application/pem-certificate-chain",
                              .limit = LIMIT };
  Answer answer = { 0 };
  const char *head;

  herd_http_send_async (fixture->http, &request, NULL, on_answer, &answer);
  wait_for (&answer);
  g_assert_no_error (answer.error);
  head = g_bytes_get_data (herd_http_response_get_body (answer.response), NULL);
  g_assert_nonnull (strstr (head, "User-Agent: certherd-test/1 libsoup/3."));
  g_assert_nonnull (strstr (head, "Accept-Language: "));
  g_assert_nonnull (strstr (head, "Content-Type: application/jose+json\r\n"));
  g_assert_nonnull (strstr (head, "Accept: application/pem-certificate-chain\r\n"));
  g_assert_nonnull (strstr (head, "Content-Length: 2\r\n"));
  answer_clear (&answer);
}

static void
test_limits (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  Answer answer = { 0 };

  get (fixture, "/large-chunked", &answer);
  assert_failed (&answer, HERD_ERROR_REFUSED, "too large");
  get (fixture, "/large-until-close", &answer);
  assert_failed (&answer, HERD_ERROR_REFUSED, "too large");
  /* The loop must not wait for the rest of a body that never comes. */
  get (fixture, "/large-announced", &answer);
  assert_failed (&answer, HERD_ERROR_REFUSED, "too large");
  get (fixture, "/hello", &answer);
  g_assert_no_error (answer.error);
  answer_clear (&answer);
}

static void
test_redirects (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  const char *const refused[] = { "/redirect-down", "/redirect-forever" };
  g_autofree char *url = test_server_get_url (fixture->server, "/redirect");
  Answer answer = { 0 };

  get (fixture, "/redirect", &answer);
  assert_failed (&answer, HERD_ERROR_REFUSED, "redirect");
  g_assert_cmpuint (test_server_get_requests (fixture->server), ==, 1);
  start (fixture->http, url, TRUE, NULL, &answer);
  wait_for (&answer);
  g_assert_no_error (answer.error);
  assert_body (answer.response, "hello");
  answer_clear (&answer);
  for (guint i = 0; i < G_N_ELEMENTS (refused); i++) {
    g_autofree char *other = test_server_get_url (fixture->server, refused[i]);

    start (fixture->http, other, TRUE, NULL, &answer);
    wait_for (&answer);
    assert_failed (&answer, HERD_ERROR_REFUSED, i == 0 ? "not an https URL" : "again and again");
  }
}

static void
test_urls (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
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
  Answer answer = { 0 };

  for (guint i = 0; i < G_N_ELEMENTS (urls); i++) {
    start (fixture->http, urls[i], FALSE, NULL, &answer);
    wait_for (&answer);
    assert_failed (&answer, HERD_ERROR_REFUSED, urls[i]);
  }
  start (fixture->http, long_url, FALSE, NULL, &answer);
  wait_for (&answer);
  assert_failed (&answer, HERD_ERROR_REFUSED, "too long");
}

static void
test_cut_off (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autofree char *address = g_strdup_printf ("127.0.0.1:%u",
                                              test_server_get_port (fixture->server));
  g_autofree char *url = test_server_get_url (fixture->server, "/hello");
  Answer answer = { 0 };

  get (fixture, "/cut", &answer);
  assert_failed (&answer, HERD_ERROR_UNREACHABLE, address);
  get (fixture, "/close", &answer);
  assert_failed (&answer, HERD_ERROR_UNREACHABLE, address);

  g_clear_pointer (&fixture->server, test_server_free);
  start (fixture->http, url, FALSE, NULL, &answer);
  wait_for (&answer);
  assert_failed (&answer, HERD_ERROR_UNREACHABLE, "refused");
}

static void
test_hanging (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const char *const paths[] = { "/hang", "/hang-in-body" };
  Answer answer = { 0 };

  for (guint i = 0; i < G_N_ELEMENTS (paths); i++) {
    g_autofree char *url = test_server_get_url (fixture->server, paths[i]);

    start (fixture->http, url, FALSE, NULL, &answer);
    wait_for_requests (fixture->server, i + 1);
    while (g_main_context_iteration (NULL, FALSE))
      continue;
    herd_manual_clock_advance (fixture->clock, 29 * HERD_SECOND);
    g_assert_false (answer.done);
    herd_manual_clock_advance (fixture->clock, 2 * HERD_SECOND);
    wait_for (&answer);
    /* In the body, the last piece may have come before or after the first advance. */
    assert_failed (&answer, HERD_ERROR_UNREACHABLE, "did not answer for 30 seconds");
  }
  g_assert_cmpuint (herd_manual_clock_get_n_timers (fixture->clock), ==, 0);
}

static void
test_cancel (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (HerdHttp) narrow = new_session (fixture, test_ca_get_pem (fixture->ca), 1);
  g_autofree char *hang = test_server_get_url (fixture->server, "/hang");
  g_autofree char *hello = test_server_get_url (fixture->server, "/hello");
  g_autoptr (GCancellable) first = g_cancellable_new ();
  g_autoptr (GCancellable) second = g_cancellable_new ();
  Answer flying = { 0 };
  Answer waiting = { 0 };
  Answer late = { 0 };
  gint64 begun;

  start (narrow, hang, FALSE, first, &flying);
  start (narrow, hello, FALSE, second, &waiting);
  start (narrow, hello, FALSE, NULL, &late);
  wait_for_requests (fixture->server, 1);
  g_assert_false (waiting.done);
  g_cancellable_cancel (second);
  wait_for (&waiting);
  assert_failed (&waiting, HERD_ERROR_CANCELLED, "cancelled");
  g_assert_false (flying.done);
  g_assert_false (late.done);
  /* At once, not when the server is given up. */
  begun = g_get_monotonic_time ();
  g_cancellable_cancel (first);
  wait_for (&flying);
  assert_failed (&flying, HERD_ERROR_CANCELLED, "cancelled");
  g_assert_cmpint (g_get_monotonic_time () - begun, <, 10 * G_USEC_PER_SEC);
  wait_for (&late);
  g_assert_no_error (late.error);
  answer_clear (&late);

  start (narrow, hello, FALSE, first, &flying);
  wait_for (&flying);
  assert_failed (&flying, HERD_ERROR_CANCELLED, "cancelled");
}

static void
test_free_cancels (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autofree char *hang = test_server_get_url (fixture->server, "/hang");
  Answer flying = { 0 };
  Answer waiting = { 0 };
  HerdHttp *narrow = new_session (fixture, test_ca_get_pem (fixture->ca), 1);

  start (narrow, hang, FALSE, NULL, &flying);
  start (narrow, hang, FALSE, NULL, &waiting);
  wait_for_requests (fixture->server, 1);
  herd_http_free (narrow);
  wait_for (&flying);
  wait_for (&waiting);
  assert_failed (&flying, HERD_ERROR_CANCELLED, "cancelled");
  assert_failed (&waiting, HERD_ERROR_CANCELLED, "cancelled");
}

static void
test_retry_after (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const struct {
    const char *path;
    gint64 delay;
  } cases[] = {
    { "/later", 120 },         { "/later-date", 12 * 3600 },   { "/later-garbage", -1 },
    { "/later-negative", -1 }, { "/later-huge", 366 * 86400 }, { "/hello", -1 },
  };
  gint64 now = herd_clock_get_seconds (fixture->clock);
  Answer answer = { 0 };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    get (fixture, cases[i].path, &answer);
    g_assert_no_error (answer.error);
    g_assert_cmpint (herd_http_response_get_retry_at (answer.response), ==,
                     cases[i].delay < 0 ? 0 : now + cases[i].delay);
    answer_clear (&answer);
  }
}

static void
test_links (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autofree char *expected = test_server_get_url (fixture->server, "/page?2");
  g_autofree char *next = NULL;
  Answer answer = { 0 };

  get (fixture, "/links", &answer);
  g_assert_no_error (answer.error);
  next = herd_http_response_get_link (answer.response, "next");
  g_assert_cmpstr (next, ==, expected);
  g_assert_null (herd_http_response_get_link (answer.response, "alternate"));
  answer_clear (&answer);
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
    g_autofree char *target = herd_link_find (cases[i].value, "next");

    g_assert_cmpstr (target, ==, cases[i].target);
  }
}

static void
test_trust (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (TestCa) other = test_ca_new ("B");
  HerdHttpOptions options = { .user_agent = "x", .clock = fixture->clock };
  static const char *const bad[] = {
    "", "no certificate here", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
  };
  Answer answer = { 0 };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;

    options.trust = bad[i];
    g_assert_null (herd_http_new (&options, &error));
    g_assert_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT);
  }
  herd_http_free (fixture->http);
  fixture->http = new_session (fixture, test_ca_get_pem (other), 0);
  get (fixture, "/hello", &answer);
  assert_failed (&answer, HERD_ERROR_UNREACHABLE, "signed by a CA that is not trusted");
  herd_http_free (fixture->http);
  fixture->http = new_session (fixture, NULL, 0);
  get (fixture, "/hello", &answer);
  assert_failed (&answer, HERD_ERROR_UNREACHABLE, "signed by a CA that is not trusted");
  g_assert_cmpuint (test_server_get_requests (fixture->server), ==, 0);
}

/* openssl's server, because GLib's gives no tickets. It tells each request that it reads. */
typedef struct {
  GSubprocess *process;
  GDataInputStream *output;
} OpensslServer;

static char *
read_line (OpensslServer *server)
{
  return g_data_input_stream_read_line_utf8 (server->output, NULL, NULL, NULL);
}

static void
openssl_start (OpensslServer *server, TestCa *ca, const char *directory, guint16 port)
{
  g_autofree char *pem = test_ca_new_server_pem (ca);
  g_autofree char *path = g_build_filename (directory, "server.pem", NULL);
  g_autofree char *address = g_strdup_printf ("127.0.0.1:%u", port);
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (
      G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_MERGE);
  g_autoptr (GError) error = NULL;
  g_autofree char *line = NULL;

  g_file_set_contents (path, pem, -1, &error);
  g_assert_no_error (error);
  g_subprocess_launcher_set_cwd (launcher, directory);
  server->process = g_subprocess_launcher_spawn (launcher, &error, "openssl", "s_server", "-accept",
                                                 address, "-cert", path, "-key", path, "-WWW",
                                                 NULL);
  g_assert_no_error (error);
  server->output = g_data_input_stream_new (g_subprocess_get_stdout_pipe (server->process));
  while (g_strcmp0 (line, "ACCEPT") != 0) {
    g_free (line);
    line = read_line (server);
    g_assert_nonnull (line);
  }
}

/* How many requests it has read. */
static guint
openssl_stop (OpensslServer *server)
{
  guint requests = 0;
  char *line;

  g_subprocess_send_signal (server->process, SIGTERM);
  while ((line = read_line (server)) != NULL) {
    requests += g_str_has_prefix (line, "FILE:") ? 1 : 0;
    g_free (line);
  }
  g_subprocess_wait (server->process, NULL, NULL);
  g_clear_object (&server->output);
  g_clear_object (&server->process);
  return requests;
}

typedef struct {
  char *directory;
  char *server; /* what openssl is started with */
  char *page;
  char *trust; /* of B */
  char *other; /* of A */
} Files;

static void
files_make (Files *files, TestCa *trusted, TestCa *other)
{
  files->directory = g_dir_make_tmp ("certherd-http-XXXXXX", NULL);
  files->server = g_build_filename (files->directory, "server.pem", NULL);
  files->page = g_build_filename (files->directory, "hello", NULL);
  files->trust = g_build_filename (files->directory, "trust.pem", NULL);
  files->other = g_build_filename (files->directory, "other.pem", NULL);
  g_assert_true (g_file_set_contents (files->page, "hello", -1, NULL));
  g_assert_true (g_file_set_contents (files->trust, test_ca_get_pem (trusted), -1, NULL));
  g_assert_true (g_file_set_contents (files->other, test_ca_get_pem (other), -1, NULL));
}

static void
files_remove (Files *files)
{
  char **paths[] = { &files->server, &files->page, &files->trust, &files->other };

  for (guint i = 0; i < G_N_ELEMENTS (paths); i++) {
    g_unlink (*paths[i]);
    g_free (*paths[i]);
  }
  g_rmdir (files->directory);
  g_free (files->directory);
}

/* Two CAs' servers one after the other on the same host and port: a session that trusts only A is
 * refused by B, even if it was connected to A before. */
static void
test_other_ca (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (TestCa) other = test_ca_new ("B");
  g_autofree char *url = test_server_get_url (fixture->server, "/hello");
  guint16 port = test_server_get_port (fixture->server);
  OpensslServer server = { 0 };
  Answer answer = { 0 };
  Files files;

  files_make (&files, other, fixture->ca);
  g_clear_pointer (&fixture->server, test_server_free);
  openssl_start (&server, fixture->ca, files.directory, port);
  start (fixture->http, url, FALSE, NULL, &answer);
  wait_for (&answer);
  g_assert_no_error (answer.error);
  answer_clear (&answer);
  g_assert_cmpuint (openssl_stop (&server), ==, 1);

  openssl_start (&server, other, files.directory, port);
  start (fixture->http, url, FALSE, NULL, &answer);
  wait_for (&answer);
  assert_failed (&answer, HERD_ERROR_UNREACHABLE, "not trusted");
  g_assert_cmpuint (openssl_stop (&server), ==, 0);
  files_remove (&files);
}

/* The ticket trap: a session that trusts B leaves tickets of B behind in the process, with which a
 * session that trusts only A would be let in by B. Both protections are tried: without
 * herd_net_init() the check of the peer's certificate has to hold alone. */
static void
test_tickets (Fixture *fixture, gconstpointer data)
{
  g_autoptr (TestCa) other = test_ca_new ("B");
  g_autofree char *url = test_server_get_url (fixture->server, "/hello");
  g_autofree char *program = g_test_build_filename (G_TEST_BUILT, "http-fetch", NULL);
  guint16 port = test_server_get_port (fixture->server);
  g_autoptr (GPtrArray) words = g_ptr_array_new ();
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *output = NULL;
  g_auto (GStrv) lines = NULL;
  OpensslServer server = { 0 };
  Files files;

  files_make (&files, other, fixture->ca);
  g_clear_pointer (&fixture->server, test_server_free);
  openssl_start (&server, other, files.directory, port);
  g_ptr_array_add (words, program);
  if (data != NULL)
    g_ptr_array_add (words, (gpointer) data);
  g_ptr_array_add (words, url);
  g_ptr_array_add (words, files.trust);
  g_ptr_array_add (words, files.other);
  g_ptr_array_add (words, files.trust);
  g_ptr_array_add (words, NULL);
  process = g_subprocess_newv ((const char *const *) words->pdata, G_SUBPROCESS_FLAGS_STDOUT_PIPE,
                               &error);
  g_assert_no_error (error);
  g_assert_true (g_subprocess_communicate_utf8 (process, NULL, NULL, &output, NULL, &error));
  lines = g_strsplit (output, "\n", -1);
  g_assert_cmpuint (g_strv_length (lines), ==, 4);
  g_assert_cmpstr (lines[0], ==, "200");
  g_assert_nonnull (strstr (lines[1], "signed by a CA that is not trusted"));
  g_assert_cmpstr (lines[2], ==, "200");
  g_assert_cmpuint (openssl_stop (&server), ==, 2);
  files_remove (&files);
}

static void
test_init (void)
{
  if (g_test_subprocess ()) {
    g_setenv ("G_TLS_GNUTLS_PRIORITY", "", TRUE);
    herd_net_init ();
    g_assert_cmpstr (g_getenv ("G_TLS_GNUTLS_PRIORITY"), ==,
                     "NORMAL:%COMPAT:-VERS-TLS1.0:-VERS-TLS1.1:%NO_TICKETS");
    herd_net_init ();
    g_assert_cmpstr (g_getenv ("G_TLS_GNUTLS_PRIORITY"), ==,
                     "NORMAL:%COMPAT:-VERS-TLS1.0:-VERS-TLS1.1:%NO_TICKETS");
    g_setenv ("G_TLS_GNUTLS_PRIORITY", "SECURE256", TRUE);
    herd_net_init ();
    g_assert_cmpstr (g_getenv ("G_TLS_GNUTLS_PRIORITY"), ==, "SECURE256:%NO_TICKETS");
    return;
  }
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_passed ();
}

int
main (int argc, char **argv)
{
  /* As on most machines; programs that are started here see it too. */
  g_unsetenv ("G_TLS_GNUTLS_PRIORITY");
  herd_net_init ();
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/http/init", test_init);
#define ADD(path, function) g_test_add ("/http/" path, Fixture, NULL, set_up, function, tear_down)
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
  ADD ("trust", test_trust);
  ADD ("other-ca", test_other_ca);
  ADD ("tickets", test_tickets);
#undef ADD
  g_test_add_func ("/http/link-parser", test_link_parser);
  g_test_add ("/http/tickets-without-init", Fixture, "--without-init", set_up, test_tickets,
              tear_down);
  return g_test_run ();
}
