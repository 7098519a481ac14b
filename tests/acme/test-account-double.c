// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Accounts at a protocol double: answers that are lost, and what no Pebble says of an account.
 */
#include <string.h>

#include "double-fixture.h"
#include "net/http.h"
#include "plugin/error.h"

static void
test_binding_once (DoubleFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GBytes) text = g_bytes_new_static ("c2VjcmV0LXNlY3JldA", 18);
  g_autoptr (HerdBinding) binding = herd_binding_new ("kid", "HS256", text);
  g_autoptr (GBytes) kept = NULL;
  g_autofree char *sent = NULL;
  g_autofree char *asked = NULL;
  g_autoptr (HerdAccount) account = NULL;
  g_autoptr (GError) error = NULL;

  /* The CA has taken it, and the answer is lost. */
  test_double_say (fixture->ca, "/account", 1, TEST_DOUBLE_LOST, "", "");
  g_assert_null (acme_register_with (&fixture->acme, "yes", NULL, binding, &error));
  acme_assert_error (error, HERD_ERROR_UNREACHABLE, "newAccount");
  sent = test_double_get_payload (fixture->ca, "/account");
  g_assert_nonnull (strstr (sent, "\"externalAccountBinding\":{\"protected\":"));
  g_assert_null (strstr (sent, "secret"));
  kept = test_host_get (fixture->acme.host, "binding");
  g_assert_nonnull (kept);

  /* Another process: it is looked for, and the binding is not sent again. */
  double_restart (fixture);
  account = acme_register (&fixture->acme, "yes", &error);
  g_assert_no_error (error);
  asked = test_double_get_payload (fixture->ca, "/account");
  g_assert_cmpstr (asked, ==, "{\"onlyReturnExisting\":true}");
  g_assert_cmpuint (test_double_count (fixture->ca, "/account"), ==, 2);
  g_assert_null (test_host_get (fixture->acme.host, "binding"));
}

/* The request never came: the CA does not know the key, and gets the binding that was kept. */
static void
test_binding_kept (DoubleFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GBytes) text = g_bytes_new_static ("c2VjcmV0LXNlY3JldA", 18);
  g_autoptr (HerdBinding) binding = herd_binding_new ("kid", "HS512", text);
  g_autofree char *sent = NULL;
  g_autoptr (GError) error = NULL;

  test_double_say (fixture->ca, "/account", 1, TEST_DOUBLE_CLOSE, "", "");
  g_assert_null (acme_register_with (&fixture->acme, "yes", NULL, binding, &error));
  acme_assert_error (error, HERD_ERROR_UNREACHABLE, "newAccount");
  double_restart (fixture);
  test_double_refuse (fixture->ca, "/account", 1, 400, "", "accountDoesNotExist", "who?");
  acme_must_register (&fixture->acme);
  sent = test_double_get_payload (fixture->ca, "/account");
  g_assert_nonnull (strstr (sent, "externalAccountBinding"));
}

/* --- the key --- */

