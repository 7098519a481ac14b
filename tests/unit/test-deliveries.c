// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Planning and running deliveries.
 */
#include <string.h>

#include "deliveries-fixture.h"
#include "plugin/error.h"

/* --- order --- */

static void
test_files_first (DeliveriesFixture *fixture, gconstpointer data)
{
  static const char *const targets[] = { "server", "both", "live", "files", NULL };

  deliveries_fixture_change_targets (fixture, targets);
  deliveries_fixture_issue (fixture, fixture->certificate);
  g_assert_true (deliveries_fixture_is_running (fixture, "live"));
  g_assert_true (deliveries_fixture_is_running (fixture, "files"));
  g_assert_false (deliveries_fixture_is_running (fixture, "server"));
  g_assert_false (deliveries_fixture_is_running (fixture, "both"));
  deliveries_fixture_serve (fixture, "live", 1);
  g_assert_false (deliveries_fixture_is_running (fixture, "server"));
  deliveries_fixture_serve (fixture, "files", 1);
  g_assert_true (deliveries_fixture_is_running (fixture, "server"));
  g_assert_true (deliveries_fixture_is_running (fixture, "both"));
  deliveries_fixture_serve (fixture, "server", 1);
  deliveries_fixture_serve (fixture, "both", 1);
  g_assert_cmpuint (fixture->launcher.n_started, ==, 4);
}

/* Files that cannot be written hold up only those servers that have no others. */
static void
test_files_fail (DeliveriesFixture *fixture, gconstpointer data)
{
  static const char *const targets[] = { "server", "both", "live", NULL };
  HerdSubscription *subscription;

  deliveries_fixture_change_targets (fixture, targets);
  deliveries_fixture_issue (fixture, fixture->certificate);
  subscription = deliveries_fixture_subscribe (fixture, "live", TRUE);
  deliveries_fixture_acknowledge (fixture, subscription, 1, FALSE, "retry: the disk is full");
  deliveries_fixture_unsubscribe (fixture, subscription);
  deliveries_fixture_end_run (fixture, "live", TRUE);
  g_assert_true (deliveries_fixture_is_running (fixture, "both"));
  g_assert_false (deliveries_fixture_is_running (fixture, "server"));
  herd_manual_clock_advance (fixture->services.clock, 2 * MINUTE);
  herd_deliveries_release (fixture->certificate, herd_clock_get_seconds (fixture->services.clock));
  herd_deliveries_kick (fixture->deliveries, fixture->certificate->id);
  deliveries_fixture_settle ();
  subscription = deliveries_fixture_subscribe (fixture, "live", TRUE);
  deliveries_fixture_acknowledge (fixture, subscription, 1, FALSE, "it is not ours");
  deliveries_fixture_unsubscribe (fixture, subscription);
  deliveries_fixture_end_run (fixture, "live", TRUE);
  g_assert_cmpint (deliveries_fixture_get_row (fixture, "live")->state, ==, HERD_DELIVERY_REJECTED);
  g_assert_true (deliveries_fixture_is_running (fixture, "server"));
}

/* --- answers that do not come --- */

static void
test_silent_reader (DeliveriesFixture *fixture, gconstpointer data)
{
  HerdSubscription *subscription = deliveries_fixture_subscribe (fixture, "server", FALSE);
  g_autoptr (GAsyncResult) waited = NULL;

  deliveries_fixture_issue (fixture, fixture->certificate);
  g_assert_cmpint (deliveries_fixture_get_row (fixture, "1000:server")->state, ==,
                   HERD_DELIVERY_INSTALLING);
  herd_deliveries_wait_async (fixture->deliveries, fixture->certificate->id, 1, NULL,
                              deliveries_fixture_on_done, &waited);
  herd_manual_clock_advance (fixture->services.clock, 9 * MINUTE);
  deliveries_fixture_settle ();
  g_assert_null (waited);
  herd_manual_clock_advance (fixture->services.clock, 1 * MINUTE);
  deliveries_fixture_settle ();
  g_assert_cmpint (deliveries_fixture_get_row (fixture, "1000:server")->state, ==,
                   HERD_DELIVERY_GONE);
  g_assert_nonnull (
      strstr (deliveries_fixture_get_row (fixture, "1000:server")->message, "has not answered"));
  g_assert_nonnull (waited);
  g_assert_true (herd_deliveries_wait_finish (waited, NULL));
  /* Better late than never. */
  deliveries_fixture_acknowledge (fixture, subscription, 1, TRUE, "");
  g_assert_cmpint (deliveries_fixture_get_row (fixture, "1000:server")->state, ==,
                   HERD_DELIVERY_APPLIED);
}

