// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a wish may say beside its names, and what becomes of an order and a certificate later, against
 * Debian's Pebble: other chains, lifetimes, a hundred names, addresses, cancelling, revocation.
 */
#include <string.h>

#include "crypto/chain.h"
#include "fixture.h"
#include "net/http.h"
#include "pebble.h"
#include "plugin/error.h"

#define DAY 86400

typedef struct {
  TestPebble *pebble;
  Acme acme;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->pebble = (TestPebble *) data;
  acme_set_up (&fixture->acme, test_pebble_get (fixture->pebble, "DIRECTORY_URL"),
               test_pebble_get_trust (fixture->pebble),
               test_pebble_get (fixture->pebble, "CHALLTESTSRV_URL"), NULL);
  acme_must_register (&fixture->acme);
}

static void
tear_down (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  acme_tear_down (&fixture->acme);
}

static HerdIssueRequest *
new_request (const char *name)
{
  const char *identifiers[] = { name, NULL };

  return test_request_new (identifiers, NULL);
}

static HerdIssued *
must_issue (Fixture *fixture, const HerdIssueRequest *request)
{
  g_autoptr (GError) error = NULL;
  HerdIssued *issued = acme_issue_wish (&fixture->acme, request, NULL, &error);

  g_assert_no_error (error);
  return issued;
}

static HerdChain *
parse (GBytes *pem)
{
  g_autoptr (GError) error = NULL;
  HerdChain *chain = herd_chain_new (pem, &error);

  g_assert_no_error (error);
  return chain;
}

static HerdChain *
read_chain (Fixture *fixture, const char *key)
{
  g_autofree char *text = NULL;
  g_autoptr (GBytes) pem = NULL;
  gsize size;

  g_assert_true (g_file_get_contents (test_pebble_get (fixture->pebble, key), &text, &size, NULL));
  pem = g_bytes_new (text, size);
  return parse (pem);
}

/* --- chains --- */

static void
assert_chain (Fixture *fixture, const char *preference, gboolean met)
{
  g_autoptr (HerdIssueRequest) request = new_request ("chain.example.org");
  g_autoptr (HerdIssued) issued = NULL;
  g_autoptr (HerdChain) chain = NULL;

  request->preferred_chain = g_strdup (preference);
  issued = must_issue (fixture, request);
  chain = parse (issued->chain);
  g_assert_cmpint (herd_chain_is_preferred (chain, preference), ==, met);
  g_assert_cmpint (issued->chain_not_preferred == NULL, ==, met);
  if (!met)
    g_assert_nonnull (strstr (issued->chain_not_preferred, preference));
}

static void
test_chains (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (HerdChain) first = read_chain (fixture, "ISSUING_ROOT");
  g_autoptr (HerdChain) root = read_chain (fixture, "LAST_ROOT");
  g_autoptr (HerdChain) intermediate = read_chain (fixture, "LAST_INTERMEDIATE");
  g_autoptr (HerdFacts) first_facts = herd_chain_get_facts (first);
  g_autoptr (HerdFacts) root_facts = herd_chain_get_facts (root);
  g_autoptr (HerdFacts) facts = herd_chain_get_facts (intermediate);
  g_autofree char *fingerprint = g_strconcat ("sha256:", facts->fingerprint, NULL);

  g_assert_cmpstr (first_facts->issued_by, !=, root_facts->issued_by);
  assert_chain (fixture, first_facts->issued_by, TRUE);
  assert_chain (fixture, root_facts->issued_by, TRUE);
  assert_chain (fixture, fingerprint, TRUE);
  assert_chain (fixture, "No Such Root", FALSE);
}

/* --- names and times --- */

static void
test_hundred (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) names = NULL;
  g_autoptr (HerdIssueRequest) request = NULL;
  g_autoptr (HerdIssued) issued = NULL;
  g_autoptr (HerdChain) chain = NULL;
  g_autoptr (HerdFacts) facts = NULL;
  guint orders = test_pebble_count (fixture->pebble, "POST", "/order-plz");
  guint presents = test_solver_get_presents (fixture->acme.solver);

  for (guint i = 0; i < 99; i++) {
    g_autofree char *name = g_strdup_printf ("n%02u.example.org", i);

    g_strv_builder_add (builder, name);
  }
  g_strv_builder_add (builder, "127.0.0.1");
  names = g_strv_builder_end (builder);
  request = test_request_new ((const char *const *) names, NULL);
  issued = must_issue (fixture, request);
  chain = parse (issued->chain);
  facts = herd_chain_get_facts (chain);
  g_assert_cmpuint (g_strv_length (facts->identifiers), ==, 100);
  g_assert_true (g_strv_contains ((const char *const *) facts->identifiers, "127.0.0.1"));
  g_assert_cmpuint (test_pebble_count (fixture->pebble, "POST", "/order-plz"), ==, orders + 1);
  g_assert_cmpuint (test_solver_get_presents (fixture->acme.solver), ==, presents + 1);
  g_assert_cmpuint (test_solver_get_batch (fixture->acme.solver), ==, 100);
}

