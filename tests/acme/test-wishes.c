// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Profiles, "replaces", renewal information, alternate chains and authorizations that are given back,
 * against a protocol double: the protocol only, what a real CA would make of them is not to be seen
 * here.
 */
#include <string.h>

#include "crypto/chain.h"
#include "double-fixture.h"
#include "net/http.h"
#include "plugin/error.h"

static HerdIssueRequest *
new_request (void)
{
  static const char *const identifiers[] = { NAME, NULL };

  return test_request_new (identifiers, NULL);
}

static HerdIssued *
must_issue (DoubleFixture *fixture, const HerdIssueRequest *request)
{
  g_autoptr (GError) error = NULL;
  HerdIssued *issued = acme_issue_wish (&fixture->acme, request, NULL, &error);

  g_assert_no_error (error);
  return issued;
}

static void
assert_asked (DoubleFixture *fixture, const char *words, gboolean said)
{
  g_autofree char *payload = test_double_get_payload (fixture->ca, "/order");

  if ((strstr (payload, words) != NULL) != said)
    g_error ("newOrder was %s", payload);
}

/* --- profiles --- */

static void
test_profile (DoubleFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (HerdIssueRequest) request = new_request ();
  g_autoptr (HerdIssued) issued = NULL;

  acme_must_register (&fixture->acme);
  request->profile = g_strdup ("classic");
  request->profile_required = TRUE;
  issued = must_issue (fixture, request);
  assert_asked (fixture, "\"profile\":\"classic\"", TRUE);
  g_assert_cmpstr (issued->profile, ==, "classic");
  g_assert_null (issued->profile_dropped);
}

/* One that the directory does not name is not asked for; one that the CA refuses after all is not
 * asked for again. */
static void
test_profile_refused (DoubleFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (HerdIssueRequest) request = new_request ();
  g_autoptr (HerdIssued) first = NULL;
  g_autoptr (HerdIssued) second = NULL;
  g_autoptr (GError) error = NULL;

  acme_must_register (&fixture->acme);
  request->profile = g_strdup ("shortlived");
  first = must_issue (fixture, request);
  assert_asked (fixture, "profile", FALSE);
  g_assert_nonnull (strstr (first->profile_dropped, "it has: classic"));
  g_assert_cmpuint (test_double_count (fixture->ca, "/order"), ==, 1);

  g_free (request->profile);
  request->profile = g_strdup ("classic");
  test_double_refuse (fixture->ca, "/order", 1, 400, "", "invalidProfile", "gone");
  second = must_issue (fixture, request);
  assert_asked (fixture, "profile", FALSE);
  g_assert_nonnull (second->profile_dropped);
  g_assert_cmpuint (test_double_count (fixture->ca, "/order"), ==, 3);

  request->profile_required = TRUE;
  test_double_refuse (fixture->ca, "/order", 1, 400, "", "invalidProfile", "gone");
  g_assert_null (acme_issue_wish (&fixture->acme, request, NULL, &error));
  acme_assert_error (error, HERD_ERROR_REFUSED, "profile “classic”");
  g_assert_cmpuint (test_double_count (fixture->ca, "/order"), ==, 4);
}

/* --- replaces --- */

static char *
get_id (GBytes *pem)
{
  g_autoptr (HerdChain) chain = herd_chain_new (pem, NULL);

  return herd_chain_get_renewal_id (chain);
}

static void
test_replaces (DoubleFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const struct {
    guint status;
    const char *type;
    guint orders; /* newOrders until the end */
    gboolean issued;
  } cases[] = {
    { 409, "alreadyReplaced", 2, TRUE },     { 409, "malformed", 2, TRUE },
    { 403, "unauthorized", 2, TRUE },        { 400, "malformed", 2, TRUE },
    { 500, "serverInternal", 2, TRUE },      { 429, "rateLimited", 1, FALSE },
    { 400, "rejectedIdentifier", 1, FALSE },
  };
  g_autoptr (HerdIssueRequest) request = new_request ();
  g_autoptr (HerdIssued) first = NULL;
  g_autofree char *id = NULL;

  acme_must_register (&fixture->acme);
  first = must_issue (fixture, request);
  assert_asked (fixture, "replaces", FALSE);
  id = get_id (first->chain);
  request->predecessor = g_bytes_ref (first->chain);
  g_clear_pointer (&first, herd_issued_free);
  first = must_issue (fixture, request);
  assert_asked (fixture, id, TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (HerdIssued) issued = NULL;
    guint before = test_double_count (fixture->ca, "/order");

    test_double_refuse (fixture->ca, "/order", 1, cases[i].status, "", cases[i].type, "no");
    issued = acme_issue_wish (&fixture->acme, request, NULL, &error);
    g_assert_cmpint (issued != NULL, ==, cases[i].issued);
    assert_asked (fixture, id, !cases[i].issued);
    g_assert_cmpuint (test_double_count (fixture->ca, "/order"), ==, before + cases[i].orders);
  }
}

