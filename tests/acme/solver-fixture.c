// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A solver by DNS, its servers, and a CA.
 */
#include "solver-fixture.h"

#include "fixture.h"
#include "pebble.h"
#include "plugin/plugin.h"
#include "test-dns.h"

void
solver_fixture_set_up (SolverFixture *fixture, TestRig *rig)
{
  HerdDnsOptions options = { 0 };

  fixture->rig = rig;
  fixture->clock = herd_clock_new_system ();
  options.clock = fixture->clock;
  options.resolvers = test_rig_get (rig, "RESOLVER");
  options.port = test_dns_get_port (rig);
  fixture->dns = herd_dns_new (&options);
}

void
solver_fixture_tear_down (SolverFixture *fixture)
{
  g_clear_object (&fixture->solver);
  g_clear_object (&fixture->host);
  herd_dns_unref (fixture->dns);
  herd_clock_unref (fixture->clock);
}

void
solver_fixture_make (SolverFixture *fixture, const char *name, GVariant *values)
{
  g_autofree char *folder = g_strconcat ("solver-", name, NULL);
  g_autofree char *directory = g_build_filename (g_getenv ("HERD_TEST_PLUGINS"), folder, NULL);
  g_autoptr (GVariant) settings = g_variant_ref_sink (values);
  g_autoptr (GError) error = NULL;
  const HerdPlugin *plugin = herd_plugin_load (directory, NULL, "solver", name, &error);

  g_assert_no_error (error);
  g_clear_object (&fixture->solver);
  g_clear_object (&fixture->host);
  fixture->host = herd_core_solver_host_new (name, settings, NULL, fixture->dns, fixture->clock);
  fixture->solver = g_object_new (plugin->get_type (), "host", fixture->host, NULL);
}

GPtrArray *
solver_fixture_make_challenges (const char *first, ...)
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

gboolean
solver_fixture_present (SolverFixture *fixture, GPtrArray *challenges, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  herd_solver_present_async (fixture->solver, challenges, NULL, test_on_result, &result);
  test_wait (result != NULL);
  return herd_solver_present_finish (fixture->solver, result, error);
}

gboolean
solver_fixture_clean_up (SolverFixture *fixture, GPtrArray *challenges, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  herd_solver_cleanup_async (fixture->solver, challenges, test_on_result, &result);
  test_wait (result != NULL);
  return herd_solver_cleanup_finish (fixture->solver, result, error);
}

void
solver_fixture_assert_texts (SolverFixture *fixture, const char *key, const char *name,
                             const char *texts)
{
  g_autofree char *found = test_dns_get_texts (fixture->rig, key, name);

  g_assert_cmpstr (found, ==, texts);
}

char *
solver_fixture_issue (SolverFixture *fixture, const char *const *identifiers)
{
  g_autofree char *knobs = g_strdup_printf ("--dns %s", test_rig_get (fixture->rig, "RESOLVER"));
  g_autoptr (TestPebble) pebble = test_pebble_new (knobs);
  g_autoptr (HerdIssueRequest) request = test_request_new (identifiers, NULL);
  g_autoptr (GError) error = NULL;
  Acme acme;
  char *chain;

  acme_set_up (&acme, test_pebble_get (pebble, "DIRECTORY_URL"), test_pebble_get_trust (pebble),
               NULL, NULL);
  g_object_unref (acme.host);
  acme.host = test_host_new (acme.directory);
  test_host_add_solver (acme.host, fixture->solver);
  acme_must_register (&acme);
  chain = acme_issue_request (&acme, request, NULL, &error);
  g_assert_no_error (error);
  acme_tear_down (&acme);
  return chain;
}
