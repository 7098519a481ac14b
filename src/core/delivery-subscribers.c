// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Deliveries as subscribers see them: who is a target, what it is told, what it answers.
 */
#include "core/deliveries-private.h"
#include "core/rights.h"
#include "plugin/error.h"

#define PROVED "proved:"
#define RETRY "retry:"

static void
tell (HerdDeliveries *deliveries, const HerdSubscription *subscription, guint64 certificate,
      const char *name, guint64 generation)
{
  gpointer data;
  const HerdObserver *observer = herd_registry_get_observer (deliveries->services->registry, &data);

  if (observer != NULL)
    observer->updated (subscription, certificate, name, generation, data);
}

void
herd_deliveries_send (HerdDeliveries *deliveries, const HerdSubscription *subscription,
                      HerdCertificate *certificate, HerdDelivery *delivery)
{
  herd_deliveries_ensure_target (deliveries, delivery->target)->told++;
  herd_deliveries_set_state (deliveries, certificate, delivery, HERD_DELIVERY_INSTALLING, NULL);
  herd_deliveries_changed (deliveries, certificate, FALSE);
  tell (deliveries, subscription, certificate->id, certificate->name, delivery->wanted);
}

gboolean
herd_deliveries_attach (HerdDeliveries *deliveries, const HerdSubscription *subscription,
                        GError **error)
{
  HerdDeliveryTarget *target;

  if (subscription->target == NULL)
    return TRUE;
  target = herd_deliveries_ensure_target (deliveries, subscription->target);
  if (target->subscription != 0) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_BUSY,
                 "another connection is target %s already; close it first", subscription->target);
    return FALSE;
  }
  target->subscription = subscription->id;
  target->attached = TRUE;
  return TRUE;
}

gboolean
herd_deliveries_serves (HerdDeliveries *deliveries, const HerdCertificate *certificate,
                        const char *sender)
{
  for (guint i = 0; i < certificate->deliveries->len; i++) {
    const HerdDelivery *delivery = g_ptr_array_index (certificate->deliveries, i);
    const HerdDeliveryTarget *target = g_hash_table_lookup (deliveries->targets, delivery->target);
    const HerdSubscription *subscription = target != NULL ? herd_registry_get_subscription (
                                               deliveries->services->registry, target->subscription)
                                                          : NULL;

    if (subscription != NULL && g_str_equal (subscription->sender, sender))
      return TRUE;
  }
  return FALSE;
}

/* A reader's row comes to be with the first subscription that is the target. */
static HerdDelivery *
ensure_row (HerdDeliveries *deliveries, const HerdSubscription *subscription,
            HerdCertificate *certificate)
{
  HerdDelivery *delivery = herd_certificate_find_delivery (certificate, subscription->target);

  if (delivery == NULL && !subscription->target_is_configured
      && (deliveries->services->session
          || herd_rights_is_reader (certificate, subscription->uid))) {
    delivery = herd_delivery_new (subscription->target);
    g_ptr_array_add (certificate->deliveries, delivery);
  }
  return delivery;
}

static void
send_row (HerdDeliveries *deliveries, const HerdSubscription *subscription,
          HerdCertificate *certificate)
{
  HerdDelivery *delivery = ensure_row (deliveries, subscription, certificate);

  if (delivery == NULL || certificate->current == 0)
    return;
  if (subscription->target_is_configured) {
    if (herd_deliveries_row_is_ready (deliveries, delivery))
      herd_deliveries_send (deliveries, subscription, certificate, delivery);
    return;
  }
  /* A server that starts has nothing in memory: it is told of the current one in any case. */
  delivery->wanted = certificate->current;
  delivery->retry_at = 0;
  herd_deliveries_send (deliveries, subscription, certificate, delivery);
}

static void
send_withdrawals (HerdDeliveries *deliveries, const HerdSubscription *subscription)
{
  for (guint i = 0; i < deliveries->withdrawals->len; i++) {
    const HerdWithdrawal *withdrawal = g_ptr_array_index (deliveries->withdrawals, i);

    if (g_str_equal (withdrawal->target, subscription->target))
      tell (deliveries, subscription, withdrawal->certificate, withdrawal->name, 0);
  }
}

void
herd_deliveries_send_first (HerdDeliveries *deliveries, guint64 id)
{
  HerdRegistry *registry = deliveries->services->registry;
  const HerdSubscription *subscription = herd_registry_get_subscription (registry, id);
  HerdCertificate *certificate = NULL;

  if (subscription == NULL)
    return;
  while ((certificate = herd_registry_next_certificate (
              registry, certificate != NULL ? certificate->name : ""))
         != NULL) {
    if (!herd_subscription_matches (subscription, certificate->name))
      continue;
    if (subscription->target != NULL)
      send_row (deliveries, subscription, certificate);
    else if (certificate->current != 0)
      tell (deliveries, subscription, certificate->id, certificate->name, certificate->current);
  }
  if (subscription->target_is_configured)
    send_withdrawals (deliveries, subscription);
  tell (deliveries, subscription, 0, "", 0);
}

void
herd_deliveries_tell_observers (HerdDeliveries *deliveries, const HerdCertificate *certificate)
{
  HerdRegistry *registry = deliveries->services->registry;
  g_autoptr (GArray) ids = herd_registry_list_ids (registry, HERD_NOUN_SUBSCRIPTION);

  for (guint i = 0; i < ids->len; i++) {
    const HerdSubscription *subscription = herd_registry_get_subscription (
        registry, g_array_index (ids, guint64, i));

    if (subscription->target == NULL && herd_subscription_matches (subscription, certificate->name))
      tell (deliveries, subscription, certificate->id, certificate->name, certificate->current);
  }
}