/* Once, and not for ever. */
static void
test_replaces_once (DoubleFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (HerdIssueRequest) request = new_request ();
  g_autoptr (HerdIssued) first = NULL;
  g_autoptr (GError) error = NULL;

  acme_must_register (&fixture->acme);
  first = must_issue (fixture, request);
  request->predecessor = g_bytes_ref (first->chain);
  test_double_refuse (fixture->ca, "/order", 0, 500, "", "serverInternal", "down");
  g_assert_null (acme_issue_wish (&fixture->acme, request, NULL, &error));
  acme_assert_error (error, HERD_ERROR_UNREACHABLE, "down");
  g_assert_cmpuint (test_double_count (fixture->ca, "/order"), ==, 3);
}

/* --- renewal information --- */

static void
test_renewal_info (DoubleFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const struct {
    guint status;
    const char *fields;
    const char *body;
    const char *words; /* of the error; NULL: none */
    gint64 delay;
  } cases[] = {
    { 200, "Retry-After: 21600\r\n",
      "{\"suggestedWindow\":{\"start\":\"2025-01-02T04:00:00.123456789+01:00\","
      "\"end\":\"2025-01-03T03:00:00Z\"},\"explanationURL\":\"https://ca.example/why\",\"x\":1}",
      NULL, 21600 },
    { 200, "Retry-After: 1\r\n",
      "{\"suggestedWindow\":{\"start\":\"2025-01-02T03:00:00Z\",\"end\":\"2025-01-03T03:00:00Z\"}}",
      NULL, 60 },
    { 200, "Retry-After: 315360000\r\n",
      "{\"suggestedWindow\":{\"start\":\"2025-01-02T03:00:00Z\",\"end\":\"2025-01-03T03:00:00Z\"}}",
      NULL, DAY },
    { 200, "",
      "{\"suggestedWindow\":{\"start\":\"2025-01-02T03:00:00Z\",\"end\":\"2025-01-03T03:00:00Z\"}}",
      NULL, 21600 },
    { 200, "",
      "{\"suggestedWindow\":{\"start\":\"2025-01-03T03:00:00Z\","
      "\"end\":\"2025-01-03T03:00:00Z\"}}",
      "ends before", 0 },
    { 200, "", "{\"suggestedWindow\":{\"start\":\"soon\",\"end\":\"2025-01-03T03:00:00Z\"}}",
      "no time: soon", 0 },
    { 200, "", "{\"suggestedWindow\":{\"end\":\"2025-01-03T03:00:00Z\"}}", "\"start\" is missing",
      0 },
    { 200, "", "{\"suggestedWindow\":5}", "suggestedWindow", 0 },
    { 200, "", "{}", "\"suggestedWindow\" is missing", 0 },
    { 200, "", "<html>", "not JSON", 0 },
    { 404, "", "{}", "404", 0 },
    { TEST_DOUBLE_LARGE, "", "", "too large", 0 },
  };
  g_autoptr (HerdIssueRequest) request = new_request ();
  g_autoptr (HerdIssued) issued = NULL;
  g_autofree char *id = NULL;
  g_autofree char *path = NULL;

  acme_must_register (&fixture->acme);
  issued = must_issue (fixture, request);
  id = get_id (issued->chain);
  path = g_strconcat ("/ari/", id, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    gint64 now = herd_clock_get_seconds (fixture->acme.clock);
    g_autoptr (GError) error = NULL;
    g_autoptr (HerdRenewalInfo) info = NULL;

    test_double_say (fixture->ca, path, 1, cases[i].status, cases[i].fields, cases[i].body);
    info = acme_ask_renewal (&fixture->acme, issued->chain, &error);
    g_assert_cmpint (info != NULL, ==, cases[i].words == NULL);
    if (info == NULL) {
      g_assert_nonnull (strstr (error->message, cases[i].words));
      continue;
    }
    g_assert_cmpint (info->start, ==, 1735786800);
    g_assert_cmpint (info->end, ==, 1735873200);
    g_assert_cmpstr (info->explanation_url, ==, i == 0 ? "https://ca.example/why" : "");
    g_assert_cmpint (info->retry_at, >=, now + cases[i].delay);
    g_assert_cmpint (info->retry_at, <=, now + cases[i].delay + 5);
  }
}

