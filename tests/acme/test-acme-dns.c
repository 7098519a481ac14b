// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * dns-01 with the plugin solver-acme-dns in the core's host: a double of acme-dns over a real DNS server,
 * where a CNAME leads, and Pebble as the CA that looks there.
 */
#include <glib/gstdio.h>
#include <string.h>

#include "fixture.h"
#include "plugin/error.h"
#include "solver-fixture.h"
#include "test-acme-dns.h"
#include "test-dns.h"

/* Where _acme-challenge of cname.example.test, and of two.example.test, leads. */
#define FULLDOMAIN "token.auth.test"

typedef struct {
  SolverFixture common;
  TestAcmeDns *acme_dns;
  char *password_file;
} Fixture;

static void
write_password (Fixture *fixture, const char *password)
{
  g_assert_true (g_file_set_contents_full (fixture->password_file, password, -1,
                                           G_FILE_SET_CONTENTS_NONE, 0600, NULL));
}

/* WITH: settings and values instead of the right ones, up to NULL. */
static void
use (Fixture *fixture, const char *const *with)
{
  GVariantDict dict;

  g_variant_dict_init (&dict, NULL);
  g_variant_dict_insert (&dict, "url", "s", test_acme_dns_get_url (fixture->acme_dns));
  g_variant_dict_insert (&dict, "trust", "s", test_acme_dns_get_trust (fixture->acme_dns));
  g_variant_dict_insert (&dict, "username", "s", TEST_ACME_DNS_USERNAME);
  g_variant_dict_insert (&dict, "password-file", "s", fixture->password_file);
  g_variant_dict_insert (&dict, "subdomain", "s", TEST_ACME_DNS_SUBDOMAIN);
  g_variant_dict_insert (&dict, "fulldomain", "s", FULLDOMAIN);
  g_variant_dict_insert (&dict, "propagation-timeout", "s", "10s");
  for (; with != NULL && *with != NULL; with += 2)
    g_variant_dict_insert (&dict, with[0], "s", with[1]);
  solver_fixture_make (&fixture->common, "acme-dns", g_variant_dict_end (&dict));
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  int fd = g_file_open_tmp ("certherd-password-XXXXXX", &fixture->password_file, NULL);

  g_assert_true (g_close (fd, NULL));
  write_password (fixture, TEST_ACME_DNS_PASSWORD "\n");
  solver_fixture_set_up (&fixture->common, (TestRig *) data);
  test_dns_update (fixture->common.rig, "KNOT", "auth.test", "delete " FULLDOMAIN " TXT");
  fixture->acme_dns = test_acme_dns_new (fixture->common.rig, "KNOT", "auth.test", FULLDOMAIN);
  use (fixture, NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  solver_fixture_tear_down (&fixture->common);
  test_acme_dns_free (fixture->acme_dns);
  g_unlink (fixture->password_file);
  g_free (fixture->password_file);
}

/* The values of CHALLENGES are what stands there, and nothing else. */
static void
assert_shown (Fixture *fixture, GPtrArray *challenges)
{
  g_autofree char *found = test_dns_get_texts (fixture->common.rig, "KNOT", FULLDOMAIN);

  g_assert_cmpuint (strlen (found), ==, challenges->len * 44 - 1);
  for (guint i = 0; i < challenges->len; i++) {
    g_autofree char *value = herd_challenge_get_dns_value (challenges->pdata[i]);

    g_assert_nonnull (strstr (found, value));
  }
}

static void
test_two (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GPtrArray) challenges = solver_fixture_make_challenges ("cname.example.test",
                                                                     "cname.example.test", NULL);
  g_autoptr (GError) error = NULL;

  /* Twice, as after a restart; what is shown is not sent again. */
  for (guint i = 0; i < 2; i++) {
    g_assert_true (solver_fixture_present (&fixture->common, challenges, &error));
    g_assert_no_error (error);
    assert_shown (fixture, challenges);
    g_assert_cmpuint (test_acme_dns_get_updates (fixture->acme_dns), ==, 2);
  }
  for (guint i = 0; i < 2; i++) {
    g_assert_true (solver_fixture_clean_up (&fixture->common, challenges, &error));
    g_assert_no_error (error);
  }
  /* There is no delete. */
  assert_shown (fixture, challenges);
  g_assert_cmpuint (test_acme_dns_get_updates (fixture->acme_dns), ==, 2);
}

