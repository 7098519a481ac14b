// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a CA's window makes of the time of renewal: picks, moved windows, the user's rule beside it, a CA that
 * has no end of wishes, and windows that nobody can follow.
 */
#include "core/renewal-info.h"

#include <string.h>

#include "core/renewal.h"

#define HOUR 3600
#define DAY (24 * HOUR)
#define START 1700000000
#define LIFETIME (90 * DAY)

static HerdGeneration *
generation_new (guint64 number, gint64 not_before)
{
  HerdFacts *facts = herd_facts_new ();

  facts->not_before = not_before;
  facts->not_after = not_before + LIFETIME;
  return herd_generation_new (number, 1, not_before, facts);
}

/* With one generation, of START, and the rule RULE. */
static HerdCertificate *
certificate_new (const char *rule)
{
  HerdCertificate *certificate = herd_certificate_new (
      1, "www", 0, HERD_ORIGIN_BUS, g_variant_new_parsed ("{'renew': <%s>}", rule));

  herd_certificate_add_generation (certificate, generation_new (1, START));
  certificate->current = 1;
  certificate->renew_at = herd_renewal_info_get_time (certificate, 0.5);
  return certificate;
}

static gboolean
say (HerdCertificate *certificate, gint64 start, gint64 end, gint64 now)
{
  HerdRenewalInfo info = { start, end, (char *) "", now + 6 * HOUR };

  return herd_renewal_info_take (certificate, &info, now, 0.5);
}

/* The next generation is there at NOW. */
static void
renew (HerdCertificate *certificate, gint64 now)
{
  guint64 number = certificate->current + 1;
  HerdGeneration *next = generation_new (number, now);

  herd_renewal_info_begin (certificate, next, "https://ca.example/1", now);
  herd_certificate_add_generation (certificate, next);
  certificate->current = number;
  certificate->renew_at = herd_renewal_get_time (next, "auto", 0.5);
}

/* "auto" is what the CA suggests, sooner or later than the rule. */
static void
test_follows (void)
{
  g_autoptr (HerdCertificate) certificate = certificate_new ("auto");
  g_autofree char *reason = NULL;

  g_assert_false (herd_renewal_info_is_followed (certificate));
  g_assert_true (say (certificate, START + 70 * DAY, START + 72 * DAY, START));
  g_assert_cmpint (certificate->renew_at, ==, START + 71 * DAY);
  g_assert_true (herd_renewal_info_is_followed (certificate));
  g_assert_false (herd_renewal_info_is_early (certificate));
  reason = herd_renewal_info_get_reason (certificate);
  g_assert_cmpstr (reason, ==, "the CA suggests it");
  g_assert_true (say (certificate, START + 20 * DAY, START + 22 * DAY, START));
  g_assert_cmpint (certificate->renew_at, ==, START + 21 * DAY);
  g_assert_true (herd_renewal_info_is_early (certificate));
}

/* The same window is no reason to pick again, or many polls would make every pick an early one. */
static void
test_keeps_pick (void)
{
  g_autoptr (HerdCertificate) certificate = certificate_new ("auto");
  HerdRenewalInfo info = { START + 60 * DAY, START + 62 * DAY, (char *) "", START + HOUR };

  g_assert_true (herd_renewal_info_take (certificate, &info, START, 0.9));
  for (guint i = 0; i < 10; i++)
    g_assert_false (herd_renewal_info_take (certificate, &info, START, 0.1 * i));
  g_assert_cmpint (certificate->suggestion->pick, ==, START + 60 * DAY + (gint64) (0.9 * 2 * DAY));
  g_assert_cmpint (certificate->renew_at, ==, certificate->suggestion->pick);
  /* Another explanation is news, and no other pick. */
  info.explanation_url = (char *) "https://ca.example/why";
  g_assert_true (herd_renewal_info_take (certificate, &info, START, 0.1));
  g_assert_cmpint (certificate->renew_at, ==, START + 60 * DAY + (gint64) (0.9 * 2 * DAY));
}

/* A time that somebody has configured stands; a CA that wants it sooner wins. */
static void
test_rules (void)
{
  static const char *const rules[] = { "14d", "20%" };

  for (guint i = 0; i < G_N_ELEMENTS (rules); i++) {
    g_autoptr (HerdCertificate) certificate = certificate_new (rules[i]);
    gint64 configured = certificate->renew_at;
    g_autofree char *by_rule = NULL;
    g_autofree char *by_ca = NULL;

    g_assert_true (say (certificate, START + 79 * DAY, START + 80 * DAY, START));
    g_assert_cmpint (certificate->renew_at, ==, configured);
    by_rule = herd_renewal_info_get_reason (certificate);
    g_assert_nonnull (strstr (by_rule, rules[i]));
    g_assert_true (say (certificate, START + 40 * DAY, START + 42 * DAY, START));
    g_assert_cmpint (certificate->renew_at, ==, START + 41 * DAY);
    by_ca = herd_renewal_info_get_reason (certificate);
    g_assert_cmpstr (by_ca, ==, "the CA suggests to renew it early");
  }
}

