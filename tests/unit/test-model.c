// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Specs, certificates and operations as plain values.
 */
#include "model/certificate.h"
#include "model/operation.h"
#include "model/spec.h"
#include "model/subscription.h"

static GVariant *
parse (const char *text)
{
  GError *error = NULL;
  GVariant *value = g_variant_parse (G_VARIANT_TYPE_VARDICT, text, NULL, NULL, &error);

  g_assert_no_error (error);
  return value;
}

static void
test_spec_equal (void)
{
  g_autoptr (GVariant)
      a = parse ("{'identifiers': <['a.example', 'b.example']>, 'issuer': <['x', 'y']>}");
  g_autoptr (GVariant)
      same = parse ("{'issuer': <['x', 'y']>, 'identifiers': <['b.example', 'a.example']>}");
  g_autoptr (GVariant)
      other_order = parse ("{'identifiers': <['a.example', 'b.example']>, 'issuer': <['y', 'x']>}");
  g_autoptr (GVariant)
      more = parse ("{'identifiers': <['a.example', 'b.example']>, 'issuer': <['x', 'y']>, "
                    "'key-type': <'rsa-2048'>}");
  g_autoptr (GVariant)
      other = parse ("{'identifiers': <['a.example', 'c.example']>, 'issuer': <['x', 'y']>}");

  g_assert_true (herd_spec_equal (a, same));
  g_assert_false (herd_spec_equal (a, other_order)); /* the order of issuers is their rank */
  g_assert_false (herd_spec_equal (a, more));
  g_assert_false (herd_spec_equal (more, a));
  g_assert_false (herd_spec_equal (a, other));
}

static void
test_spec_modify (void)
{
  static const char *const unset[] = { "renew", NULL };
  g_autoptr (GVariant)
      old = parse ("{'identifiers': <['a.example']>, 'renew': <'14d'>, 'deliver': <['live']>}");
  g_autoptr (GVariant) set = parse ("{'deliver': <['nginx']>}");
  g_autoptr (GVariant) names = parse ("{'identifiers': <['b.example']>}");
  g_autoptr (GVariant) changed = herd_spec_modify (old, set, unset);
  g_autoptr (GVariant) renamed = herd_spec_modify (old, names, NULL);
  g_autofree char *old_digest = herd_spec_make_digest (old);
  g_autofree char *changed_digest = herd_spec_make_digest (changed);
  g_autofree char *renamed_digest = herd_spec_make_digest (renamed);
  g_auto (GStrv) targets = herd_spec_get_targets (changed);

  g_assert_cmpstr (targets[0], ==, "nginx");
  g_assert_false (herd_spec_has (changed, "renew"));
  g_assert_true (herd_spec_has (changed, "identifiers"));
  g_assert_false (herd_spec_needs_issuance (old, changed));
  g_assert_cmpstr (old_digest, ==, changed_digest);
  g_assert_cmpstr (old_digest, !=, renamed_digest);
  g_assert_true (herd_spec_needs_issuance (old, renamed));
}

static void
test_spec_defaults (void)
{
  g_autoptr (GVariant) empty = parse ("@a{sv} {}");
  g_autoptr (GVariant) nowhere = parse ("{'deliver': <@as []>}");
  g_auto (GStrv) targets = herd_spec_get_targets (empty);
  g_auto (GStrv) none = herd_spec_get_targets (nowhere);

  g_assert_cmpstr (targets[0], ==, "live");
  g_assert_null (none[0]);
  g_assert_cmpstr (herd_spec_get_key_type (empty), ==, "ecdsa-p256");
}

/* The codes are those of RFC 5280 section 5.3.1. */
static void
test_revocation (void)
{
  static const guint codes[] = { 0, 1, 3, 4, 5 };
  HerdRevocation revocation = HERD_REVOCATION_NONE;

  for (guint i = 0; i < G_N_ELEMENTS (codes); i++) {
    g_assert_true (herd_revocation_parse (herd_revocations[i + 1], &revocation));
    g_assert_cmpint (revocation, ==, i + 1);
    g_assert_cmpuint (herd_revocation_get_code (revocation), ==, codes[i]);
  }
  g_assert_null (herd_revocations[G_N_ELEMENTS (codes) + 1]);
  g_assert_false (herd_revocation_parse ("", &revocation));
  g_assert_false (herd_revocation_parse ("keyCompromise", &revocation));
  g_assert_cmpint (revocation, ==, HERD_REVOCATION_CESSATION_OF_OPERATION);
}

