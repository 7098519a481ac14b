// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Deliveries: planning rows, running certherd-deliver for targets, waiting for the end.
 */
#include "core/deliveries.h"

#include <string.h>

#include "core/deliveries-private.h"
#include "core/renewal.h"
#include "core/rights.h"
#include "model/spec.h"
#include "plugin/error.h"

typedef struct {
  GTask *task;
  guint64 certificate;
  guint64 generation;
  gulong cancelled;
} Waiter;

static void
waiter_free (Waiter *waiter)
{
  if (waiter->cancelled != 0)
    g_clear_signal_handler (&waiter->cancelled, g_task_get_cancellable (waiter->task));
  g_object_unref (waiter->task);
  g_free (waiter);
}

static void
target_free (HerdDeliveryTarget *target)
{
  g_free (target->name);
  g_hash_table_unref (target->pending);
  g_hash_table_unref (target->installing);
  herd_run_unref (target->run);
  g_free (target);
}

HerdDeliveries *
herd_deliveries_new (HerdServices *services, HerdLauncher *launcher, HerdDeliveriesFunc changed,
                     gpointer data)
{
  HerdDeliveries *deliveries = g_new0 (HerdDeliveries, 1);

  deliveries->services = services;
  deliveries->launcher = launcher;
  deliveries->changed = changed;
  deliveries->data = data;
  deliveries->targets = g_hash_table_new_full (g_str_hash, g_str_equal, NULL,
                                               (GDestroyNotify) target_free);
  deliveries->withdrawals = g_ptr_array_new_with_free_func ((GDestroyNotify) herd_withdrawal_free);
  deliveries->waiters = g_ptr_array_new_with_free_func ((GDestroyNotify) waiter_free);
  return deliveries;
}

void
herd_deliveries_free (HerdDeliveries *deliveries)
{
  if (deliveries == NULL)
    return;
  g_ptr_array_unref (deliveries->waiters);
  g_hash_table_unref (deliveries->targets);
  g_ptr_array_unref (deliveries->withdrawals);
  g_free (deliveries);
}

HerdDeliveryTarget *
herd_deliveries_ensure_target (HerdDeliveries *deliveries, const char *name)
{
  HerdDeliveryTarget *target = g_hash_table_lookup (deliveries->targets, name);

  if (target == NULL) {
    target = g_new0 (HerdDeliveryTarget, 1);
    target->deliveries = deliveries;
    target->name = g_strdup (name);
    target->pending = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
    target->installing = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
    g_hash_table_insert (deliveries->targets, target->name, target);
  }
  return target;
}

gboolean
herd_deliveries_has_target (HerdDeliveries *deliveries, const char *name)
{
  return g_str_equal (name, HERD_TARGET_LIVE)
         || herd_config_find (deliveries->services->config, HERD_SECTION_TARGET, name) != NULL;
}

/* Readers' targets are UID:LABEL; a configured name has no colon. */
gboolean
herd_deliveries_target_is_configured (HerdDeliveries *deliveries, const char *name)
{
  return strchr (name, ':') == NULL && herd_deliveries_has_target (deliveries, name);
}

static void
put_id (GHashTable *set, guint64 id)
{
  g_hash_table_add (set, g_memdup2 (&id, sizeof id));
}

static void
file_row (HerdDeliveries *deliveries, const HerdCertificate *certificate,
          const HerdDelivery *delivery)
{
  HerdDeliveryTarget *target = herd_deliveries_ensure_target (deliveries, delivery->target);

  g_hash_table_remove (target->pending, &certificate->id);
  g_hash_table_remove (target->installing, &certificate->id);
  if (delivery->state == HERD_DELIVERY_PENDING)
    put_id (target->pending, certificate->id);
  else if (delivery->state == HERD_DELIVERY_INSTALLING)
    put_id (target->installing, certificate->id);
}

static void
unfile_row (HerdDeliveries *deliveries, const HerdCertificate *certificate, const char *name)
{
  HerdDeliveryTarget *target = herd_deliveries_ensure_target (deliveries, name);

  g_hash_table_remove (target->pending, &certificate->id);
  g_hash_table_remove (target->installing, &certificate->id);
}

GArray *
herd_deliveries_copy_ids (GHashTable *set)
{
  GArray *ids = g_array_new (FALSE, FALSE, sizeof (guint64));
  GHashTableIter iter;
  gpointer id;

  g_hash_table_iter_init (&iter, set);
  while (g_hash_table_iter_next (&iter, &id, NULL))
    g_array_append_vals (ids, id, 1);
  return ids;
}

