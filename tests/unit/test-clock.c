// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The machine's clock, and the double that the other tests use in its place.
 */
#include "manual-clock.h"

#include <string.h>

typedef struct {
  HerdClock *clock;
  GString *fired;
  char label;
  guint other; /* a timer to take back when fired */
} Alarm;

static void
on_fired (gpointer data)
{
  Alarm *alarm = data;

  g_string_append_c (alarm->fired, alarm->label);
  herd_clock_disarm (alarm->clock, alarm->other);
}

static void
system_reads_time (void)
{
  g_autoptr (HerdClock) clock = herd_clock_new_system ();
  gint64 before = g_get_real_time ();
  gint64 real = herd_clock_get_real (clock);
  gint64 monotonic = herd_clock_get_monotonic (clock);

  g_assert_cmpint (real, >=, before);
  g_assert_cmpint (real, <=, g_get_real_time ());
  g_assert_cmpint (herd_clock_get_seconds (clock), >=, real / G_USEC_PER_SEC);
  g_assert_cmpint (herd_clock_get_monotonic (clock), >=, monotonic);
}

static void
wait_for (GString *fired, char letter)
{
  while (strchr (fired->str, letter) == NULL)
    g_main_context_iteration (NULL, TRUE);
}

/* What was disarmed is not among them, and nothing is to come. */
static void
assert_two_fired (GString *fired)
{
  g_assert_cmpuint (fired->len, ==, 2);
  g_assert_null (strchr (fired->str, 'x'));
  g_assert_false (g_main_context_pending (NULL));
}

/* Which of those that are due comes first is not promised: on a busy machine all may be. */
static void
system_fires_once (void)
{
  g_autoptr (HerdClock) clock = herd_clock_new_system ();
  g_autoptr (GString) fired = g_string_new (NULL);
  Alarm a = { clock, fired, 'a', 0 }, b = { clock, fired, 'b', 0 }, x = { clock, fired, 'x', 0 };
  gint64 start = herd_clock_get_monotonic (clock);

  herd_clock_arm (clock, 6000, on_fired, &b);
  herd_clock_disarm (clock, herd_clock_arm (clock, 3000, on_fired, &x));
  herd_clock_arm (clock, -5, on_fired, &a);
  a.other = herd_clock_arm (clock, G_MAXINT64, on_fired, &x);
  wait_for (fired, 'b');
  g_assert_cmpint (herd_clock_get_monotonic (clock) - start, >=, 6000);
  wait_for (fired, 'a');
  assert_two_fired (fired);
}

/* By the time of day. Time namespaces leave that alone, so that nobody sets it here: a suspend and a
 * setting are the manual clock's part, in the tests of what uses it. */
static void
system_fires_at (void)
{
  g_autoptr (HerdClock) clock = herd_clock_new_system ();
  g_autoptr (GString) fired = g_string_new (NULL);
  Alarm a = { clock, fired, 'a', 0 }, b = { clock, fired, 'b', 0 }, x = { clock, fired, 'x', 0 };
  gint64 when = herd_clock_get_real (clock) + 5000;

  herd_clock_arm_at (clock, when, on_fired, &b);
  herd_clock_disarm (clock, herd_clock_arm_at (clock, when - 1000, on_fired, &x));
  herd_clock_arm_at (clock, -1, on_fired, &a); /* long ago */
  a.other = herd_clock_arm_at (clock, when + G_TIME_SPAN_HOUR, on_fired, &x);
  wait_for (fired, 'b');
  g_assert_cmpint (herd_clock_get_real (clock), >=, when);
  wait_for (fired, 'a');
  assert_two_fired (fired);
}

static void
system_uses_callers_context (void)
{
  g_autoptr (HerdClock) clock = herd_clock_new_system ();
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (GString) fired = g_string_new (NULL);
  Alarm a = { clock, fired, 'a', 0 };
  guint far;

  g_main_context_push_thread_default (context);
  far = herd_clock_arm (clock, G_MAXINT64, on_fired, &a);
  herd_clock_arm (clock, 0, on_fired, &a);
  g_assert_false (g_main_context_pending (NULL));
  g_main_context_iteration (context, TRUE);
  g_assert_cmpstr (fired->str, ==, "a");
  g_assert_false (g_main_context_pending (context));
  herd_clock_disarm (clock, far);
  herd_clock_disarm (clock, 0);
  g_main_context_pop_thread_default (context);
}

static void
manual_moves_only_when_told (void)
{
  g_autoptr (HerdClock) clock = herd_manual_clock_new ();
  g_autoptr (GString) fired = g_string_new (NULL);
  Alarm a = { clock, fired, 'a', 0 }, b = { clock, fired, 'b', 0 }, c = { clock, fired, 'c', 0 };
  gint64 start = herd_clock_get_monotonic (clock);

  g_assert_cmpint (herd_clock_get_seconds (clock), ==, 1767225600);
  herd_clock_arm (clock, 20, on_fired, &b);
  herd_clock_arm (clock, 10, on_fired, &a);
  b.other = herd_clock_arm (clock, 25, on_fired, &c);
  herd_clock_arm (clock, 20, on_fired, &c);
  g_assert_cmpint (herd_manual_clock_get_next (clock), ==, 10);
  herd_manual_clock_advance (clock, 9);
  g_assert_cmpstr (fired->str, ==, "");
  herd_manual_clock_advance (clock, 91);
  g_assert_cmpstr (fired->str, ==, "abc");
  g_assert_cmpuint (herd_manual_clock_get_n_timers (clock), ==, 0);
  g_assert_cmpint (herd_manual_clock_get_next (clock), ==, -1);
  g_assert_cmpint (herd_clock_get_monotonic (clock) - start, ==, 100);
  g_assert_cmpint (herd_clock_get_real (clock), ==, HERD_MANUAL_CLOCK_START + 100);
  herd_manual_clock_set_real (clock, 5 * HERD_SECOND);
  g_assert_cmpint (herd_clock_get_seconds (clock), ==, 5);
  g_assert_cmpint (herd_clock_get_monotonic (clock) - start, ==, 100);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/clock/system/reads-time", system_reads_time);
  g_test_add_func ("/clock/system/fires-once", system_fires_once);
  g_test_add_func ("/clock/system/fires-at", system_fires_at);
  g_test_add_func ("/clock/system/uses-callers-context", system_uses_callers_context);
  g_test_add_func ("/clock/manual/moves-only-when-told", manual_moves_only_when_told);
  return g_test_run ();
}
