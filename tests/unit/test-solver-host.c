// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A solver's host: settings, programs one after another, https requests with the section's trust.
 */
#include "core/solver-host.h"

#include <glib/gstdio.h>
#include <string.h>

#include "http-fixture.h"

typedef struct {
  gboolean done;
  int status;
  guint http_status;
  char *output, *complaint;
  GBytes *body;
  GError *error;
} Answer;

static void
answer_clear (Answer *answer)
{
  g_clear_pointer (&answer->output, g_free);
  g_clear_pointer (&answer->complaint, g_free);
  g_clear_pointer (&answer->body, g_bytes_unref);
  g_clear_error (&answer->error);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Answer, answer_clear)

typedef struct {
  HttpFixture http;
  HerdSolverHost *host;
} Fixture;

static HerdSolverHost *
make_host (Fixture *fixture, const char *const *settings)
{
  const char *const entries[] = { "a", "b c", NULL };
  GVariantDict dict;
  g_autoptr (GVariant) values = NULL;
  g_autoptr (HerdDns) dns = herd_dns_new (&(HerdDnsOptions){ .clock = fixture->http.clock });

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "timeout", "s", "15s");
  g_variant_dict_insert (&dict, "list", "^as", entries);
  for (; *settings != NULL; settings += 2)
    g_variant_dict_insert (&dict, settings[0], "s", settings[1]);
  values = g_variant_ref_sink (g_variant_dict_end (&dict));
  return HERD_SOLVER_HOST (
      herd_core_solver_host_new ("test", values, NULL, dns, fixture->http.clock));
}

/* Tells what was asked. */
static gboolean
handle (TestExchange *exchange, gpointer data G_GNUC_UNUSED)
{
  g_autofree char *text = NULL;

  if (g_str_equal (exchange->path, "/hang"))
    return test_exchange_hang (exchange);
  if (g_str_equal (exchange->path, "/moved"))
    return test_exchange_answer (exchange, 302, "Location: https://other.example/\r\n", "");
  text = g_strdup_printf ("%s%.*s", exchange->head, (int) g_bytes_get_size (exchange->body),
                          (const char *) g_bytes_get_data (exchange->body, NULL));
  return test_exchange_answer (exchange, 403, NULL, text);
}

static void
setup (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  const char *settings[] = { "trust", NULL, NULL };

  http_set_up (&fixture->http, handle);
  settings[1] = test_ca_get_pem (fixture->http.ca);
  fixture->host = make_host (fixture, settings);
}

static void
teardown (Fixture *fixture, gconstpointer data)
{
  g_clear_object (&fixture->host);
  http_tear_down (&fixture->http, data);
}

static void
on_run (GObject *source, GAsyncResult *result, gpointer data)
{
  Answer *answer = data;

  answer->output = herd_solver_host_run_finish (HERD_SOLVER_HOST (source), result, &answer->status,
                                                &answer->complaint, &answer->error);
  answer->done = TRUE;
}

static void
start_script (Fixture *fixture, const char *script, GCancellable *cancellable, Answer *answer)
{
  const char *const argv[] = { "/bin/sh", "-c", script, NULL };
  const char *const environment[] = { "GIVEN=x", NULL };
  g_autoptr (GBytes) input = g_bytes_new_static ("input\n", 6);

  herd_solver_host_run_async (fixture->host, argv, environment, input, cancellable, on_run, answer);
}

static void
wait_for (Answer *answer)
{
  while (!answer->done)
    g_main_context_iteration (NULL, TRUE);
}

static void
test_settings (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_assert_cmpstr (herd_solver_host_get_name (fixture->host), ==, "test");
  g_assert_cmpstr (herd_solver_host_get_setting (fixture->host, "timeout"), ==, "15s");
  g_assert_cmpstr (herd_solver_host_get_setting (fixture->host, "list"), ==, "a\nb c");
  g_assert_null (herd_solver_host_get_setting (fixture->host, "listen"));
}

static void
test_run (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_auto (Answer) answer = { 0 };

  start_script (fixture, "cat; echo $GIVEN $PATH $LANG $HOME; echo why >&2; exit 7", NULL, &answer);
  wait_for (&answer);
  g_assert_no_error (answer.error);
  g_assert_cmpint (answer.status, ==, 7);
  g_assert_cmpstr (answer.complaint, ==, "why");
  g_assert_cmpstr (answer.output, ==,
                   "input\nx /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "
                   "C.UTF-8\n");
}

static void
test_one_by_one (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  Answer answers[4] = { { 0 } };
  g_autofree char *directory = g_dir_make_tmp ("certherd-host-XXXXXX", NULL);
  /* Fails if there is another at the same time. */
  g_autofree char *script = g_strdup_printf ("mkdir %s/busy && ls / >/dev/null && rmdir %s/busy",
                                             directory, directory);

  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    start_script (fixture, script, NULL, &answers[i]);
  wait_for (&answers[3]);
  for (guint i = 0; i < G_N_ELEMENTS (answers); i++) {
    g_assert_true (answers[i].done);
    g_assert_no_error (answers[i].error);
    g_assert_cmpint (answers[i].status, ==, 0);
    answer_clear (&answers[i]);
  }
  g_assert_cmpint (g_rmdir (directory), ==, 0);
}