/* --- alternate chains --- */

/* Whatever stands behind the links, the first chain is there. */
static void
test_alternates (DoubleFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (HerdIssueRequest) request = new_request ();
  g_autoptr (HerdIssued) first = NULL;
  g_autoptr (HerdIssued) issued = NULL;
  g_autofree char *body = NULL;

  acme_must_register (&fixture->acme);
  first = must_issue (fixture, request);
  body = g_strndup (g_bytes_get_data (first->chain, NULL), g_bytes_get_size (first->chain));
  request->preferred_chain = g_strdup ("Another Root");
  test_double_say (fixture->ca, "/certificate", 0, 200,
                   "Link: <$BASE/gone>;rel=\"alternate\", <$BASE/html>;rel=alternate\r\n"
                   "Link: <https://elsewhere.example/chain>;rel=\"alternate\"\r\n"
                   "Link: </slow>;rel=\"up alternate\"\r\n",
                   body);
  test_double_say (fixture->ca, "/gone", 0, 404, "", "{}");
  test_double_say (fixture->ca, "/html", 0, 200, "", "<html>");
  test_double_say (fixture->ca, "/slow", 0, 503, "Retry-After: 60\r\n", "");
  issued = must_issue (fixture, request);
  g_assert_true (g_bytes_equal (issued->chain, first->chain));
  g_assert_nonnull (strstr (issued->chain_not_preferred, "besides its first it has 3"));
  g_assert_cmpuint (test_double_count (fixture->ca, "/gone"), ==, 1);
  g_assert_cmpuint (test_double_count (fixture->ca, "/html"), ==, 1);
  g_assert_cmpuint (test_double_count (fixture->ca, "/slow"), ==, 1);
}

/* --- what an aborted order leaves --- */

static void
test_released (DoubleFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (HerdIssueRequest) request = new_request ();
  g_autoptr (GError) error = NULL;
  g_autofree char *payload = NULL;
  guint before;

  acme_must_register (&fixture->acme);
  test_double_refuse (fixture->ca, "/challenge", 1, 403, "", "rejectedIdentifier", "never");
  g_assert_null (acme_issue_wish (&fixture->acme, request, NULL, &error));
  acme_assert_error (error, HERD_ERROR_REFUSED, "never");
  payload = test_double_get_payload (fixture->ca, "/authorization");
  g_assert_cmpstr (payload, ==, "{\"status\":\"deactivated\"}");

  /* Nothing to be given back, or nobody there to give it to. */
  before = test_double_count (fixture->ca, "/authorization");
  test_double_refuse (fixture->ca, "/order", 1, 400, "", "rejectedIdentifier", "no");
  g_assert_null (acme_issue_wish (&fixture->acme, request, NULL, &error));
  acme_assert_error (error, HERD_ERROR_REFUSED, "no");
  g_assert_cmpuint (test_double_count (fixture->ca, "/authorization"), ==, before);
}

int
main (int argc, char **argv)
{
  herd_net_init ();
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function)                                                                        \
  g_test_add ("/wishes/" path, DoubleFixture, NULL, double_set_up, function, double_tear_down)
  ADD ("profile", test_profile);
  ADD ("profile-refused", test_profile_refused);
  ADD ("replaces", test_replaces);
  ADD ("replaces-once", test_replaces_once);
  ADD ("renewal-info", test_renewal_info);
  ADD ("alternates", test_alternates);
  ADD ("released", test_released);
#undef ADD
  return g_test_run ();
}
