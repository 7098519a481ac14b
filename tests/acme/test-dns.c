// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * dns-01 with the plugin solver-dns-rfc2136 in the core's host, at real servers (BIND and Knot), and with
 * Pebble as the CA that looks for the records.
 */
#include <glib/gstdio.h>
#include <string.h>

#include "fixture.h"
#include "plugin/error.h"
#include "solver-fixture.h"
#include "test-dns.h"

typedef struct {
  SolverFixture common;
  char *key_file; /* of the test's own */
} Fixture;

static void
make_solver (Fixture *fixture, GVariant *values)
{
  solver_fixture_make (&fixture->common, "dns-rfc2136", values);
}

/* A solver for the server KEY of the rig. MORE: a setting and its value, or NULL. */
static void
use_server (Fixture *fixture, const char *key, const char *more, const char *value)
{
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "server", "s", test_rig_get (fixture->common.rig, key));
  g_variant_dict_insert (&dict, "key-file", "s", test_rig_get (fixture->common.rig, "KEY_FILE"));
  g_variant_dict_insert (&dict, "propagation-timeout", "s", "10s");
  if (more != NULL)
    g_variant_dict_insert (&dict, more, "s", value);
  make_solver (fixture, g_variant_dict_end (&dict));
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  solver_fixture_set_up (&fixture->common, (TestRig *) data);
  use_server (fixture, "BIND", NULL, NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  if (fixture->key_file != NULL)
    g_unlink (fixture->key_file);
  g_free (fixture->key_file);
  solver_fixture_tear_down (&fixture->common);
}

static gboolean
present (Fixture *fixture, GPtrArray *challenges, GError **error)
{
  return solver_fixture_present (&fixture->common, challenges, error);
}

static gboolean
clean_up (Fixture *fixture, GPtrArray *challenges, GError **error)
{
  return solver_fixture_clean_up (&fixture->common, challenges, error);
}

static void
assert_texts (Fixture *fixture, const char *key, const char *name, const char *texts)
{
  solver_fixture_assert_texts (&fixture->common, key, name, texts);
}

static void
test_add_and_delete (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GPtrArray) challenges = solver_fixture_make_challenges ("add.example.test", NULL);
  g_autofree char *value = herd_challenge_get_dns_value (challenges->pdata[0]);
  g_autoptr (GError) error = NULL;

  /* Each twice: a restart may come in between. */
  for (guint i = 0; i < 2; i++) {
    g_assert_true (present (fixture, challenges, &error));
    g_assert_no_error (error);
    assert_texts (fixture, "BIND", "_acme-challenge.add.example.test", value);
  }
  for (guint i = 0; i < 2; i++) {
    g_assert_true (clean_up (fixture, challenges, &error));
    g_assert_no_error (error);
    assert_texts (fixture, "BIND", "_acme-challenge.add.example.test", "");
  }
}

/* A wildcard and its apex share a name; so do two orders. */
static void
test_parallel (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GPtrArray)
      both = solver_fixture_make_challenges ("par.example.test", "par.example.test", NULL);
  g_autoptr (GPtrArray) another = solver_fixture_make_challenges ("par.example.test", NULL);
  g_autofree char *value = herd_challenge_get_dns_value (another->pdata[0]);
  g_autofree char *all = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (present (fixture, both, &error));
  g_assert_true (present (fixture, another, &error));
  g_assert_no_error (error);
  all = test_dns_get_texts (fixture->common.rig, "BIND", "_acme-challenge.par.example.test");
  g_assert_cmpuint (strlen (all), ==, 3 * 43 + 2);
  g_assert_true (clean_up (fixture, both, &error));
  assert_texts (fixture, "BIND", "_acme-challenge.par.example.test", value);
  g_assert_true (clean_up (fixture, another, &error));
  assert_texts (fixture, "BIND", "_acme-challenge.par.example.test", "");
}

/* Several names, in two zones of the server, with one call. */
static void
test_zones (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GPtrArray) challenges = solver_fixture_make_challenges (
      "a.example.test", "b.example.test", "half.test", NULL);
  g_autofree char *value = herd_challenge_get_dns_value (challenges->pdata[2]);
  g_autoptr (GError) error = NULL;

  g_assert_true (present (fixture, challenges, &error));
  g_assert_no_error (error);
  assert_texts (fixture, "BIND", "_acme-challenge.half.test", value);
  g_assert_true (clean_up (fixture, challenges, &error));
  assert_texts (fixture, "BIND", "_acme-challenge.half.test", "");
}

static void
test_delegated (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GPtrArray) challenges = solver_fixture_make_challenges ("two.example.test", NULL);
  g_autofree char *value = herd_challenge_get_dns_value (challenges->pdata[0]);
  g_autoptr (GError) error = NULL;

  use_server (fixture, "KNOT", NULL, NULL);
  g_assert_true (present (fixture, challenges, &error));
  g_assert_no_error (error);
  assert_texts (fixture, "KNOT", "token.auth.test", value);
  g_assert_true (clean_up (fixture, challenges, &error));
  g_assert_no_error (error);
  assert_texts (fixture, "KNOT", "token.auth.test", "");
}

static void
assert_fails (Fixture *fixture, const char *identifier, HerdError code, const char *words)
{
  g_autoptr (GPtrArray) challenges = solver_fixture_make_challenges (identifier, NULL);
  g_autofree char *secret = test_dns_get_secret (fixture->common.rig);
  g_autoptr (GError) error = NULL;

  g_assert_false (present (fixture, challenges, &error));
  g_assert_nonnull (strstr (error->message, "solver dns-rfc2136: "));
  g_assert_null (strstr (error->message, secret));
  acme_assert_error (error, (int) code, words);
}

