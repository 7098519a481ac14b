// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What an attempt that failed leaves to the next one, against the protocol double: the order that the CA has
 * made, where the trouble passes; nothing, where it does not.
 */
#include <string.h>

#include "acme/record.h"
#include "double-fixture.h"
#include "net/http.h"
#include "plugin/error.h"

static HerdIssueRequest *
new_request (void)
{
  static const char *const identifiers[] = { NAME, NULL };

  return test_request_new (identifiers, NULL);
}

/* An attempt that fails with CODE and MESSAGE; returns what it leaves, NULL: nothing. */
static GBytes *
fail (DoubleFixture *fixture, const HerdIssueRequest *request, GBytes *resume, int code,
      const char *message)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (acme_issue_request (&fixture->acme, request, resume, &error));
  acme_assert_error (error, code, message);
  return test_host_get_checkpoint (fixture->acme.host);
}

static void
succeed (DoubleFixture *fixture, const HerdIssueRequest *request, GBytes *resume, guint orders)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *chain = acme_issue_request (&fixture->acme, request, resume, &error);

  g_assert_no_error (error);
  g_assert_nonnull (chain);
  g_assert_cmpuint (test_double_count (fixture->ca, "/order"), ==, orders);
}

/* --- trouble that passes --- */

/* Wherever the CA goes away, or says when to come again: the next attempt has the same order. */
static void
test_outage (DoubleFixture *fixture, gconstpointer data)
{
  const char *path = data;
  gboolean cut = *path == '-';
  g_autoptr (HerdIssueRequest) request = new_request ();
  g_autoptr (GBytes) left = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *payload = NULL;
  g_autoptr (HerdRecord) record = NULL;

  path += cut ? 1 : 0;
  acme_must_register (&fixture->acme);
  test_double_say (fixture->ca, path, 0, cut ? TEST_DOUBLE_CLOSE : 429,
                   cut ? "" : "Retry-After: 40000\r\n", "");
  g_assert_null (acme_issue_request (&fixture->acme, request, NULL, &error));
  g_assert_nonnull (error);
  g_clear_error (&error);
  test_double_relent (fixture->ca, path);
  /* Nothing is given back that is still needed, and all was taken away that was presented. */
  payload = test_double_get_payload (fixture->ca, "/authorization");
  g_assert_cmpstr (payload, ==, "");
  left = test_host_get_checkpoint (fixture->acme.host);
  g_assert_nonnull (left);
  record = herd_record_new_from_bytes (left, &error);
  g_assert_no_error (error);
  g_assert_nonnull (record->order_url);
  g_assert_cmpuint (record->presented->len, ==, 0);
  succeed (fixture, request, left, 1);
}

/* The same with another process. */
static void
test_restart (DoubleFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (HerdIssueRequest) request = new_request ();
  g_autoptr (GBytes) left = NULL;

  acme_must_register (&fixture->acme);
  test_double_say (fixture->ca, "/certificate", 0, 429, "Retry-After: 40000\r\n", "");
  left = fail (fixture, request, NULL, HERD_ERROR_RATE_LIMITED, "certificate");
  test_double_relent (fixture->ca, "/certificate");
  double_restart (fixture);
  succeed (fixture, request, left, 1);
  /* What was finalized is only fetched. */
  g_assert_cmpuint (test_double_count (fixture->ca, "/finalize"), ==, 1);
}

/* No answer to newOrder, twice: the next attempt may send one. */
static void
test_no_answer (DoubleFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (HerdIssueRequest) request = new_request ();
  g_autoptr (GBytes) left = NULL;
  g_autoptr (GBytes) again = NULL;

  acme_must_register (&fixture->acme);
  test_double_say (fixture->ca, "/order", 0, TEST_DOUBLE_LOST, "", "");
  left = fail (fixture, request, NULL, HERD_ERROR_UNREACHABLE, "newOrder");
  g_assert_cmpuint (test_double_count (fixture->ca, "/order"), ==, 2);
  again = fail (fixture, request, left, HERD_ERROR_UNREACHABLE, "newOrder");
  g_assert_cmpuint (test_double_count (fixture->ca, "/order"), ==, 3);
  test_double_relent (fixture->ca, "/order");
  succeed (fixture, request, again, 4);
}

/* The same where the CA lists orders: the next attempt finds it. */
static void
test_no_answer_listed (DoubleFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (HerdIssueRequest) request = new_request ();
  g_autoptr (GBytes) left = NULL;

  test_double_list_orders (fixture->ca);
  acme_must_register (&fixture->acme);
  test_double_say (fixture->ca, "/order", 1, TEST_DOUBLE_LOST, "", "");
  test_double_say (fixture->ca, "/orders", 0, 503, "", "");
  left = fail (fixture, request, NULL, HERD_ERROR_UNREACHABLE, "503");
  test_double_relent (fixture->ca, "/orders");
  succeed (fixture, request, left, 1);
}

/* --- trouble that does not --- */

static void
assert_nothing_left (DoubleFixture *fixture, const HerdIssueRequest *request, int code,
                     const char *message)
{
  g_autoptr (GBytes) left = fail (fixture, request, NULL, code, message);

  g_assert_null (left);
}

