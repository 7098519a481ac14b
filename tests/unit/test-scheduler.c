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
} Fixture;

static void
on_due (guint64 certificate, gpointer data)
{
  Fixture *fixture = data;

  g_array_append_val (fixture->due, certificate);
  if (fixture->again && fixture->due->len < 5)
    herd_scheduler_put (fixture->scheduler, certificate, herd_clock_get_seconds (fixture->clock));
}

static void
set_up (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  fixture->clock = herd_manual_clock_new ();
  fixture->scheduler = herd_scheduler_new (fixture->clock, on_due, fixture);
  fixture->due = g_array_new (FALSE, FALSE, sizeof (guint64));
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

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/scheduler/order", Fixture, NULL, set_up, test_order, tear_down);
  g_test_add ("/scheduler/again", Fixture, NULL, set_up, test_again, tear_down);
  return g_test_run ();
}