static void
test_silent_holder (DeliveriesFixture *fixture, gconstpointer data)
{
  static const char *const targets[] = { "both", NULL };

  deliveries_fixture_subscribe (fixture, "both", TRUE);
  deliveries_fixture_change_targets (fixture, targets);
  deliveries_fixture_issue (fixture, fixture->certificate);
  herd_manual_clock_advance (fixture->services.clock, 10 * MINUTE);
  deliveries_fixture_settle ();
  g_assert_cmpint (deliveries_fixture_get_row (fixture, "both")->state, ==, HERD_DELIVERY_PENDING);
  g_assert_nonnull (
      strstr (deliveries_fixture_get_row (fixture, "both")->message, "has not answered"));
  g_assert_cmpint (herd_deliveries_get_retry_at (fixture->certificate), >,
                   herd_clock_get_seconds (fixture->services.clock));
}

/* Another process is the target first, while certherd-deliver is on its way: it is waited for no longer. */
static void
test_silent_first (DeliveriesFixture *fixture, gconstpointer data)
{
  static const char *const targets[] = { "files", NULL };

  deliveries_fixture_change_targets (fixture, targets);
  deliveries_fixture_issue (fixture, fixture->certificate);
  g_assert_true (deliveries_fixture_is_running (fixture, "files"));
  deliveries_fixture_subscribe (fixture, "files", TRUE);
  deliveries_fixture_end_run (fixture, "files", FALSE); /* another connection is it */
  g_assert_cmpint (deliveries_fixture_get_row (fixture, "files")->state, ==,
                   HERD_DELIVERY_INSTALLING);
  herd_manual_clock_advance (fixture->services.clock, 10 * MINUTE);
  deliveries_fixture_settle ();
  g_assert_cmpint (deliveries_fixture_get_row (fixture, "files")->state, ==, HERD_DELIVERY_PENDING);
  g_assert_nonnull (
      strstr (deliveries_fixture_get_row (fixture, "files")->message, "has not answered"));
}

