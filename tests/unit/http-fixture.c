// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A TLS server and a session.
 */
#include "http-fixture.h"

#include <string.h>

HerdHttp *
http_new_session (HttpFixture *fixture, const char *trust, guint concurrency)
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

void
http_set_up (HttpFixture *fixture, TestHandler handler)
{
  fixture->ca = test_ca_new ("A");
  fixture->certificate = test_ca_new_server (fixture->ca);
  fixture->server = test_server_new (fixture->certificate, 0, handler, NULL);
  fixture->clock = herd_manual_clock_new ();
  fixture->http = http_new_session (fixture, test_ca_get_pem (fixture->ca), 0);
}

void
http_tear_down (HttpFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  herd_http_free (fixture->http);
  while (g_main_context_iteration (NULL, FALSE))
    continue;
  test_server_free (fixture->server);
  g_object_unref (fixture->certificate);
  test_ca_free (fixture->ca);
  herd_clock_unref (fixture->clock);
}

void
http_on_answer (GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
  HttpAnswer *answer = data;

  g_assert_false (answer->done);
  answer->response = herd_http_send_finish (NULL, result, &answer->error);
  answer->done = TRUE;
}

void
http_answer_clear (HttpAnswer *answer)
{
  g_clear_pointer (&answer->response, herd_http_response_free);
  g_clear_error (&answer->error);
  answer->done = FALSE;
}

void
http_start (HerdHttp *http, const char *url, gboolean redirects, GCancellable *cancellable,
            HttpAnswer *answer)
{
  HerdHttpRequest request = {
    .label = "test", .method = "GET", .url = url, .limit = HTTP_LIMIT, .redirects = redirects
  };

  herd_http_send_async (http, &request, cancellable, http_on_answer, answer);
}

void
http_wait_for (HttpAnswer *answer)
{
  while (!answer->done)
    g_main_context_iteration (NULL, TRUE);
}

void
http_wait_for_requests (TestServer *server, guint number)
{
  while (test_server_get_requests (server) < number)
    g_main_context_iteration (NULL, FALSE);
}

void
http_get (HttpFixture *fixture, const char *path, HttpAnswer *answer)
{
  g_autofree char *url = test_server_get_url (fixture->server, path);

  http_start (fixture->http, url, FALSE, NULL, answer);
  http_wait_for (answer);
}

void
http_assert_failed (HttpAnswer *answer, HerdError code, const char *words)
{
  g_assert_error (answer->error, HERD_ERROR, (int) code);
  g_assert_null (answer->response);
  if (strstr (answer->error->message, words) == NULL)
    g_error ("\"%s\" does not say \"%s\"", answer->error->message, words);
  g_assert_true (g_str_has_prefix (answer->error->message, "test: "));
  http_answer_clear (answer);
}