/* The CA has changed the key, and the answer is lost: the new key is asked for, and found. */
static void
test_roll_lost (DoubleFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (HerdAccount) account = NULL;
  g_autoptr (GBytes) old = NULL, key = NULL;
  g_autoptr (GError) error = NULL;

  acme_must_register (&fixture->acme);
  old = test_host_get (fixture->acme.host, "account-key");
  test_double_say (fixture->ca, "/key-change", 1, TEST_DOUBLE_LOST, "", "");
  account = acme_roll_key (&fixture->acme, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (account->status, ==, "valid");
  g_assert_cmpuint (test_double_count (fixture->ca, "/key-change"), ==, 1);
  key = test_host_get (fixture->acme.host, "account-key");
  g_assert_false (g_bytes_equal (old, key));
  g_assert_null (test_host_get (fixture->acme.host, "account-key-next"));
}

/* The CA never saw the request: the old key is found, the failure is told, and the new key waits for the
 * next attempt. */
static void
test_roll_unseen (DoubleFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (HerdAccount) account = NULL, loaded = NULL;
  g_autoptr (GBytes) next = NULL, key = NULL;
  g_autoptr (GError) error = NULL;

  acme_must_register (&fixture->acme);
  test_double_say (fixture->ca, "/key-change", 1, 500, "", "oops");
  test_double_refuse (fixture->ca, "/account", 1, 400, "", "accountDoesNotExist", "who?");
  g_assert_null (acme_roll_key (&fixture->acme, NULL, &error));
  acme_assert_error (error, HERD_ERROR_UNREACHABLE, "keyChange");
  loaded = acme_load (&fixture->acme, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (loaded->status, ==, "valid");
  next = test_host_get (fixture->acme.host, "account-key-next");
  g_assert_nonnull (next);
  account = acme_roll_key (&fixture->acme, NULL, &error);
  g_assert_no_error (error);
  key = test_host_get (fixture->acme.host, "account-key");
  g_assert_true (g_bytes_equal (key, next));
}

/* Nobody answers: it is not known which key it is; nothing is signed until it is found out. */
static void
test_roll_unsettled (DoubleFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (HerdAccount) loaded = NULL, account = NULL;
  g_autofree char *chain = NULL;
  g_autoptr (GBytes) next = NULL, key = NULL;
  g_autoptr (GError) error = NULL;

  acme_must_register (&fixture->acme);
  test_double_say (fixture->ca, "/key-change", 0, TEST_DOUBLE_LOST, "", "");
  test_double_say (fixture->ca, "/account", 0, 503, "Retry-After: 7\r\n", "");
  g_assert_null (acme_roll_key (&fixture->acme, NULL, &error));
  g_assert_cmpint (herd_error_class (error), ==, HERD_ERROR_CLASS_TIMED);
  g_clear_error (&error);
  next = test_host_get (fixture->acme.host, "account-key-next");
  for (guint i = 0; i < 2; i++) {
    g_clear_pointer (&loaded, herd_account_free);
    loaded = acme_load (&fixture->acme, &error);
    g_assert_cmpstr (loaded->status, ==, "rolling");
    g_assert_null (acme_issue (&fixture->acme, &error, NAME, NULL));
    acme_assert_error (error, HERD_ERROR_ACTION_REQUIRED, "not known which key");
    double_restart (fixture);
  }
  g_assert_cmpuint (test_double_count (fixture->ca, "/order"), ==, 0);
  test_double_relent (fixture->ca, "/account");
  account = acme_register (&fixture->acme, "yes", &error);
  g_assert_no_error (error);
  g_assert_cmpstr (account->status, ==, "valid");
  key = test_host_get (fixture->acme.host, "account-key");
  g_assert_true (g_bytes_equal (key, next));
  chain = acme_issue (&fixture->acme, &error, NAME, NULL);
  g_assert_no_error (error);
}

static void
test_roll_refused (DoubleFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (HerdAccount) loaded = NULL;
  g_autofree char *chain = NULL;
  g_autoptr (GError) error = NULL;

  acme_must_register (&fixture->acme);
  test_double_refuse (fixture->ca, "/key-change", 1, 400, "", "badPublicKey", "weak");
  g_assert_null (acme_roll_key (&fixture->acme, NULL, &error));
  acme_assert_error (error, HERD_ERROR_REFUSED, "weak");
  g_assert_null (test_host_get (fixture->acme.host, "account-key-next"));
  /* The key is another account's: 409, and that is where it leads. */
  test_double_refuse (fixture->ca, "/key-change", 1, 409, "Location: $BASE/account/2\r\n",
                      "malformed", "key in use");
  test_double_say (fixture->ca, "/account", 1, 200, "Location: $BASE/account/2\r\n",
                   "{\"status\":\"valid\"}");
  g_assert_null (acme_roll_key (&fixture->acme, NULL, &error));
  acme_assert_error (error, HERD_ERROR_EXISTS, "another account");
  loaded = acme_load (&fixture->acme, &error);
  g_assert_cmpstr (loaded->status, ==, "valid");
  chain = acme_issue (&fixture->acme, &error, NAME, NULL);
  g_assert_no_error (error);
}

static void
test_roll_unknown (DoubleFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GError) error = NULL;

  acme_must_register (&fixture->acme);
  test_double_say (fixture->ca, "/key-change", 1, TEST_DOUBLE_CLOSE, "", "");
  test_double_refuse (fixture->ca, "/account", 0, 400, "", "accountDoesNotExist", "who?");
  g_assert_null (acme_roll_key (&fixture->acme, NULL, &error));
  acme_assert_error (error, HERD_ERROR_ACTION_REQUIRED, "neither by its old key nor by its new");
  g_assert_nonnull (test_host_get (fixture->acme.host, "account-key"));
  g_assert_nonnull (test_host_get (fixture->acme.host, "account-key-next"));
}

static void
test_roll_not_offered (DoubleFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GError) error = NULL;

  test_double_say (fixture->ca, "/dir", 0, 200, "",
                   "{\"newNonce\":\"$BASE/nonce\",\"newAccount\":\"$BASE/account\","
                   "\"newOrder\":\"$BASE/order\"}");
  acme_must_register (&fixture->acme);
  g_assert_null (acme_roll_key (&fixture->acme, NULL, &error));
  acme_assert_error (error, HERD_ERROR_REFUSED, "no keyChange");
  g_assert_null (test_host_get (fixture->acme.host, "account-key-next"));
}