static void
test_certificate (void)
{
  g_autoptr (HerdCertificate)
      certificate = herd_certificate_new (7, "web", 1000, HERD_ORIGIN_BUS, parse ("@a{sv} {}"));
  HerdFacts *facts = herd_facts_new ();

  g_assert_cmpint (herd_certificate_get_state (certificate, 100), ==, HERD_CERTIFICATE_NONE);
  g_assert_null (herd_certificate_get_newest (certificate));
  facts->not_after = 200;
  herd_certificate_add_generation (certificate, herd_generation_new (3, 1, 50, facts));
  certificate->current = 3;
  g_assert_cmpint (herd_certificate_get_state (certificate, 199), ==, HERD_CERTIFICATE_VALID);
  g_assert_cmpint (herd_certificate_get_state (certificate, 200), ==, HERD_CERTIFICATE_EXPIRED);
  herd_certificate_get_current (certificate)->revoked = HERD_REVOCATION_SUPERSEDED;
  g_assert_cmpint (herd_certificate_get_state (certificate, 199), ==, HERD_CERTIFICATE_REVOKED);
  g_assert_cmpint (herd_certificate_get_state (certificate, 200), ==, HERD_CERTIFICATE_REVOKED);
  g_assert_null (herd_certificate_find_generation (certificate, 2));
  certificate->failures = 1;
  certificate->retry_at = 300;
  g_assert_cmpstr (herd_certificate_get_activity (certificate, 100), ==, "waiting");
  certificate->operation = 9;
  g_assert_cmpstr (herd_certificate_get_activity (certificate, 100), ==, "issuing");
  herd_certificate_set_error (certificate, "org.certherd.Error.Failed", "why", 5);
  g_assert_cmpint (certificate->last_error_time, ==, 5);
  herd_certificate_set_error (certificate, NULL, NULL, 6);
  g_assert_cmpstr (certificate->last_error_message, ==, "");
  g_assert_cmpint (certificate->last_error_time, ==, 0);
}

static void
test_operation (void)
{
  g_autoptr (HerdOperation) operation = herd_operation_new (1, "issue", 0, 10);
  g_autoptr (HerdOperation) loaded = herd_operation_new (1, "issue", 0, 10);
  g_autoptr (GVariant) steps = NULL;
  g_autoptr (GVariant) forgotten = NULL;
  g_autoptr (GVariant) again = NULL;

  herd_operation_enter (operation, "key", 0.0, 1000000);
  herd_operation_enter (operation, "key", 0.05, 1500000); /* the same step is one entry */
  herd_operation_enter (operation, "save", 0.8, 2000000);
  g_assert_cmpuint (operation->steps->len, ==, 2);
  herd_operation_end (operation, HERD_OPERATION_DONE, NULL, NULL, 3000000);
  g_assert_cmpfloat (operation->progress, ==, 1.0);
  g_assert_cmpint (operation->ended, ==, 3);
  steps = g_variant_ref_sink (herd_operation_steps_to_variant (operation));
  herd_operation_forget (operation);
  forgotten = g_variant_ref_sink (herd_operation_steps_to_variant (operation));
  g_assert_true (g_variant_equal (steps, forgotten));
  herd_operation_steps_from_variant (loaded, steps);
  again = g_variant_ref_sink (herd_operation_steps_to_variant (loaded));
  g_assert_true (g_variant_equal (steps, again));
}