static void
test_lifetime (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (HerdIssueRequest) request = new_request ("short.example.org");
  g_autoptr (HerdIssued) issued = NULL;
  g_autoptr (HerdChain) chain = NULL;
  g_autoptr (HerdFacts) facts = NULL;
  gint64 expected = herd_clock_get_seconds (fixture->acme.clock) + 3 * DAY;

  request->lifetime = 3 * DAY;
  issued = must_issue (fixture, request);
  chain = parse (issued->chain);
  facts = herd_chain_get_facts (chain);
  g_assert_cmpint (facts->not_after, >=, expected);
  g_assert_cmpint (facts->not_after, <=, expected + 60);
}

/* Debian 12's Pebble has no profiles and no renewal information: neither costs the certificate. */
static void
test_degrade (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (HerdIssueRequest) request = new_request ("plain.example.org");
  g_autoptr (HerdIssued) issued = NULL;
  g_autoptr (HerdIssued) next = NULL;
  g_autoptr (HerdRenewalInfo) info = NULL;
  g_autoptr (GError) error = NULL;

  request->profile = g_strdup ("shortlived");
  issued = must_issue (fixture, request);
  g_assert_nonnull (strstr (issued->profile_dropped, "shortlived"));
  info = acme_ask_renewal (&fixture->acme, issued->chain, &error);
  acme_assert_error (error, HERD_ERROR_NOT_FOUND, "no renewal information");
  request->predecessor = g_bytes_ref (issued->chain);
  next = must_issue (fixture, request);

  request->profile_required = TRUE;
  g_assert_null (acme_issue_wish (&fixture->acme, request, NULL, &error));
  acme_assert_error (error, HERD_ERROR_REFUSED, "profile-policy");
}

/* --- revocation --- */

