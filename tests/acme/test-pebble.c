// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The engine against Debian's Pebble: registering, issuing, what it costs, and the CA's refusals.
 */
#include <string.h>

#include "fixture.h"
#include "net/http.h"
#include "pebble.h"
#include "plugin/error.h"

#define TERMS "data:text/plain,Do%20what%20thou%20wilt"

typedef struct {
  TestPebble *pebble;
  Acme acme;
} Fixture;

/* DATA: knobs of a Pebble of one's own, or the shared Pebble. */
static void
set_up_with (Fixture *fixture, TestPebble *pebble, gboolean responding)
{
  fixture->pebble = pebble;
  acme_set_up (&fixture->acme, test_pebble_get (pebble, "DIRECTORY_URL"),
               test_pebble_get_trust (pebble),
               responding ? test_pebble_get (pebble, "CHALLTESTSRV_URL") : NULL, NULL);
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  set_up_with (fixture, (TestPebble *) data, TRUE);
}

static void
tear_down (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  acme_tear_down (&fixture->acme);
}

static void
assert_chain (const char *chain)
{
  g_assert_true (g_str_has_prefix (chain, "-----BEGIN CERTIFICATE-----\n"));
  g_assert_true (g_str_has_suffix (chain, "-----END CERTIFICATE-----\n"));
}

