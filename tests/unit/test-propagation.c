// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Waiting for TXT records at real servers (BIND and Knot), by a clock that stands still.
 */
#include "core/propagation.h"

#include <string.h>

#include "core/places.h"
#include "manual-clock.h"
#include "plugin/error.h"
#include "test-dns.h"

typedef struct {
  TestRig *rig;
  HerdClock *clock;
  HerdDns *dns;
  GCancellable *cancellable;
  GAsyncResult *result;
  GError *error;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  HerdDnsOptions options = { 0 };

  fixture->rig = (TestRig *) data;
  fixture->clock = herd_manual_clock_new ();
  fixture->cancellable = g_cancellable_new ();
  options.clock = fixture->clock;
  options.resolvers = test_rig_get (fixture->rig, "RESOLVER");
  options.port = test_dns_get_port (fixture->rig);
  fixture->dns = herd_dns_new (&options);
}

static void
tear_down (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_clear_object (&fixture->result);
  g_clear_error (&fixture->error);
  g_object_unref (fixture->cancellable);
  herd_dns_unref (fixture->dns);
  g_assert_cmpuint (herd_manual_clock_get_n_timers (fixture->clock), ==, 0);
  herd_clock_unref (fixture->clock);
}

static void
on_result (GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

/* Seconds in RULES. */
static void
start (Fixture *fixture, HerdPropagationRules rules, const char *first, ...)
{
  g_autoptr (GPtrArray) records = g_ptr_array_new ();
  va_list arguments;

  va_start (arguments, first);
  for (const char *one = first; one != NULL; one = va_arg (arguments, const char *))
    g_ptr_array_add (records, (gpointer) one);
  va_end (arguments);
  g_ptr_array_add (records, NULL);
  rules.timeout *= HERD_SECOND;
  rules.delay *= HERD_SECOND;
  herd_propagation_await_async (fixture->dns, (const char *const *) records->pdata, &rules,
                                fixture->cancellable, on_result, &fixture->result);
}

static gboolean
finish (Fixture *fixture)
{
  while (fixture->result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return herd_propagation_await_finish (fixture->result, &fixture->error);
}

/* Until nothing is asked any more: what is left is the timer for the next look, in SECONDS. While
 * something is asked there are always two more, c-ares' and the deadline's. */
static void
wait_for_pause (Fixture *fixture, gint64 seconds)
{
  while (fixture->result == NULL && herd_manual_clock_get_n_timers (fixture->clock) != 1)
    g_main_context_iteration (NULL, TRUE);
  g_assert_null (fixture->result);
  g_assert_cmpint (herd_manual_clock_get_next (fixture->clock), ==, seconds * HERD_SECOND);
}

static void
assert_failed (Fixture *fixture, HerdError code, const char *words)
{
  g_assert_false (finish (fixture));
  g_assert_error (fixture->error, HERD_ERROR, (int) code);
  if (strstr (fixture->error->message, words) == NULL)
    g_error ("\"%s\" does not say \"%s\"", fixture->error->message, words);
}

static void
test_seen (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  test_dns_update (fixture->rig, "BIND", "example.test",
                   "add _acme-challenge.seen.example.test 60 TXT a");
  test_dns_update (fixture->rig, "BIND", "example.test",
                   "add _acme-challenge.seen.example.test 60 TXT b");
  test_dns_update (fixture->rig, "KNOT", "auth.test", "add token.auth.test 60 TXT c");
  test_dns_update (fixture->rig, "BIND", "half.test", "add _acme-challenge.half.test 60 TXT d");
  /* two values of one name, one behind a CNAME, one where a server is down */
  start (fixture, (HerdPropagationRules){ TRUE, 60, 0 }, "_acme-challenge.seen.example.test", "a",
         "_acme-challenge.seen.example.test", "b", "_acme-challenge.cname.example.test", "c",
         "_acme-challenge.half.test", "d", NULL);
  g_assert_true (finish (fixture));
  g_assert_no_error (fixture->error);
}

/* One server shows it, then the other does too. */
static void
test_later (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  test_dns_update (fixture->rig, "BIND", "both.test",
                   "add _acme-challenge.later.both.test 60 TXT v");
  start (fixture, (HerdPropagationRules){ TRUE, 60, 0 }, "_acme-challenge.later.both.test", "v",
         NULL);
  wait_for_pause (fixture, 2);
  herd_manual_clock_advance (fixture->clock, 2 * HERD_SECOND);
  wait_for_pause (fixture, 3);
  test_dns_update (fixture->rig, "KNOT", "both.test",
                   "add _acme-challenge.later.both.test 60 TXT v");
  herd_manual_clock_advance (fixture->clock, 3 * HERD_SECOND);
  g_assert_true (finish (fixture));
  g_assert_no_error (fixture->error);
}

static void
test_never (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  test_dns_update (fixture->rig, "KNOT", "both.test",
                   "add _acme-challenge.never.both.test 60 TXT v");
  start (fixture, (HerdPropagationRules){ TRUE, 3, 0 }, "_acme-challenge.never.both.test", "v",
         NULL);
  wait_for_pause (fixture, 2);
  herd_manual_clock_advance (fixture->clock, 2 * HERD_SECOND);
  wait_for_pause (fixture, 1);
  herd_manual_clock_advance (fixture->clock, 1 * HERD_SECOND);
  assert_failed (fixture, HERD_ERROR_CHALLENGE_FAILED, "after 3 s");
  g_assert_nonnull (strstr (fixture->error->message, "ns1.both.test (127.0.0.1:"));
  g_assert_nonnull (strstr (fixture->error->message, "does not show it (NXDOMAIN)"));
  g_assert_nonnull (strstr (fixture->error->message, ") shows it"));
  g_assert_nonnull (strstr (fixture->error->message, "propagation-timeout"));
}

/* Another value does not count. */
static void
test_other_value (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  test_dns_update (fixture->rig, "BIND", "example.test",
                   "add _acme-challenge.other.example.test 60 TXT vw");
  start (fixture, (HerdPropagationRules){ TRUE, 0, 0 }, "_acme-challenge.other.example.test", "v",
         NULL);
  assert_failed (fixture, HERD_ERROR_CHALLENGE_FAILED, "does not show it (NOERROR)");
}

static void
test_dead (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  start (fixture, (HerdPropagationRules){ TRUE, 2, 0 }, "_acme-challenge.dead.test", "v", NULL);
  wait_for_pause (fixture, 2);
  herd_manual_clock_advance (fixture->clock, 2 * HERD_SECOND);
  assert_failed (fixture, HERD_ERROR_UNREACHABLE, "propagation-check = no");
  g_assert_nonnull (strstr (fixture->error->message, "dead.test"));
}

static void
test_circle (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  start (fixture, (HerdPropagationRules){ TRUE, 60, 0 }, "_acme-challenge.circle.example.test", "v",
         NULL);
  assert_failed (fixture, HERD_ERROR_REFUSED, "CNAMEs");
}

/* Nobody is asked, or there would be an error; the delay is waited all the same. */
static void
test_unchecked (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  start (fixture, (HerdPropagationRules){ FALSE, 60, 30 }, "_acme-challenge.circle.example.test",
         "v", NULL);
  wait_for_pause (fixture, 30);
  herd_manual_clock_advance (fixture->clock, 30 * HERD_SECOND);
  g_assert_true (finish (fixture));
  g_assert_no_error (fixture->error);
}

static void
test_cancel (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  start (fixture, (HerdPropagationRules){ TRUE, 60, 0 }, "_acme-challenge.nothing.example.test",
         "v", NULL);
  wait_for_pause (fixture, 2);
  g_cancellable_cancel (fixture->cancellable);
  assert_failed (fixture, HERD_ERROR_CANCELLED, "propagation");
}

static void
test_places (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  const char *const names[] = { "_acme-challenge.cname.example.test",
                                "_acme-challenge.example.test", NULL };
  const char *const bad[] = { "_acme-challenge.example.test", "_acme-challenge.circle.example.test",
                              NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (GAsyncResult) failed = NULL;
  g_auto (GStrv) places = NULL;
  g_autofree char *joined = NULL;

  herd_places_find_async (fixture->dns, names, NULL, on_result, &fixture->result);
  while (fixture->result == NULL)
    g_main_context_iteration (NULL, TRUE);
  places = herd_places_find_finish (fixture->result, &error);
  g_assert_no_error (error);
  joined = g_strjoinv (" ", places);
  g_assert_cmpstr (joined, ==,
                   "token.auth.test auth.test _acme-challenge.example.test example.test");
  herd_places_find_async (fixture->dns, bad, NULL, on_result, &failed);
  while (failed == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_null (herd_places_find_finish (failed, &error));
  g_assert_error (error, HERD_ERROR, HERD_ERROR_REFUSED);
}

#define ADD(name, function)                                                                        \
  g_test_add ("/propagation/" name, Fixture, rig, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_autoptr (TestRig) rig = NULL;

  g_test_init (&argc, &argv, NULL);
  rig = test_dns_new ();
  ADD ("seen", test_seen);
  ADD ("later", test_later);
  ADD ("never", test_never);
  ADD ("other-value", test_other_value);
  ADD ("dead", test_dead);
  ADD ("circle", test_circle);
  ADD ("unchecked", test_unchecked);
  ADD ("cancel", test_cancel);
  ADD ("places", test_places);
  return g_test_run ();
}