static void
test_subscription (void)
{
  static const char *const patterns[] = { "web-*", "mail", NULL };
  g_autoptr (HerdSubscription) subscription = herd_subscription_new (1, ":1.5", 0, patterns);

  g_assert_true (herd_subscription_matches (subscription, "web-1"));
  g_assert_true (herd_subscription_matches (subscription, "mail"));
  g_assert_false (herd_subscription_matches (subscription, "mail2"));
}

static HerdFacts *
make_facts (const char *serial, const char *fingerprint)
{
  HerdFacts *facts = herd_facts_new ();

  g_free (facts->serial);
  g_free (facts->fingerprint);
  facts->serial = g_strdup (serial);
  facts->fingerprint = g_strdup (fingerprint);
  return facts;
}

/* What goes in comes out, however it is kept. */
static void
test_generation (void)
{
  static const char fingerprint[] =
      "00ff7f80a5000102030405060708090a0b0c0d0e0f1011121314151617181920";
  const char *const identifiers[] = { "*.example.org", "2001:db8::1", NULL };
  HerdFacts *given = make_facts ("00fe01", fingerprint);
  g_autoptr (HerdFacts) facts = NULL;
  g_autoptr (HerdFacts) none = NULL;
  g_autoptr (HerdGeneration) generation = NULL;
  g_autoptr (HerdGeneration) empty = herd_generation_new (1, 2, 3, herd_facts_new ());

  given->not_before = 4;
  given->not_after = 5;
  g_free (given->issued_by);
  given->issued_by = g_strdup ("Ω CA");
  g_strfreev (given->identifiers);
  given->identifiers = g_strdupv ((char **) identifiers);
  generation = herd_generation_new (1, 2, 3, given);
  facts = herd_generation_get_facts (generation);
  g_assert_cmpint (facts->not_before, ==, 4);
  g_assert_cmpint (facts->not_after, ==, 5);
  g_assert_cmpstr (facts->serial, ==, "00fe01");
  g_assert_cmpstr (facts->fingerprint, ==, fingerprint);
  g_assert_cmpstr (facts->issued_by, ==, "Ω CA");
  g_assert_cmpstrv (facts->identifiers, identifiers);
  none = herd_generation_get_facts (empty);
  g_assert_cmpstr (none->serial, ==, "");
  g_assert_cmpstr (none->fingerprint, ==, "");
  g_assert_null (none->identifiers[0]);
}

static void
test_generation_cannot (void)
{
  static const char *const rows[][2] = {
    { "0", "" }, { "0g", "" }, { "0A", "" }, { "00", "00" }, { " 0", "" }
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (HerdFacts) facts = make_facts (rows[i][0], rows[i][1]);

    g_assert_false (herd_generation_can_have (facts));
  }
}

/* There is no list while there is nothing in it. */
static void
test_backoffs (void)
{
  GPtrArray *backoffs = NULL;

  g_assert_null (herd_backoffs_find (backoffs, 1));
  g_assert_false (herd_backoffs_remove (&backoffs, 1));
  herd_backoffs_ensure (&backoffs, 1)->failures = 2;
  herd_backoffs_ensure (&backoffs, 3);
  g_assert_cmpuint (herd_backoffs_ensure (&backoffs, 1)->failures, ==, 2);
  g_assert_cmpuint (backoffs->len, ==, 2);
  g_assert_true (herd_backoffs_remove (&backoffs, 1));
  g_assert_null (herd_backoffs_find (backoffs, 1));
  g_assert_true (herd_backoffs_remove (&backoffs, 3));
  g_assert_null (backoffs);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/spec/equal", test_spec_equal);
  g_test_add_func ("/spec/modify", test_spec_modify);
  g_test_add_func ("/spec/defaults", test_spec_defaults);
  g_test_add_func ("/certificate/revocation", test_revocation);
  g_test_add_func ("/certificate/state", test_certificate);
  g_test_add_func ("/certificate/backoffs", test_backoffs);
  g_test_add_func ("/generation/facts", test_generation);
  g_test_add_func ("/generation/cannot", test_generation_cannot);
  g_test_add_func ("/operation/steps", test_operation);
  g_test_add_func ("/subscription/patterns", test_subscription);
  return g_test_run ();
}