/* What comes about the generation before, after the newer one is in use, changes nothing. */
static void
test_late_answer (DeliveriesFixture *fixture, gconstpointer data)
{
  HerdSubscription *subscription;
  g_autoptr (GAsyncResult) answered = NULL;
  g_autoptr (GError) error = NULL;

  deliveries_fixture_issue (fixture, fixture->certificate);
  subscription = deliveries_fixture_subscribe (fixture, "mine", FALSE);
  deliveries_fixture_issue (fixture, fixture->certificate);
  deliveries_fixture_acknowledge (fixture, subscription, 2, TRUE, "");
  herd_deliveries_acknowledge_async (fixture->deliveries, subscription, fixture->certificate->id, 1,
                                     TRUE, "", deliveries_fixture_on_done, &answered);
  while (answered == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_false (herd_deliveries_acknowledge_finish (answered, &error));
  g_assert_error (error, HERD_ERROR, HERD_ERROR_REFUSED);
  g_assert_cmpuint (deliveries_fixture_get_row (fixture, "1000:mine")->applied, ==, 2);
  g_assert_cmpint (deliveries_fixture_get_row (fixture, "1000:mine")->state, ==,
                   HERD_DELIVERY_APPLIED);
  deliveries_fixture_acknowledge (fixture, subscription, 2, TRUE, "");
}

typedef struct {
  DeliveriesFixture *fixture;
  GPtrArray *waited; /* GAsyncResult */
  gboolean again;
} Waits;

/* Comes back to the waits from within. */
static void
wait_again (GObject *source, GAsyncResult *result, gpointer data)
{
  Waits *waits = data;
  HerdDeliveries *deliveries = waits->fixture->deliveries;

  g_ptr_array_add (waits->waited, g_object_ref (result));
  if (waits->again)
    return;
  waits->again = TRUE;
  herd_deliveries_settle (deliveries, waits->fixture->certificate->id);
  g_assert_cmpuint (deliveries->waiters->len, ==, 0);
  herd_deliveries_wait_async (deliveries, waits->fixture->certificate->id, 1, NULL, wait_again,
                              waits);
}

static void
test_waits_again (DeliveriesFixture *fixture, gconstpointer data)
{
  Waits waits = { fixture, g_ptr_array_new_with_free_func (g_object_unref), FALSE };
  HerdSubscription *subscription = deliveries_fixture_subscribe (fixture, "mine", FALSE);

  deliveries_fixture_issue (fixture, fixture->certificate);
  for (guint i = 0; i < 3; i++)
    herd_deliveries_wait_async (fixture->deliveries, fixture->certificate->id, 1, NULL, wait_again,
                                &waits);
  deliveries_fixture_settle ();
  g_assert_cmpuint (waits.waited->len, ==, 0);
  deliveries_fixture_acknowledge (fixture, subscription, 1, TRUE, "");
  deliveries_fixture_settle ();
  g_assert_cmpuint (waits.waited->len, ==, 4);
  for (guint i = 0; i < waits.waited->len; i++)
    g_assert_true (herd_deliveries_wait_finish (g_ptr_array_index (waits.waited, i), NULL));
  g_ptr_array_unref (waits.waited);
}

/* --- withdrawals --- */

static void
test_withdrawal_fails (DeliveriesFixture *fixture, gconstpointer data)
{
  static const char *const targets[] = { "files", NULL };
  static const char *const none[] = { NULL };
  HerdCertificate *other;

  deliveries_fixture_change_targets (fixture, targets);
  deliveries_fixture_issue (fixture, fixture->certificate);
  deliveries_fixture_serve (fixture, "files", 1);
  other = deliveries_fixture_add_certificate (fixture, 8, "other", targets);
  deliveries_fixture_change_targets (fixture, none);
  g_assert_true (deliveries_fixture_is_running (fixture, "files"));
  deliveries_fixture_end_run (fixture, "files", FALSE);
  g_assert_false (deliveries_fixture_is_running (fixture, "files"));
  /* It waits for its time; what is new does not. */
  deliveries_fixture_issue (fixture, other);
  g_assert_true (deliveries_fixture_is_running (fixture, "files"));
  deliveries_fixture_end_run (fixture, "files", FALSE);
  herd_manual_clock_advance (fixture->services.clock, 12 * MINUTE);
  deliveries_fixture_settle ();
  g_assert_true (deliveries_fixture_is_running (fixture, "files"));
  g_string_truncate (fixture->told, 0);
  deliveries_fixture_serve (fixture, "files", 0);
  g_assert_nonnull (strstr (fixture->told->str, "www 0;"));
  g_assert_cmpuint (fixture->deliveries->withdrawals->len, ==, 0);
  herd_registry_remove (fixture->services.registry, HERD_NOUN_CERTIFICATE, 8);
}

static void
test_back_again (DeliveriesFixture *fixture, gconstpointer data)
{
  static const char *const targets[] = { "files", NULL };
  static const char *const none[] = { NULL };
  g_autoptr (HerdStateContents) contents = NULL;

  deliveries_fixture_change_targets (fixture, targets);
  deliveries_fixture_issue (fixture, fixture->certificate);
  deliveries_fixture_serve (fixture, "files", 1);
  deliveries_fixture_change_targets (fixture, none);
  g_assert_cmpuint (fixture->deliveries->withdrawals->len, ==, 1);
  deliveries_fixture_change_targets (fixture, targets);
  g_assert_cmpuint (fixture->deliveries->withdrawals->len, ==, 0);
  g_string_truncate (fixture->told, 0);
  deliveries_fixture_serve (fixture, "files", 1);
  g_assert_cmpstr (fixture->told->str, ==, "www 1; 0;");
  contents = herd_state_load (fixture->services.state, NULL);
  g_assert_cmpuint (contents->withdrawals->len, ==, 0);
}

/* Before the first change is on disk: what was planned then is never asked for. */
static void
test_back_at_once (DeliveriesFixture *fixture, gconstpointer data)
{
  static const char *const targets[] = { "files", NULL };
  static const char *const none[] = { NULL };
  g_autoptr (HerdStateContents) contents = NULL;
  HerdBatch *away, *back;

  deliveries_fixture_change_targets (fixture, targets);
  deliveries_fixture_issue (fixture, fixture->certificate);
  deliveries_fixture_serve (fixture, "files", 1);
  away = deliveries_fixture_plan_targets (fixture, none);
  herd_deliveries_kick_withdrawals (fixture->deliveries);
  g_assert_false (deliveries_fixture_is_running (fixture, "files"));
  back = deliveries_fixture_plan_targets (fixture, targets);
  commit_ok (fixture->state.state, away);
  commit_ok (fixture->state.state, back);
  herd_deliveries_confirm (fixture->deliveries, fixture->certificate->id);
  g_assert_cmpuint (fixture->deliveries->withdrawals->len, ==, 0);
  contents = herd_state_load (fixture->services.state, NULL);
  g_assert_cmpuint (contents->withdrawals->len, ==, 0);
}

static void
test_target_removed (DeliveriesFixture *fixture, gconstpointer data)
{
  static const char *const targets[] = { "files", "both", NULL };
  static const char *const none[] = { "both", NULL };
  HerdBatch *batch = herd_batch_new ();
  guint started;

  deliveries_fixture_change_targets (fixture, targets);
  deliveries_fixture_issue (fixture, fixture->certificate);
  deliveries_fixture_serve (fixture, "files", 1);
  deliveries_fixture_change_targets (fixture, none);
  deliveries_fixture_end_run (fixture, "both", FALSE);
  deliveries_fixture_end_run (fixture, "files", FALSE);
  deliveries_fixture_configure (fixture, "");
  herd_deliveries_configure (fixture->deliveries, batch);
  commit_ok (fixture->state.state, batch);
  herd_deliveries_kick_all (fixture->deliveries);
  g_assert_cmpuint (fixture->deliveries->withdrawals->len, ==, 0);
  g_assert_cmpint (deliveries_fixture_get_row (fixture, "both")->state, ==, HERD_DELIVERY_GONE);
  g_assert_cmpuint (herd_attentions_list (fixture->services.attentions)->len, ==, 1);
  started = fixture->launcher.n_started;
  herd_manual_clock_advance (fixture->services.clock, 60 * MINUTE);
  deliveries_fixture_settle ();
  g_assert_cmpuint (fixture->launcher.n_started, ==, started);
  g_assert_cmpuint (herd_manual_clock_get_n_timers (fixture->services.clock), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  /* A run that fails is a warning, for people. */
  g_log_set_always_fatal (G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);
#define ADD(name, function)                                                                        \
  g_test_add ("/deliveries/" name, DeliveriesFixture, NULL, deliveries_fixture_set_up, function,   \
              deliveries_fixture_tear_down)
  ADD ("files-first", test_files_first);
  ADD ("files-fail", test_files_fail);
  ADD ("silent-reader", test_silent_reader);
  ADD ("silent-holder", test_silent_holder);
  ADD ("silent-first", test_silent_first);
  ADD ("late-answer", test_late_answer);
  ADD ("waits-again", test_waits_again);
  ADD ("withdrawal-fails", test_withdrawal_fails);
  ADD ("back-again", test_back_again);
  ADD ("back-at-once", test_back_at_once);
  ADD ("target-removed", test_target_removed);
  return g_test_run ();
}
