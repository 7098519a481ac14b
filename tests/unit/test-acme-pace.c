// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Nonces, and the pace of polling.
 */
#include "acme/nonces.h"
#include "acme/poll.h"
#include "manual-clock.h"
#include "plugin/error.h"

static void
test_nonces (void)
{
  static const char *const bad[] = { "", "a b", "a=", "a\nb", "é", NULL };
  g_autoptr (HerdClock) clock = herd_manual_clock_new ();
  g_autoptr (HerdNonces) nonces = herd_nonces_new (clock);
  g_autofree char *long_one = g_strnfill (513, 'a');
  g_autofree char *newest = NULL;
  g_autofree char *oldest = NULL;

  g_assert_null (herd_nonces_take (nonces));
  for (guint i = 0; bad[i] != NULL; i++)
    herd_nonces_put (nonces, bad[i]);
  herd_nonces_put (nonces, NULL);
  herd_nonces_put (nonces, long_one);
  g_assert_null (herd_nonces_take (nonces));

  /* Last in, first out; the oldest make room. */
  for (guint i = 0; i < 36; i++) {
    g_autofree char *nonce = g_strdup_printf ("n%u", i);

    herd_nonces_put (nonces, nonce);
  }
  newest = herd_nonces_take (nonces);
  g_assert_cmpstr (newest, ==, "n35");
  for (guint i = 0; i < 31; i++) {
    g_free (oldest);
    oldest = herd_nonces_take (nonces);
  }
  g_assert_cmpstr (oldest, ==, "n4");
  g_assert_null (herd_nonces_take (nonces));

  /* Old ones are not worth a try. */
  herd_nonces_put (nonces, "old");
  herd_manual_clock_advance (clock, 6 * 60 * HERD_SECOND);
  g_assert_null (herd_nonces_take (nonces));
  herd_nonces_put (nonces, "new");
  herd_nonces_clear (nonces);
  g_assert_null (herd_nonces_take (nonces));
}

static void
test_delays (void)
{
  HerdPace pace = HERD_PACE_VALIDATION;
  HerdPoll poll = { 0 };
  gint64 now = 1767225600;
  gint64 before = 0;
  gint64 total = 0;

  herd_poll_start (&poll, &pace, 0);
  g_assert_false (herd_poll_is_due (&poll, 0));
  g_assert_true (herd_poll_is_due (&poll, 0));
  g_assert_cmpint (herd_poll_get_delay (&poll, now), ==, HERD_SECOND / 10);
  for (guint i = 0; i < 50; i++) {
    gint64 delay = herd_poll_get_delay (&poll, now);

    g_assert_cmpint (delay, >=, before);
    g_assert_cmpint (delay, <=, 15 * HERD_SECOND);
    before = delay;
    total += delay;
  }
  g_assert_cmpint (total, >, 500 * HERD_SECOND);

  herd_poll_answered (&poll, now + 7);
  g_assert_cmpint (herd_poll_get_delay (&poll, now), ==, 7 * HERD_SECOND);
  /* "Now" is no licence to ask faster than without. */
  herd_poll_answered (&poll, now - 7);
  g_assert_cmpint (herd_poll_get_delay (&poll, now), ==, 15 * HERD_SECOND);
  herd_poll_answered (&poll, now + 86400);
  g_assert_cmpint (herd_poll_get_delay (&poll, now), ==, 300 * HERD_SECOND);
  herd_poll_answered (&poll, G_MAXINT64);
  g_assert_cmpint (herd_poll_get_delay (&poll, now), ==, 300 * HERD_SECOND);
}

static void
test_troubles (void)
{
  g_autoptr (GError) down = g_error_new_literal (HERD_ERROR, HERD_ERROR_UNREACHABLE, "down");
  g_autoptr (GError) refused = g_error_new_literal (HERD_ERROR, HERD_ERROR_REFUSED, "no");
  g_autoptr (GError) other = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "stop");
  HerdPoll poll = { 0 };

  herd_poll_start (&poll, NULL, 0);
  g_assert_false (herd_poll_tolerates (&poll, refused, 0));
  g_assert_false (herd_poll_tolerates (&poll, other, 0));
  for (guint i = 0; i < 4; i++)
    g_assert_true (herd_poll_tolerates (&poll, down, 0));
  g_assert_false (herd_poll_tolerates (&poll, down, 0));
  g_assert_cmpint (herd_poll_get_delay (&poll, 0), >=, HERD_SECOND);
  herd_poll_answered (&poll, 0);
  g_assert_true (herd_poll_tolerates (&poll, down, 0));
}

