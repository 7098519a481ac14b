// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Orders that were begun before, and the pace at which the CA is asked about them, against the
 * protocol double.
 */
#include <string.h>

#include "acme/record.h"
#include "double-fixture.h"
#include "manual-clock.h"
#include "net/http.h"
#include "plugin/error.h"

/* An order that the CA has made, and the checkpoint as it was between newOrder and its answer: of a
 * process that was ended there. */
static GBytes *
lose_answer (DoubleFixture *fixture, const HerdIssueRequest *request)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HerdRecord) record = herd_record_new ();

  test_double_say (fixture->ca, "/orders", 0, 403, "", "");
  test_double_say (fixture->ca, "/order", 0, TEST_DOUBLE_LOST, "", "");
  g_assert_null (acme_issue_request (&fixture->acme, request, NULL, &error));
  acme_assert_error (error, HERD_ERROR_UNREACHABLE, "newOrder");
  test_double_relent (fixture->ca, "/orders");
  test_double_relent (fixture->ca, "/order");
  record->attempts = 1;
  return herd_record_to_bytes (record);
}

static void
test_lost_order (DoubleFixture *fixture, gconstpointer data)
{
  static const char *const identifiers[] = { NAME, NULL };
  gboolean listed = data != NULL;
  g_autoptr (HerdIssueRequest) request = test_request_new (identifiers, NULL);
  g_autoptr (GBytes) resume = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *chain = NULL;
  guint before;

  if (listed)
    test_double_list_orders (fixture->ca);
  acme_must_register (&fixture->acme);
  resume = lose_answer (fixture, request);
  before = test_double_count (fixture->ca, "/order");
  double_restart (fixture);
  chain = acme_issue_request (&fixture->acme, request, resume, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (test_double_count (fixture->ca, "/order"), ==, before + (listed ? 0 : 1));
}

/* A CA that names a list of orders and does not have it, or does not answer for it. */
static void
test_lost_order_list (DoubleFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const char *const identifiers[] = { NAME, NULL };
  g_autoptr (HerdIssueRequest) request = test_request_new (identifiers, NULL);
  g_autoptr (GBytes) resume = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *chain = NULL;
  guint before;

  test_double_list_orders (fixture->ca);
  acme_must_register (&fixture->acme);
  resume = lose_answer (fixture, request);
  before = test_double_count (fixture->ca, "/order");
  test_double_say (fixture->ca, "/orders", 0, 503, "", "");
  g_assert_null (acme_issue_request (&fixture->acme, request, resume, &error));
  acme_assert_error (error, HERD_ERROR_UNREACHABLE, "503");
  g_assert_cmpuint (test_double_count (fixture->ca, "/order"), ==, before);
  test_double_say (fixture->ca, "/orders", 1, 404, "", "");
  chain = acme_issue_request (&fixture->acme, request, resume, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (test_double_count (fixture->ca, "/order"), ==, before + 1);
}

/* Ended again and again at the worst moment: not more than two newOrders come of it. */
static void
test_lost_again (DoubleFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const char *const identifiers[] = { NAME, NULL };
  g_autoptr (HerdIssueRequest) request = test_request_new (identifiers, NULL);
  g_autoptr (GBytes) once = NULL;
  g_autoptr (GBytes) twice = NULL;
  g_autoptr (HerdRecord) record = herd_record_new ();
  g_autoptr (GError) error = NULL;
  guint before;

  acme_must_register (&fixture->acme);
  once = lose_answer (fixture, request);
  before = test_double_count (fixture->ca, "/order");
  test_double_say (fixture->ca, "/order", 1, TEST_DOUBLE_LOST, "", "");
  g_assert_null (acme_issue_request (&fixture->acme, request, once, &error));
  acme_assert_error (error, HERD_ERROR_UNREACHABLE, "newOrder");
  record->attempts = 2;
  twice = herd_record_to_bytes (record);
  g_assert_null (acme_issue_request (&fixture->acme, request, twice, &error));
  g_assert_cmpint (herd_error_class (error), ==, HERD_ERROR_CLASS_BACKOFF);
  acme_assert_error (error, HERD_ERROR_FAILED, "sent 2 times");
  g_assert_cmpuint (test_double_count (fixture->ca, "/order"), ==, before + 1);
}

/* Gone while it is worked at. */
static void
test_gone_order (DoubleFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const char *const identifiers[] = { NAME, NULL };
  g_autoptr (HerdIssueRequest) request = test_request_new (identifiers, NULL);
  g_autoptr (GBytes) damaged = g_bytes_new_static ("nonsense", 8);
  g_autoptr (GBytes) left = NULL;
  g_autoptr (GError) error = NULL;

  acme_must_register (&fixture->acme);
  test_double_refuse (fixture->ca, "/order/1", 1, 404, "", "malformed", "no such order");
  g_assert_null (acme_issue_request (&fixture->acme, request, NULL, &error));
  g_assert_cmpint (herd_error_class (error), ==, HERD_ERROR_CLASS_BACKOFF);
  acme_assert_error (error, HERD_ERROR_FAILED, "no longer knows the order");
  g_assert_cmpuint (test_double_count (fixture->ca, "/order"), ==, 1);
  left = test_host_get_checkpoint (fixture->acme.host);
  g_assert_null (left);
  g_assert_null (acme_issue_request (&fixture->acme, request, damaged, &error));
  acme_assert_error (error, HERD_ERROR_FAILED, "cannot be read");
}

/* What was presented before a restart, by the solver that the record calls NAME, is taken away. */
static void
resume_gone_order (DoubleFixture *fixture, const char *name)
{
  static const char *const identifiers[] = { NAME, NULL };
  g_autoptr (HerdIssueRequest) request = test_request_new (identifiers, NULL);
  g_autoptr (HerdRecord) record = herd_record_new ();
  g_autoptr (HerdChallenge)
      challenge = herd_challenge_new ("http-01", NAME, "evaGxfADs6pSRb2LAv9IZf", "key");
  g_autofree char *directory = g_path_get_dirname (test_double_get_url (fixture->ca));
  g_autoptr (GBytes) resume = NULL;
  g_autoptr (GError) error = NULL;

  record->attempts = 1;
  record->order_url = g_strconcat (directory, "/order/1", NULL);
  g_ptr_array_add (record->presented, herd_presented_new (challenge, NAME, name, NULL));
  resume = herd_record_to_bytes (record);
  test_double_refuse (fixture->ca, "/order/1", 1, 404, "", "malformed", "no such order");
  test_double_refuse (fixture->ca, "/order", 1, 400, "", "rejectedIdentifier", "no more");
  g_assert_null (acme_issue_request (&fixture->acme, request, resume, &error));
  acme_assert_error (error, HERD_ERROR_REFUSED, "no more");
}

/* Two solvers of one type: only the one that has presented cleans up. */
static void
test_whose_cleanup (DoubleFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  TestHost *host = fixture->acme.host;
  TestSolver *first = fixture->acme.solver;
  g_autofree char *log = g_build_filename (fixture->acme.directory, "solver.log", NULL);
  g_autoptr (TestSolver) second = test_solver_new ("http-01", NULL, log);

  test_host_add_solver (host, second);
  acme_must_register (&fixture->acme);
  resume_gone_order (fixture, "second");
  g_assert_cmpuint (test_solver_get_cleanups (first), ==, 0);
  g_assert_cmpuint (test_solver_get_cleanups (second), ==, 1);
  resume_gone_order (fixture, "first");
  g_assert_cmpuint (test_solver_get_cleanups (first), ==, 1);
  g_assert_cmpuint (test_solver_get_cleanups (second), ==, 1);
  /* Old records have the name of the type. */
  resume_gone_order (fixture, "TestSolver");
  g_assert_cmpuint (test_solver_get_cleanups (first), ==, 2);
  g_assert_cmpuint (test_solver_get_cleanups (second), ==, 2);
  /* A section that is gone. */
  resume_gone_order (fixture, "third");
  g_assert_cmpuint (test_solver_get_cleanups (first), ==, 2);
  g_assert_cmpuint (test_solver_get_cleanups (second), ==, 2);
}

static void
test_whose_name (DoubleFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (HerdRecord) record = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *chain = NULL;

  acme_must_register (&fixture->acme);
  chain = acme_issue (&fixture->acme, &error, NAME, NULL);
  g_assert_no_error (error);
  bytes = test_host_get_checkpoint (fixture->acme.host);
  record = herd_record_new_from_bytes (bytes, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (record->presented->len, ==, 1);
  g_assert_cmpstr (((HerdPresented *) record->presented->pdata[0])->solver, ==, "first");
}

/* --- the pace --- */

/* Issues with a clock that stands still but for the delays between polls; returns how many seconds
 * they were. */
static gint64
issue_by_clock (DoubleFixture *fixture, HerdClock *clock, const HerdIssueRequest *request,
                GBytes *resume, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (HerdIssued) issued = NULL;
  gint64 started = herd_clock_get_real (clock);

  herd_issuer_issue_async (HERD_ISSUER (fixture->acme.engine), request, resume,
                           HERD_ISSUER_HOST (fixture->acme.host), NULL, test_on_result, &result);
  while (result == NULL) {
    g_main_context_iteration (NULL, FALSE);
    /* A request under way has two timers, for its stall and its deadline; a delay is one. */
    if (herd_manual_clock_get_n_timers (clock) == 1)
      herd_manual_clock_advance (clock, herd_manual_clock_get_next (clock));
  }
  issued = herd_issuer_issue_finish (HERD_ISSUER (fixture->acme.engine), result, error);
  return (herd_clock_get_real (clock) - started) / HERD_SECOND;
}

static void
test_pace (void)
{
  static const char *const identifiers[] = { NAME, NULL };
  g_autoptr (HerdClock) clock = herd_manual_clock_new ();
  g_autoptr (HerdIssueRequest) request = test_request_new (identifiers, NULL);
  g_autoptr (GBytes) resume = NULL;
  g_autoptr (GBytes) left = NULL;
  g_autoptr (GError) error = NULL;
  DoubleFixture fixture;
  gint64 seconds;
  guint polls;

  herd_manual_clock_set_real (clock, g_get_real_time ());
  fixture.ca = test_double_new ();
  acme_set_up (&fixture.acme, test_double_get_url (fixture.ca), test_double_get_trust (fixture.ca),
               NULL, clock);
  acme_must_register (&fixture.acme);

  /* What the CA says, within bounds: 7 s is obeyed; an hour is asked again after five minutes. */
  test_double_say (fixture.ca, "/order/1", 1, 200, "Retry-After: 7\r\n", ORDER ("pending", ""));
  seconds = issue_by_clock (&fixture, clock, request, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (seconds, ==, 7);
  test_double_reset (fixture.ca);
  test_double_say (fixture.ca, "/order/1", 1, 200, "Retry-After: 3000\r\n", ORDER ("pending", ""));
  seconds = issue_by_clock (&fixture, clock, request, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (seconds, ==, 300);

  /* For ever "pending": an end after an hour, and not too many questions until then. */
  test_double_reset (fixture.ca);
  test_double_say (fixture.ca, "/order/1", 0, 200, "", ORDER ("pending", ""));
  polls = test_double_count (fixture.ca, "/order/1");
  seconds = issue_by_clock (&fixture, clock, request, NULL, &error);
  g_assert_cmpint (herd_error_class (error), ==, HERD_ERROR_CLASS_BACKOFF);
  acme_assert_error (error, HERD_ERROR_UNREACHABLE, "within 60 minutes");
  g_assert_cmpint (seconds, >=, 3600);
  g_assert_cmpint (seconds, <=, 3700);
  g_assert_cmpuint (test_double_count (fixture.ca, "/order/1") - polls, <=, 260);

  /* Away for half a day, with the order pending: it is taken up again, and given its time. */
  resume = test_host_get_checkpoint (fixture.acme.host);
  herd_manual_clock_advance (clock, DAY / 2 * (gint64) HERD_SECOND);
  test_double_reset (fixture.ca);
  test_double_say (fixture.ca, "/order/1", 2, 200, "", ORDER ("pending", ""));
  polls = test_double_count (fixture.ca, "/order");
  issue_by_clock (&fixture, clock, request, resume, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (test_double_count (fixture.ca, "/order"), ==, polls);

  /* For ever pending, and again the next time: enough of that order. */
  test_double_reset (fixture.ca);
  test_double_say (fixture.ca, "/order/1", 0, 200, "", ORDER ("pending", ""));
  issue_by_clock (&fixture, clock, request, resume, &error);
  acme_assert_error (error, HERD_ERROR_UNREACHABLE, "within 60 minutes");
  left = test_host_get_checkpoint (fixture.acme.host);
  g_assert_null (left);

  /* For ever down: not even an hour. */
  test_double_say (fixture.ca, "/order/1", 0, 503, "", "");
  seconds = issue_by_clock (&fixture, clock, request, NULL, &error);
  acme_assert_error (error, HERD_ERROR_UNREACHABLE, "503");
  g_assert_cmpint (seconds, <=, 60);
  acme_tear_down (&fixture.acme);
  test_double_free (fixture.ca);
}

int
main (int argc, char **argv)
{
  herd_net_init ();
  g_test_init (&argc, &argv, NULL);
#define ADD(path, data, function)                                                                  \
  g_test_add ("/begun/" path, DoubleFixture, data, double_set_up, function, double_tear_down)
  ADD ("lost-order", NULL, test_lost_order);
  ADD ("lost-order-listed", "listed", test_lost_order);
  ADD ("lost-order-list", NULL, test_lost_order_list);
  ADD ("lost-again", NULL, test_lost_again);
  ADD ("gone-order", NULL, test_gone_order);
  ADD ("whose-cleanup", NULL, test_whose_cleanup);
  ADD ("whose-name", NULL, test_whose_name);
#undef ADD
  g_test_add_func ("/begun/pace", test_pace);
  return g_test_run ();
}
