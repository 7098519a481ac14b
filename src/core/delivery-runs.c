// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Deliveries under way: runs of certherd-deliver for configured targets, and what makes them start.
 */
#include "core/deliveries-private.h"
#include "plugin/error.h"

static gboolean
has_ready_row (HerdDeliveryTarget *target)
{
  GHashTableIter iter;
  gpointer id;

  g_hash_table_iter_init (&iter, target->pending);
  while (g_hash_table_iter_next (&iter, &id, NULL)) {
    HerdCertificate *certificate;
    const HerdDelivery *delivery = herd_deliveries_find_row (target, *(guint64 *) id, &certificate);

    if (delivery != NULL && herd_deliveries_row_is_ready (target->deliveries, delivery))
      return TRUE;
  }
  return FALSE;
}

static gboolean
has_withdrawal (HerdDeliveries *deliveries, const HerdDeliveryTarget *target)
{
  for (guint i = 0; i < deliveries->withdrawals->len; i++) {
    const HerdWithdrawal *withdrawal = g_ptr_array_index (deliveries->withdrawals, i);

    if (g_str_equal (withdrawal->target, target->name))
      return TRUE;
  }
  return FALSE;
}

/* The run ended without having been told of these, or they would not be pending: it cannot have
 * subscribed. */
static void
postpone_ready (HerdDeliveryTarget *target, const char *message)
{
  g_autoptr (GArray) ids = herd_deliveries_copy_ids (target->pending);

  for (guint i = 0; i < ids->len; i++) {
    HerdCertificate *certificate;
    HerdDelivery *delivery = herd_deliveries_find_row (target, g_array_index (ids, guint64, i),
                                                       &certificate);

    if (delivery == NULL || !herd_deliveries_row_is_ready (target->deliveries, delivery))
      continue;
    herd_deliveries_postpone (target->deliveries, certificate, delivery, message);
    herd_deliveries_changed (target->deliveries, certificate, TRUE);
  }
}

static gboolean
enter_run (HerdRun *run, gpointer operation, GError **error G_GNUC_UNUSED)
{
  HerdDeliveryTarget *target = operation;

  target->attached = FALSE;
  target->told = 0;
  herd_launcher_run_async (target->deliveries->launcher, target->name,
                           herd_run_get_cancellable (run), herd_run_ready, herd_run_slot (run));
  return TRUE;
}

/* Withdrawals have no time of their own: one that was not answered is not asked for again at once. */
#define WITHDRAW_AGAIN (60 * HERD_SECOND)

static gboolean
leave_run (HerdRun *run, gpointer operation, GError **error G_GNUC_UNUSED)
{
  HerdDeliveryTarget *target = operation;
  HerdDeliveries *deliveries = target->deliveries;
  g_autoptr (GError) failure = NULL;

  /* One that changed nothing would be started again and again. */
  if (herd_launcher_run_finish (deliveries->launcher, herd_run_get_result (run, 0), &failure)
      && (!target->attached || (target->told == 0 && has_ready_row (target)))) {
    g_set_error (&failure, HERD_ERROR, HERD_ERROR_FAILED,
                 "certherd-deliver ended without having taken what is pending");
  }
  if (failure != NULL) {
    g_warning ("target %s: %s", target->name, failure->message);
    postpone_ready (target, failure->message);
  }
  if (has_ready_row (target))
    herd_run_again (run, 0);
  else if (has_withdrawal (deliveries, target))
    herd_run_again (run, WITHDRAW_AGAIN);
  return TRUE;
}

static const HerdStep steps[] = {
  { "run", enter_run, leave_run, HERD_COMMIT_NONE },
  { "done", NULL, NULL, HERD_COMMIT_NONE },
};

static void
finished (gpointer operation, const GError *error G_GNUC_UNUSED)
{
  HerdDeliveryTarget *target = operation;

  g_clear_pointer (&target->run, herd_run_unref);
  herd_deliveries_kick_target (target->deliveries, target);
}

static const HerdRunOps operations = { .finished = finished };

static void
send_pending (HerdDeliveries *deliveries, HerdDeliveryTarget *target)
{
  const HerdSubscription *subscription = herd_registry_get_subscription (
      deliveries->services->registry, target->subscription);
  g_autoptr (GArray) ids = herd_deliveries_copy_ids (target->pending);

  for (guint i = 0; subscription != NULL && i < ids->len; i++) {
    HerdCertificate *certificate;
    HerdDelivery *delivery = herd_deliveries_find_row (target, g_array_index (ids, guint64, i),
                                                       &certificate);

    if (delivery != NULL && herd_deliveries_row_is_ready (deliveries, delivery)
        && herd_subscription_matches (subscription, certificate->name))
      herd_deliveries_send (deliveries, subscription, certificate, delivery);
  }
}

void
herd_deliveries_kick_target (HerdDeliveries *deliveries, HerdDeliveryTarget *target)
{
  if (target->run != NULL || (!has_ready_row (target) && !has_withdrawal (deliveries, target)))
    return;
  if (target->subscription != 0) {
    send_pending (deliveries, target);
    return;
  }
  if (!herd_deliveries_target_is_configured (deliveries, target->name))
    return;
  /* The first wait-less turn of the loop starts it: what becomes pending in this turn is in it. */
  target->run = herd_run_new ("deliver", steps, G_N_ELEMENTS (steps), &operations, target,
                              deliveries->services->clock, deliveries->services->crash);
  herd_run_start (target->run, NULL);
}

void
herd_deliveries_kick (HerdDeliveries *deliveries, guint64 id)
{
  HerdCertificate *certificate = herd_registry_get_certificate (deliveries->services->registry, id);

  herd_deliveries_settle (deliveries, id);
  for (guint i = 0; certificate != NULL && i < certificate->deliveries->len; i++) {
    const HerdDelivery *delivery = g_ptr_array_index (certificate->deliveries, i);

    herd_deliveries_kick_target (deliveries,
                                 herd_deliveries_ensure_target (deliveries, delivery->target));
  }
}

void
herd_deliveries_kick_withdrawals (HerdDeliveries *deliveries)
{
  for (guint i = 0; i < deliveries->withdrawals->len; i++) {
    const HerdWithdrawal *withdrawal = g_ptr_array_index (deliveries->withdrawals, i);

    herd_deliveries_kick_target (deliveries,
                                 herd_deliveries_ensure_target (deliveries, withdrawal->target));
  }
}

void
herd_deliveries_retry (HerdDeliveries *deliveries, HerdCertificate *certificate)
{
  for (guint i = 0; i < certificate->deliveries->len; i++) {
    HerdDelivery *delivery = g_ptr_array_index (certificate->deliveries, i);

    switch (delivery->state) {
    case HERD_DELIVERY_PENDING:
    case HERD_DELIVERY_REJECTED:
    case HERD_DELIVERY_HELD:
      delivery->attempts = 0;
      delivery->retry_at = 0;
      herd_deliveries_set_state (deliveries, certificate, delivery, HERD_DELIVERY_PENDING, NULL);
      break;
    case HERD_DELIVERY_INSTALLING:
    case HERD_DELIVERY_APPLIED:
    case HERD_DELIVERY_GONE:
      break;
    }
  }
  herd_deliveries_changed (deliveries, certificate, TRUE);
  herd_deliveries_kick (deliveries, certificate->id);
}
