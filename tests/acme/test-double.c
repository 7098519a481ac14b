// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The engine against a protocol double that misbehaves at every step: whatever a CA says, there is a
 * clear error of the right class, nothing is kept that was not checked, and nothing is sent twice.
 */
#include <string.h>

#include "double-fixture.h"
#include "net/http.h"
#include "plugin/error.h"

static void
test_normal (DoubleFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HerdAccount)
      account = acme_register (&fixture->acme, "https://ca.example/terms", &error);
  g_autofree char *expected = NULL;
  g_autofree char *chain = NULL;
  g_autofree char *payload = NULL;

  g_assert_no_error (error);
  expected = g_strdup_printf ("0 issue \"ca.example; accounturi=%s\"", account->url);
  g_assert_cmpstr (account->caa_record, ==, expected);
  g_assert_true (g_strv_contains ((const char *const *) account->capabilities, "ari"));
  g_assert_true (g_strv_contains ((const char *const *) account->capabilities, "profiles"));
  g_assert_cmpuint (g_variant_n_children (account->profiles), ==, 1);
  chain = acme_issue (&fixture->acme, &error, NAME, NULL);
  g_assert_no_error (error);
  payload = test_double_get_payload (fixture->ca, "/challenge");
  g_assert_cmpstr (payload, ==, "{}");
  g_assert_cmpuint (test_double_count (fixture->ca, "/authorization"), ==, 1);
}

static void
test_directory (DoubleFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const struct {
    guint status;
    const char *fields;
    const char *body;
    HerdError code;
    const char *words;
  } cases[] = {
    { 200, "", "<!DOCTYPE html><html>Welcome</html>", HERD_ERROR_REFUSED, "not JSON" },
    { 200, "", "", HERD_ERROR_REFUSED, "empty" },
    { 200, "", "[1]", HERD_ERROR_REFUSED, "not a JSON object" },
    { 200, "", "{\"newNonce\":\"$BASE/n\",\"newNonce\":\"$BASE/m\"}", HERD_ERROR_REFUSED, "twice" },
    { 200, "", "{}", HERD_ERROR_REFUSED, "\"newNonce\" is missing" },
    { 200, "", "{\"newNonce\":5}", HERD_ERROR_REFUSED, "\"newNonce\" is not a string" },
    { 200, "", "{\"newNonce\":\"http://127.0.0.1/n\"}", HERD_ERROR_REFUSED, "not an https URL" },
    { 200, "", "{\"newNonce\":\"https://elsewhere.example/n\"}", HERD_ERROR_REFUSED,
      "not on the host" },
    { 302, "Location: /other\r\n", "", HERD_ERROR_REFUSED, "redirect to /other" },
    { 500, "", "oops", HERD_ERROR_UNREACHABLE, "500" },
    { 404, "", "nothing", HERD_ERROR_REFUSED, "404" },
    { TEST_DOUBLE_LARGE, "", "", HERD_ERROR_REFUSED, "too large" },
    { TEST_DOUBLE_CLOSE, "", "", HERD_ERROR_UNREACHABLE, "cannot be reached" },
  };
  g_autoptr (GError) error = NULL;
  g_autofree char *deep = g_strnfill (100000, '[');

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    test_double_say (fixture->ca, "/dir", 0, cases[i].status, cases[i].fields, cases[i].body);
    g_assert_null (acme_register (&fixture->acme, "yes", &error));
    acme_assert_error (error, (int) cases[i].code, cases[i].words);
  }
  test_double_say (fixture->ca, "/dir", 0, 200, "", deep);
  g_assert_null (acme_register (&fixture->acme, "yes", &error));
  acme_assert_error (error, HERD_ERROR_REFUSED, "");
  deep[60000] = '\0';
  test_double_say (fixture->ca, "/dir", 0, 200, "", deep);
  g_assert_null (acme_register (&fixture->acme, "yes", &error));
  acme_assert_error (error, HERD_ERROR_REFUSED, "nested");
  g_assert_cmpuint (test_double_count (fixture->ca, "/account"), ==, 0);

  test_double_relent (fixture->ca, "/dir");
  acme_must_register (&fixture->acme);
}

