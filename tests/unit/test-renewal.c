// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The rules of when: renewals for lifetimes from an hour to ten years, and back-off by error class.
 */
#include "core/renewal.h"

#define HOUR 3600
#define DAY (24 * HOUR)
#define START 1700000000

static HerdGeneration *
generation_new (gint64 lifetime)
{
  HerdFacts *facts = herd_facts_new ();

  facts->not_before = START;
  facts->not_after = START + lifetime;
  return herd_generation_new (1, 1, START, facts);
}

static void
test_auto (void)
{
  static const struct {
    gint64 lifetime;
    double fraction;
  } rows[] = { { HOUR, 0.5 },           { DAY, 0.5 },
               { 6 * DAY, 0.5 },        { 10 * DAY, 2.0 / 3.0 },
               { 45 * DAY, 2.0 / 3.0 }, { 3650 * DAY, 2.0 / 3.0 } };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (HerdGeneration) generation = generation_new (rows[i].lifetime);
    gint64 early = herd_renewal_get_time (generation, "auto", 0.0) - START;
    gint64 late = herd_renewal_get_time (generation, "auto", 1.0) - START;
    double lifetime = (double) rows[i].lifetime;

    g_assert_cmpfloat_with_epsilon ((double) early, lifetime * (rows[i].fraction - 0.02), 1.0);
    g_assert_cmpfloat_with_epsilon ((double) late, lifetime * (rows[i].fraction + 0.02), 1.0);
  }
}

static void
test_rules (void)
{
  g_autoptr (HerdGeneration) generation = generation_new (90 * DAY);

  g_assert_cmpint (herd_renewal_get_time (generation, "14d", 0.5), ==, START + 76 * DAY);
  g_assert_cmpint (herd_renewal_get_time (generation, "50%", 0.5), ==, START + 45 * DAY);
  /* More than the lifetime: at once, not before it began. */
  g_assert_cmpint (herd_renewal_get_time (generation, "200d", 0.5), ==, START);
}

static void
test_backoff (void)
{
  static const gint64 minutes[] = { 1, 10, 100, 360, 360 };

  for (guint failures = 1; failures <= G_N_ELEMENTS (minutes); failures++) {
    gint64 middle = minutes[failures - 1] * 60;

    g_assert_cmpint (herd_backoff_get_delay (failures, 0.5), ==, middle);
    g_assert_cmpint (herd_backoff_get_delay (failures, 0.0), ==, middle * 9 / 10);
    g_assert_cmpint (herd_backoff_get_delay (failures, 1.0), ==, middle * 11 / 10);
  }
}

static void
test_classes (void)
{
  const HerdProblem limited = { .type = "rateLimited", .status = 429, .retry_at = START + 777 };
  const HerdProblem terms = { .type = "userActionRequired", .status = 403 };
  const HerdProblem name = { .type = "rejectedIdentifier", .status = 400 };
  const HerdProblem broken = { .status = 503 };
  g_autoptr (GError) timed = herd_error_new_problem (&limited, "newOrder");
  g_autoptr (GError) human = herd_error_new_problem (&terms, "newOrder");
  g_autoptr (GError) permanent = herd_error_new_problem (&name, "newOrder");
  g_autoptr (GError) backoff = herd_error_new_problem (&broken, "newOrder");

  g_assert_cmpint (herd_backoff_get_time (timed, 1, START, 0.5), ==, START + 777);
  herd_error_set_retry_at (timed, START + 365 * 24 * HOUR);
  g_assert_cmpint (herd_backoff_get_time (timed, 1, START, 0.5), ==, START + 7 * 24 * HOUR);
  g_assert_cmpint (herd_backoff_get_time (human, 1, START, 0.5), ==, START + 6 * HOUR);
  g_assert_cmpint (herd_backoff_get_time (permanent, 1, START, 0.5), ==, START + DAY);
  g_assert_cmpint (herd_backoff_get_time (backoff, 2, START, 0.5), ==, START + 600);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/renewal/auto", test_auto);
  g_test_add_func ("/renewal/rules", test_rules);
  g_test_add_func ("/renewal/backoff", test_backoff);
  g_test_add_func ("/renewal/classes", test_classes);
  return g_test_run ();
}
