// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * dns-01 with the plugin solver-dns-rfc2136 in the core's host, at real servers (BIND and Knot), and with
 * Pebble as the CA that looks for the records.
 */
#include <glib/gstdio.h>
#include <string.h>

#include "core/solver-host.h"
#include "fixture.h"
#include "pebble.h"
#include "plugin/error.h"
#include "plugin/plugin.h"
#include "test-dns.h"

typedef struct {
  TestRig *rig;
  HerdClock *clock;
  HerdDns *dns;
  char *key_file; /* of the test's own */
  HerdCoreSolverHost *host;
  HerdSolver *solver;
} Fixture;

static void
make_solver (Fixture *fixture, GVariant *values)
{
  g_autofree char *directory = g_build_filename (g_getenv ("HERD_TEST_PLUGINS"),
                                                 "solver-dns-rfc2136", NULL);
  g_autoptr (GVariant) settings = g_variant_ref_sink (values);
  g_autoptr (GError) error = NULL;
  const HerdPlugin *plugin = herd_plugin_load (directory, NULL, "solver", "dns-rfc2136", &error);

  g_assert_no_error (error);
  g_clear_object (&fixture->solver);
  g_clear_object (&fixture->host);
  fixture->host = herd_core_solver_host_new ("dns-rfc2136", settings, NULL, fixture->dns,
                                             fixture->clock);
  fixture->solver = g_object_new (plugin->get_type (), "host", fixture->host, NULL);
}

/* A solver for the server KEY of the rig. MORE: a setting and its value, or NULL. */
static void
use_server (Fixture *fixture, const char *key, const char *more, const char *value)
{
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "server", "s", test_rig_get (fixture->rig, key));
  g_variant_dict_insert (&dict, "key-file", "s", test_rig_get (fixture->rig, "KEY_FILE"));
  g_variant_dict_insert (&dict, "propagation-timeout", "s", "10s");
  if (more != NULL)
    g_variant_dict_insert (&dict, more, "s", value);
  make_solver (fixture, g_variant_dict_end (&dict));
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  HerdDnsOptions options = { 0 };

  fixture->rig = (TestRig *) data;
  fixture->clock = herd_clock_new_system ();
  options.clock = fixture->clock;
  options.resolvers = test_rig_get (fixture->rig, "RESOLVER");
  options.port = test_dns_get_port (fixture->rig);
  fixture->dns = herd_dns_new (&options);
  use_server (fixture, "BIND", NULL, NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  if (fixture->key_file != NULL)
    g_unlink (fixture->key_file);
  g_free (fixture->key_file);
  g_object_unref (fixture->solver);
  g_object_unref (fixture->host);
  herd_dns_unref (fixture->dns);
  herd_clock_unref (fixture->clock);
}

/* Challenges for IDENTIFIERS (up to NULL), each with a token of its own. */
static GPtrArray *
make_challenges (const char *first, ...)
{
  GPtrArray *challenges = g_ptr_array_new_with_free_func ((GDestroyNotify) herd_challenge_unref);
  va_list arguments;

  va_start (arguments, first);
  for (const char *one = first; one != NULL; one = va_arg (arguments, const char *)) {
    g_autofree char *token = g_strdup_printf ("%08x%08x%08x", g_random_int (), g_random_int (),
                                              g_random_int ());
    g_autofree char *key_authorization = g_strconcat (token, ".thumbprint", NULL);

    g_ptr_array_add (challenges, herd_challenge_new ("dns-01", one, token, key_authorization));
  }
  va_end (arguments);
  return challenges;
}

static gboolean
present (Fixture *fixture, GPtrArray *challenges, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  herd_solver_present_async (fixture->solver, challenges, NULL, test_on_result, &result);
  test_wait (result != NULL);
  return herd_solver_present_finish (fixture->solver, result, error);
}

static gboolean
clean_up (Fixture *fixture, GPtrArray *challenges, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  herd_solver_cleanup_async (fixture->solver, challenges, test_on_result, &result);
  test_wait (result != NULL);
  return herd_solver_cleanup_finish (fixture->solver, result, error);
}

static void
assert_texts (Fixture *fixture, const char *key, const char *name, const char *texts)
{
  g_autofree char *found = test_dns_get_texts (fixture->rig, key, name);

  g_assert_cmpstr (found, ==, texts);
}

static void
test_add_and_delete (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GPtrArray) challenges = make_challenges ("add.example.test", NULL);
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
  g_autoptr (GPtrArray) both = make_challenges ("par.example.test", "par.example.test", NULL);
  g_autoptr (GPtrArray) another = make_challenges ("par.example.test", NULL);
  g_autofree char *value = herd_challenge_get_dns_value (another->pdata[0]);
  g_autofree char *all = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (present (fixture, both, &error));
  g_assert_true (present (fixture, another, &error));
  g_assert_no_error (error);
  all = test_dns_get_texts (fixture->rig, "BIND", "_acme-challenge.par.example.test");
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
  g_autoptr (GPtrArray)
      challenges = make_challenges ("a.example.test", "b.example.test", "half.test", NULL);
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
  g_autoptr (GPtrArray) challenges = make_challenges ("two.example.test", NULL);
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
  g_autoptr (GPtrArray) challenges = make_challenges (identifier, NULL);
  g_autofree char *secret = test_dns_get_secret (fixture->rig);
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
  g_variant_dict_insert (&dict, "server", "s", test_rig_get (fixture->rig, server));
  g_variant_dict_insert (&dict, "key-file", "s", fixture->key_file);
  g_variant_dict_insert (&dict, "key-name", "s", "herd-test");
  make_solver (fixture, g_variant_dict_end (&dict));
}

static void
test_secret_alone (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autofree char *secret = test_dns_get_secret (fixture->rig);
  g_autoptr (GPtrArray) challenges = make_challenges ("alone.example.test", NULL);
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
  g_autoptr (GPtrArray) challenges = make_challenges ("cancel.example.test", NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  herd_solver_present_async (fixture->solver, challenges, cancellable, test_on_result, &result);
  g_cancellable_cancel (cancellable);
  test_wait (result != NULL);
  g_assert_false (herd_solver_present_finish (fixture->solver, result, &error));
  g_assert_error (error, HERD_ERROR, HERD_ERROR_CANCELLED);
}

/* --- with a CA --- */

static char *
issue (Fixture *fixture, const char *first, const char *second, const char *third)
{
  g_autofree char *knobs = g_strdup_printf ("--dns %s", test_rig_get (fixture->rig, "RESOLVER"));
  g_autoptr (TestPebble) pebble = test_pebble_new (knobs);
  g_autoptr (GError) error = NULL;
  Acme acme;
  char *chain;

  acme_set_up (&acme, test_pebble_get (pebble, "DIRECTORY_URL"), test_pebble_get_trust (pebble),
               NULL, NULL);
  g_object_unref (acme.host);
  acme.host = test_host_new (acme.directory);
  test_host_add_solver (acme.host, fixture->solver);
  acme_must_register (&acme);
  chain = acme_issue (&acme, &error, first, second, third, NULL);
  g_assert_no_error (error);
  acme_tear_down (&acme);
  return chain;
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