static void
test_account (DoubleFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const struct {
    const char *fields;
    const char *body;
    HerdError code;
    const char *words;
  } cases[] = {
    { "", "{\"status\":\"valid\"}", HERD_ERROR_REFUSED, "no Location" },
    { "Location: https://elsewhere.example/a\r\n", "{\"status\":\"valid\"}", HERD_ERROR_REFUSED,
      "not on the host" },
    { "Location: $BASE/account/1\r\n", "{}", HERD_ERROR_REFUSED, "\"status\" is missing" },
    { "Location: $BASE/account/1\r\n", "{\"status\":\"valid\",\"contact\":[1]}", HERD_ERROR_REFUSED,
      "array of strings" },
    { "Location: $BASE/account/1\r\n", "{\"status\":\"deactivated\"}", HERD_ERROR_ACTION_REQUIRED,
      "deactivated" },
  };
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    test_double_say (fixture->ca, "/account", 0, 201, cases[i].fields, cases[i].body);
    g_assert_null (acme_register (&fixture->acme, "yes", &error));
    acme_assert_error (error, (int) cases[i].code, cases[i].words);
  }
  g_assert_null (acme_issue (&fixture->acme, &error, NAME, NULL));
  acme_assert_error (error, HERD_ERROR_ACTION_REQUIRED, "deactivated");
}

/* The answer to newAccount is lost: the next attempt asks for the existing account first. */
static void
test_account_lost_answer (DoubleFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *payload = NULL;

  test_double_say (fixture->ca, "/account", 1, TEST_DOUBLE_LOST, "", "");
  g_assert_null (acme_register (&fixture->acme, "yes", &error));
  acme_assert_error (error, HERD_ERROR_UNREACHABLE, "newAccount");
  double_restart (fixture);
  acme_must_register (&fixture->acme);
  payload = test_double_get_payload (fixture->ca, "/account");
  g_assert_cmpstr (payload, ==, "{\"onlyReturnExisting\":true}");
  g_assert_cmpuint (test_double_count (fixture->ca, "/account"), ==, 2);
}

/* The CA has forgotten the account: that is seen, kept, and mended by registering again. */
static void
test_account_forgotten (DoubleFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HerdAccount) account = NULL;
  g_autoptr (GBytes) key = NULL;
  g_autoptr (GBytes) key_after = NULL;
  g_autofree char *chain = NULL;

  acme_must_register (&fixture->acme);
  key = test_host_get (fixture->acme.host, "account-key");
  test_double_refuse (fixture->ca, "/order", 1, 400, "", "accountDoesNotExist", "who are you?");
  g_assert_null (acme_issue (&fixture->acme, &error, NAME, NULL));
  g_assert_cmpint (herd_error_class (error), ==, HERD_ERROR_CLASS_HUMAN);
  acme_assert_error (error, HERD_ERROR_ACTION_REQUIRED, "register the issuer again");
  double_restart (fixture);
  account = acme_load (&fixture->acme, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (account->status, ==, "unregistered");
  g_assert_null (acme_issue (&fixture->acme, &error, NAME, NULL));
  acme_assert_error (error, HERD_ERROR_ACTION_REQUIRED, "register the issuer first");

  test_double_refuse (fixture->ca, "/account", 1, 400, "", "accountDoesNotExist", "never seen");
  acme_must_register (&fixture->acme);
  key_after = test_host_get (fixture->acme.host, "account-key");
  g_assert_true (g_bytes_equal (key, key_after));
  chain = acme_issue (&fixture->acme, &error, NAME, NULL);
  g_assert_no_error (error);
}

