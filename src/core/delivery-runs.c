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

    if (delivery != NULL
        && herd_deliveries_row_is_ready (target->deliveries, certificate, delivery))
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

    if (delivery == NULL
        || !herd_deliveries_row_is_ready (target->deliveries, certificate, delivery))
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
  herd_launcher_run_async (target->deliveries->launcher, target->name,
                           herd_run_get_cancellable (run), herd_run_ready, herd_run_slot (run));
  return TRUE;
}

static gboolean
leave_run (HerdRun *run, gpointer operation, GError **error G_GNUC_UNUSED)
{
  HerdDeliveryTarget *target = operation;
  HerdDeliveries *deliveries = target->deliveries;
  g_autoptr (GError) failure = NULL;

  /* One that took nothing would be started again and again. */
  if (herd_launcher_run_finish (deliveries->launcher, herd_run_get_result (run, 0), &failure)
      && !target->attached)
    g_set_error (&failure, HERD_ERROR, HERD_ERROR_FAILED,
                 "certherd-deliver ended without having taken what is pending");
  if (failure != NULL)
    g_warning ("target %s: %s", target->name, failure->message);
  /* Whoever was a subscriber was told of everything; what is ready now became so since. */
  if (!target->attached)
    postpone_ready (target, failure->message);
  herd_deliveries_withdrawals_ended (target, !target->attached);
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
  if (target->files)
    herd_deliveries_kick_followers (target->deliveries);
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

    if (delivery != NULL && herd_deliveries_row_is_ready (deliveries, certificate, delivery)
        && herd_subscription_matches (subscription, certificate->name))
      herd_deliveries_send (deliveries, subscription, certificate, delivery);
  }
}

/* A target that cannot be read is not started: that would fail with less of a reason. */
static gboolean
is_unreadable (HerdDeliveries *deliveries, HerdDeliveryTarget *target)
{
  const HerdConfigProblem *problem = herd_config_find_problem (deliveries->services->config,
                                                               HERD_SECTION_TARGET, target->name);
  g_autofree char *text = problem != NULL ? herd_config_problem_describe (problem) : NULL;

  if (problem == NULL)
    return FALSE;
  postpone_ready (target, text);
  herd_deliveries_withdrawals_ended (target, TRUE);
  return TRUE;
}

void
herd_deliveries_kick_target (HerdDeliveries *deliveries, HerdDeliveryTarget *target)
{
  gboolean withdraw = herd_deliveries_withdrawals_are_due (target);
  const HerdSubscription *subscription;

  if (target->run != NULL || herd_deliveries_is_walking (deliveries, target->subscription)
      || (!withdraw && !has_ready_row (target)))
    return;
  if (target->subscription != 0) {
    subscription = herd_registry_get_subscription (deliveries->services->registry,
                                                   target->subscription);
    if (withdraw && subscription != NULL)
      herd_deliveries_send_withdrawals (deliveries, target, subscription);
    send_pending (deliveries, target);
    return;
  }
  if (!herd_deliveries_target_is_configured (deliveries, target->name)
      || is_unreadable (deliveries, target))
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
  if (certificate == NULL)
    return;
  for (const HerdDelivery *delivery = certificate->deliveries; delivery != NULL;
       delivery = delivery->next) {
    HerdDeliveryTarget *target = g_hash_table_lookup (deliveries->targets, delivery->target);

    herd_deliveries_tell_missing (deliveries, certificate, delivery);
    if (target != NULL)
      herd_deliveries_kick_target (deliveries, target);
  }
}

static void
kick_targets (HerdDeliveries *deliveries, gboolean followers_only)
{
  g_autoptr (GList) targets = g_hash_table_get_values (deliveries->targets);

  for (GList *item = targets; item != NULL; item = item->next) {
    HerdDeliveryTarget *target = item->data;

    if (target->follows || !followers_only)
      herd_deliveries_kick_target (deliveries, target);
  }
}

void
herd_deliveries_kick_followers (HerdDeliveries *deliveries)
{
  kick_targets (deliveries, TRUE);
}

void
herd_deliveries_kick_all (HerdDeliveries *deliveries)
{
  kick_targets (deliveries, FALSE);
}

void
herd_deliveries_retry (HerdDeliveries *deliveries, HerdCertificate *certificate)
{
  for (HerdDelivery *delivery = certificate->deliveries; delivery != NULL;
       delivery = delivery->next) {
    switch (delivery->state) {
    case HERD_DELIVERY_PENDING:
    case HERD_DELIVERY_REJECTED:
    case HERD_DELIVERY_HELD:
      herd_deliveries_await (deliveries, certificate, delivery);
      break;
    case HERD_DELIVERY_INSTALLING:
    case HERD_DELIVERY_APPLIED:
    case HERD_DELIVERY_GONE:
      break;
    }
  }
  herd_registry_touch (deliveries->services->registry, HERD_NOUN_CERTIFICATE, certificate->id);
}