/* A key file with CONTENTS instead of the servers'. */
static void
use_key (Fixture *fixture, const char *server, const char *contents)
{
  GVariantDict dict;
  int fd = g_file_open_tmp ("certherd-key-XXXXXX", &fixture->key_file, NULL);

  g_assert_true (g_close (fd, NULL));
  g_assert_true (g_file_set_contents_full (fixture->key_file, contents, -1,
                                           G_FILE_SET_CONTENTS_NONE, 0600, NULL));
  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "server", "s", test_rig_get (fixture->common.rig, server));
  g_variant_dict_insert (&dict, "key-file", "s", fixture->key_file);
  g_variant_dict_insert (&dict, "key-name", "s", "herd-test");
  make_solver (fixture, g_variant_dict_end (&dict));
}

static void
test_secret_alone (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autofree char *secret = test_dns_get_secret (fixture->common.rig);
  g_autoptr (GPtrArray) challenges = solver_fixture_make_challenges ("alone.example.test", NULL);
  g_autoptr (GError) error = NULL;

  use_key (fixture, "BIND", secret);
  g_assert_true (present (fixture, challenges, &error));
  g_assert_no_error (error);
  g_assert_true (clean_up (fixture, challenges, &error));
}

static void
test_wrong_secret (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  use_key (fixture, "BIND", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
  assert_fails (fixture, "example.test", HERD_ERROR_CHALLENGE_FAILED, "BADSIG");
}

static void
test_wrong_key (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  use_server (fixture, "BIND", "key-name", "nobody.knows");
  assert_fails (fixture, "example.test", HERD_ERROR_CHALLENGE_FAILED, "compare key-name");
  use_server (fixture, "KNOT", "key-algorithm", "hmac-sha512");
  assert_fails (fixture, "auth.test", HERD_ERROR_CHALLENGE_FAILED, "BADKEY");
}

static void
test_not_allowed (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  assert_fails (fixture, "locked.test", HERD_ERROR_CHALLENGE_FAILED, "may not change these names");
  use_server (fixture, "KNOT", NULL, NULL);
  assert_fails (fixture, "locked.test", HERD_ERROR_CHALLENGE_FAILED, "zone locked.test, server ");
}

static void
test_wrong_zone (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  use_server (fixture, "BIND", "zone", "auth.test");
  assert_fails (fixture, "example.test", HERD_ERROR_REFUSED, "is not in the zone auth.test");
  use_server (fixture, "KNOT", NULL, NULL);
  assert_fails (fixture, "example.test", HERD_ERROR_CHALLENGE_FAILED,
                "correct the solver's server");
}

static void
test_server_down (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  use_server (fixture, "NOBODY", NULL, NULL);
  assert_fails (fixture, "example.test", HERD_ERROR_UNREACHABLE, "cannot be reached over TCP");
}

static void
test_circle (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  assert_fails (fixture, "circle.example.test", HERD_ERROR_REFUSED, "CNAMEs");
}

/* The other server of the zone never hears of it. */
static void
test_not_propagated (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  use_server (fixture, "KNOT", "propagation-timeout", "1s");
  assert_fails (fixture, "np.both.test", HERD_ERROR_CHALLENGE_FAILED, "does not show it");
}

static void
test_cancel (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GPtrArray) challenges = solver_fixture_make_challenges ("cancel.example.test", NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  herd_solver_present_async (fixture->common.solver, challenges, cancellable, test_on_result,
                             &result);
  g_cancellable_cancel (cancellable);
  test_wait (result != NULL);
  g_assert_false (herd_solver_present_finish (fixture->common.solver, result, &error));
  g_assert_error (error, HERD_ERROR, HERD_ERROR_CANCELLED);
}

/* --- with a CA --- */

static char *
issue (Fixture *fixture, const char *first, const char *second, const char *third)
{
  const char *const identifiers[] = { first, second, third, NULL };

  return solver_fixture_issue (&fixture->common, identifiers);
}

static void
test_issue (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autofree char *chain = issue (fixture, "example.test", "*.example.test", "www.example.test");

  g_assert_true (g_str_has_prefix (chain, "-----BEGIN CERTIFICATE-----\n"));
  assert_texts (fixture, "BIND", "_acme-challenge.example.test", "");
  assert_texts (fixture, "BIND", "_acme-challenge.www.example.test", "");
}

static void
test_issue_delegated (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autofree char *chain = NULL;

  use_server (fixture, "KNOT", NULL, NULL);
  chain = issue (fixture, "*.cname.example.test", "cname.example.test", NULL);
  g_assert_true (g_str_has_prefix (chain, "-----BEGIN CERTIFICATE-----\n"));
  assert_texts (fixture, "KNOT", "token.auth.test", "");
}

#define ADD(name, function) g_test_add ("/dns-01/" name, Fixture, rig, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_autoptr (TestRig) rig = NULL;

  g_test_init (&argc, &argv, NULL);
  rig = test_dns_new ();
  ADD ("add-and-delete", test_add_and_delete);
  ADD ("parallel", test_parallel);
  ADD ("zones", test_zones);
  ADD ("delegated", test_delegated);
  ADD ("secret-alone", test_secret_alone);
  ADD ("wrong-secret", test_wrong_secret);
  ADD ("wrong-key", test_wrong_key);
  ADD ("not-allowed", test_not_allowed);
  ADD ("wrong-zone", test_wrong_zone);
  ADD ("server-down", test_server_down);
  ADD ("circle", test_circle);
  ADD ("not-propagated", test_not_propagated);
  ADD ("cancel", test_cancel);
  ADD ("issue", test_issue);
  ADD ("issue-delegated", test_issue_delegated);
  return g_test_run ();
}
