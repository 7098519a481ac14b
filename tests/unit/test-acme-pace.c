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
  for (guint i = 0; i < 20; i++) {
    g_autofree char *nonce = g_strdup_printf ("n%u", i);

    herd_nonces_put (nonces, nonce);
  }
  newest = herd_nonces_take (nonces);
  g_assert_cmpstr (newest, ==, "n19");
  for (guint i = 0; i < 15; i++) {
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
  HerdPoll poll = { 0 };
  gint64 now = 1767225600;
  gint64 before = 0;
  gint64 total = 0;

  herd_poll_start (&poll);
  g_assert_false (herd_poll_is_due (&poll));
  g_assert_true (herd_poll_is_due (&poll));
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
  herd_poll_answered (&poll, now - 7);
  g_assert_cmpint (herd_poll_get_delay (&poll, now), ==, HERD_SECOND);
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

  herd_poll_start (&poll);
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

  herd_poll_start (&poll);
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

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/acme/nonces", test_nonces);
  g_test_add_func ("/acme/poll/delays", test_delays);
  g_test_add_func ("/acme/poll/troubles", test_troubles);
  g_test_add_func ("/acme/poll/timed-troubles", test_timed_troubles);
  return g_test_run ();
}