static void
test_permanent (DoubleFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (HerdIssueRequest) request = new_request ();
  g_autofree char *payload = NULL;

  acme_must_register (&fixture->acme);
  /* The CA made no order. */
  test_double_say (fixture->ca, "/order", 1, 429, "Retry-After: 4000\r\n", "");
  assert_nothing_left (fixture, request, HERD_ERROR_RATE_LIMITED, "newOrder");
  /* It will not have it. */
  test_double_refuse (fixture->ca, "/finalize", 1, 403, "", "caa", "not this CA");
  assert_nothing_left (fixture, request, HERD_ERROR_REFUSED, "not this CA");
  /* Its proof has failed. */
  test_double_reset (fixture->ca);
  test_double_say (fixture->ca, "/order/1", 1, 200, "", ORDER ("invalid", ""));
  assert_nothing_left (fixture, request, HERD_ERROR_REFUSED, "without saying why");
  /* What is still open of it is given back. */
  test_double_reset (fixture->ca);
  test_double_refuse (fixture->ca, "/challenge", 1, 403, "", "rejectedIdentifier", "never");
  assert_nothing_left (fixture, request, HERD_ERROR_REFUSED, "never");
  payload = test_double_get_payload (fixture->ca, "/authorization");
  g_assert_cmpstr (payload, ==, "{\"status\":\"deactivated\"}");
}

/* An order with an end of its own for the certificate is as old as its wish. */
static void
test_lifetime (DoubleFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (HerdIssueRequest) request = new_request ();

  acme_must_register (&fixture->acme);
  request->lifetime = DAY;
  test_solver_fail (fixture->acme.solver);
  assert_nothing_left (fixture, request, HERD_ERROR_UNREACHABLE, "no responder");
}

/* --- what has lain too long --- */

static GBytes *
fail_at_challenge (DoubleFixture *fixture, const HerdIssueRequest *request)
{
  GBytes *left;

  test_double_say (fixture->ca, "/challenge", 0, 429, "Retry-After: 40000\r\n", "");
  left = fail (fixture, request, NULL, HERD_ERROR_RATE_LIMITED, "challenge");
  test_double_relent (fixture->ca, "/challenge");
  return left;
}

static void
test_gone (DoubleFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const struct {
    const char *path;
    guint status;
    const char *type; /* NULL: BODY is the answer */
    const char *body;
  } ends[] = {
    { "/order/1", 404, "malformed", "no such order" },
    { "/order/1", 410, "malformed", "it has expired" },
    { "/order/1", 403, "unauthorized", "not yours" },
    { "/order/1", 200, NULL, ORDER ("invalid", "") },
    { "/authorization", 404, "malformed", "no such authorization" },
    { "/authorization", 200, NULL,
      "{\"status\":\"expired\",\"identifier\":{\"type\":\"dns\",\"value\":\"" NAME "\"},"
      "\"challenges\":[]}" },
  };
  g_autoptr (HerdIssueRequest) request = new_request ();

  acme_must_register (&fixture->acme);
  for (guint i = 0; i < G_N_ELEMENTS (ends); i++) {
    g_autoptr (GBytes) left = NULL;

    test_double_reset (fixture->ca);
    left = fail_at_challenge (fixture, request);
    if (ends[i].type != NULL)
      test_double_refuse (fixture->ca, ends[i].path, 1, ends[i].status, "", ends[i].type,
                          ends[i].body);
    else
      test_double_say (fixture->ca, ends[i].path, 1, ends[i].status, "", ends[i].body);
    succeed (fixture, request, left, 2 * (i + 1));
  }
}

/* It is over for a reason, which the CA has said while nobody was there. */
static void
test_failed_meanwhile (DoubleFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (HerdIssueRequest) request = new_request ();
  g_autoptr (GBytes) left = NULL;
  g_autoptr (GBytes) after = NULL;

  acme_must_register (&fixture->acme);
  left = fail_at_challenge (fixture, request);
  test_double_say (fixture->ca, "/order/1", 1, 200, "",
                   ORDER ("invalid", ",\"error\":{\"type\":\"urn:ietf:params:acme:error:dns\","
                                     "\"detail\":\"no address\"}"));
  after = fail (fixture, request, left, HERD_ERROR_CHALLENGE_FAILED, "no address");
  g_assert_null (after);
  g_assert_cmpuint (test_double_count (fixture->ca, "/order"), ==, 1);
}

int
main (int argc, char **argv)
{
  herd_net_init ();
  g_test_init (&argc, &argv, NULL);
#define ADD(path, data, function)                                                                  \
  g_test_add ("/handover/" path, DoubleFixture, data, double_set_up, function, double_tear_down)
  ADD ("outage/cut", "-/authorization", test_outage);
  ADD ("outage/authorization", "/authorization", test_outage);
  ADD ("outage/challenge", "/challenge", test_outage);
  ADD ("outage/order", "/order/1", test_outage);
  ADD ("outage/finalize", "/finalize", test_outage);
  ADD ("outage/certificate", "/certificate", test_outage);
  ADD ("restart", NULL, test_restart);
  ADD ("no-answer", NULL, test_no_answer);
  ADD ("no-answer-listed", NULL, test_no_answer_listed);
  ADD ("permanent", NULL, test_permanent);
  ADD ("lifetime", NULL, test_lifetime);
  ADD ("gone", NULL, test_gone);
  ADD ("failed-meanwhile", NULL, test_failed_meanwhile);
#undef ADD
  return g_test_run ();
}