static void
test_run_fails (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  const char *const argv[] = { "/nowhere/program", NULL };
  g_auto (Answer) missing = { 0 };
  g_auto (Answer) late = { 0 };
  g_auto (Answer) waiting = { 0 };
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();

  herd_solver_host_run_async (fixture->host, argv, NULL, NULL, NULL, on_run, &missing);
  wait_for (&missing);
  g_assert_error (missing.error, HERD_ERROR, HERD_ERROR_ACTION_REQUIRED);
  g_assert_nonnull (strstr (missing.error->message, "solver test: /nowhere/program"));

  start_script (fixture, "sleep 1000", NULL, &late);
  start_script (fixture, "echo x", cancellable, &waiting);
  /* The program's timer, and no other, is armed when it runs. */
  while (herd_manual_clock_get_n_timers (fixture->http.clock) == 0)
    g_main_context_iteration (NULL, TRUE);
  g_cancellable_cancel (cancellable);
  wait_for (&waiting);
  g_assert_error (waiting.error, HERD_ERROR, HERD_ERROR_CANCELLED);
  g_assert_false (late.done);
  herd_manual_clock_advance (fixture->http.clock, 15 * HERD_SECOND);
  wait_for (&late);
  g_assert_error (late.error, HERD_ERROR, HERD_ERROR_UNREACHABLE);
  g_assert_nonnull (strstr (late.error->message, "solver test: /bin/sh"));
  g_assert_nonnull (strstr (late.error->message, "15 seconds"));
}

static void
on_request (GObject *source, GAsyncResult *result, gpointer data)
{
  Answer *answer = data;

  answer->body = herd_solver_host_request_finish (HERD_SOLVER_HOST (source), result,
                                                  &answer->http_status, &answer->error);
  answer->done = TRUE;
}

static void
start_request (HerdSolverHost *host, const char *url, GCancellable *cancellable, Answer *answer)
{
  const char *const headers[] = { "X-Api-Key", "word", "Content-Type", "application/json", NULL };
  g_autoptr (GBytes) body = g_bytes_new_static ("{\"a\":1}", 7);

  herd_solver_host_request_async (host, "POST", url, headers, body, cancellable, on_request,
                                  answer);
}

static void
test_request (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autofree char *url = test_server_get_url (fixture->http.server, "/update?x=1");
  g_auto (Answer) answer = { 0 };
  g_autofree char *text = NULL;

  start_request (fixture->host, url, NULL, &answer);
  wait_for (&answer);
  g_assert_no_error (answer.error);
  g_assert_cmpuint (answer.http_status, ==, 403);
  text = g_strndup (g_bytes_get_data (answer.body, NULL), g_bytes_get_size (answer.body));
  g_assert_true (g_str_has_prefix (text, "POST /update?x=1 HTTP/1.1\r\n"));
  g_assert_nonnull (strstr (text, "\r\nX-Api-Key: word\r\n"));
  g_assert_nonnull (strstr (text, "\r\nContent-Type: application/json\r\n"));
  g_assert_nonnull (strstr (text, "\r\nUser-Agent: certherd/"));
  g_assert_true (g_str_has_suffix (text, "\r\n{\"a\":1}"));
}

static void
assert_refused (HerdSolverHost *host, const char *url, HerdError code, const char *words)
{
  g_auto (Answer) answer = { 0 };

  start_request (host, url, NULL, &answer);
  wait_for (&answer);
  g_assert_null (answer.body);
  g_assert_error (answer.error, HERD_ERROR, (int) code);
  g_assert_true (g_str_has_prefix (answer.error->message, "solver test: "));
  if (strstr (answer.error->message, words) == NULL)
    g_error ("\"%s\" does not say \"%s\"", answer.error->message, words);
}

static void
test_request_fails (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  const char *const none[] = { NULL };
  const char *const bad[] = { "trust", "-----BEGIN CERTIFICATE-----", NULL };
  g_autoptr (HerdSolverHost) without = make_host (fixture, none);
  g_autoptr (HerdSolverHost) broken = make_host (fixture, bad);
  g_autofree char *url = test_server_get_url (fixture->http.server, "/");
  g_autofree char *moved = test_server_get_url (fixture->http.server, "/moved");

  assert_refused (fixture->host, "http://127.0.0.1/", HERD_ERROR_REFUSED, "https");
  assert_refused (fixture->host, moved, HERD_ERROR_REFUSED, "redirect");
  assert_refused (without, url, HERD_ERROR_UNREACHABLE, "not trusted");
  assert_refused (broken, url, HERD_ERROR_INVALID_ARGUMENT, "certificate");
}

static void
test_request_cancelled (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autofree char *url = test_server_get_url (fixture->http.server, "/hang");
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (Answer) answer = { 0 };

  start_request (fixture->host, url, cancellable, &answer);
  http_wait_for_requests (fixture->http.server, 1);
  g_cancellable_cancel (cancellable);
  wait_for (&answer);
  g_assert_error (answer.error, HERD_ERROR, HERD_ERROR_CANCELLED);
}

static void
on_answer (GObject *source, GAsyncResult *result, gpointer data)
{
  Answer *answer = data;

  herd_solver_host_answer_finish (HERD_SOLVER_HOST (source), result, &answer->error);
  answer->done = TRUE;
}

static void
test_no_responder (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GPtrArray) challenges = g_ptr_array_new ();
  g_auto (Answer) answer = { 0 };

  herd_solver_host_answer_async (fixture->host, challenges, NULL, on_answer, &answer);
  wait_for (&answer);
  g_assert_error (answer.error, HERD_ERROR, HERD_ERROR_UNREACHABLE);
}

int
main (int argc, char **argv)
{
  herd_net_init ();
  g_test_init (&argc, &argv, NULL);
#define ADD(path, func) g_test_add ("/solver-host/" path, Fixture, NULL, setup, func, teardown)
  ADD ("settings", test_settings);
  ADD ("run", test_run);
  ADD ("one-by-one", test_one_by_one);
  ADD ("run-fails", test_run_fails);
  ADD ("request", test_request);
  ADD ("request-fails", test_request_fails);
  ADD ("request-cancelled", test_request_cancelled);
  ADD ("no-responder", test_no_responder);
#undef ADD
  return g_test_run ();
}
