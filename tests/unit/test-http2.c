// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * net/http over HTTP/2, whose connections end while requests are on them. The clock stands still: what
 * ends, ends by itself.
 */
#include <string.h>
#include <sys/ioctl.h>

#include "http-fixture.h"
#include "http2-server.h"

#define MANY 6
#define ROUNDS 6 /* more than there are connections to a host */

typedef struct {
  TestCa *ca;
  GTlsCertificate *certificate;
  Http2Server *server;
  HttpFixture fixture;
  HerdHttp *http;
  char *url;
  HttpAnswer answers[MANY];
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  memset (fixture, 0, sizeof *fixture);
  fixture->ca = test_ca_new ("A");
  fixture->certificate = test_ca_new_server (fixture->ca);
  fixture->server = http2_server_new (fixture->certificate);
  fixture->fixture.clock = herd_manual_clock_new ();
  fixture->http = http_new_session (&fixture->fixture, test_ca_get_pem (fixture->ca), 0);
  fixture->url = http2_server_get_url (fixture->server);
}

static void
tear_down (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_assert_cmpuint (herd_manual_clock_get_n_timers (fixture->fixture.clock), ==, 0);
  herd_http_free (fixture->http);
  while (g_main_context_iteration (NULL, FALSE))
    continue;
  http2_server_free (fixture->server);
  for (guint i = 0; i < MANY; i++)
    http_answer_clear (&fixture->answers[i]);
  g_object_unref (fixture->certificate);
  test_ca_free (fixture->ca);
  herd_clock_unref (fixture->fixture.clock);
  g_free (fixture->url);
}

/* Sends NUMBER requests, and waits until the server has read them and knows where to answer. */
static void
start (Fixture *fixture, guint number)
{
  guint before = http2_server_count_requests (fixture->server);

  for (guint i = 0; i < number; i++)
    http_start (fixture->http, fixture->url, FALSE, NULL, &fixture->answers[i]);
  while (http2_server_count_requests (fixture->server) < before + number)
    g_main_context_iteration (NULL, FALSE);
}

/* Until the client has read everything that was said; and not a turn of the loop longer. */
static void
let_read (Fixture *fixture)
{
  int client = http2_server_find_client (fixture->server);
  int left = 1;

  while (left > 0) {
    g_main_context_iteration (NULL, FALSE);
    g_assert_cmpint (ioctl (client, FIONREAD, &left), ==, 0);
  }
}

static void
assert_all_lost (Fixture *fixture, guint number)
{
  for (guint i = 0; i < number; i++) {
    http_wait_for (&fixture->answers[i]);
    http_assert_failed (&fixture->answers[i], HERD_ERROR_UNREACHABLE, "127.0.0.1");
  }
}

/* A later request finds a connection of its own, and an answer. */
static void
assert_goes_on (Fixture *fixture)
{
  guint before = http2_server_count_connections (fixture->server);

  start (fixture, 1);
  g_assert_cmpuint (http2_server_count_connections (fixture->server), ==, before + 1);
  http2_server_answer (fixture->server, 1, TRUE, FALSE);
  http_wait_for (&fixture->answers[0]);
  g_assert_no_error (fixture->answers[0].error);
  g_assert_cmpuint (herd_http_response_get_status (fixture->answers[0].response), ==, 200);
}

/* The client wants to answer a ping, and learns of the end of the connection by that. */
static void
test_write_fails_first (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  for (guint round = 0; round < ROUNDS; round++) {
    start (fixture, MANY);
    http2_server_answer (fixture->server, 1, FALSE, TRUE);
    let_read (fixture);
    http2_server_reset (fixture->server);
    assert_all_lost (fixture, MANY);
  }
  assert_goes_on (fixture);
}

static void
test_reset (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  for (guint round = 0; round < ROUNDS; round++) {
    start (fixture, MANY);
    http2_server_reset (fixture->server);
    assert_all_lost (fixture, MANY);
  }
  assert_goes_on (fixture);
}

/* In the midst of one answer, before the others. */
static void
test_half_an_answer (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  start (fixture, MANY);
  http2_server_answer (fixture->server, 1, FALSE, FALSE);
  let_read (fixture);
  http2_server_shut_down (fixture->server);
  assert_all_lost (fixture, MANY);
  assert_goes_on (fixture);
}

/* What was said before the end counts. */
static void
test_last_words (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  start (fixture, 2);
  http2_server_answer (fixture->server, 3, TRUE, FALSE);
  http2_server_shut_down (fixture->server);
  http_wait_for (&fixture->answers[1]);
  g_assert_no_error (fixture->answers[1].error);
  http_answer_clear (&fixture->answers[1]);
  http_wait_for (&fixture->answers[0]);
  http_assert_failed (&fixture->answers[0], HERD_ERROR_UNREACHABLE, "127.0.0.1");
  assert_goes_on (fixture);
}

/* The server has seen one request; the others are sent again, on another connection. */
static void
test_go_away (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  start (fixture, MANY);
  http2_server_go_away (fixture->server, 1);
  while (http2_server_count_requests (fixture->server) < MANY + MANY - 1)
    g_main_context_iteration (NULL, FALSE);
  g_assert_cmpuint (http2_server_count_connections (fixture->server), ==, 2);
  for (guint i = 1; i < MANY; i++)
    http2_server_answer (fixture->server, 2 * i - 1, TRUE, FALSE);
  assert_all_lost (fixture, 1);
  for (guint i = 1; i < MANY; i++) {
    http_wait_for (&fixture->answers[i]);
    g_assert_no_error (fixture->answers[i].error);
    g_assert_true (herd_http_response_was_repeated (fixture->answers[i].response));
  }
}

/* At once, though the server says nothing. */
static void
test_cancel (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  http_start (fixture->http, fixture->url, FALSE, cancellable, &fixture->answers[0]);
  while (http2_server_count_requests (fixture->server) == 0)
    g_main_context_iteration (NULL, FALSE);
  g_cancellable_cancel (cancellable);
  http_wait_for (&fixture->answers[0]);
  http_assert_failed (&fixture->answers[0], HERD_ERROR_CANCELLED, "cancelled");
}

/* A server that keeps the connection and says nothing gets no more requests there. */
static void
test_silence (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  start (fixture, MANY);
  herd_manual_clock_advance (fixture->fixture.clock, 31 * (gint64) HERD_SECOND);
  for (guint i = 0; i < MANY; i++) {
    http_wait_for (&fixture->answers[i]);
    http_assert_failed (&fixture->answers[i], HERD_ERROR_UNREACHABLE, "did not answer for 30");
  }
  assert_goes_on (fixture);
}

int
main (int argc, char **argv)
{
  herd_net_init ();
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function) g_test_add ("/http2/" path, Fixture, NULL, set_up, function, tear_down)
  ADD ("write-fails-first", test_write_fails_first);
  ADD ("reset", test_reset);
  ADD ("half-an-answer", test_half_an_answer);
  ADD ("last-words", test_last_words);
  ADD ("go-away", test_go_away);
  ADD ("cancel", test_cancel);
  ADD ("silence", test_silence);
#undef ADD
  return g_test_run ();
}