static void
test_revoke_as_account (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (HerdIssueRequest) request = new_request ("revoked.example.org");
  g_autoptr (HerdIssued) issued = must_issue (fixture, request);
  g_autoptr (GError) error = NULL;

  g_assert_false (acme_revoke (&fixture->acme, issued->chain, 77, NULL, &error));
  g_assert_cmpstr (herd_error_get_problem_type (error), ==, "badRevocationReason");
  acme_assert_error (error, HERD_ERROR_REFUSED, "revokeCert");
  g_assert_true (acme_revoke (&fixture->acme, issued->chain, 4, NULL, &error));
  g_assert_no_error (error);
  /* The answer may have been lost: again is fine. */
  g_assert_true (acme_revoke (&fixture->acme, issued->chain, 4, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (test_pebble_count (fixture->pebble, "POST", "/revoke-cert"), >=, 3);
}

/* With the certificate's key, and without an account. */
static void
test_revoke_with_key (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const char *const identifiers[] = { "leaked.example.org", NULL };
  g_autoptr (HerdKey) key = test_key_new ("ecdsa-p256");
  g_autoptr (HerdKey) other = test_key_new ("ecdsa-p256");
  g_autoptr (HerdIssueRequest) request = test_request_new (identifiers, key);
  g_autoptr (HerdIssued) issued = must_issue (fixture, request);
  g_autoptr (GBytes) pkcs8 = herd_key_to_pkcs8 (key, NULL);
  g_autoptr (GBytes) public_key = herd_key_get_public (key, NULL);
  g_autoptr (GBytes) other_pkcs8 = herd_key_to_pkcs8 (other, NULL);
  g_autoptr (GBytes) other_public_key = herd_key_get_public (other, NULL);
  g_autoptr (GError) error = NULL;

  test_host_put (fixture->acme.host, "account", NULL);
  test_host_put (fixture->acme.host, "account-key", NULL);
  acme_restart (&fixture->acme, test_pebble_get (fixture->pebble, "DIRECTORY_URL"),
                test_pebble_get_trust (fixture->pebble), NULL);
  g_assert_false (acme_revoke (&fixture->acme, issued->chain, 1, NULL, &error));
  acme_assert_error (error, HERD_ERROR_ACTION_REQUIRED, "no valid account");
  test_host_put (fixture->acme.host, HERD_RECORD_CERTIFICATE_KEY, other_pkcs8);
  g_assert_false (acme_revoke (&fixture->acme, issued->chain, 1, other_public_key, &error));
  g_clear_error (&error);
  test_host_put (fixture->acme.host, HERD_RECORD_CERTIFICATE_KEY, pkcs8);
  g_assert_true (acme_revoke (&fixture->acme, issued->chain, 1, public_key, &error));
  g_assert_no_error (error);
}

/* Is STEP among those that came after the first LENGTH bytes of what the host was told? */
static gboolean
was_told (Acme *acme, gsize length, const char *step)
{
  g_autofree char *steps = test_host_get_steps (acme->host);

  return strstr (steps + length, step) != NULL;
}

/* Cancels an issuance for IDENTIFIER as soon as it has come to STEP. FALSE: it never came there, for the CA
 * was done before it had to be asked once more. */
static gboolean
cancel_at (Acme *acme, const char *step, const char *identifier)
{
  g_autoptr (HerdIssueRequest) request = new_request (identifier);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *before = test_host_get_steps (acme->host);
  gsize length = strlen (before);

  herd_issuer_issue_async (HERD_ISSUER (acme->engine), request, NULL, HERD_ISSUER_HOST (acme->host),
                           cancellable, test_on_result, &result);
  test_wait (result != NULL || was_told (acme, length, step));
  if (result != NULL) {
    g_autoptr (HerdIssued)
        issued = herd_issuer_issue_finish (HERD_ISSUER (acme->engine), result, &error);

    g_assert_no_error (error);
    g_assert_nonnull (issued);
    return FALSE;
  }
  g_cancellable_cancel (cancellable);
  test_wait (result != NULL);
  g_assert_null (herd_issuer_issue_finish (HERD_ISSUER (acme->engine), result, &error));
  acme_assert_error (error, HERD_ERROR_CANCELLED, "cancelled");
  return TRUE;
}

/* Cancelled at every step that it can be seen at; each ends soon, and cleans up. A name of its own for each:
 * one that is proved already would skip steps. */
static void
test_cancel (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  enum { TRIES = 20 };
  static const char *const steps[] = { "prepare", "new-order", "authorize", "present",
                                       "respond", "ready",     "finalize",  "valid" };
  Acme *acme = &fixture->acme;

  for (guint i = 0; i < G_N_ELEMENTS (steps); i++) {
    gboolean cancelled = FALSE;

    for (guint try = 0; try < TRIES && !cancelled; try++) {
      g_autofree char *identifier = g_strdup_printf ("%s-%u.example.org", steps[i], try);

      cancelled = cancel_at (acme, steps[i], identifier);
    }
    g_assert_true (cancelled);
  }
  g_assert_cmpuint (test_solver_get_presents (acme->solver), >=, 4);
  g_assert_cmpuint (test_solver_get_cleanups (acme->solver), >=,
                    test_solver_get_presents (acme->solver));
}

int
main (int argc, char **argv)
{
  g_autoptr (TestPebble) pebble = NULL;
  g_autoptr (TestPebble) quick = NULL;

  herd_net_init ();
  g_test_init (&argc, &argv, NULL);
  pebble = test_pebble_new ("--respond --alternate-roots 2");
  /* Pebble locks itself up where it shows an authorization that was given back while it still validates: it
   * leaves the challenge locked, and the next new order waits for the validation's end for ever. */
  quick = test_pebble_new ("--respond --always-valid");
#define ADD(path, function)                                                                        \
  g_test_add ("/orders/" path, Fixture, pebble, set_up, function, tear_down)
  ADD ("chains", test_chains);
  ADD ("hundred-names", test_hundred);
  ADD ("lifetime", test_lifetime);
  ADD ("degrade", test_degrade);
  g_test_add ("/orders/cancel", Fixture, quick, set_up, test_cancel, tear_down);
  ADD ("revoke-as-account", test_revoke_as_account);
  ADD ("revoke-with-key", test_revoke_with_key);
#undef ADD
  return g_test_run ();
}
