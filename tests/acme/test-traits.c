// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What is known of a CA before it is asked, at a protocol double that counts what it is asked: nothing, where
 * it is known that it would refuse.
 */
#include <string.h>

#include "double-fixture.h"
#include "plugin/error.h"

static void
restart (DoubleFixture *fixture, const HerdAcmeTraits *traits)
{
  acme_restart_with (&fixture->acme, test_double_get_url (fixture->ca),
                     test_double_get_trust (fixture->ca), traits);
}

static void
test_binding (DoubleFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  const HerdAcmeTraits traits = { .eab_required = TRUE, .eab_hint = "ask the shop" };
  g_autoptr (GBytes) text = g_bytes_new_static ("c2VjcmV0LXNlY3JldA", 18);
  g_autoptr (HerdBinding) binding = herd_binding_new ("kid", "HS256", text);
  g_autoptr (HerdAccount) account = NULL;
  g_autoptr (GError) error = NULL;

  restart (fixture, &traits);
  g_assert_null (acme_register (&fixture->acme, "yes", &error));
  acme_assert_error (error, HERD_ERROR_ACTION_REQUIRED, "from the CA (ask the shop), and register");
  g_assert_cmpuint (test_double_count (fixture->ca, "/dir"), ==, 0);
  /* Cut off before the CA had the binding: it is kept, and is binding enough for the next attempt. */
  test_double_say (fixture->ca, "/dir", 1, 500, "", "oops");
  g_assert_null (acme_register_with (&fixture->acme, "yes", NULL, binding, &error));
  g_clear_error (&error);
  account = acme_register_with (&fixture->acme, "yes", NULL, binding, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (test_double_count (fixture->ca, "/account"), ==, 1);
  /* Whoever has an account needs no binding for it. */
  g_clear_pointer (&account, herd_account_free);
  restart (fixture, &traits);
  account = acme_register (&fixture->acme, "yes", &error);
  g_assert_no_error (error);
}

static void
test_kept_binding (DoubleFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  const HerdAcmeTraits traits = { .eab_required = TRUE };
  g_autoptr (GBytes) text = g_bytes_new_static ("c2VjcmV0LXNlY3JldA", 18);
  g_autoptr (HerdBinding) binding = herd_binding_new ("kid", "HS256", text);
  g_autoptr (HerdAccount) account = NULL;
  g_autoptr (GError) error = NULL;

  restart (fixture, &traits);
  test_double_say (fixture->ca, "/account", 1, TEST_DOUBLE_CLOSE, "", "");
  g_assert_null (acme_register_with (&fixture->acme, "yes", NULL, binding, &error));
  acme_assert_error (error, HERD_ERROR_UNREACHABLE, "newAccount");
  /* As a crash after the binding's record, and before the key's, would leave it. */
  test_host_put (fixture->acme.host, "account-key", NULL);
  restart (fixture, &traits);
  account = acme_register (&fixture->acme, "yes", &error);
  g_assert_no_error (error);
  g_assert_cmpstr (account->status, ==, "valid");
}

static void
test_contact (DoubleFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const char *const contacts[] = { "mailto:a@b.example", NULL };
  const HerdAcmeTraits traits = { .contact_required = TRUE };
  g_autoptr (HerdAccount) account = NULL;
  g_autoptr (GError) error = NULL;

  restart (fixture, &traits);
  g_assert_null (acme_register (&fixture->acme, "yes", &error));
  acme_assert_error (error, HERD_ERROR_ACTION_REQUIRED, "the CA wants a contact");
  g_assert_cmpuint (test_double_count (fixture->ca, "/dir"), ==, 0);
  account = acme_register_with (&fixture->acme, "yes", contacts, NULL, &error);
  g_assert_no_error (error);
}

/* What the CA would refuse costs no order. */
static void
test_wish (DoubleFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const char *const only_dns[] = { "dns", NULL };
  const HerdAcmeTraits traits = { .identifiers = only_dns };
  g_autoptr (GError) error = NULL;
  g_autofree char *none = NULL;
  g_autofree char *chain = NULL;

  restart (fixture, &traits);
  acme_must_register (&fixture->acme);
  none = acme_issue (&fixture->acme, &error, "*.example.org", NULL);
  g_assert_null (none);
  acme_assert_error (error, HERD_ERROR_INVALID_ARGUMENT, "no certificates for wildcards");
  g_assert_cmpuint (test_double_count (fixture->ca, "/order"), ==, 0);
  chain = acme_issue (&fixture->acme, &error, NAME, NULL);
  g_assert_no_error (error);
}

/* Another host is asked only if it is known to be the CA's: here the double by another name. */
static void
test_hosts (DoubleFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  const char *url = test_double_get_url (fixture->ca);
  g_autoptr (GUri) uri = g_uri_parse (url, G_URI_FLAGS_NONE, NULL);
  gboolean by_name = g_str_equal (g_uri_get_host (uri), "localhost");
  const char *other = by_name ? "127.0.0.1" : "localhost";
  g_autofree char *host = g_strdup_printf ("%s:%d", other, g_uri_get_port (uri));
  const char *const hosts[] = { host, NULL };
  const HerdAcmeTraits traits = { .hosts = hosts };
  g_autofree char *order = g_strdup_printf (
      "{\"status\":\"valid\",\"identifiers\":[{\"type\":\"dns\",\"value\":\"" NAME "\"}],"
      "\"authorizations\":[\"$BASE/authorization\"],\"finalize\":\"$BASE/finalize\","
      "\"certificate\":\"https://%s/certificate\"}",
      host);
  g_autofree char *refused = NULL;
  g_autofree char *chain = NULL;
  g_autoptr (GError) error = NULL;

  acme_must_register (&fixture->acme);
  test_double_say (fixture->ca, "/finalize", 0, 200, "", order);
  refused = acme_issue (&fixture->acme, &error, NAME, NULL);
  g_assert_null (refused);
  acme_assert_error (error, HERD_ERROR_REFUSED, "not on the host of its directory");
  g_assert_cmpuint (test_double_count (fixture->ca, "/certificate"), ==, 0);
  test_double_reset (fixture->ca);
  restart (fixture, &traits);
  chain = acme_issue (&fixture->acme, &error, NAME, NULL);
  g_assert_no_error (error);
  g_assert_cmpuint (test_double_count (fixture->ca, "/certificate"), ==, 1);
}

int
main (int argc, char **argv)
{
  herd_net_init ();
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/acme-traits/binding", DoubleFixture, NULL, double_set_up, test_binding,
              double_tear_down);
  g_test_add ("/acme-traits/kept-binding", DoubleFixture, NULL, double_set_up, test_kept_binding,
              double_tear_down);
  g_test_add ("/acme-traits/contact", DoubleFixture, NULL, double_set_up, test_contact,
              double_tear_down);
  g_test_add ("/acme-traits/wish", DoubleFixture, NULL, double_set_up, test_wish, double_tear_down);
  g_test_add ("/acme-traits/hosts", DoubleFixture, NULL, double_set_up, test_hosts,
              double_tear_down);
  return g_test_run ();
}