/* A window in the past is renewed at once, and what is due stays due when it moves away again. */
static void
test_past (void)
{
  g_autoptr (HerdCertificate) certificate = certificate_new ("auto");
  gint64 now = START + 10 * DAY;
  HerdRenewalInfo info = { now - HOUR, now - HOUR / 2, (char *) "https://ca.example/incident",
                           now + HOUR };
  g_autofree char *reason = NULL;

  g_assert_true (say (certificate, START + 60 * DAY, START + 61 * DAY, START));
  g_assert_true (herd_renewal_info_take (certificate, &info, now, 0.5));
  g_assert_cmpint (certificate->renew_at, <, now);
  reason = herd_renewal_info_get_reason (certificate);
  g_assert_nonnull (strstr (reason, "https://ca.example/incident"));
  g_assert_true (say (certificate, START + 60 * DAY, START + 61 * DAY, now));
  g_assert_cmpint (certificate->renew_at, <, now);
}

/* A CA whose window is always past has everything renewed once, and then once in a quarter. */
static void
test_always_past (void)
{
  g_autoptr (HerdCertificate) certificate = certificate_new ("auto");
  gint64 now = START;
  guint renewals = 0;

  for (; now < START + 2 * LIFETIME; now += 6 * HOUR) {
    say (certificate, now - HOUR, now - HOUR / 2, now);
    if (certificate->renew_at > now)
      continue;
    renew (certificate, now);
    renewals++;
  }
  g_assert_cmpuint (renewals, >=, 8);
  g_assert_cmpuint (renewals, <=, 9);
}

/* Nor does it get its way sooner because somebody else has it renewed in between. */
static void
test_held_over (void)
{
  g_autoptr (HerdCertificate) certificate = certificate_new ("auto");
  gint64 now = START + DAY;
  gint64 held = now + LIFETIME / 4;

  say (certificate, now - HOUR, now - 1, now);
  renew (certificate, now);
  say (certificate, now - HOUR, now - 1, now);
  g_assert_cmpint (certificate->renew_at, ==, held);
  now += DAY;
  renew (certificate, now);
  say (certificate, now - HOUR, now - 1, now);
  g_assert_cmpint (certificate->renew_at, ==, held);
  now = held;
  renew (certificate, now);
  say (certificate, now - HOUR, now - 1, now);
  g_assert_cmpint (certificate->renew_at, ==, now + LIFETIME / 4);
  /* Of a time when the clock was ahead, or of what was to live longer. */
  certificate->suggestion->floor = now + 10 * LIFETIME;
  say (certificate, now - HOUR, now - 2, now);
  g_assert_cmpint (certificate->renew_at, <, now + LIFETIME);
}

static void
test_held (void)
{
  g_autoptr (HerdCertificate) certificate = certificate_new ("auto");
  gint64 now = START + DAY;
  g_autofree char *reason = NULL;

  say (certificate, now - HOUR, now - 1, now);
  renew (certificate, now);
  g_assert_cmpint (certificate->suggestion->ask_at, ==, now);
  say (certificate, now - HOUR, now - 1, now);
  g_assert_cmpint (certificate->renew_at, ==, now + LIFETIME / 4);
  reason = herd_renewal_info_get_reason (certificate);
  g_assert_nonnull (strstr (reason, "once in a quarter"));
}

/* One that came at its time does not hold up the next: a CA may have to revoke what it has just issued. */
static void
test_not_held (void)
{
  g_autoptr (HerdCertificate) certificate = certificate_new ("auto");
  gint64 now = START + 61 * DAY;

  say (certificate, START + 60 * DAY, START + 61 * DAY, START);
  renew (certificate, now);
  now += HOUR;
  say (certificate, now - HOUR, now - 1, now);
  g_assert_cmpint (certificate->renew_at, <=, now);
}