/* Trouble with a time: waited for, unless that is too far away for a round. */
static void
test_timed_troubles (void)
{
  const gint64 now = 1735786800;
  g_autoptr (GError) down = g_error_new_literal (HERD_ERROR, HERD_ERROR_UNREACHABLE, "down");
  g_autoptr (GError)
      fast = g_error_new_literal (HERD_ERROR, HERD_ERROR_RATE_LIMITED, "not so fast");
  HerdPoll poll = { 0 };

  herd_poll_start (&poll, NULL, 0);
  g_assert_false (herd_poll_tolerates (&poll, fast, now)); /* it does not say how long */
  herd_error_set_retry_at (fast, now + 7);
  g_assert_true (herd_poll_tolerates (&poll, fast, now));
  g_assert_cmpint (herd_poll_get_delay (&poll, now), ==, 7 * HERD_SECOND);
  herd_error_set_retry_at (fast, now + 301);
  g_assert_false (herd_poll_tolerates (&poll, fast, now));
  herd_error_set_retry_at (down, now + 300);
  g_assert_true (herd_poll_tolerates (&poll, down, now));
  g_assert_cmpint (herd_poll_get_delay (&poll, now), ==, 300 * HERD_SECOND);
  herd_error_set_retry_at (down, now + 10 * 365 * G_GINT64_CONSTANT (86400));
  g_assert_false (herd_poll_tolerates (&poll, down, now));
}

/* --- what is learned --- */

#define MILLISECOND (HERD_SECOND / 1000)

/* One series at CLOCK that is asked after each delay until TAKES is over; how often. */
static guint
ask_until_done (HerdClock *clock, HerdPace *pace, gint64 takes)
{
  HerdPoll poll = { 0 };
  gint64 begin = herd_clock_get_monotonic (clock);
  guint asked = 0;

  herd_poll_start (&poll, pace, begin);
  g_assert_false (herd_poll_is_due (&poll, begin));
  do {
    herd_manual_clock_advance (clock, herd_poll_get_delay (&poll, herd_clock_get_seconds (clock)));
    g_assert_true (herd_poll_is_due (&poll, herd_clock_get_monotonic (clock)));
    asked++;
  } while (herd_clock_get_monotonic (clock) - begin < takes);
  herd_poll_learn (&poll, NULL);
  return asked;
}

/* A CA that always takes as long is asked once, and soon not much later than it needs. */
static void
test_learning (void)
{
  static const gint64 takes[] = { 1, 20, 300, 900 };

  for (guint i = 0; i < G_N_ELEMENTS (takes); i++) {
    g_autoptr (HerdClock) clock = herd_manual_clock_new ();
    HerdPace pace = HERD_PACE_ISSUE;
    guint asked = 0;

    ask_until_done (clock, &pace, takes[i] * MILLISECOND);
    for (guint j = 0; j < 100; j++)
      asked += ask_until_done (clock, &pace, takes[i] * MILLISECOND);
    g_assert_cmpuint (asked, <=, 130);
    g_assert_cmpint (pace.delay, <=, (takes[i] * 2 + 50) * MILLISECOND);
  }
}

/* One that once took a day is not asked a day later ever after. */
static void
test_learning_bounds (void)
{
  g_autoptr (HerdClock) clock = herd_manual_clock_new ();
  HerdPace pace = HERD_PACE_ISSUE;

  ask_until_done (clock, &pace, 600 * HERD_SECOND);
  g_assert_cmpint (pace.delay, <=, 2 * HERD_SECOND);
  for (guint i = 0; i < 200; i++)
    ask_until_done (clock, &pace, 0);
  g_assert_cmpint (pace.delay, ==, 2 * MILLISECOND);
}

