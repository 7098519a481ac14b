// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a subscriber is told first: how much in one turn of the loop, in which order, and until when.
 */
#include <string.h>

#include "deliveries-fixture.h"

#define MANY 250
#define OTHER_UID 2000

/* "c000" to "c249", with a generation each; "www", which is last, has none. */
static void
add_many (DeliveriesFixture *fixture)
{
  static const char *const none[] = { NULL };

  for (guint i = 0; i < MANY; i++) {
    g_autofree char *name = g_strdup_printf ("c%03u", i);

    deliveries_fixture_issue (fixture,
                              deliveries_fixture_add_certificate (fixture, 10000 + i, name, none));
  }
  g_string_truncate (fixture->told, 0);
}

static void
issue_again (DeliveriesFixture *fixture, const char *name)
{
  HerdCertificate *certificate = herd_registry_find_certificate (fixture->services.registry, name);

  deliveries_fixture_issue (fixture, certificate);
  herd_deliveries_tell_observers (fixture->deliveries, certificate);
}

/* How often NEEDLE was told since the last truncation. */
static guint
count_told (DeliveriesFixture *fixture, const char *needle)
{
  guint n = 0;

  for (const char *at = fixture->told->str; (at = strstr (at, needle)) != NULL; at++)
    n++;
  return n;
}

static guint
count_turn (DeliveriesFixture *fixture)
{
  guint before = count_told (fixture, ";");

  deliveries_fixture_take_turn (fixture);
  return count_told (fixture, ";") - before;
}

static void
test_in_slices (DeliveriesFixture *fixture, gconstpointer data)
{
  HerdSubscription *subscription;
  guint n_turns = 0;

  add_many (fixture);
  subscription = deliveries_fixture_begin_subscription (fixture, UID, NULL, FALSE);
  g_assert_cmpuint (fixture->told->len, ==, 0);
  while (herd_deliveries_is_walking (fixture->deliveries, subscription->id)) {
    g_assert_cmpuint (count_turn (fixture), <=, 100);
    n_turns++;
  }
  g_assert_cmpuint (n_turns, ==, 3);
  g_assert_cmpuint (count_told (fixture, ";"), ==, MANY + 1);
  g_assert_true (g_str_has_prefix (fixture->told->str, "c000 1;c001 1;"));
  g_assert_true (g_str_has_suffix (fixture->told->str, "c249 1; 0;"));
  g_assert_cmpuint (herd_manual_clock_get_n_timers (fixture->services.clock), ==, 0);
}

/* However many a user has, a turn does one slice of one of them; another user's go on beside. */
static void
test_one_each (DeliveriesFixture *fixture, gconstpointer data)
{
  HerdSubscription *first, *second, *other;

  add_many (fixture);
  first = deliveries_fixture_begin_subscription (fixture, UID, NULL, FALSE);
  second = deliveries_fixture_begin_subscription (fixture, UID, NULL, FALSE);
  g_assert_cmpuint (count_turn (fixture), ==, 100);
  other = deliveries_fixture_begin_subscription (fixture, OTHER_UID, NULL, FALSE);
  g_assert_cmpuint (count_turn (fixture), ==, 200);
  /* One that waits may go, and nobody gets a turn for it. */
  deliveries_fixture_unsubscribe (fixture, second);
  second = deliveries_fixture_begin_subscription (fixture, UID, NULL, FALSE);
  deliveries_fixture_unsubscribe (fixture, first);
  g_assert_cmpuint (count_turn (fixture), ==, 200);
  g_assert_cmpuint (count_turn (fixture), ==, 151);
  g_assert_false (herd_deliveries_is_walking (fixture->deliveries, other->id));
  g_assert_cmpuint (count_turn (fixture), ==, 51);
  g_assert_false (herd_deliveries_is_walking (fixture->deliveries, second->id));
  g_assert_cmpuint (count_told (fixture, "; 0;"), ==, 2);
  g_assert_cmpuint (herd_manual_clock_get_n_timers (fixture->services.clock), ==, 0);
}

