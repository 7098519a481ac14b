// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * When the CA is asked for its verdict, by a clock that the test moves: when its validators were seen, and
 * otherwise as if there were no sight. The CA is a double, which says how long it takes.
 */
#include "double-fixture.h"
#include "manual-clock.h"
#include "net/http.h"
#include "plugin/error.h"

#define MILLISECOND (HERD_SECOND / 1000)

typedef struct {
  HerdClock *clock;
  DoubleFixture base;
  HerdIssueRequest *request;
  GAsyncResult *result;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const char *const identifiers[] = { NAME, NULL };

  fixture->clock = herd_manual_clock_new ();
  herd_manual_clock_set_real (fixture->clock, g_get_real_time ());
  fixture->request = test_request_new (identifiers, NULL);
  fixture->base.ca = test_double_new ();
  acme_set_up (&fixture->base.acme, test_double_get_url (fixture->base.ca),
               test_double_get_trust (fixture->base.ca), NULL, fixture->clock);
  acme_must_register (&fixture->base.acme);
  test_solver_promise (fixture->base.acme.solver);
}

static void
tear_down (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  acme_tear_down (&fixture->base.acme);
  test_double_free (fixture->base.ca);
  herd_issue_request_free (fixture->request);
  herd_clock_unref (fixture->clock);
}

static void
start (Fixture *fixture)
{
  herd_issuer_issue_async (HERD_ISSUER (fixture->base.acme.engine), fixture->request, NULL,
                           HERD_ISSUER_HOST (fixture->base.acme.host), NULL, test_on_result,
                           &fixture->result);
}

/* Until the order waits for nothing but the clock: for how long. A request under way has two timers. */
static gint64
wait_for_delay (Fixture *fixture)
{
  do
    g_main_context_iteration (NULL, TRUE);
  while (herd_manual_clock_get_n_timers (fixture->clock) != 1 && fixture->result == NULL);
  return herd_manual_clock_get_next (fixture->clock);
}

static void
finish (Fixture *fixture)
{
  g_autoptr (HerdIssued) issued = NULL;
  g_autoptr (GError) error = NULL;

  while (fixture->result == NULL) {
    gint64 delay = wait_for_delay (fixture);

    if (delay >= 0)
      herd_manual_clock_advance (fixture->clock, delay);
  }
  issued = herd_issuer_issue_finish (HERD_ISSUER (fixture->base.acme.engine), fixture->result,
                                     &error);
  g_assert_no_error (error);
  g_clear_object (&fixture->result);
}

static guint
count_polls (Fixture *fixture)
{
  return test_double_count (fixture->base.ca, "/order/1");
}

/* Seen, and asked right then: once. */
static void
test_seen (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  start (fixture);
  g_assert_cmpint (wait_for_delay (fixture), ==, HERD_SECOND);
  herd_manual_clock_advance (fixture->clock, 400 * MILLISECOND);
  test_solver_see (fixture->base.acme.solver);
  g_assert_cmpint (herd_manual_clock_get_next (fixture->clock), ==, 10 * MILLISECOND);
  herd_manual_clock_advance (fixture->clock, 4 * MILLISECOND);
  g_assert_cmpint (herd_manual_clock_get_next (fixture->clock), ==, 6 * MILLISECOND);
  /* One more is a reason to wait a little longer. */
  test_solver_see (fixture->base.acme.solver);
  g_assert_cmpint (herd_manual_clock_get_next (fixture->clock), ==, 10 * MILLISECOND);
  g_assert_cmpuint (count_polls (fixture), ==, 0);
  herd_manual_clock_advance (fixture->clock, 10 * MILLISECOND);
  g_assert_cmpint (wait_for_delay (fixture), ==, 10 * MILLISECOND); /* after finalize */
  g_assert_cmpuint (count_polls (fixture), ==, 1);
  finish (fixture);
  g_assert_cmpuint (count_polls (fixture), ==, 3); /* the double issues during a poll */
}

/* Two perspectives were seen before: the second is waited for. */
static void
test_learned (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  start (fixture);
  wait_for_delay (fixture);
  test_solver_see (fixture->base.acme.solver);
  test_solver_see (fixture->base.acme.solver);
  finish (fixture);
  test_double_reset (fixture->base.ca);
  start (fixture);
  wait_for_delay (fixture);
  test_solver_see (fixture->base.acme.solver);
  g_assert_cmpint (herd_manual_clock_get_next (fixture->clock), ==, 250 * MILLISECOND);
  test_solver_see (fixture->base.acme.solver);
  g_assert_cmpint (herd_manual_clock_get_next (fixture->clock), <, 10 * MILLISECOND);
  finish (fixture);
}

/* Nobody comes to where we look: the CA is asked anyhow, ever more rarely. */
static void
test_unseen (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  gint64 before = 0;

  test_double_say (fixture->base.ca, "/order/1", 4, 200, "", ORDER ("pending", ""));
  start (fixture);
  g_assert_cmpint (wait_for_delay (fixture), ==, HERD_SECOND);
  herd_manual_clock_advance (fixture->clock, HERD_SECOND);
  for (guint i = 0; i < 4; i++) {
    gint64 delay = wait_for_delay (fixture);

    g_assert_cmpint (delay, >, before);
    g_assert_cmpint (delay, <=, HERD_SECOND);
    before = delay;
    /* It has been asked since: who comes now does not hurry it. */
    test_solver_see (fixture->base.acme.solver);
    g_assert_cmpint (herd_manual_clock_get_next (fixture->clock), ==, delay);
    herd_manual_clock_advance (fixture->clock, delay);
  }
  finish (fixture);
}

/* What the CA says of its pace counts, in whichever answer. */
static void
test_retry_after (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  test_double_say (fixture->base.ca, "/challenge", 1, 200, "Retry-After: 5\r\n",
                   "{\"type\":\"http-01\",\"url\":\"$BASE/challenge\",\"status\":\"processing\"}");
  test_double_say (fixture->base.ca, "/order/1", 1, 200, "Retry-After: 3\r\n", ORDER ("ready", ""));
  start (fixture);
  g_assert_cmpint (wait_for_delay (fixture), ==, 5 * HERD_SECOND);
  test_solver_see (fixture->base.acme.solver);
  g_assert_cmpint (herd_manual_clock_get_next (fixture->clock), ==, 5 * HERD_SECOND);
  herd_manual_clock_advance (fixture->clock, 5 * HERD_SECOND);
  wait_for_delay (fixture);
  g_assert_cmpuint (count_polls (fixture), ==, 1);
  finish (fixture);
}

int
main (int argc, char **argv)
{
  herd_net_init ();
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function) g_test_add ("/sight/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("seen", test_seen);
  ADD ("learned", test_learned);
  ADD ("unseen", test_unseen);
  ADD ("retry-after", test_retry_after);
  return g_test_run ();
}
