// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the engine says that it spends of a CA's limits, against Debian's Pebble behind the proxy: every
 * request that counts, before it leaves, and on disk by then; again where it is sent again.
 */
#include <string.h>

#include "net/http.h"
#include "plugin/error.h"
#include "proxy-fixture.h"

#define NAME "www.example.org"

static void
assert_spendings (ProxyFixture *fixture, const char *expected)
{
  g_autofree char *spendings = test_host_get_spendings (fixture->acme.host);

  g_assert_cmpstr (spendings, ==, expected);
}

static void
test_order (ProxyFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *chain = NULL;

  acme_must_register (&fixture->acme);
  assert_spendings (fixture, "account,kept");
  chain = acme_issue (&fixture->acme, &error, NAME, NULL);
  g_assert_no_error (error);
  assert_spendings (fixture, "account,kept,order,kept");
}

/* The answer is lost, and nobody can find the order again: it is asked for a second time. */
static void
test_lost_order (ProxyFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *chain = NULL;

  proxy_alter (fixture, "newAccount", 1, "\"orders\"", "\"x-orders\"");
  acme_must_register (&fixture->acme);
  proxy_fault (fixture, "newOrder", TEST_FAULT_DROP_AFTER, 1);
  chain = acme_issue (&fixture->acme, &error, NAME, NULL);
  g_assert_no_error (error);
  assert_spendings (fixture, "account,kept,order,kept,order,kept");
}

/* The key is there from before, and the CA knows no account with it. */
static void
test_lost_account (ProxyFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GError) error = NULL;

  proxy_answer (fixture, "newAccount", 1, 500, "", "{}");
  g_assert_null (acme_register (&fixture->acme, "yes", &error));
  g_assert_nonnull (error);
  acme_must_register (&fixture->acme);
  assert_spendings (fixture, "account,kept,account,kept");
}

/* A failed proof is one. */
static void
test_failure (ProxyFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *spendings = NULL;

  acme_must_register (&fixture->acme);
  /* From here on its solver shows nothing. */
  acme_restart (&fixture->acme, test_proxy_get_url (fixture->proxy),
                test_pebble_get_trust (fixture->pebble), NULL);
  g_assert_null (acme_issue (&fixture->acme, &error, "nothing.example.org", NULL));
  g_assert_error (error, HERD_ERROR, HERD_ERROR_CHALLENGE_FAILED);
  spendings = test_host_get_spendings (fixture->acme.host);
  g_assert_true (g_str_has_prefix (spendings, "order,kept,failure nothing.example.org"));
  g_assert_null (strstr (strstr (spendings, "failure ") + 1, "failure "));
}

/* Said to replace, and without it when the CA does not like that. */
static void
test_replacement (ProxyFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const char *const identifiers[] = { NAME, NULL };
  g_autoptr (HerdIssueRequest) request = test_request_new (identifiers, NULL);
  g_autoptr (GError) error = NULL;
  gint64 now = g_get_real_time () / G_USEC_PER_SEC;

  test_proxy_add_renewal_info (fixture->proxy, now - 60, now + 60);
  acme_must_register (&fixture->acme);
  for (guint i = 0; i < 3; i++) {
    g_autoptr (HerdIssued) issued = acme_issue_wish (&fixture->acme, request, NULL, &error);

    g_assert_no_error (error);
    if (i == 0)
      request->predecessor = g_bytes_ref (issued->chain);
  }
  assert_spendings (fixture,
                    "account,kept,order,kept,replacement,kept,replacement,kept,order,kept");
}

int
main (int argc, char **argv)
{
  g_autoptr (TestPebble) pebble = NULL;

  herd_net_init ();
  g_test_init (&argc, &argv, NULL);
  pebble = test_pebble_new ("--respond");
#define ADD(path, function)                                                                        \
  g_test_add ("/spendings/" path, ProxyFixture, pebble, proxy_set_up, function, proxy_tear_down)
  ADD ("order", test_order);
  ADD ("lost-order", test_lost_order);
  ADD ("lost-account", test_lost_account);
  ADD ("failure", test_failure);
  ADD ("replacement", test_replacement);
#undef ADD
  return g_test_run ();
}