/* --- validators that are seen --- */

typedef struct {
  HerdClock *clock;
  HerdChallenge *challenges[2];
  HerdSightings *sightings;
  HerdPace pace;
  HerdPoll poll;
  guint told;
} SightFixture;

static void
count_told (gpointer data)
{
  ((SightFixture *) data)->told++;
}

static void
sight_setup (SightFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  fixture->clock = herd_manual_clock_new ();
  fixture->sightings = herd_sightings_new (fixture->clock, count_told, fixture);
  g_assert_false (herd_sightings_are_promised (fixture->sightings));
  for (guint i = 0; i < G_N_ELEMENTS (fixture->challenges); i++) {
    g_autofree char *token = g_strdup_printf ("evaGxfADs6pSRb2LAv9IZf%u", i);

    fixture->challenges[i] = herd_challenge_new ("http-01", "a.example", token, token);
    herd_sightings_watch (fixture->sightings, fixture->challenges[i]);
  }
  g_assert_false (herd_sightings_are_promised (fixture->sightings));
  herd_challenge_promise_sightings (fixture->challenges[0]);
  g_assert_false (herd_sightings_are_promised (fixture->sightings));
  herd_challenge_promise_sightings (fixture->challenges[1]);
  g_assert_true (herd_sightings_are_promised (fixture->sightings));
  fixture->pace = HERD_PACE_VERDICT;
}

static void
sight_teardown (SightFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  herd_sightings_free (fixture->sightings);
  for (guint i = 0; i < G_N_ELEMENTS (fixture->challenges); i++) {
    /* Nobody watches any more. */
    herd_challenge_note_sighting (fixture->challenges[i]);
    herd_challenge_unref (fixture->challenges[i]);
  }
  herd_clock_unref (fixture->clock);
}

static void
begin (SightFixture *fixture)
{
  herd_poll_start (&fixture->poll, &fixture->pace, herd_clock_get_monotonic (fixture->clock));
  g_assert_false (herd_poll_is_due (&fixture->poll, herd_clock_get_monotonic (fixture->clock)));
  g_assert_true (herd_poll_is_fresh (&fixture->poll));
  herd_poll_get_delay (&fixture->poll, herd_clock_get_seconds (fixture->clock));
}

static gint64
get_delay (SightFixture *fixture)
{
  return herd_poll_get_delay_by_sight (&fixture->poll, fixture->sightings,
                                       herd_clock_get_seconds (fixture->clock),
                                       herd_clock_get_monotonic (fixture->clock));
}

/* Each challenge is waited for; not for ever. */
static void
test_sight_of_all (SightFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  begin (fixture);
  g_assert_cmpint (get_delay (fixture), ==, HERD_SECOND);
  herd_manual_clock_advance (fixture->clock, 30 * MILLISECOND);
  herd_challenge_note_sighting (fixture->challenges[0]);
  g_assert_cmpint (get_delay (fixture), ==, 250 * MILLISECOND);
  herd_manual_clock_advance (fixture->clock, 30 * MILLISECOND);
  herd_challenge_note_sighting (fixture->challenges[1]);
  g_assert_cmpuint (fixture->told, ==, 2);
  g_assert_cmpint (get_delay (fixture), ==, 10 * MILLISECOND);
  herd_manual_clock_advance (fixture->clock, 30 * MILLISECOND);
  g_assert_cmpint (get_delay (fixture), ==, 0);

  /* What was not enough is not believed a second time. */
  g_assert_true (herd_poll_is_due (&fixture->poll, herd_clock_get_monotonic (fixture->clock)));
  g_assert_false (herd_poll_is_fresh (&fixture->poll));
  g_assert_cmpint (herd_poll_get_delay (&fixture->poll, 0), ==, 50 * MILLISECOND);
  g_assert_cmpint (herd_poll_get_delay (&fixture->poll, 0), ==, 100 * MILLISECOND);
}