/* Whatever the CA says instead of an order, an authorization, a certificate. */
static void
test_objects (DoubleFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const struct {
    const char *path;
    const char *fields;
    const char *body;
    HerdError code;
    const char *words;
  } cases[] = {
    { "/order", "", ORDER ("pending", ""), HERD_ERROR_REFUSED, "no Location" },
    { "/order", "Location: https://elsewhere.example/o\r\n", ORDER ("pending", ""),
      HERD_ERROR_REFUSED, "not on the host" },
    { "/order", "Location: $BASE/order/1\r\n", "<html>", HERD_ERROR_REFUSED, "not JSON" },
    { "/order", "Location: $BASE/order/1\r\n", ORDER ("perhaps", ""), HERD_ERROR_REFUSED,
      "unknown status \"perhaps\"" },
    { "/order", "Location: $BASE/order/1\r\n",
      "{\"status\":\"pending\",\"identifiers\":[{\"type\":\"dns\",\"value\":\"evil.example\"}],"
      "\"finalize\":\"$BASE/finalize\"}",
      HERD_ERROR_REFUSED, "not for " NAME },
    { "/order", "Location: $BASE/order/1\r\n",
      "{\"status\":\"pending\",\"identifiers\":[{\"type\":\"dns\",\"value\":\"" NAME "\"}],"
      "\"authorizations\":[\"$BASE/a\",\"$BASE/b\"],\"finalize\":\"$BASE/finalize\"}",
      HERD_ERROR_REFUSED, "more than 1 elements" },
    { "/order", "Location: $BASE/order/1\r\n",
      "{\"status\":\"pending\",\"identifiers\":[{\"type\":\"dns\",\"value\":\"" NAME "\"}],"
      "\"authorizations\":[\"https://elsewhere.example/a\"],\"finalize\":\"$BASE/finalize\"}",
      HERD_ERROR_REFUSED, "not on the host" },
    { "/order", "Location: $BASE/order/1\r\n", ORDER ("valid", ""), HERD_ERROR_REFUSED,
      "without a certificate" },
    { "/order", "Location: $BASE/order/1\r\n",
      ORDER ("valid", ",\"certificate\":\"$BASE/certificate\""), HERD_ERROR_FAILED,
      "somebody else" },
    { "/order", "Location: $BASE/order/1\r\n",
      ORDER ("invalid", ",\"error\":{\"type\":\"urn:ietf:params:acme:error:caa\","
                        "\"detail\":\"forbidden by \\u202eCAA\\n\"}"),
      HERD_ERROR_REFUSED, "forbidden by \\u{202e}CAA\\n (caa)" },
    { "/authorization", "", AUTHORIZATION ("evil.example", ""), HERD_ERROR_REFUSED,
      "evil.example, which was not asked for" },
    { "/authorization", "", AUTHORIZATION (NAME, "{\"type\":\"dns-77\",\"url\":\"$BASE/c\"}"),
      HERD_ERROR_ACTION_REQUIRED, "the CA offers dns-77, the solvers can do http-01" },
    { "/authorization", "",
      AUTHORIZATION (NAME, "{\"type\":\"http-01\",\"url\":\"$BASE/c\",\"token\":\"../../x\"}"),
      HERD_ERROR_REFUSED, "token" },
    { "/authorization", "",
      AUTHORIZATION (NAME, "{\"type\":\"http-01\",\"url\":\"https://elsewhere.example/c\","
                           "\"token\":\"evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA\"}"),
      HERD_ERROR_ACTION_REQUIRED, "the CA offers no challenge" },
    { "/certificate", "", "", HERD_ERROR_REFUSED, "" },
    { "/certificate", "", "<html>", HERD_ERROR_REFUSED, "" },
    { "/certificate", "", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
      HERD_ERROR_REFUSED, "" },
  };
  g_autoptr (GError) error = NULL;

  acme_must_register (&fixture->acme);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    test_double_reset (fixture->ca);
    test_double_say (fixture->ca, cases[i].path, 1,
                     g_str_equal (cases[i].path, "/order") ? 201 : 200, cases[i].fields,
                     cases[i].body);
    g_assert_null (acme_issue (&fixture->acme, &error, NAME, NULL));
    acme_assert_error (error, (int) cases[i].code, cases[i].words);
  }
  g_assert_cmpuint (test_solver_get_cleanups (fixture->acme.solver), >=,
                    test_solver_get_presents (fixture->acme.solver));
}

static void
test_other_key (DoubleFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GError) error = NULL;

  acme_must_register (&fixture->acme);
  test_double_say (fixture->ca, "/finalize", 1, TEST_DOUBLE_OTHER_KEY, "", "");
  g_assert_null (acme_issue (&fixture->acme, &error, NAME, NULL));
  acme_assert_error (error, HERD_ERROR_REFUSED, "key");
}

