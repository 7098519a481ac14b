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
  GError *failure; /* once it is over; NULL: it went well */
  gulong cancelled;
};

void
herd_delivery_waiter_free (HerdDeliveryWaiter *waiter)
{
  if (waiter->cancelled != 0)
    g_clear_signal_handler (&waiter->cancelled, g_task_get_cancellable (waiter->task));
  g_clear_error (&waiter->failure);
  g_object_unref (waiter->task);
  g_free (waiter);
}

/* Is there an end for GENERATION? If so, *REJECTED is a row that refused it, or NULL. */
static gboolean
is_settled (const HerdCertificate *certificate, guint64 generation, const HerdDelivery **rejected)
{
  *rejected = NULL;
  for (const HerdDelivery *delivery = certificate->deliveries; delivery != NULL;
       delivery = delivery->next) {
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

/* Is WAITER over? With what, says its failure. */
static gboolean
is_over (HerdDeliveries *deliveries, HerdDeliveryWaiter *waiter)
{
  const HerdCertificate *certificate = herd_registry_get_certificate (
      deliveries->services->registry, waiter->certificate);
  const HerdDelivery *rejected;

  if (certificate == NULL) {
    waiter->failure = g_error_new (HERD_ERROR, HERD_ERROR_CANCELLED, "the certificate was removed");
    return TRUE;
  }
  if (!is_settled (certificate, waiter->generation, &rejected))
    return FALSE;
  if (rejected != NULL)
    waiter->failure = g_error_new (HERD_ERROR, HERD_ERROR_REFUSED,
                                   "target %s rejected generation %" G_GUINT64_FORMAT ": %s",
                                   rejected->target, waiter->generation, rejected->message);
  return TRUE;
}

/* Tells all of WAITERS, which it takes: whoever is told may come back here. */
static void
end_waiters (GPtrArray *waiters)
{
  for (guint i = 0; i < waiters->len; i++) {
    HerdDeliveryWaiter *waiter = g_ptr_array_index (waiters, i);

    if (waiter->failure != NULL)
      g_task_return_error (waiter->task, g_steal_pointer (&waiter->failure));
    else
      g_task_return_boolean (waiter->task, TRUE);
  }
  g_ptr_array_unref (waiters);
}

static GPtrArray *
new_waiters (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify) herd_delivery_waiter_free);
}

void
herd_deliveries_settle (HerdDeliveries *deliveries, guint64 certificate)
{
  GPtrArray *over = new_waiters ();

  for (guint i = deliveries->waiters->len; i > 0; i--) {
    HerdDeliveryWaiter *waiter = g_ptr_array_index (deliveries->waiters, i - 1);

    if (waiter->certificate == certificate && is_over (deliveries, waiter))
      g_ptr_array_add (over, g_ptr_array_steal_index (deliveries->waiters, i - 1));
  }
  end_waiters (over);
}

static void
wait_cancelled (GCancellable *cancellable, gpointer data)
{
  HerdDeliveries *deliveries = data;
  GPtrArray *over = new_waiters ();

  for (guint i = deliveries->waiters->len; i > 0; i--) {
    HerdDeliveryWaiter *waiter = g_ptr_array_index (deliveries->waiters, i - 1);

    if (g_task_get_cancellable (waiter->task) != cancellable)
      continue;
    g_cancellable_set_error_if_cancelled (cancellable, &waiter->failure);
    g_ptr_array_add (over, g_ptr_array_steal_index (deliveries->waiters, i - 1));
  }
  end_waiters (over);
}

void
herd_deliveries_wait_async (HerdDeliveries *deliveries, guint64 certificate, guint64 generation,
                            GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data)
{
  HerdDeliveryWaiter *waiter = g_new0 (HerdDeliveryWaiter, 1);

  waiter->task = g_task_new (NULL, cancellable, callback, data);
  waiter->certificate = certificate;
  waiter->generation = generation;
  if (is_over (deliveries, waiter)) {
    GPtrArray *over = new_waiters ();

    g_ptr_array_add (over, waiter);
    end_waiters (over);
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