/* A few that come late are not waited for longer than for nobody. */
static void
test_late_sight (SightFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  begin (fixture);
  herd_manual_clock_advance (fixture->clock, 900 * MILLISECOND);
  herd_challenge_note_sighting (fixture->challenges[0]);
  g_assert_cmpint (get_delay (fixture), ==, 100 * MILLISECOND);
}

/* What the CA says counts for more than what is seen. */
static void
test_retry_after_and_sight (SightFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  gint64 now = herd_clock_get_seconds (fixture->clock);

  begin (fixture);
  herd_poll_answered (&fixture->poll, now + 5);
  g_assert_cmpint (get_delay (fixture), ==, 5 * HERD_SECOND);
  herd_challenge_note_sighting (fixture->challenges[0]);
  herd_challenge_note_sighting (fixture->challenges[1]);
  g_assert_cmpint (get_delay (fixture), ==, 5 * HERD_SECOND);
  herd_manual_clock_advance (fixture->clock, 5 * HERD_SECOND);
  g_assert_cmpint (get_delay (fixture), ==, 0);
}

/* How many perspectives a CA has is learned; a third one is waited for from then on. */
static void
test_perspectives (SightFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  begin (fixture);
  for (guint i = 0; i < 6; i++)
    herd_challenge_note_sighting (fixture->challenges[i % 2]);
  g_assert_true (herd_poll_is_due (&fixture->poll, herd_clock_get_monotonic (fixture->clock)));
  herd_poll_learn (&fixture->poll, fixture->sightings);
  g_assert_cmpuint (fixture->pace.validators, ==, 3);

  sight_teardown (fixture, NULL);
  {
    HerdPace learned = fixture->pace;

    sight_setup (fixture, NULL);
    fixture->pace = learned;
  }
  begin (fixture);
  for (guint i = 0; i < 5; i++)
    herd_challenge_note_sighting (fixture->challenges[i % 2]);
  g_assert_cmpint (get_delay (fixture), ==, 250 * MILLISECOND);
  herd_challenge_note_sighting (fixture->challenges[1]);
  g_assert_cmpint (get_delay (fixture), <=, 10 * MILLISECOND);
}

/* Valid without anybody having been seen: nothing is to be learned from that. */
static void
test_unseen (SightFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  begin (fixture);
  herd_manual_clock_advance (fixture->clock, get_delay (fixture));
  g_assert_cmpint (get_delay (fixture), ==, 0);
  g_assert_true (herd_poll_is_due (&fixture->poll, herd_clock_get_monotonic (fixture->clock)));
  herd_poll_learn (&fixture->poll, fixture->sightings);
  g_assert_cmpint (fixture->pace.delay, ==, 10 * MILLISECOND);
  g_assert_cmpuint (fixture->pace.validators, ==, 0);
}

/* Somebody who comes all the time puts off nothing. */
static void
test_besieged (SightFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  begin (fixture);
  for (guint i = 0; i < 300; i++) {
    herd_challenge_note_sighting (fixture->challenges[0]);
    herd_challenge_note_sighting (fixture->challenges[1]);
    herd_manual_clock_advance (fixture->clock, 5 * MILLISECOND);
  }
  g_assert_cmpint (get_delay (fixture), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/acme/nonces", test_nonces);
  g_test_add_func ("/acme/poll/delays", test_delays);
  g_test_add_func ("/acme/poll/troubles", test_troubles);
  g_test_add_func ("/acme/poll/timed-troubles", test_timed_troubles);
  g_test_add_func ("/acme/poll/learning", test_learning);
  g_test_add_func ("/acme/poll/learning-bounds", test_learning_bounds);
#define ADD(name, function)                                                                        \
  g_test_add ("/acme/poll/" name, SightFixture, NULL, sight_setup, function, sight_teardown)
  ADD ("sight-of-all", test_sight_of_all);
  ADD ("late-sight", test_late_sight);
  ADD ("retry-after-and-sight", test_retry_after_and_sight);
  ADD ("perspectives", test_perspectives);
  ADD ("unseen", test_unseen);
  ADD ("besieged", test_besieged);
  return g_test_run ();
}