HerdDelivery *
herd_deliveries_find_row (HerdDeliveryTarget *target, guint64 id, HerdCertificate **certificate)
{
  HerdCertificate *found = herd_registry_get_certificate (target->deliveries->services->registry,
                                                          id);
  HerdDelivery *delivery = found != NULL ? herd_certificate_find_delivery (found, target->name)
                                         : NULL;

  if (delivery != NULL)
    *certificate = found;
  return delivery;
}

void
herd_deliveries_set_state (HerdDeliveries *deliveries, HerdCertificate *certificate,
                           HerdDelivery *delivery, HerdDeliveryState state, const char *message)
{
  g_autofree char *copy = g_strdup (message != NULL ? message : "");

  delivery->state = state;
  delivery->since = herd_clock_get_seconds (deliveries->services->clock);
  g_free (delivery->message);
  delivery->message = g_steal_pointer (&copy);
  file_row (deliveries, certificate, delivery);
}

void
herd_deliveries_postpone (HerdDeliveries *deliveries, HerdCertificate *certificate,
                          HerdDelivery *delivery, const char *message)
{
  delivery->attempts++;
  delivery->retry_at = herd_clock_get_seconds (deliveries->services->clock)
                       + herd_backoff_get_delay (delivery->attempts, g_random_double ());
  herd_deliveries_set_state (deliveries, certificate, delivery, HERD_DELIVERY_PENDING, message);
}

gboolean
herd_deliveries_row_is_ready (HerdDeliveries *deliveries, const HerdDelivery *delivery)
{
  return delivery->state == HERD_DELIVERY_PENDING
         && delivery->retry_at <= herd_clock_get_seconds (deliveries->services->clock);
}

gint64
herd_deliveries_get_retry_at (const HerdCertificate *certificate)
{
  gint64 earliest = 0;

  for (guint i = 0; i < certificate->deliveries->len; i++) {
    const HerdDelivery *delivery = g_ptr_array_index (certificate->deliveries, i);

    if (delivery->state == HERD_DELIVERY_PENDING && delivery->retry_at != 0
        && (earliest == 0 || delivery->retry_at < earliest))
      earliest = delivery->retry_at;
  }
  return earliest;
}

void
herd_deliveries_release (HerdCertificate *certificate, gint64 now)
{
  for (guint i = 0; i < certificate->deliveries->len; i++) {
    HerdDelivery *delivery = g_ptr_array_index (certificate->deliveries, i);

    if (delivery->retry_at <= now)
      delivery->retry_at = 0;
  }
}

/* --- waiting --- */

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
settle_waiter (HerdDeliveries *deliveries, Waiter *waiter)
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
    Waiter *waiter = g_ptr_array_index (deliveries->waiters, i - 1);

    if (waiter->certificate == certificate && settle_waiter (deliveries, waiter))
      g_ptr_array_remove_index (deliveries->waiters, i - 1);
  }
}

