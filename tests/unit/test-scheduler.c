// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The schedule on a clock that the test moves.
 */
#include "core/scheduler.h"
#include "manual-clock.h"

typedef struct {
  HerdClock *clock;
  HerdScheduler *scheduler;
  GArray *due;
  gboolean again; /* the callback puts the certificate back at once */
  guint room;     /* for so many more */
  guint refused;  /* how often there was none */
  guint set_back; /* how often the clock was */
} Fixture;

static gboolean
on_due (guint64 certificate, gpointer data)
{
  Fixture *fixture = data;

  if (fixture->room == 0) {
    fixture->refused++;
    return FALSE;
  }
  fixture->room--;
  g_array_append_val (fixture->due, certificate);
  if (fixture->again && fixture->due->len < 5)
    herd_scheduler_put (fixture->scheduler, certificate, herd_clock_get_seconds (fixture->clock));
  return TRUE;
}

static void
on_set_back (gpointer data)
{
  ((Fixture *) data)->set_back++;
}

static void
set_up (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  fixture->clock = herd_manual_clock_new ();
  fixture->scheduler = herd_scheduler_new (fixture->clock, on_due, fixture);
  fixture->due = g_array_new (FALSE, FALSE, sizeof (guint64));
  fixture->room = G_MAXUINT;
}

static void
tear_down (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  herd_scheduler_free (fixture->scheduler);
  g_array_unref (fixture->due);
  herd_clock_unref (fixture->clock);
}

static void
test_order (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  gint64 now = herd_clock_get_seconds (fixture->clock);
  guint64 head;
  gint64 when;

  herd_scheduler_put (fixture->scheduler, 1, now + 300);
  herd_scheduler_put (fixture->scheduler, 2, now + 100);
  herd_scheduler_put (fixture->scheduler, 3, now + 200);
  herd_scheduler_put (fixture->scheduler, 3, now + 50); /* moved to the front */
  herd_scheduler_put (fixture->scheduler, 1, 0);        /* taken out */
  g_assert_true (herd_scheduler_peek (fixture->scheduler, &head, &when));
  g_assert_cmpuint (head, ==, 3);
  g_assert_cmpint (when, ==, now + 50);
  herd_manual_clock_advance (fixture->clock, 49 * HERD_SECOND);
  g_assert_cmpuint (fixture->due->len, ==, 0);
  herd_manual_clock_advance (fixture->clock, 1 * HERD_SECOND);
  g_assert_cmpuint (fixture->due->len, ==, 1);
  herd_manual_clock_advance (fixture->clock, 1000 * HERD_SECOND);
  g_assert_cmpuint (fixture->due->len, ==, 2);
  g_assert_cmpuint (g_array_index (fixture->due, guint64, 0), ==, 3);
  g_assert_cmpuint (g_array_index (fixture->due, guint64, 1), ==, 2);
  g_assert_false (herd_scheduler_peek (fixture->scheduler, &head, &when));
}

/* One that is put back for now waits for the next turn: no endless loop. */
static void
test_again (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  fixture->again = TRUE;
  herd_scheduler_put (fixture->scheduler, 7, herd_clock_get_seconds (fixture->clock) + 1);
  herd_manual_clock_advance (fixture->clock, 1 * HERD_SECOND);
  g_assert_cmpuint (fixture->due->len, >=, 1);
  for (guint i = 0; i < 10; i++)
    herd_manual_clock_advance (fixture->clock, 1 * HERD_SECOND);
  g_assert_cmpuint (fixture->due->len, ==, 5);
}

/* However many are due at the same time, a turn of the loop calls for a bounded number of them. */
static void
test_slices (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  gint64 now = herd_clock_get_seconds (fixture->clock);
  guint n = 10 * HERD_SCHEDULER_SLICE + 1;
  guint turns = 0;

  for (guint i = 1; i <= n; i++)
    herd_scheduler_put (fixture->scheduler, i, now + 1);
  herd_manual_clock_advance (fixture->clock, 1 * HERD_SECOND - 1);
  while (fixture->due->len < n) {
    guint before = fixture->due->len;

    g_assert_true (herd_manual_clock_fire_next (fixture->clock));
    g_assert_cmpuint (fixture->due->len - before, <=, HERD_SCHEDULER_SLICE);
    turns++;
  }
  g_assert_cmpuint (turns, ==, 11);
  for (guint i = 0; i < n; i++)
    g_assert_cmpuint (g_array_index (fixture->due, guint64, i), ==, i + 1);
  g_assert_false (herd_manual_clock_fire_next (fixture->clock));
}

/* What there is no room for waits without a timer, keeps its place, and is asked for once for each time
 * that there may be room. */
static void
test_room (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  gint64 now = herd_clock_get_seconds (fixture->clock);
  guint64 head;
  gint64 when;

  fixture->room = 2;
  for (guint i = 1; i <= 100; i++)
    herd_scheduler_put (fixture->scheduler, i, now + 1);
  herd_manual_clock_advance (fixture->clock, 2 * HERD_SECOND);
  g_assert_cmpuint (fixture->due->len, ==, 2);
  g_assert_cmpuint (fixture->refused, ==, 98);
  g_assert_false (herd_manual_clock_fire_next (fixture->clock));
  g_assert_true (herd_scheduler_peek (fixture->scheduler, &head, &when));
  g_assert_cmpuint (head, ==, 3);
  g_assert_cmpint (when, ==, now + 1);

  herd_scheduler_put (fixture->scheduler, 4, 0);        /* is no longer wanted */
  herd_scheduler_put (fixture->scheduler, 5, now + 60); /* has got time */
  fixture->room = 2;
  fixture->refused = 0;
  herd_scheduler_go_on (fixture->scheduler);
  while (herd_manual_clock_fire_next (fixture->clock) && fixture->due->len < 4)
    ;
  g_assert_cmpuint (fixture->due->len, ==, 4);
  g_assert_cmpuint (g_array_index (fixture->due, guint64, 2), ==, 3);
  g_assert_cmpuint (g_array_index (fixture->due, guint64, 3), ==, 6);
  g_assert_cmpuint (fixture->refused, <=, 1);
}