static void
test_register (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  Acme *acme = &fixture->acme;
  const char *directory_url = test_pebble_get (fixture->pebble, "DIRECTORY_URL");
  g_autoptr (GError) error = NULL;
  g_autoptr (HerdAccount) account = NULL;
  g_autoptr (HerdAccount) again = NULL;
  g_autoptr (HerdAccount) loaded = NULL;
  g_autoptr (HerdAccount) found = NULL;
  guint before;

  loaded = acme_load (acme, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (loaded->status, ==, "unregistered");
  g_assert_cmpstr (loaded->terms, ==, "");
  g_clear_pointer (&loaded, herd_account_free);

  g_assert_null (acme_register (acme, NULL, &error));
  acme_assert_error (error, HERD_ERROR_ACTION_REQUIRED, TERMS);
  g_assert_null (acme_register (acme, "https://example.org/other-terms", &error));
  acme_assert_error (error, HERD_ERROR_ACTION_REQUIRED, TERMS);
  g_assert_null (test_host_get (acme->host, "account-key"));

  account = acme_register (acme, TERMS, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (account->status, ==, "valid");
  g_assert_cmpstr (account->terms, ==, TERMS);
  g_assert_true (g_str_has_prefix (account->url, "https://127.0.0.1:"));
  g_assert_true (g_strv_contains ((const char *const *) account->capabilities, "key-change"));

  before = test_pebble_count (fixture->pebble, "POST", "/sign-me-up");
  again = acme_register (acme, TERMS, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (again->url, ==, account->url);
  g_assert_cmpuint (test_pebble_count (fixture->pebble, "POST", "/sign-me-up"), ==, before);

  /* After a restart, from the records alone. */
  acme_restart (acme, directory_url, test_pebble_get_trust (fixture->pebble), NULL);
  before = test_pebble_count (fixture->pebble, "GET", NULL);
  loaded = acme_load (acme, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (loaded->url, ==, account->url);
  g_assert_cmpstr (loaded->terms, ==, TERMS);
  g_assert_cmpuint (test_pebble_count (fixture->pebble, "GET", NULL), ==, before);

  /* The answer, or what it said, was lost: the key leads back to the same account. */
  test_host_put (acme->host, "account", NULL);
  acme_restart (acme, directory_url, test_pebble_get_trust (fixture->pebble), NULL);
  found = acme_register (acme, "yes", &error);
  g_assert_no_error (error);
  g_assert_cmpstr (found->url, ==, account->url);
}

static void
test_contacts (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const char *const bad[] = { "root@example.org",
                                     "mailto:", "mailto:a@example.org,b@example.org",
                                     "mailto:a@example.org?subject=x" };
  Acme *acme = &fixture->acme;
  g_autoptr (HerdAccount) account = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i <= G_N_ELEMENTS (bad); i++) {
    const char *contacts[] = { i < G_N_ELEMENTS (bad) ? bad[i] : "mailto:root@example.org", NULL };
    g_autoptr (GVariant) options = g_variant_ref_sink (
        g_variant_new_parsed ("{'agree-terms': <'yes'>, 'contacts': <%^as>}", contacts));
    g_autoptr (GAsyncResult) result = NULL;

    herd_accounts_register_async (HERD_ACCOUNTS (acme->engine), options, NULL,
                                  HERD_ISSUER_HOST (acme->host), NULL, test_on_result, &result);
    test_wait (result != NULL);
    account = herd_accounts_register_finish (HERD_ACCOUNTS (acme->engine), result, &error);
    if (i < G_N_ELEMENTS (bad))
      acme_assert_error (error, HERD_ERROR_INVALID_ARGUMENT, bad[i]);
  }
  g_assert_no_error (error);
  g_assert_cmpstr (account->contacts[0], ==, "mailto:root@example.org");
}

static void
test_issue (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  Acme *acme = &fixture->acme;
  g_autoptr (GError) error = NULL;
  g_autofree char *chain = NULL;
  g_autofree char *steps = NULL;

  acme_must_register (acme);
  chain = acme_issue (acme, &error, "www.example.org", NULL);
  g_assert_no_error (error);
  assert_chain (chain);
  steps = test_host_get_steps (acme->host);
  g_assert_true (g_str_has_suffix (
      steps, "new-order,authorize,present,respond,ready,finalize,valid,download,cleanup"));
  g_assert_cmpuint (test_solver_get_presents (acme->solver), ==, 1);
  g_assert_cmpuint (test_solver_get_cleanups (acme->solver), ==, 1);
}

/* design: known account, new name, warm connection. */
static void
test_budget (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const struct {
    const char *method;
    const char *endpoint;
    guint least;
    guint most;
  } budget[] = {
    { "GET", NULL, 0, 0 },
    { "HEAD", NULL, 0, 0 },
    { "POST", "/order-plz", 1, 1 },
    { "POST", "/authZ/", 1, 1 },
    { "POST", "/chalZ/", 1, 1 },
    { "POST", "/my-order/", 1, 3 },
    { "POST", "/finalize-order/", 1, 1 },
    { "POST", "/certZ/", 1, 1 },
    { "POST", NULL, 6, 8 },
  };
  Acme *acme = &fixture->acme;
  guint before[G_N_ELEMENTS (budget)];
  g_autoptr (GError) error = NULL;
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;
  guint commits;

  acme_must_register (acme);
  first = acme_issue (acme, &error, "first.example.org", NULL);
  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (budget); i++)
    before[i] = test_pebble_count (fixture->pebble, budget[i].method, budget[i].endpoint);
  commits = test_host_get_commits (acme->host);
  second = acme_issue (acme, &error, "second.example.org", NULL);
  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (budget); i++) {
    guint spent = test_pebble_count (fixture->pebble, budget[i].method, budget[i].endpoint)
                  - before[i];

    g_test_message ("%s %s: %u", budget[i].method,
                    budget[i].endpoint != NULL ? budget[i].endpoint : "in all", spent);
    g_assert_cmpuint (spent, >=, budget[i].least);
    g_assert_cmpuint (spent, <=, budget[i].most);
  }
  g_assert_cmpuint (test_host_get_commits (acme->host) - commits, ==, 4);
}

static void
test_batch (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  Acme *acme = &fixture->acme;
  g_autoptr (GError) error = NULL;
  g_autofree char *chain = NULL;

  acme_must_register (acme);
  chain = acme_issue (acme, &error, "a.example.org", "b.example.org", "c.example.org", "127.0.0.1",
                      NULL);
  g_assert_no_error (error);
  assert_chain (chain);
  g_assert_cmpuint (test_solver_get_presents (acme->solver), ==, 1);
  g_assert_cmpuint (test_solver_get_batch (acme->solver), ==, 4);
  g_assert_cmpuint (test_solver_get_cleanups (acme->solver), ==, 1);
}

static void
test_wildcard (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  Acme *acme = &fixture->acme;
  g_autofree char *log = g_build_filename (acme->directory, "solver.log", NULL);
  g_autoptr (TestSolver) dns = test_solver_new ("dns-01", NULL, log);
  g_autoptr (GError) error = NULL;
  guint before;

  acme_must_register (acme);
  before = test_pebble_count (fixture->pebble, "POST", NULL);
  g_assert_null (acme_issue (acme, &error, "example.org", "*.example.org", NULL));
  acme_assert_error (error, HERD_ERROR_ACTION_REQUIRED,
                     "*.example.org needs a dns-01 solver; http-01 cannot prove wildcards");
  g_assert_cmpuint (test_pebble_count (fixture->pebble, "POST", NULL), ==, before);
  g_assert_cmpuint (test_host_get_commits (acme->host), ==, 3);

  /* With one, both are tried, each by what can: the record is not really there, so it fails. */
  test_host_add_solver (acme->host, dns);
  g_assert_null (acme_issue (acme, &error, "example.org", "*.example.org", NULL));
  g_assert_nonnull (error);
  g_assert_cmpuint (test_solver_get_batch (acme->solver), ==, 1);
  g_assert_cmpuint (test_solver_get_batch (dns), ==, 1);
  g_assert_cmpuint (test_solver_get_cleanups (dns), ==, 1);
}

static void
test_unregistered (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  Acme *acme = &fixture->acme;
  g_autoptr (GError) error = NULL;

  g_assert_null (acme_issue (acme, &error, "www.example.org", NULL));
  acme_assert_error (error, HERD_ERROR_ACTION_REQUIRED, "register the issuer first");
}

static void
test_locked (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  Acme *acme = &fixture->acme;
  g_autoptr (GBytes) key = NULL;
  g_autoptr (GBytes) key_after = NULL;
  g_autoptr (GError) error = NULL;

  acme_must_register (acme);
  acme_restart (acme, test_pebble_get (fixture->pebble, "DIRECTORY_URL"),
                test_pebble_get_trust (fixture->pebble),
                test_pebble_get (fixture->pebble, "CHALLTESTSRV_URL"));
  key = test_host_get (acme->host, "account-key");
  test_host_lock (acme->host);
  g_assert_null (acme_issue (acme, &error, "www.example.org", NULL));
  acme_assert_error (error, HERD_ERROR_LOCKED, "locked");
  g_assert_null (acme_register (acme, "yes", &error));
  acme_assert_error (error, HERD_ERROR_LOCKED, "locked");
  key_after = test_host_get (acme->host, "account-key");
  g_assert_true (g_bytes_equal (key, key_after));
}

static void
test_account_key (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const char *const identifiers[] = { "www.example.org", NULL };
  Acme *acme = &fixture->acme;
  g_autoptr (GBytes) pkcs8 = NULL;
  g_autoptr (HerdKey) key = NULL;
  g_autoptr (HerdIssueRequest) request = NULL;
  g_autoptr (GError) error = NULL;

  acme_must_register (acme);
  pkcs8 = test_host_get (acme->host, "account-key");
  key = herd_key_new_from_pkcs8 (pkcs8, &error);
  g_assert_no_error (error);
  request = test_request_new (identifiers, key);
  g_assert_null (acme_issue_request (acme, request, NULL, &error));
  acme_assert_error (error, HERD_ERROR_INVALID_ARGUMENT, "account's key");
}

static void
test_rejected (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  Acme *acme = &fixture->acme;
  g_autoptr (GError) error = NULL;

  acme_must_register (acme);
  g_assert_null (acme_issue (acme, &error, "www.blocked.example", NULL));
  g_assert_cmpstr (herd_error_get_problem_type (error), ==, "rejectedIdentifier");
  g_assert_cmpint (herd_error_class (error), ==, HERD_ERROR_CLASS_PERMANENT);
  acme_assert_error (error, HERD_ERROR_REFUSED, "blocked.example");
}

static void
test_no_answer (Fixture *fixture, gconstpointer data)
{
  Acme *acme = &fixture->acme;
  g_autoptr (GError) error = NULL;

  acme_tear_down (acme);
  set_up_with (fixture, (TestPebble *) data, FALSE);
  acme_must_register (acme);
  g_assert_null (acme_issue (acme, &error, "www.example.org", "other.example.org", NULL));
  g_assert_cmpint (herd_error_class (error), ==, HERD_ERROR_CLASS_BACKOFF);
  g_assert_nonnull (herd_error_get_identifier (error));
  acme_assert_error (error, HERD_ERROR_CHALLENGE_FAILED, "http-01 challenge: ");
  g_assert_cmpuint (test_solver_get_cleanups (acme->solver), ==, 1);
}

static void
test_solver_fails (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  Acme *acme = &fixture->acme;
  g_autoptr (GError) error = NULL;

  acme_must_register (acme);
  test_solver_fail (acme->solver);
  g_assert_null (acme_issue (acme, &error, "www.example.org", NULL));
  acme_assert_error (error, HERD_ERROR_UNREACHABLE, "no responder");
  g_assert_cmpuint (test_solver_get_cleanups (acme->solver), ==, 1);
}

static void
test_disk_full (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  Acme *acme = &fixture->acme;
  g_autoptr (GError) error = NULL;
  guint before;

  acme_must_register (acme);
  before = test_pebble_count (fixture->pebble, "POST", "/order-plz");
  test_host_fail_checkpoint (acme->host);
  g_assert_null (acme_issue (acme, &error, "www.example.org", NULL));
  acme_assert_error (error, HERD_ERROR_FAILED, "the disk is full");
  g_assert_cmpuint (test_pebble_count (fixture->pebble, "POST", "/order-plz"), ==, before);
}

/* Many at once share the directory's and the records' reading. */
static void
test_parallel (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  enum { MANY = 20 };
  Acme *acme = &fixture->acme;
  GAsyncResult *results[MANY] = { NULL };
  guint directories;

  acme_must_register (acme);
  test_host_put (acme->host, "directory", NULL);
  acme_restart (acme, test_pebble_get (fixture->pebble, "DIRECTORY_URL"),
                test_pebble_get_trust (fixture->pebble),
                test_pebble_get (fixture->pebble, "CHALLTESTSRV_URL"));
  directories = test_pebble_count (fixture->pebble, "GET", "/dir");
  for (guint i = 0; i < MANY; i++) {
    g_autofree char *name = g_strdup_printf ("n%u.example.org", i);
    const char *identifiers[] = { name, NULL };
    g_autoptr (HerdIssueRequest) request = test_request_new (identifiers, NULL);

    herd_issuer_issue_async (HERD_ISSUER (acme->engine), request, NULL,
                             HERD_ISSUER_HOST (acme->host), NULL, test_on_result, &results[i]);
  }
  for (guint i = 0; i < MANY; i++) {
    g_autoptr (HerdIssued) issued = NULL;
    g_autoptr (GError) error = NULL;

    test_wait (results[i] != NULL);
    issued = herd_issuer_issue_finish (HERD_ISSUER (acme->engine), results[i], &error);
    g_assert_no_error (error);
    g_object_unref (results[i]);
  }
  g_assert_cmpuint (test_pebble_count (fixture->pebble, "GET", "/dir"), ==, directories + 1);
}

/* --- with a Pebble of one's own --- */

static void
test_nonces (gconstpointer data)
{
  g_autoptr (TestPebble) pebble = test_pebble_new ("--respond --nonce-reject 30");
  Fixture fixture;
  guint issued = 0;

  set_up_with (&fixture, pebble, TRUE);
  /* A request fails with 30 % to the power of 6. */
  acme_must_register (&fixture.acme);
  for (guint i = 0; i < 5; i++) {
    g_autoptr (GError) error = NULL;
    g_autofree char *chain = acme_issue (&fixture.acme, &error, "www.example.org", NULL);

    issued += chain != NULL ? 1 : 0;
  }
  g_assert_cmpuint (issued, >=, 4);
  acme_tear_down (&fixture.acme);
}

/* Nine of ten good nonces are refused: whatever comes of it comes after a bounded number. */
static void
test_nonce_storm (gconstpointer data)
{
  g_autoptr (TestPebble) pebble = test_pebble_new ("--respond --nonce-reject 90");
  Fixture fixture;
  guint refused = 0;

  set_up_with (&fixture, pebble, TRUE);
  for (guint i = 0; i < 20; i++) {
    g_autoptr (GError) error = NULL;
    guint before = test_pebble_count (pebble, "POST", "/sign-me-up");
    g_autoptr (HerdAccount) account = acme_register (&fixture.acme, "yes", &error);
    guint posts = test_pebble_count (pebble, "POST", "/sign-me-up") - before;

    /* find and register, 6 each at most */
    g_assert_cmpuint (posts, <=, 12);
    if (account != NULL)
      break;
    acme_assert_error (error, HERD_ERROR_UNREACHABLE, "nonces");
    refused++;
  }
  g_test_message ("%u of the registrations were given up", refused);
  acme_tear_down (&fixture.acme);
}

static void
test_reuse (gconstpointer data)
{
  g_autoptr (TestPebble) pebble = test_pebble_new ("--respond --authz-reuse 100 --strict");
  g_autoptr (GError) error = NULL;
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;
  Fixture fixture;

  set_up_with (&fixture, pebble, TRUE);
  acme_must_register (&fixture.acme);
  first = acme_issue (&fixture.acme, &error, "www.example.org", NULL);
  g_assert_no_error (error);
  second = acme_issue (&fixture.acme, &error, "www.example.org", NULL);
  g_assert_no_error (error);
  g_assert_cmpuint (test_solver_get_presents (fixture.acme.solver), ==, 1);
  g_assert_cmpuint (test_pebble_count (pebble, "POST", "/chalZ/"), ==, 1);
  acme_tear_down (&fixture.acme);
}

static void
test_binding (gconstpointer data)
{
  g_autoptr (TestPebble) pebble = test_pebble_new ("--eab");
  g_autoptr (GError) error = NULL;
  Fixture fixture;

  set_up_with (&fixture, pebble, FALSE);
  g_assert_null (acme_register (&fixture.acme, "yes", &error));
  acme_assert_error (error, HERD_ERROR_ACTION_REQUIRED, "external account binding");
  g_assert_cmpuint (test_pebble_count (pebble, "POST", NULL), ==, 0);
  acme_tear_down (&fixture.acme);
}

static void
test_key_types (gconstpointer data)
{
  static const char *const types[] = { "ecdsa-p384", "rsa-2048" };
  TestPebble *pebble = (TestPebble *) data;

  for (guint i = 0; i < G_N_ELEMENTS (types); i++) {
    g_autoptr (HerdClock) clock = herd_clock_new_system ();
    HerdAcmeOptions options = { .name = "ca",
                                .directory_url = test_pebble_get (pebble, "DIRECTORY_URL"),
                                .trust = test_pebble_get_trust (pebble),
                                .account_key_type = types[i],
                                .version = "test",
                                .clock = clock };
    Fixture fixture;
    g_autoptr (GError) error = NULL;
    g_autofree char *chain = NULL;

    set_up_with (&fixture, pebble, TRUE);
    g_object_unref (fixture.acme.engine);
    fixture.acme.engine = herd_acme_engine_new (&options, &error);
    g_assert_no_error (error);
    acme_must_register (&fixture.acme);
    chain = acme_issue (&fixture.acme, &error, "www.example.org", NULL);
    g_assert_no_error (error);
    acme_tear_down (&fixture.acme);
  }
}

static void
test_options (void)
{
  g_autoptr (HerdClock) clock = herd_clock_new_system ();
  HerdAcmeOptions options = { .name = "ca", .version = "test", .clock = clock };
  g_autoptr (GError) error = NULL;

  options.directory_url = "http://ca.example/dir";
  g_assert_null (herd_acme_engine_new (&options, &error));
  acme_assert_error (error, HERD_ERROR_INVALID_ARGUMENT, "not an https URL");
  options.directory_url = "https://ca.example/dir";
  options.trust = "nonsense";
  g_assert_null (herd_acme_engine_new (&options, &error));
  acme_assert_error (error, HERD_ERROR_INVALID_ARGUMENT, "trust");
  options.trust = NULL;
  options.account_key_type = "ed25519";
  g_assert_null (herd_acme_engine_new (&options, &error));
  acme_assert_error (error, HERD_ERROR_INVALID_ARGUMENT, "ed25519");
}

int
main (int argc, char **argv)
{
  g_autoptr (TestPebble) pebble = NULL;

  herd_net_init ();
  g_test_init (&argc, &argv, NULL);
  pebble = test_pebble_new ("--respond");
#define ADD(path, function)                                                                        \
  g_test_add ("/pebble/" path, Fixture, pebble, set_up, function, tear_down)
  ADD ("register", test_register);
  ADD ("contacts", test_contacts);
  ADD ("issue", test_issue);
  ADD ("budget", test_budget);
  ADD ("batch", test_batch);
  ADD ("wildcard", test_wildcard);
  ADD ("unregistered", test_unregistered);
  ADD ("locked", test_locked);
  ADD ("account-key", test_account_key);
  ADD ("rejected", test_rejected);
  ADD ("no-answer", test_no_answer);
  ADD ("solver-fails", test_solver_fails);
  ADD ("disk-full", test_disk_full);
  ADD ("parallel", test_parallel);
#undef ADD
  g_test_add_data_func ("/pebble/key-types", pebble, test_key_types);
  g_test_add_data_func ("/pebble/nonces", NULL, test_nonces);
  g_test_add_data_func ("/pebble/nonce-storm", NULL, test_nonce_storm);
  g_test_add_data_func ("/pebble/reuse", NULL, test_reuse);
  g_test_add_data_func ("/pebble/binding", NULL, test_binding);
  g_test_add_func ("/pebble/options", test_options);
  return g_test_run ();
}