static void
test_absurd (void)
{
  static const struct {
    gint64 start, end;
    const char *words;
  } rows[] = {
    { START + 60 * DAY, START + 60 * DAY, "ends before it begins" },
    { START + 60 * DAY, START, "ends before it begins" },
    { START + LIFETIME, START + LIFETIME + DAY, "it expires at 2024-02-12" },
    { START + 3650 * DAY, START + 3651 * DAY, "from 2033-11-11" },
    { G_MAXINT64 - 1, G_MAXINT64, "from ? on" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (HerdCertificate) certificate = certificate_new ("auto");

    say (certificate, START + 20 * DAY, START + 22 * DAY, START);
    g_assert_true (say (certificate, rows[i].start, rows[i].end, START));
    g_assert_nonnull (strstr (certificate->suggestion->problem, rows[i].words));
    g_assert_cmpint (certificate->suggestion->pick, ==, 0);
    g_assert_cmpint (certificate->renew_at, ==, START + 60 * DAY);
    /* It is said once. */
    g_assert_false (say (certificate, rows[i].start, rows[i].end, START));
  }
}

/* Attempts may fail: the end of the lifetime is kept for them. */
static void
test_late (void)
{
  static const gint64 starts[] = { START + 70 * DAY, START + 85 * DAY };

  for (guint i = 0; i < G_N_ELEMENTS (starts); i++) {
    g_autoptr (HerdCertificate) certificate = certificate_new ("auto");
    HerdRenewalInfo info = { starts[i], START + 300 * DAY, (char *) "", START };

    g_assert_true (herd_renewal_info_take (certificate, &info, START, 1.0));
    g_assert_cmpint (certificate->renew_at, ==, START + 81 * DAY);
  }
}

/* A CA that has nothing to say for long: the rule again. One that does not answer: as before. */
static void
test_misses (void)
{
  g_autoptr (HerdCertificate) certificate = certificate_new ("auto");

  say (certificate, START + 70 * DAY, START + 72 * DAY, START);
  g_assert_false (herd_renewal_info_miss (certificate, "no answer", FALSE, START + 60, START, 0.5));
  g_assert_cmpint (certificate->renew_at, ==, START + 71 * DAY);
  g_assert_cmpstr (certificate->suggestion->problem, ==, "no answer");
  g_assert_true (herd_renewal_info_miss (certificate, "404", TRUE, START + DAY, START, 0.5));
  g_assert_cmpint (certificate->renew_at, ==, START + 60 * DAY);
  g_assert_cmpint (certificate->suggestion->ask_at, ==, START + DAY);
  g_assert_false (herd_renewal_info_miss (certificate, "404", TRUE, START + DAY, START, 0.5));
}

/* Not before, and not much after. */
static void
test_ask_again (void)
{
  static const struct {
    gint64 said, made;
  } rows[] = { { -HOUR, 60 }, { 0, 60 }, { HOUR, HOUR }, { 3650 * (gint64) DAY, DAY } };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (HerdCertificate) certificate = certificate_new ("auto");
    HerdRenewalInfo info = { START + 60 * DAY, START + 61 * DAY, (char *) "",
                             START + rows[i].said };

    herd_renewal_info_take (certificate, &info, START, 0.5);
    g_assert_cmpint (certificate->suggestion->ask_at, ==, START + rows[i].made);
  }
}

/* One of another account is nobody's predecessor; one of nobody knows whom may be. */
static void
test_account (void)
{
  g_autoptr (HerdCertificate) certificate = certificate_new ("auto");

  g_assert_true (herd_renewal_info_is_of (certificate, "https://ca.example/2"));
  say (certificate, START + 20 * DAY, START + 22 * DAY, START);
  g_assert_true (herd_renewal_info_is_of (certificate, "https://ca.example/2"));
  renew (certificate, START + DAY);
  g_assert_true (herd_renewal_info_is_of (certificate, "https://ca.example/1"));
  g_assert_false (herd_renewal_info_is_of (certificate, "https://ca.example/2"));
}

/* A rule of somebody's own does not make the CA's usual time an early one. */
static void
test_sooner (void)
{
  g_autoptr (HerdCertificate) certificate = certificate_new ("14d");
  g_autofree char *reason = NULL;

  say (certificate, START + 60 * DAY, START + 61 * DAY, START);
  g_assert_false (herd_renewal_info_is_early (certificate));
  reason = herd_renewal_info_get_reason (certificate);
  g_assert_nonnull (strstr (reason, "sooner than what is configured"));
  renew (certificate, START + 61 * DAY);
  g_assert_cmpint (certificate->suggestion->floor, ==, 0);
}

/* What was said of an earlier generation is nothing of this one. */
static void
test_other_generation (void)
{
  g_autoptr (HerdCertificate) certificate = certificate_new ("auto");

  say (certificate, START + 20 * DAY, START + 22 * DAY, START);
  herd_certificate_add_generation (certificate, generation_new (2, START + DAY));
  g_assert_false (herd_renewal_info_is_followed (certificate));
  g_assert_cmpint (herd_renewal_info_get_time (certificate, 0.5), ==, START + 61 * DAY);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/renewal-info/follows", test_follows);
  g_test_add_func ("/renewal-info/keeps-pick", test_keeps_pick);
  g_test_add_func ("/renewal-info/rules", test_rules);
  g_test_add_func ("/renewal-info/past", test_past);
  g_test_add_func ("/renewal-info/always-past", test_always_past);
  g_test_add_func ("/renewal-info/held", test_held);
  g_test_add_func ("/renewal-info/held-over", test_held_over);
  g_test_add_func ("/renewal-info/not-held", test_not_held);
  g_test_add_func ("/renewal-info/absurd", test_absurd);
  g_test_add_func ("/renewal-info/late", test_late);
  g_test_add_func ("/renewal-info/misses", test_misses);
  g_test_add_func ("/renewal-info/ask-again", test_ask_again);
  g_test_add_func ("/renewal-info/account", test_account);
  g_test_add_func ("/renewal-info/sooner", test_sooner);
  g_test_add_func ("/renewal-info/other-generation", test_other_generation);
  return g_test_run ();
}