/* A suspend, or somebody who sets the time: what is due by then is due. */
static void
test_set (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  gint64 now = herd_clock_get_seconds (fixture->clock);

  herd_scheduler_put (fixture->scheduler, 1, now + 86400);
  herd_scheduler_put (fixture->scheduler, 2, now + 3 * 86400);
  herd_manual_clock_advance (fixture->clock, 10 * HERD_SECOND);
  g_assert_cmpuint (fixture->due->len, ==, 0);
  herd_manual_clock_set_real (fixture->clock, (now + 2 * 86400) * HERD_SECOND);
  herd_manual_clock_advance (fixture->clock, 0);
  g_assert_cmpuint (fixture->due->len, ==, 1);
  /* Back again: what is left waits for its time, not for so and so long. */
  herd_manual_clock_set_real (fixture->clock, now * HERD_SECOND);
  herd_manual_clock_advance (fixture->clock, (G_GINT64_CONSTANT (3) * 86400 - 1) * HERD_SECOND);
  g_assert_cmpuint (fixture->due->len, ==, 1);
  herd_manual_clock_advance (fixture->clock, HERD_SECOND);
  g_assert_cmpuint (fixture->due->len, ==, 2);
}

/* The clock is set back while some wait for room: they stay due, and hold up nothing that is due first. */
static void
test_set_back (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  gint64 now = herd_clock_get_seconds (fixture->clock);

  fixture->room = 0;
  herd_scheduler_put (fixture->scheduler, 1, now);
  herd_manual_clock_advance (fixture->clock, HERD_SECOND);
  g_assert_cmpuint (fixture->refused, ==, 1);
  herd_manual_clock_set_real (fixture->clock, (now - 86400) * HERD_SECOND);
  herd_scheduler_put (fixture->scheduler, 2, now - 86400 + 60);
  fixture->room = G_MAXUINT;
  herd_scheduler_go_on (fixture->scheduler);
  herd_manual_clock_advance (fixture->clock, HERD_SECOND);
  g_assert_cmpuint (fixture->due->len, ==, 1);
  g_assert_cmpuint (g_array_index (fixture->due, guint64, 0), ==, 1);
  herd_manual_clock_advance (fixture->clock, 60 * HERD_SECOND);
  g_assert_cmpuint (fixture->due->len, ==, 2);
  g_assert_cmpuint (g_array_index (fixture->due, guint64, 1), ==, 2);
  g_assert_cmpuint (herd_manual_clock_get_n_timers (fixture->clock), ==, 0);
}

/* It is told that the clock was set back, whatever is scheduled; and not of what is put right all the time. */
static void
test_tells (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  gint64 now = herd_clock_get_seconds (fixture->clock);

  herd_scheduler_watch_clock (fixture->scheduler, on_set_back);
  herd_scheduler_put (fixture->scheduler, 1, now + 365 * 86400);
  herd_manual_clock_advance (fixture->clock, 60 * HERD_SECOND);
  herd_manual_clock_set_real (fixture->clock, (now + 86400) * HERD_SECOND);
  herd_manual_clock_advance (fixture->clock, 0);
  herd_manual_clock_set_real (fixture->clock, (now + 86400 - 2) * HERD_SECOND);
  herd_manual_clock_advance (fixture->clock, 0);
  g_assert_cmpuint (fixture->set_back, ==, 0);
  /* Later than when it was armed, and set back nevertheless. */
  herd_manual_clock_advance (fixture->clock, 1800 * HERD_SECOND);
  herd_manual_clock_set_real (fixture->clock, (now + 86400 + 600) * HERD_SECOND);
  herd_manual_clock_advance (fixture->clock, 0);
  g_assert_cmpuint (fixture->set_back, ==, 1);
  herd_manual_clock_advance (fixture->clock, 600 * HERD_SECOND);
  g_assert_cmpuint (fixture->set_back, ==, 1);
  g_assert_cmpuint (fixture->due->len, ==, 0);
  g_assert_cmpuint (herd_manual_clock_get_n_timers (fixture->clock), ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/scheduler/order", Fixture, NULL, set_up, test_order, tear_down);
  g_test_add ("/scheduler/set", Fixture, NULL, set_up, test_set, tear_down);
  g_test_add ("/scheduler/again", Fixture, NULL, set_up, test_again, tear_down);
  g_test_add ("/scheduler/slices", Fixture, NULL, set_up, test_slices, tear_down);
  g_test_add ("/scheduler/room", Fixture, NULL, set_up, test_room, tear_down);
  g_test_add ("/scheduler/set-back", Fixture, NULL, set_up, test_set_back, tear_down);
  g_test_add ("/scheduler/tells", Fixture, NULL, set_up, test_tells, tear_down);
  return g_test_run ();
}