/* The error of a challenge explains the order's end; "unauthorized" there is not the account's. */
static void
test_explained (DoubleFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *steps = NULL;

  acme_must_register (&fixture->acme);
  test_double_say (fixture->ca, "/order/1", 0, 200, "", ORDER ("invalid", ""));
  test_double_say (fixture->ca, "/challenge", 1, 200, "", "{}");
  /* The first round of authorizations is as always, the second tells. */
  test_double_say (fixture->ca, "/authorization", 1, 200, "",
                   AUTHORIZATION (NAME,
                                  "{\"type\":\"http-01\",\"url\":\"$BASE/challenge\","
                                  "\"token\":\"evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA\"}"));
  g_assert_null (acme_issue (&fixture->acme, &error, NAME, NULL));
  acme_assert_error (error, HERD_ERROR_REFUSED, "without saying why");

  test_double_say (fixture->ca, "/order", 1, 201, "Location: $BASE/order/1\r\n",
                   ORDER ("invalid", ""));
  test_double_say (
      fixture->ca, "/authorization", 1, 200, "",
      "{\"status\":\"invalid\",\"identifier\":{\"type\":\"dns\",\"value\":\"" NAME "\"},"
      "\"challenges\":[{\"type\":\"http-01\",\"url\":\"$BASE/challenge\",\"status\":\"invalid\","
      "\"error\":{\"type\":\"urn:ietf:params:acme:error:unauthorized\",\"detail\":\"404\"}}]}");
  g_assert_null (acme_issue (&fixture->acme, &error, NAME, NULL));
  g_assert_cmpint (herd_error_class (error), ==, HERD_ERROR_CLASS_BACKOFF);
  g_assert_cmpstr (herd_error_get_identifier (error), ==, NAME);
  acme_assert_error (error, HERD_ERROR_CHALLENGE_FAILED,
                     "http-01 challenge: " NAME ": 404 (incorrectResponse)");
  steps = test_host_get_steps (fixture->acme.host);
  g_assert_nonnull (strstr (steps, "explain,cleanup"));
}

static void
test_rate_limit (DoubleFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GError) error = NULL;
  gint64 now;

  acme_must_register (&fixture->acme);
  now = herd_clock_get_seconds (fixture->acme.clock);
  test_double_refuse (fixture->ca, "/order", 1, 429, "Retry-After: 3600\r\n", "rateLimited",
                      "too many");
  g_assert_null (acme_issue (&fixture->acme, &error, NAME, NULL));
  g_assert_cmpint (herd_error_class (error), ==, HERD_ERROR_CLASS_TIMED);
  g_assert_cmpint (herd_error_get_retry_at (error), >=, now + 3600);
  g_assert_cmpint (herd_error_get_retry_at (error), <=, now + 3660);
  acme_assert_error (error, HERD_ERROR_RATE_LIMITED, "too many");
  test_double_refuse (fixture->ca, "/order", 1, 429, "Retry-After: 99999999\r\n", "rateLimited",
                      "for ever");
  g_assert_null (acme_issue (&fixture->acme, &error, NAME, NULL));
  g_assert_cmpint (herd_error_get_retry_at (error), <=, now + 7 * DAY + 60);
  acme_assert_error (error, HERD_ERROR_RATE_LIMITED, "for ever");
}

/* A server that stumbles, or whose answer is lost, on the way to a certificate. */
static void
test_stumbling (DoubleFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *polled = NULL;
  g_autofree char *lost = NULL;
  g_autofree char *not_ready = NULL;
  guint finalizes;

  acme_must_register (&fixture->acme);
  test_double_say (fixture->ca, "/order/1", 1, 503, "", "busy");
  polled = acme_issue (&fixture->acme, &error, NAME, NULL);
  g_assert_no_error (error);

  finalizes = test_double_count (fixture->ca, "/finalize");
  test_double_reset (fixture->ca);
  test_double_say (fixture->ca, "/finalize", 1, TEST_DOUBLE_LOST, "", "");
  lost = acme_issue (&fixture->acme, &error, NAME, NULL);
  g_assert_no_error (error);
  g_assert_cmpuint (test_double_count (fixture->ca, "/finalize"), ==, finalizes + 1);

  test_double_reset (fixture->ca);
  test_double_refuse (fixture->ca, "/finalize", 1, 403, "", "orderNotReady", "wait");
  not_ready = acme_issue (&fixture->acme, &error, NAME, NULL);
  g_assert_no_error (error);
  g_assert_cmpuint (test_double_count (fixture->ca, "/finalize"), ==, finalizes + 3);
}

