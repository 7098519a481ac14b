// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Waiting until every target of a certificate has settled what it does with a generation. Owned by the
 * deliveries; main loop only.
 */
#include "core/deliveries-private.h"
#include "plugin/error.h"

struct HerdDeliveryWaiter {
  GTask *task;
  guint64 certificate;
  guint64 generation;
  gulong cancelled;
};

void
herd_delivery_waiter_free (HerdDeliveryWaiter *waiter)
{
  if (waiter->cancelled != 0)
    g_clear_signal_handler (&waiter->cancelled, g_task_get_cancellable (waiter->task));
  g_object_unref (waiter->task);
  g_free (waiter);
}

/* Is there an end for GENERATION? If so, *REJECTED is a row that refused it, or NULL. */
static gboolean
is_settled (const HerdCertificate *certificate, guint64 generation, const HerdDelivery **rejected)
{
  *rejected = NULL;
  for (guint i = 0; i < certificate->deliveries->len; i++) {
    const HerdDelivery *delivery = g_ptr_array_index (certificate->deliveries, i);

    if (delivery->applied >= generation)
      continue;
    switch (delivery->state) {
    case HERD_DELIVERY_PENDING:
    case HERD_DELIVERY_INSTALLING:
      return FALSE;
    case HERD_DELIVERY_REJECTED:
    case HERD_DELIVERY_HELD:
      *rejected = delivery;
      break;
    case HERD_DELIVERY_APPLIED:
    case HERD_DELIVERY_GONE:
      break;
    }
  }
  return TRUE;
}

/* TRUE if WAITER is over, and has been told. */
static gboolean
settle_waiter (HerdDeliveries *deliveries, HerdDeliveryWaiter *waiter)
{
  const HerdCertificate *certificate = herd_registry_get_certificate (
      deliveries->services->registry, waiter->certificate);
  const HerdDelivery *rejected;

  if (certificate == NULL) {
    g_task_return_new_error (waiter->task, HERD_ERROR, HERD_ERROR_CANCELLED,
                             "the certificate was removed");
    return TRUE;
  }
  if (!is_settled (certificate, waiter->generation, &rejected))
    return FALSE;
  if (rejected != NULL) {
    g_task_return_new_error (waiter->task, HERD_ERROR, HERD_ERROR_REFUSED,
                             "target %s rejected generation %" G_GUINT64_FORMAT ": %s",
                             rejected->target, waiter->generation, rejected->message);
  } else {
    g_task_return_boolean (waiter->task, TRUE);
  }
  return TRUE;
}

void
herd_deliveries_settle (HerdDeliveries *deliveries, guint64 certificate)
{
  for (guint i = deliveries->waiters->len; i > 0; i--) {
    HerdDeliveryWaiter *waiter = g_ptr_array_index (deliveries->waiters, i - 1);

    if (waiter->certificate == certificate && settle_waiter (deliveries, waiter))
      g_ptr_array_remove_index (deliveries->waiters, i - 1);
  }
}

static void
wait_cancelled (GCancellable *cancellable, gpointer data)
{
  HerdDeliveries *deliveries = data;

  for (guint i = deliveries->waiters->len; i > 0; i--) {
    HerdDeliveryWaiter *waiter = g_ptr_array_index (deliveries->waiters, i - 1);

    if (g_task_get_cancellable (waiter->task) == cancellable) {
      g_task_return_error_if_cancelled (waiter->task);
      g_ptr_array_remove_index (deliveries->waiters, i - 1);
    }
  }
}

void
herd_deliveries_wait_async (HerdDeliveries *deliveries, guint64 certificate, guint64 generation,
                            GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data)
{
  HerdDeliveryWaiter *waiter = g_new0 (HerdDeliveryWaiter, 1);

  waiter->task = g_task_new (NULL, cancellable, callback, data);
  waiter->certificate = certificate;
  waiter->generation = generation;
  if (settle_waiter (deliveries, waiter)) {
    herd_delivery_waiter_free (waiter);
    return;
  }
  if (cancellable != NULL)
    waiter->cancelled = g_signal_connect (cancellable, "cancelled", G_CALLBACK (wait_cancelled),
                                          deliveries);
  g_ptr_array_add (deliveries->waiters, waiter);
}

gboolean
herd_deliveries_wait_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
