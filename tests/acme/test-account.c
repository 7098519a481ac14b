// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Accounts at Debian's Pebble: bindings, contacts, keys that change, the end of an account, and accounts
 * that another program made.
 */
#include <string.h>

#include "crypto/key.h"
#include "fixture.h"
#include "net/http.h"
#include "pebble.h"
#include "plugin/error.h"

#define KID "kid-1" /* and its key: tests/lib/pebble.py */
#define MAC_KEY "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"

static void
set_up (Acme *acme, TestPebble *pebble)
{
  acme_set_up (acme, test_pebble_get (pebble, "DIRECTORY_URL"), test_pebble_get_trust (pebble),
               test_pebble_get (pebble, "CHALLTESTSRV_URL"), NULL);
}

static void
restart (Acme *acme, TestPebble *pebble)
{
  acme_restart (acme, test_pebble_get (pebble, "DIRECTORY_URL"), test_pebble_get_trust (pebble),
                test_pebble_get (pebble, "CHALLTESTSRV_URL"));
}

static HerdBinding *
new_binding (const char *kid, const char *algorithm, const char *key)
{
  g_autoptr (GBytes) bytes = g_bytes_new (key, strlen (key));

  return herd_binding_new (kid, algorithm, bytes);
}

static void
assert_issues (Acme *acme)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *chain = acme_issue (acme, &error, "account.example.org", NULL);

  g_assert_no_error (error);
  g_assert_nonnull (chain);
}

/* --- bindings --- */

static void
test_binding (gconstpointer data G_GNUC_UNUSED)
{
  static const struct {
    const char *algorithm;
    const char *key;
  } good[] = {
    { "HS256", MAC_KEY },
    { "HS384", " " MAC_KEY "\n" },
    { "HS512", MAC_KEY "==" },
  };
  g_autoptr (TestPebble) pebble = test_pebble_new ("--eab");

  for (guint i = 0; i < G_N_ELEMENTS (good); i++) {
    g_autoptr (HerdBinding) binding = new_binding (KID, good[i].algorithm, good[i].key);
    g_autoptr (HerdAccount) account = NULL;
    g_autoptr (HerdAccount) again = NULL;
    g_autoptr (GError) error = NULL;
    Acme acme;

    set_up (&acme, pebble);
    g_assert_null (acme_register (&acme, "yes", &error));
    acme_assert_error (error, HERD_ERROR_ACTION_REQUIRED, "eab-kid");
    g_assert_null (test_host_get (acme.host, "account-key"));
    account = acme_register_with (&acme, "yes", NULL, binding, &error);
    g_assert_no_error (error);
    g_assert_cmpstr (account->status, ==, "valid");
    g_assert_null (test_host_get (acme.host, "binding"));
    /* Found again without it. */
    test_host_put (acme.host, "account", NULL);
    restart (&acme, pebble);
    again = acme_register (&acme, "yes", &error);
    g_assert_no_error (error);
    g_assert_cmpstr (again->url, ==, account->url);
    acme_tear_down (&acme);
  }
}

static void
test_bad_binding (gconstpointer data G_GNUC_UNUSED)
{
  static const struct {
    const char *kid;
    const char *algorithm;
    const char *key;
    HerdError code;
    const char *words;
  } bad[] = {
    { KID, "HS256", "not base64!", HERD_ERROR_INVALID_ARGUMENT, "MAC key" },
    { KID, "HS256", "", HERD_ERROR_INVALID_ARGUMENT, "MAC key" },
    { KID, "none", MAC_KEY, HERD_ERROR_INVALID_ARGUMENT, "HS256" },
    { "", "HS256", MAC_KEY, HERD_ERROR_INVALID_ARGUMENT, "eab-kid" },
    { "another", "HS256", MAC_KEY, HERD_ERROR_REFUSED, "newAccount" },
    { KID, "HS256", "AAAA", HERD_ERROR_REFUSED, "newAccount" },
  };
  g_autoptr (TestPebble) pebble = test_pebble_new ("--eab");
  g_autoptr (HerdBinding) right = new_binding (KID, "HS256", MAC_KEY);
  g_autoptr (HerdAccount) account = NULL;
  g_autoptr (GError) error = NULL;
  Acme acme;

  set_up (&acme, pebble);
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (HerdBinding) binding = new_binding (bad[i].kid, bad[i].algorithm, bad[i].key);

    g_assert_null (acme_register_with (&acme, "yes", NULL, binding, &error));
    g_assert_null (strstr (error->message, MAC_KEY));
    acme_assert_error (error, (int) bad[i].code, bad[i].words);
  }
  account = acme_register_with (&acme, "yes", NULL, right, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (account->status, ==, "valid");
  acme_tear_down (&acme);
}