/* Orders at the same time: the third waits, so that none loses its value. */
static void
test_orders (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  SolverFixture *common = &fixture->common;
  g_autoptr (GPtrArray)
      both = solver_fixture_make_challenges ("cname.example.test", "two.example.test", NULL);
  g_autoptr (GPtrArray) one = solver_fixture_make_challenges ("two.example.test", NULL);
  g_autoptr (GPtrArray) last = solver_fixture_make_challenges ("cname.example.test", NULL);
  g_autoptr (GAsyncResult) first = NULL;
  g_autoptr (GAsyncResult) second = NULL;
  g_autoptr (GAsyncResult) third = NULL;
  g_autoptr (GError) error = NULL;

  herd_solver_present_async (common->solver, both, NULL, test_on_result, &first);
  test_wait (first != NULL);
  g_assert_true (herd_solver_present_finish (common->solver, first, &error));
  herd_solver_present_async (common->solver, one, NULL, test_on_result, &second);
  herd_solver_present_async (common->solver, last, NULL, test_on_result, &third);
  /* Asked after the others, answered before. */
  g_assert_true (solver_fixture_present (common, both, &error));
  g_assert_null (second);
  assert_shown (fixture, both);
  g_assert_true (solver_fixture_clean_up (common, both, &error));
  test_wait (second != NULL && third != NULL);
  g_assert_true (herd_solver_present_finish (common->solver, second, &error));
  g_assert_true (herd_solver_present_finish (common->solver, third, &error));
  g_ptr_array_add (one, herd_challenge_ref (last->pdata[0]));
  assert_shown (fixture, one);
  g_assert_true (solver_fixture_clean_up (common, one, &error));
  g_assert_no_error (error);
}

/* In one order they would take the place of each other. */
static void
test_three (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GPtrArray) challenges = solver_fixture_make_challenges (
      "cname.example.test", "cname.example.test", "two.example.test", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_false (solver_fixture_present (&fixture->common, challenges, &error));
  acme_assert_error (error, HERD_ERROR_ACTION_REQUIRED,
                     "solver acme-dns: 3 proofs are needed at the same time");
  g_assert_true (solver_fixture_clean_up (&fixture->common, challenges, &error));
  g_assert_cmpuint (test_acme_dns_get_updates (fixture->acme_dns), ==, 0);
}

static void
assert_fails (Fixture *fixture, const char *identifier, HerdError code, const char *words)
{
  g_autoptr (GPtrArray) challenges = solver_fixture_make_challenges (identifier, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_false (solver_fixture_present (&fixture->common, challenges, &error));
  g_assert_nonnull (strstr (error->message, "solver acme-dns"));
  g_assert_null (strstr (error->message, TEST_ACME_DNS_PASSWORD));
  acme_assert_error (error, (int) code, words);
  g_assert_true (solver_fixture_clean_up (&fixture->common, challenges, &error));
}

/* After a failure the place is free again, and a new password needs no restart. */
static void
test_wrong_password (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GPtrArray)
      challenges = solver_fixture_make_challenges ("cname.example.test", "two.example.test", NULL);
  g_autoptr (GError) error = NULL;

  write_password (fixture, "not-the-password");
  for (guint i = 0; i < 3; i++)
    assert_fails (fixture, "cname.example.test", HERD_ERROR_CHALLENGE_FAILED,
                  "refuses username and password");
  g_assert_cmpuint (test_acme_dns_get_updates (fixture->acme_dns), ==, 0);
  write_password (fixture, TEST_ACME_DNS_PASSWORD);
  g_assert_true (solver_fixture_present (&fixture->common, challenges, &error));
  g_assert_no_error (error);
  assert_shown (fixture, challenges);
  g_assert_true (solver_fixture_clean_up (&fixture->common, challenges, &error));
}