/* --- terms, and the end --- */

static void
test_terms_changed (DoubleFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const char *const types[] = { "userActionRequired", "agreementRequired" };
  g_autoptr (HerdAccount) loaded = NULL;
  g_autoptr (GError) error = NULL;

  acme_must_register (&fixture->acme);
  for (guint i = 0; i < G_N_ELEMENTS (types); i++) {
    g_autofree char *body = g_strdup_printf (
        "{\"type\":\"urn:ietf:params:acme:error:%s\",\"detail\":\"terms have changed\","
        "\"instance\":\"https://ca.example/agree\"}",
        types[i]);

    test_double_say (fixture->ca, "/order", 1, 403,
                     "Link: <https://ca.example/terms-2>;rel=\"terms-of-service\"\r\n", body);
    g_assert_null (acme_issue (&fixture->acme, &error, NAME, NULL));
    g_assert_cmpint (herd_error_class (error), ==, HERD_ERROR_CLASS_HUMAN);
    g_assert_cmpstr (herd_error_get_terms (error), ==, "https://ca.example/terms-2");
    g_assert_nonnull (strstr (error->message, "https://ca.example/agree"));
    acme_assert_error (error, HERD_ERROR_ACTION_REQUIRED, "https://ca.example/terms-2");
    loaded = acme_load (&fixture->acme, &error);
    g_assert_cmpstr (loaded->terms, ==, "https://ca.example/terms-2");
    g_clear_pointer (&loaded, herd_account_free);
  }
}