/* --- contacts --- */

static void
test_contacts (gconstpointer data)
{
  static const char *const one[] = { "mailto:one@example.org", NULL };
  static const char *const two[] = { "mailto:one@example.org", "mailto:two@example.org", NULL };
  static const char *const wrong[] = { "mailto:no-address", NULL };
  static const char *const none[] = { NULL };
  TestPebble *pebble = (TestPebble *) data;
  g_autoptr (HerdAccount) first = NULL, second = NULL, third = NULL, fourth = NULL;
  g_autoptr (GError) error = NULL;
  guint before;
  Acme acme;

  set_up (&acme, pebble);
  g_assert_null (acme_update (&acme, two, &error));
  acme_assert_error (error, HERD_ERROR_ACTION_REQUIRED, "register the issuer first");
  first = acme_register_with (&acme, "yes", one, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (g_strv_equal ((const char *const *) first->contacts, one));

  before = test_pebble_count (pebble, "POST", NULL);
  second = acme_register_with (&acme, "yes", one, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (test_pebble_count (pebble, "POST", NULL), ==, before);
  third = acme_register_with (&acme, "yes", two, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (test_pebble_count (pebble, "POST", NULL), ==, before + 1);
  g_assert_true (g_strv_equal ((const char *const *) third->contacts, two));

  g_assert_null (acme_update (&acme, wrong, &error));
  acme_assert_error (error, HERD_ERROR_ACTION_REQUIRED, "contact");
  restart (&acme, pebble);
  fourth = acme_load (&acme, &error);
  g_assert_no_error (error);
  g_assert_true (g_strv_equal ((const char *const *) fourth->contacts, two));
  g_clear_pointer (&fourth, herd_account_free);
  fourth = acme_update (&acme, none, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_strv_length (fourth->contacts), ==, 0);
  acme_tear_down (&acme);
}

/* --- keys --- */

static void
test_roll_key (gconstpointer data)
{
  TestPebble *pebble = (TestPebble *) data;
  g_autoptr (HerdAccount) account = NULL, after = NULL, again = NULL;
  g_autoptr (GBytes) old = NULL, key = NULL, last = NULL, checkpoint = NULL;
  g_autoptr (GError) error = NULL;
  Acme acme;

  set_up (&acme, pebble);
  g_assert_null (acme_roll_key (&acme, NULL, &error));
  acme_assert_error (error, HERD_ERROR_ACTION_REQUIRED, "register the issuer first");
  account = acme_register (&acme, "yes", &error);
  g_assert_no_error (error);
  old = test_host_get (acme.host, "account-key");
  assert_issues (&acme);
  after = acme_roll_key (&acme, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (after->url, ==, account->url);
  g_assert_cmpstr (after->status, ==, "valid");
  key = test_host_get (acme.host, "account-key");
  g_assert_false (g_bytes_equal (key, old));
  g_assert_null (test_host_get (acme.host, "account-key-next"));
  checkpoint = test_host_get_checkpoint (acme.host);
  assert_issues (&acme);

  /* The same operation again has nothing left to do. */
  restart (&acme, pebble);
  again = acme_roll_key (&acme, checkpoint, &error);
  g_assert_no_error (error);
  last = test_host_get (acme.host, "account-key");
  g_assert_true (g_bytes_equal (key, last));
  assert_issues (&acme);

  /* The CA has no use for the old key. */
  test_host_put (acme.host, "account-key", old);
  restart (&acme, pebble);
  g_assert_null (acme_issue (&acme, &error, "account.example.org", NULL));
  g_assert_nonnull (error);
  acme_tear_down (&acme);
}

/* What signs for an order is waited for, and what comes later waits. */
static void
test_roll_key_between (gconstpointer data)
{
  static const char *const identifiers[] = { "between.example.org", NULL };
  TestPebble *pebble = (TestPebble *) data;
  g_autoptr (HerdIssueRequest) request = test_request_new (identifiers, NULL);
  g_autoptr (GAsyncResult) first = NULL, rolled = NULL, second = NULL;
  g_autoptr (HerdIssued) one = NULL, two = NULL;
  g_autoptr (HerdAccount) account = NULL;
  g_autoptr (GError) error = NULL;
  Acme acme;

  set_up (&acme, pebble);
  acme_must_register (&acme);
  herd_issuer_issue_async (HERD_ISSUER (acme.engine), request, NULL, HERD_ISSUER_HOST (acme.host),
                           NULL, test_on_result, &first);
  herd_accounts_roll_key_async (HERD_ACCOUNTS (acme.engine), NULL, HERD_ISSUER_HOST (acme.host),
                                NULL, test_on_result, &rolled);
  herd_issuer_issue_async (HERD_ISSUER (acme.engine), request, NULL, HERD_ISSUER_HOST (acme.host),
                           NULL, test_on_result, &second);
  test_wait (rolled != NULL);
  g_assert_nonnull (first);
  g_assert_null (second);
  test_wait (second != NULL);
  one = herd_issuer_issue_finish (HERD_ISSUER (acme.engine), first, &error);
  g_assert_no_error (error);
  account = herd_accounts_roll_key_finish (HERD_ACCOUNTS (acme.engine), rolled, &error);
  g_assert_no_error (error);
  two = herd_issuer_issue_finish (HERD_ISSUER (acme.engine), second, &error);
  g_assert_no_error (error);
  acme_tear_down (&acme);
}

/* --- the end --- */

static void
test_deactivate (gconstpointer data)
{
  TestPebble *pebble = (TestPebble *) data;
  g_autoptr (HerdAccount) account = NULL, again = NULL, loaded = NULL;
  g_autoptr (GError) error = NULL;
  guint before;
  Acme acme;

  set_up (&acme, pebble);
  acme_must_register (&acme);
  account = acme_deactivate (&acme, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (account->status, ==, "deactivated");
  before = test_pebble_count (pebble, "POST", NULL);
  again = acme_deactivate (&acme, &error);
  g_assert_no_error (error);
  restart (&acme, pebble);
  loaded = acme_load (&acme, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (loaded->status, ==, "deactivated");
  g_assert_cmpstr (loaded->url, ==, account->url);
  g_assert_null (acme_register (&acme, "yes", &error));
  acme_assert_error (error, HERD_ERROR_ACTION_REQUIRED, "deactivated");
  g_assert_null (acme_issue (&acme, &error, "gone.example.org", NULL));
  acme_assert_error (error, HERD_ERROR_ACTION_REQUIRED, "deactivated");
  g_assert_null (acme_roll_key (&acme, NULL, &error));
  acme_assert_error (error, HERD_ERROR_ACTION_REQUIRED, "deactivated");
  g_assert_cmpuint (test_pebble_count (pebble, "POST", NULL), ==, before);
  acme_tear_down (&acme);
}

/* Somebody else deactivated it: what the CA calls unauthorized is seen as what it is, and kept. */
static void
test_deactivated_elsewhere (gconstpointer data)
{
  TestPebble *pebble = (TestPebble *) data;
  g_autoptr (HerdAccount) account = NULL, loaded = NULL;
  g_autoptr (GBytes) record = NULL;
  g_autoptr (GError) error = NULL;
  Acme acme;

  set_up (&acme, pebble);
  acme_must_register (&acme);
  record = test_host_get (acme.host, "account");
  account = acme_deactivate (&acme, &error);
  g_assert_no_error (error);
  test_host_put (acme.host, "account", record);
  restart (&acme, pebble);
  g_assert_null (acme_issue (&acme, &error, "gone.example.org", NULL));
  acme_assert_error (error, HERD_ERROR_ACTION_REQUIRED, "deactivated");
  restart (&acme, pebble);
  loaded = acme_load (&acme, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (loaded->status, ==, "deactivated");
  acme_tear_down (&acme);
}

/* --- imports --- */

static char *
get_pem (Acme *acme)
{
  g_autoptr (GBytes) der = test_host_get (acme->host, "account-key");
  g_autoptr (HerdKey) key = herd_key_new_from_pkcs8 (der, NULL);
  g_autoptr (GBytes) pem = herd_key_to_pem (key, NULL);

  return g_strndup (g_bytes_get_data (pem, NULL), g_bytes_get_size (pem));
}

static void
test_import (gconstpointer data)
{
  TestPebble *pebble = (TestPebble *) data;
  g_autoptr (HerdAccount) made = NULL, imported = NULL, again = NULL, loaded = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *pem = NULL;
  g_autofree char *other = NULL;
  Acme theirs, ours;

  set_up (&theirs, pebble);
  made = acme_register (&theirs, "yes", &error);
  g_assert_no_error (error);
  pem = get_pem (&theirs);
  set_up (&ours, pebble);
  imported = acme_import (&ours, pem, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (imported->url, ==, made->url);
  g_assert_null (test_host_get (ours.host, "account-key-import"));
  again = acme_import (&ours, pem, &error);
  g_assert_no_error (error);
  restart (&ours, pebble);
  loaded = acme_load (&ours, &error);
  g_assert_cmpstr (loaded->status, ==, "valid");
  assert_issues (&ours);

  /* There is a valid account, and it stays. */
  acme_tear_down (&theirs);
  set_up (&theirs, pebble);
  acme_must_register (&theirs);
  other = get_pem (&theirs);
  g_assert_null (acme_import (&ours, other, &error));
  acme_assert_error (error, HERD_ERROR_EXISTS, made->url);
  assert_issues (&ours);
  acme_tear_down (&theirs);
  acme_tear_down (&ours);
}

static void
test_import_refused (gconstpointer data)
{
  TestPebble *pebble = (TestPebble *) data;
  g_autoptr (HerdKey) key = test_key_new ("ecdsa-p256");
  g_autoptr (GBytes) pem = herd_key_to_pem (key, NULL);
  g_autofree char *text = g_strndup (g_bytes_get_data (pem, NULL), g_bytes_get_size (pem));
  g_autoptr (HerdAccount) loaded = NULL, account = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *mine = NULL;
  Acme acme;

  set_up (&acme, pebble);
  g_assert_null (acme_import (&acme, "no key", &error));
  acme_assert_error (error, HERD_ERROR_INVALID_ARGUMENT, "cannot be read");
  g_assert_null (acme_import (&acme, NULL, &error));
  acme_assert_error (error, HERD_ERROR_NOT_FOUND, "give it again");
  g_assert_null (acme_import (&acme, text, &error));
  acme_assert_error (error, HERD_ERROR_ACTION_REQUIRED, "no account for this key");
  g_assert_null (test_host_get (acme.host, "account-key"));
  g_assert_null (test_host_get (acme.host, "account-key-import"));
  loaded = acme_load (&acme, &error);
  g_assert_cmpstr (loaded->status, ==, "unregistered");

  acme_must_register (&acme);
  mine = get_pem (&acme);
  account = acme_deactivate (&acme, &error);
  g_assert_no_error (error);
  g_assert_null (acme_import (&acme, mine, &error));
  g_assert_error (error, HERD_ERROR, HERD_ERROR_ACTION_REQUIRED);
  acme_tear_down (&acme);
}

int
main (int argc, char **argv)
{
  g_autoptr (TestPebble) pebble = NULL;

  herd_net_init ();
  g_test_init (&argc, &argv, NULL);
  pebble = test_pebble_new ("--respond");
  g_test_add_data_func ("/account/binding", NULL, test_binding);
  g_test_add_data_func ("/account/bad-binding", NULL, test_bad_binding);
  g_test_add_data_func ("/account/contacts", pebble, test_contacts);
  g_test_add_data_func ("/account/roll-key", pebble, test_roll_key);
  g_test_add_data_func ("/account/roll-key-between", pebble, test_roll_key_between);
  g_test_add_data_func ("/account/deactivate", pebble, test_deactivate);
  g_test_add_data_func ("/account/deactivated-elsewhere", pebble, test_deactivated_elsewhere);
  g_test_add_data_func ("/account/import", pebble, test_import);
  g_test_add_data_func ("/account/import-refused", pebble, test_import_refused);
  return g_test_run ();
}