/* The CA has come to an end with a challenge between our look at it and our answer. */
static void
test_answered_before (DoubleFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *chain = NULL;

  acme_must_register (&fixture->acme);
  test_double_refuse (fixture->ca, "/challenge", 1, 400, "", "malformed", "it is valid already");
  chain = acme_issue (&fixture->acme, &error, NAME, NULL);
  g_assert_no_error (error);
  g_assert_cmpuint (test_double_count (fixture->ca, "/authorization"), ==, 2);
  test_double_refuse (fixture->ca, "/challenge", 0, 400, "", "malformed", "no");
  g_assert_null (acme_issue (&fixture->acme, &error, NAME, NULL));
  acme_assert_error (error, HERD_ERROR_REFUSED, "challenge: no");
}

static void
test_bad_nonces (DoubleFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GError) error = NULL;
  guint nonces;

  test_double_say (fixture->ca, "/nonce", 1, 200, "Replay-Nonce: not a nonce!\r\n", "");
  g_assert_null (acme_register (&fixture->acme, "yes", &error));
  acme_assert_error (error, HERD_ERROR_REFUSED, "no usable nonce");
  acme_must_register (&fixture->acme);

  nonces = test_double_count (fixture->ca, "/nonce");
  test_double_refuse (fixture->ca, "/order", 0, 400, "", "badNonce", "no");
  g_assert_null (acme_issue (&fixture->acme, &error, NAME, NULL));
  g_assert_cmpint (herd_error_class (error), ==, HERD_ERROR_CLASS_BACKOFF);
  acme_assert_error (error, HERD_ERROR_UNREACHABLE, "nonces");
  /* The first, four with the nonces of the refusals, one with a fresh one. */
  g_assert_cmpuint (test_double_count (fixture->ca, "/order"), ==, 6);
  g_assert_cmpuint (test_double_count (fixture->ca, "/nonce"), ==, nonces + 1);
}

#define MANY 100

/* MANY orders at once, each of which ends with its first request. */
static void
issue_many (DoubleFixture *fixture)
{
  static const char *const identifiers[] = { NAME, NULL };
  g_autoptr (HerdIssueRequest) request = test_request_new (identifiers, NULL);
  HerdIssuer *issuer = HERD_ISSUER (fixture->acme.engine);
  GAsyncResult *results[MANY] = { NULL };

  for (guint i = 0; i < MANY; i++)
    herd_issuer_issue_async (issuer, request, NULL, HERD_ISSUER_HOST (fixture->acme.host), NULL,
                             test_on_result, &results[i]);
  for (guint i = 0; i < MANY; i++) {
    g_autoptr (GError) error = NULL;

    test_wait (results[i] != NULL);
    g_assert_null (herd_issuer_issue_finish (issuer, results[i], &error));
    acme_assert_error (error, HERD_ERROR_REFUSED, "no");
    g_object_unref (results[i]);
  }
}

/* However many wait, there are no more nonces than requests at a time; and each gives one back. */
static void
test_many (DoubleFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  guint nonces;

  acme_must_register (&fixture->acme);
  test_double_refuse (fixture->ca, "/order", 0, 400, "", "malformed", "no");
  issue_many (fixture);
  nonces = test_double_count (fixture->ca, "/nonce");
  g_assert_cmpuint (nonces, <=, HERD_HTTP_CONCURRENCY);
  issue_many (fixture);
  g_assert_cmpuint (test_double_count (fixture->ca, "/nonce"), ==, nonces);
  g_assert_cmpuint (test_double_count (fixture->ca, "/order"), ==, 2 * MANY);
}

int
main (int argc, char **argv)
{
  herd_net_init ();
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function)                                                                        \
  g_test_add ("/double/" path, DoubleFixture, NULL, double_set_up, function, double_tear_down)
  ADD ("normal", test_normal);
  ADD ("directory", test_directory);
  ADD ("account", test_account);
  ADD ("account-lost-answer", test_account_lost_answer);
  ADD ("account-forgotten", test_account_forgotten);
  ADD ("objects", test_objects);
  ADD ("other-key", test_other_key);
  ADD ("explained", test_explained);
  ADD ("rate-limit", test_rate_limit);
  ADD ("stumbling", test_stumbling);
  ADD ("answered-before", test_answered_before);
  ADD ("bad-nonces", test_bad_nonces);
  ADD ("many", test_many);
#undef ADD
  return g_test_run ();
}