static void
lose_row (HerdDeliveries *deliveries, const HerdSubscription *subscription,
          HerdCertificate *certificate, HerdDelivery *delivery)
{
  if (subscription->target_is_configured) {
    herd_deliveries_postpone (deliveries, certificate, delivery,
                              "the subscriber went without an answer");
  } else {
    herd_deliveries_set_state (deliveries, certificate, delivery, HERD_DELIVERY_GONE,
                               "the subscriber went");
  }
  herd_deliveries_changed (deliveries, certificate, TRUE);
}

void
herd_deliveries_detach (HerdDeliveries *deliveries, const HerdSubscription *subscription)
{
  g_autoptr (GArray) ids = NULL;
  HerdDeliveryTarget *target;

  if (subscription->target == NULL)
    return;
  target = herd_deliveries_ensure_target (deliveries, subscription->target);
  if (target->subscription != subscription->id)
    return;
  target->subscription = 0;
  ids = herd_deliveries_copy_ids (target->installing);
  for (guint i = 0; i < ids->len; i++) {
    HerdCertificate *certificate;
    HerdDelivery *delivery = herd_deliveries_find_row (target, g_array_index (ids, guint64, i),
                                                       &certificate);

    if (delivery != NULL)
      lose_row (deliveries, subscription, certificate, delivery);
  }
  herd_deliveries_kick_target (deliveries, target);
}

/* --- answers --- */

static void
acknowledged (GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  HerdDeliveries *deliveries = g_task_get_task_data (task);
  GError *error = NULL;

  if (herd_state_commit_finish (deliveries->services->state, result, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static gboolean
take_withdrawal (HerdDeliveries *deliveries, const HerdSubscription *subscription, guint64 id,
                 HerdBatch *batch)
{
  for (guint i = 0; i < deliveries->withdrawals->len; i++) {
    const HerdWithdrawal *withdrawal = g_ptr_array_index (deliveries->withdrawals, i);

    if (withdrawal->certificate == id && g_str_equal (withdrawal->target, subscription->target)) {
      herd_batch_delete_withdrawal (batch, id, subscription->target);
      g_ptr_array_remove_index (deliveries->withdrawals, i);
      return TRUE;
    }
  }
  return FALSE;
}

static void
apply_answer (HerdDeliveries *deliveries, HerdCertificate *certificate, HerdDelivery *delivery,
              guint64 generation, gboolean applied, const char *message)
{
  HerdGeneration *row = herd_certificate_find_generation (certificate, generation);
  gboolean latest = generation == delivery->wanted;

  if (applied) {
    delivery->applied = generation;
    if (g_str_has_prefix (message, PROVED))
      delivery->proved = generation;
    delivery->attempts = 0;
    delivery->retry_at = 0;
    herd_deliveries_set_state (deliveries, certificate, delivery,
                               latest ? HERD_DELIVERY_APPLIED : HERD_DELIVERY_PENDING, message);
    herd_attentions_clear (deliveries->services->attentions, HERD_NOUN_CERTIFICATE, certificate->id,
                           "rejected");
  } else if (g_str_has_prefix (message, RETRY) || !latest) {
    herd_deliveries_postpone (deliveries, certificate, delivery, message);
  } else {
    if (row != NULL)
      row->rejected = TRUE;
    herd_deliveries_set_state (deliveries, certificate, delivery, HERD_DELIVERY_REJECTED, message);
    herd_attentions_raise (deliveries->services->attentions, HERD_NOUN_CERTIFICATE, certificate->id,
                           "critical", "rejected", message);
  }
}

void
herd_deliveries_acknowledge_async (HerdDeliveries *deliveries, const HerdSubscription *subscription,
                                   guint64 id, guint64 generation, gboolean applied,
                                   const char *message, GAsyncReadyCallback callback, gpointer data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, data);
  g_autoptr (HerdBatch) batch = herd_batch_new ();
  HerdCertificate *certificate = herd_registry_get_certificate (deliveries->services->registry, id);
  HerdDelivery *delivery = NULL;

  g_task_set_task_data (task, deliveries, NULL);
  if (subscription->target == NULL) {
    g_task_return_new_error (task, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
                             "this subscription observes; give the option target to Subscribe");
    return;
  }
  if (certificate != NULL)
    delivery = herd_certificate_find_delivery (certificate, subscription->target);
  if (generation == 0 && applied && take_withdrawal (deliveries, subscription, id, batch)) {
    herd_state_commit_async (deliveries->services->state, g_steal_pointer (&batch), acknowledged,
                             g_steal_pointer (&task));
    return;
  }
  if (delivery == NULL || herd_certificate_find_generation (certificate, generation) == NULL) {
    g_task_return_new_error (task, HERD_ERROR, HERD_ERROR_NOT_FOUND,
                             "target %s has no generation %" G_GUINT64_FORMAT
                             " of this certificate to acknowledge",
                             subscription->target, generation);
    return;
  }
  apply_answer (deliveries, certificate, delivery, generation, applied, message);
  herd_batch_put_certificate (batch, certificate);
  herd_state_commit_async (deliveries->services->state, g_steal_pointer (&batch), acknowledged,
                           g_steal_pointer (&task));
  herd_deliveries_changed (deliveries, certificate, FALSE);
}

gboolean
herd_deliveries_acknowledge_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
