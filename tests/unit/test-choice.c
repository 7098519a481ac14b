// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Which issuer is asked, and until when to wait: a table of back-offs. Time is a number here.
 */
#include "core/choice.h"

#include "model/spec.h"
#include "plugin/error.h"

#define NOW 1000

typedef struct {
  HerdRegistry *registry;
  HerdCertificate *certificate;
} Fixture;

static void
add_issuer (Fixture *fixture, guint64 id, const char *name, const char *settings)
{
  g_autoptr (GVariant) parsed = g_variant_ref_sink (g_variant_new_parsed (settings));

  herd_registry_add_authority (fixture->registry, herd_authority_new (id, name, "acme", parsed));
}

/* a rehearses with s, b with one that is not there, c with nobody; the wish is for a, b, c. */
static void
set_up (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  fixture->registry = herd_registry_new ();
  add_issuer (fixture, 1, "a", "{'staging': <'s'>}");
  add_issuer (fixture, 2, "b", "{'staging': <'nobody'>}");
  add_issuer (fixture, 3, "c", "@a{sv} {}");
  add_issuer (fixture, 4, "s", "@a{sv} {}");
  fixture->certificate = herd_certificate_new (
      10, "web", 0, HERD_ORIGIN_BUS, g_variant_new_parsed ("{'issuer': <['a', 'b', 'c']>}"));
}

static void
tear_down (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  herd_certificate_free (fixture->certificate);
  herd_registry_free (fixture->registry);
}

static HerdBackoff *
fail (Fixture *fixture, guint64 issuer, gint64 retry_at)
{
  HerdBackoff *backoff = herd_backoffs_ensure (&fixture->certificate->backoffs, issuer);

  backoff->failures = 1;
  backoff->retry_at = retry_at;
  herd_backoff_set_error (backoff, "org.certherd.Error.Unreachable", issuer == 1 ? "one" : "other");
  return backoff;
}

static HerdChoice
choose (Fixture *fixture, const HerdChoiceQuery *query)
{
  HerdChoice choice;
  g_autoptr (GError) error = NULL;

  g_assert_true (herd_choice_make (fixture->registry, fixture->certificate,
                                   fixture->certificate->spec, query, &choice, &error));
  g_assert_no_error (error);
  return choice;
}

static void
assert_asks (Fixture *fixture, const HerdChoiceQuery *query, guint64 issuer, guint64 asked)
{
  g_auto (HerdChoice) choice = choose (fixture, query);

  g_assert_nonnull (choice.issuer);
  g_assert_cmpuint (choice.issuer->id, ==, issuer);
  g_assert_cmpuint (choice.asked->id, ==, asked);
}

static void
assert_waits (Fixture *fixture, const HerdChoiceQuery *query, gint64 until, const char *why)
{
  g_auto (HerdChoice) choice = choose (fixture, query);

  g_assert_null (choice.issuer);
  g_assert_cmpint (choice.until, ==, until);
  g_assert_cmpstr (choice.why, ==, why);
}

static void
test_order (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  HerdChoiceQuery query = { .now = NOW };

  assert_asks (fixture, &query, 1, 1);
  fail (fixture, 1, NOW + 100);
  assert_asks (fixture, &query, 2, 2);
  fail (fixture, 2, NOW + 50);
  assert_asks (fixture, &query, 3, 3);
  /* Its time has come: the first again, and not the one that issued last. */
  query.now = NOW + 100;
  assert_asks (fixture, &query, 1, 1);
  g_assert_cmpuint (herd_choice_get_first (fixture->registry, fixture->certificate, NOW, FALSE), ==,
                    3);
}