static void
test_account_over (DoubleFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const struct {
    guint status;
    const char *fields;
    const char *body;
    const char *seen;
  } cases[] = {
    { 200, "Location: $BASE/account/1\r\n", "{\"status\":\"revoked\"}", "revoked" },
    { 200, "Location: $BASE/account/1\r\n", "{\"status\":\"deactivated\"}", "deactivated" },
    { 403, "", "{\"type\":\"urn:ietf:params:acme:error:unauthorized\"}", "deactivated" },
  };
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (HerdAccount) loaded = NULL;

    test_host_put (fixture->acme.host, "account", NULL);
    test_host_put (fixture->acme.host, "account-key", NULL);
    double_restart (fixture);
    acme_must_register (&fixture->acme);
    test_double_refuse (fixture->ca, "/order", 1, 403, "", "unauthorized", "not valid");
    test_double_say (fixture->ca, "/account", 1, cases[i].status, cases[i].fields, cases[i].body);
    g_assert_null (acme_issue (&fixture->acme, &error, NAME, NULL));
    acme_assert_error (error, HERD_ERROR_ACTION_REQUIRED, cases[i].seen);
    double_restart (fixture);
    loaded = acme_load (&fixture->acme, &error);
    g_assert_cmpstr (loaded->status, ==, cases[i].seen);
  }
  /* The account is all right: then it is the order that the CA does not want. */
  test_host_put (fixture->acme.host, "account", NULL);
  test_host_put (fixture->acme.host, "account-key", NULL);
  double_restart (fixture);
  acme_must_register (&fixture->acme);
  test_double_refuse (fixture->ca, "/order", 1, 403, "", "unauthorized", "not for you");
  g_assert_null (acme_issue (&fixture->acme, &error, NAME, NULL));
  acme_assert_error (error, HERD_ERROR_REFUSED, "not for you");
}

/* A deactivation whose answer is lost is found to have happened. */
static void
test_deactivation_lost (DoubleFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (HerdAccount) account = NULL;
  g_autoptr (GError) error = NULL;

  acme_must_register (&fixture->acme);
  test_double_say (fixture->ca, "/account/1", 1, TEST_DOUBLE_LOST, "", "");
  g_assert_null (acme_deactivate (&fixture->acme, &error));
  acme_assert_error (error, HERD_ERROR_UNREACHABLE, "account");
  test_double_refuse (fixture->ca, "/account/1", 1, 401, "", "unauthorized", "gone");
  test_double_refuse (fixture->ca, "/account", 1, 401, "", "unauthorized", "gone");
  account = acme_deactivate (&fixture->acme, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (account->status, ==, "deactivated");
}

/* The CA says that it did, and did not. */
static void
test_deactivation_ignored (DoubleFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GError) error = NULL;

  acme_must_register (&fixture->acme);
  g_assert_null (acme_deactivate (&fixture->acme, &error));
  acme_assert_error (error, HERD_ERROR_REFUSED, "still valid");
}

/* CAs that keep no contacts do not tell them: what was sent counts. */
static void
test_contacts_not_told (DoubleFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const char *const contacts[] = { "mailto:root@example.org", NULL };
  g_autoptr (HerdAccount) first = NULL, again = NULL;
  g_autoptr (GError) error = NULL;

  first = acme_register_with (&fixture->acme, "yes", contacts, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (g_strv_equal ((const char *const *) first->contacts, contacts));
  double_restart (fixture);
  again = acme_register_with (&fixture->acme, "yes", contacts, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (test_double_count (fixture->ca, "/account/1"), ==, 0);
}

#define ADD(name, function)                                                                        \
  g_test_add ("/account-double/" name, DoubleFixture, NULL, double_set_up, function,               \
              double_tear_down)

int
main (int argc, char **argv)
{
  herd_net_init ();
  g_test_init (&argc, &argv, NULL);
  ADD ("binding-once", test_binding_once);
  ADD ("binding-kept", test_binding_kept);
  ADD ("roll-lost", test_roll_lost);
  ADD ("roll-unseen", test_roll_unseen);
  ADD ("roll-unsettled", test_roll_unsettled);
  ADD ("roll-refused", test_roll_refused);
  ADD ("roll-unknown", test_roll_unknown);
  ADD ("roll-not-offered", test_roll_not_offered);
  ADD ("terms-changed", test_terms_changed);
  ADD ("account-over", test_account_over);
  ADD ("deactivation-lost", test_deactivation_lost);
  ADD ("deactivation-ignored", test_deactivation_ignored);
  ADD ("contacts-not-told", test_contacts_not_told);
  return g_test_run ();
}