static void
wait_cancelled (GCancellable *cancellable, gpointer data)
{
  HerdDeliveries *deliveries = data;

  for (guint i = deliveries->waiters->len; i > 0; i--) {
    Waiter *waiter = g_ptr_array_index (deliveries->waiters, i - 1);

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
  Waiter *waiter = g_new0 (Waiter, 1);

  waiter->task = g_task_new (NULL, cancellable, callback, data);
  waiter->certificate = certificate;
  waiter->generation = generation;
  if (settle_waiter (deliveries, waiter)) {
    waiter_free (waiter);
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

static void
saved (GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
  HerdState *state = data;
  g_autoptr (GError) error = NULL;

  /* The rows are right in memory; the next commit writes them. */
  if (!herd_state_commit_finish (state, result, &error))
    g_warning ("the state of a delivery was not saved: %s", error->message);
}

void
herd_deliveries_changed (HerdDeliveries *deliveries, HerdCertificate *certificate, gboolean save)
{
  guint64 id = certificate->id;

  if (save) {
    HerdBatch *batch = herd_batch_new ();

    herd_batch_put_certificate (batch, certificate);
    herd_state_commit_async (deliveries->services->state, batch, saved,
                             deliveries->services->state);
  }
  herd_registry_touch (deliveries->services->registry, HERD_NOUN_CERTIFICATE, id);
  deliveries->changed (id, deliveries->data);
  herd_deliveries_settle (deliveries, id);
}

/* --- planning --- */

static void
add_withdrawal (HerdDeliveries *deliveries, const HerdCertificate *certificate,
                const HerdDelivery *delivery, HerdBatch *batch)
{
  HerdWithdrawal *withdrawal;

  if (delivery->applied == 0 && delivery->state != HERD_DELIVERY_INSTALLING)
    return; /* nothing of it was ever there */
  if (!herd_deliveries_target_is_configured (deliveries, delivery->target))
    return;
  withdrawal = herd_withdrawal_new (certificate->id, certificate->name, delivery->target);
  herd_batch_put_withdrawal (batch, withdrawal);
  g_ptr_array_add (deliveries->withdrawals, withdrawal);
}

/* Does the certificate still have anything to do with this row's target? */
static gboolean
is_wanted (HerdDeliveries *deliveries, HerdCertificate *certificate, const char *const *targets,
           const char *name)
{
  const char *colon = strchr (name, ':');

  if (colon == NULL)
    return g_strv_contains (targets, name);
  if (deliveries->services->session)
    return TRUE;
  return herd_rights_is_reader (certificate, (guint32) g_ascii_strtoull (name, NULL, 10));
}

static void
drop_unwanted (HerdDeliveries *deliveries, HerdCertificate *certificate, const char *const *targets,
               HerdBatch *batch)
{
  for (guint i = certificate->deliveries->len; i > 0; i--) {
    HerdDelivery *delivery = g_ptr_array_index (certificate->deliveries, i - 1);

    if (is_wanted (deliveries, certificate, targets, delivery->target))
      continue;
    add_withdrawal (deliveries, certificate, delivery, batch);
    unfile_row (deliveries, certificate, delivery->target);
    g_ptr_array_remove_index (certificate->deliveries, i - 1);
  }
}

static void
plan_row (HerdDeliveries *deliveries, HerdCertificate *certificate, HerdDelivery *delivery)
{
  HerdDeliveryTarget *target = herd_deliveries_ensure_target (deliveries, delivery->target);
  gboolean reader = strchr (delivery->target, ':') != NULL;

  if (delivery->wanted == certificate->current)
    return;
  delivery->wanted = certificate->current;
  delivery->attempts = 0;
  delivery->retry_at = 0;
  if (delivery->wanted == 0 || delivery->applied == delivery->wanted)
    herd_deliveries_set_state (deliveries, certificate, delivery, HERD_DELIVERY_APPLIED, NULL);
  else if (reader && target->subscription == 0)
    herd_deliveries_set_state (deliveries, certificate, delivery, HERD_DELIVERY_GONE, NULL);
  else
    herd_deliveries_set_state (deliveries, certificate, delivery, HERD_DELIVERY_PENDING, NULL);
}

void
herd_deliveries_plan (HerdDeliveries *deliveries, HerdCertificate *certificate, HerdBatch *batch)
{
  g_auto (GStrv) targets = herd_spec_get_targets (certificate->spec);

  if (batch != NULL)
    drop_unwanted (deliveries, certificate, (const char *const *) targets, batch);
  for (char **name = targets; *name != NULL; name++) {
    if (herd_certificate_find_delivery (certificate, *name) == NULL)
      g_ptr_array_add (certificate->deliveries, herd_delivery_new (*name));
  }
  for (guint i = 0; i < certificate->deliveries->len; i++)
    plan_row (deliveries, certificate, g_ptr_array_index (certificate->deliveries, i));
  if (batch != NULL)
    herd_batch_put_certificate (batch, certificate);
}

void
herd_deliveries_withdraw (HerdDeliveries *deliveries, HerdCertificate *certificate,
                          HerdBatch *batch)
{
  for (guint i = 0; i < certificate->deliveries->len; i++) {
    HerdDelivery *delivery = g_ptr_array_index (certificate->deliveries, i);

    add_withdrawal (deliveries, certificate, delivery, batch);
    unfile_row (deliveries, certificate, delivery->target);
  }
}

static void
load_row (HerdDeliveries *deliveries, HerdCertificate *certificate, HerdDelivery *delivery)
{
  if (strchr (delivery->target, ':') != NULL) {
    if (delivery->state != HERD_DELIVERY_REJECTED)
      delivery->state = HERD_DELIVERY_GONE; /* nobody has subscribed yet */
  } else if (delivery->state == HERD_DELIVERY_INSTALLING) {
    delivery->state = HERD_DELIVERY_PENDING;
  }
  file_row (deliveries, certificate, delivery);
}

void
herd_deliveries_load (HerdDeliveries *deliveries, GPtrArray *withdrawals)
{
  g_autoptr (GArray)
      ids = herd_registry_list_ids (deliveries->services->registry, HERD_NOUN_CERTIFICATE);

  g_ptr_array_extend_and_steal (deliveries->withdrawals, withdrawals);
  for (guint i = 0; i < ids->len; i++) {
    HerdCertificate *certificate = herd_registry_get_certificate (deliveries->services->registry,
                                                                  g_array_index (ids, guint64, i));

    for (guint j = 0; j < certificate->deliveries->len; j++)
      load_row (deliveries, certificate, g_ptr_array_index (certificate->deliveries, j));
    herd_deliveries_plan (deliveries, certificate, NULL);
  }
}