static void
test_password_goes (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_unlink (fixture->password_file);
  assert_fails (fixture, "cname.example.test", HERD_ERROR_ACTION_REQUIRED, "No such file");
}

static void
test_not_acme_dns (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  const char *subdomain[] = { "subdomain", "another", NULL };
  const char *url[] = { "url", NULL, NULL };
  g_autofree char *below = g_strconcat (test_acme_dns_get_url (fixture->acme_dns), "/update", NULL);

  use (fixture, subdomain);
  assert_fails (fixture, "cname.example.test", HERD_ERROR_CHALLENGE_FAILED, "subdomain another");
  url[1] = below;
  use (fixture, url);
  assert_fails (fixture, "cname.example.test", HERD_ERROR_CHALLENGE_FAILED, "leave out /update");
}

static void
test_unreachable (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  const char *const url[] = { "url", "https://127.0.0.14:9", NULL };

  use (fixture, url);
  assert_fails (fixture, "cname.example.test", HERD_ERROR_UNREACHABLE, "127.0.0.14");
}

static void
test_untrusted (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (TestAcmeDns)
      other = test_acme_dns_new (fixture->common.rig, "KNOT", "auth.test", FULLDOMAIN);
  const char *const trust[] = { "trust", test_acme_dns_get_trust (other), NULL };

  use (fixture, trust);
  assert_fails (fixture, "cname.example.test", HERD_ERROR_UNREACHABLE, "certificate");
  g_assert_cmpuint (test_acme_dns_get_updates (fixture->acme_dns), ==, 0);
}

static void
test_failing (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  test_acme_dns_fail (fixture->acme_dns);
  assert_fails (fixture, "cname.example.test", HERD_ERROR_UNREACHABLE, "db_error");
}

/* Nothing is sent for a name that does not lead there. */
static void
test_no_cname (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  assert_fails (fixture, "www.example.test", HERD_ERROR_ACTION_REQUIRED,
                "_acme-challenge.www.example.test. CNAME " FULLDOMAIN ".");
  assert_fails (fixture, "circle.example.test", HERD_ERROR_REFUSED, "CNAMEs");
  g_assert_cmpuint (test_acme_dns_get_updates (fixture->acme_dns), ==, 0);
}

/* acme-dns took it, and its DNS does not show it. */
static void
test_not_shown (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  const char *const timeout[] = { "propagation-timeout", "1s", NULL };
  g_autoptr (TestAcmeDns) elsewhere = test_acme_dns_new (fixture->common.rig, "KNOT", "auth.test",
                                                         "elsewhere.auth.test");
  TestAcmeDns *kept = fixture->acme_dns;

  fixture->acme_dns = elsewhere;
  use (fixture, timeout);
  assert_fails (fixture, "cname.example.test", HERD_ERROR_CHALLENGE_FAILED, "does not show it");
  fixture->acme_dns = kept;
}

static void
test_issue (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  const char *const identifiers[] = { "cname.example.test", "*.cname.example.test", NULL };
  g_autofree char *chain = solver_fixture_issue (&fixture->common, identifiers);

  g_assert_true (g_str_has_prefix (chain, "-----BEGIN CERTIFICATE-----\n"));
  g_assert_cmpuint (test_acme_dns_get_updates (fixture->acme_dns), ==, 2);
}

#define ADD(name, function)                                                                        \
  g_test_add ("/acme-dns/" name, Fixture, rig, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_autoptr (TestRig) rig = NULL;

  g_test_init (&argc, &argv, NULL);
  rig = test_dns_new ();
  ADD ("two", test_two);
  ADD ("orders", test_orders);
  ADD ("three", test_three);
  ADD ("wrong-password", test_wrong_password);
  ADD ("password-goes", test_password_goes);
  ADD ("not-acme-dns", test_not_acme_dns);
  ADD ("unreachable", test_unreachable);
  ADD ("untrusted", test_untrusted);
  ADD ("failing", test_failing);
  ADD ("no-cname", test_no_cname);
  ADD ("not-shown", test_not_shown);
  ADD ("issue", test_issue);
  return g_test_run ();
}