static void
test_wait (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  HerdChoiceQuery query = { .now = NOW };

  fail (fixture, 1, NOW + 100);
  fail (fixture, 2, NOW + 50);
  fail (fixture, 3, NOW + 75);
  assert_waits (fixture, &query, NOW + 50, "other");
  fail (fixture, 1, NOW + 1);
  assert_waits (fixture, &query, NOW + 1, "one");
  g_assert_cmpuint (herd_choice_get_first (fixture->registry, fixture->certificate, NOW, FALSE), ==,
                    0);
  query.force = TRUE;
  assert_asks (fixture, &query, 1, 1);
  g_assert_cmpuint (herd_choice_get_first (fixture->registry, fixture->certificate, NOW, TRUE), ==,
                    1);
  query.now = NOW + 50;
  query.force = FALSE;
  fail (fixture, 1, NOW + 100);
  assert_asks (fixture, &query, 2, 2);
}

/* One that was tried is not asked again, whether its back-off is over, or is passed over. */
static void
test_tried (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const guint64 ids[] = { 1, 2, 3 };
  g_autoptr (GArray) tried = g_array_new (FALSE, FALSE, sizeof (guint64));
  HerdChoiceQuery query = { .now = NOW, .tried = tried, .force = TRUE };

  g_array_append_vals (tried, ids, 1);
  assert_asks (fixture, &query, 2, 2);
  g_array_append_vals (tried, ids + 1, 2);
  assert_waits (fixture, &query, NOW + 1, "");
}

static void
test_preferred (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  HerdChoiceQuery query = { .now = NOW, .preferred = 3 };

  assert_asks (fixture, &query, 3, 3);
  fail (fixture, 3, NOW + 1);
  assert_asks (fixture, &query, 1, 1);
  query.preferred = 4; /* the wish does not name it */
  assert_asks (fixture, &query, 1, 1);
}

static void
test_rehearsal (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  const HerdChoiceQuery query = { .now = NOW };
  HerdAuthority *staging = herd_registry_get_authority (fixture->registry, 4);
  g_autofree char *words = NULL;

  fail (fixture, 1, NOW)->rehearse = TRUE;
  assert_asks (fixture, &query, 1, 4);
  words = herd_choice_describe (fixture->registry, fixture->certificate, NOW);
  g_assert_cmpstr (words, ==, "; next: a rehearsal with issuer s");
  /* Without a sibling that can be asked it is the real one. */
  staging->retired = TRUE;
  assert_asks (fixture, &query, 1, 1);
  fail (fixture, 1, NOW + 1);
  fail (fixture, 2, NOW)->rehearse = TRUE;
  assert_asks (fixture, &query, 2, 2);
}

static void
test_gone (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  const HerdChoiceQuery query = { .now = NOW };
  g_autoptr (GError) error = NULL;
  HerdChoice choice;

  herd_registry_get_authority (fixture->registry, 1)->retired = TRUE;
  herd_registry_remove (fixture->registry, HERD_NOUN_ISSUER, 2);
  assert_asks (fixture, &query, 3, 3);
  herd_registry_get_authority (fixture->registry, 3)->retired = TRUE;
  g_assert_false (herd_choice_make (fixture->registry, fixture->certificate,
                                    fixture->certificate->spec, &query, &choice, &error));
  g_assert_error (error, HERD_ERROR, HERD_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "issuer a is no longer configured"));
}

static void
test_words (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autofree char *one = NULL;
  g_autofree char *several = NULL;

  several = herd_choice_describe (fixture->registry, fixture->certificate, NOW);
  g_assert_cmpstr (several, ==, "; next issuer: a");
  g_variant_unref (fixture->certificate->spec);
  fixture->certificate->spec = g_variant_ref_sink (g_variant_new_parsed ("{'issuer': <['c']>}"));
  one = herd_choice_describe (fixture->registry, fixture->certificate, NOW);
  g_assert_cmpstr (one, ==, "");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func) g_test_add ("/choice/" name, Fixture, NULL, set_up, func, tear_down)
  ADD ("in-order-then-the-first-again", test_order);
  ADD ("all-wait-for-the-earliest", test_wait);
  ADD ("each-once", test_tried);
  ADD ("goes-on-with-the-one-it-began-with", test_preferred);
  ADD ("rehearses-with-the-sibling", test_rehearsal);
  ADD ("those-that-are-gone-are-left-out", test_gone);
  ADD ("says-who-is-next", test_words);
  return g_test_run ();
}