static void
test_and_close (DeliveriesFixture *fixture, gconstpointer data)
{
  HerdSubscription *subscription;

  add_many (fixture);
  subscription = deliveries_fixture_begin_subscription (fixture, UID, NULL, FALSE);
  deliveries_fixture_take_turn (fixture);
  deliveries_fixture_unsubscribe (fixture, subscription);
  g_assert_cmpuint (herd_manual_clock_get_n_timers (fixture->services.clock), ==, 0);
  g_assert_cmpuint (count_turn (fixture), ==, 0);
  g_assert_cmpuint (count_told (fixture, "; 0;"), ==, 0);
}

/* What comes meanwhile is told once: where the walk has been already, at once; else by the walk. */
static void
test_and_news (DeliveriesFixture *fixture, gconstpointer data)
{
  add_many (fixture);
  deliveries_fixture_begin_subscription (fixture, UID, NULL, FALSE);
  deliveries_fixture_take_turn (fixture);
  issue_again (fixture, "c099");
  g_assert_true (g_str_has_suffix (fixture->told->str, "c099 1;c099 2;"));
  issue_again (fixture, "c100");
  issue_again (fixture, "c200");
  issue_again (fixture, "c200");
  g_assert_true (g_str_has_suffix (fixture->told->str, "c099 2;"));
  deliveries_fixture_take_turn (fixture);
  deliveries_fixture_take_turn (fixture);
  g_assert_cmpuint (count_told (fixture, "c099 "), ==, 2);
  g_assert_cmpuint (count_told (fixture, "c100 "), ==, 1);
  g_assert_cmpuint (count_told (fixture, "c100 2;"), ==, 1);
  g_assert_cmpuint (count_told (fixture, "c200 "), ==, 1);
  g_assert_cmpuint (count_told (fixture, "c200 3;"), ==, 1);
  g_assert_true (g_str_has_suffix (fixture->told->str, "; 0;"));
}

/* A target's follow the end mark, where the walk has been already. */
static void
test_of_target (DeliveriesFixture *fixture, gconstpointer data)
{
  HerdSubscription *subscription;

  add_many (fixture);
  subscription = deliveries_fixture_begin_subscription (fixture, UID, "mine", FALSE);
  deliveries_fixture_take_turn (fixture);
  issue_again (fixture, "c050");
  issue_again (fixture, "c150");
  g_assert_true (g_str_has_suffix (fixture->told->str, "c099 1;"));
  deliveries_fixture_take_turn (fixture);
  deliveries_fixture_take_turn (fixture);
  g_assert_false (herd_deliveries_is_walking (fixture->deliveries, subscription->id));
  g_assert_true (g_str_has_suffix (fixture->told->str, "c249 1; 0;c050 2;"));
  g_assert_cmpuint (count_told (fixture, "c050 "), ==, 2);
  g_assert_cmpuint (count_told (fixture, "c150 "), ==, 1);
  g_assert_cmpuint (count_told (fixture, "c150 2;"), ==, 1);
  deliveries_fixture_unsubscribe (fixture, subscription);
  g_assert_cmpuint (herd_manual_clock_get_n_timers (fixture->services.clock), ==, 0);
}

/* certherd-deliver that goes before it was told of anything is not started again and again. */
static void
test_cut_short (DeliveriesFixture *fixture, gconstpointer data)
{
  static const char *const targets[] = { "files", NULL };
  HerdSubscription *subscription;

  deliveries_fixture_change_targets (fixture, targets);
  deliveries_fixture_issue (fixture, fixture->certificate);
  subscription = deliveries_fixture_begin_subscription (fixture, UID, "files", TRUE);
  deliveries_fixture_unsubscribe (fixture, subscription);
  deliveries_fixture_end_run (fixture, "files", TRUE);
  g_assert_false (deliveries_fixture_is_running (fixture, "files"));
  g_assert_cmpint (deliveries_fixture_get_row (fixture, "files")->retry_at, >, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  /* A run that fails is a warning, for people. */
  g_log_set_always_fatal (G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);
#define ADD(name, function)                                                                        \
  g_test_add ("/delivery-walks/" name, DeliveriesFixture, NULL, deliveries_fixture_set_up,         \
              function, deliveries_fixture_tear_down)
  ADD ("in-slices", test_in_slices);
  ADD ("one-each", test_one_each);
  ADD ("and-close", test_and_close);
  ADD ("and-news", test_and_news);
  ADD ("of-target", test_of_target);
  ADD ("cut-short", test_cut_short);
  return g_test_run ();
}
