// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Deliveries as subscribers see them: who is a target, what it is told, what it answers.
 */
#include "core/deliveries-private.h"
#include "core/rights.h"
#include "plugin/error.h"

/* How many labels one user may be at a time, and how many rows of his a certificate has. */
#define LABELS_PER_USER 16
/* Whoever has said nothing for so long is not waited for; an answer that comes later is taken still. */
#define ANSWER_PATIENCE (10 * 60) /* s */

#define PROVED "proved:"
#define RETRY "retry:"

void
herd_deliveries_tell (HerdDeliveries *deliveries, const HerdSubscription *subscription,
                      guint64 certificate, const char *name, guint64 generation)
{
  gpointer data;
  const HerdObserver *observer = herd_registry_get_observer (deliveries->services->registry, &data);

  if (observer != NULL)
    observer->updated (subscription, certificate, name, generation, data);
}

/* --- answers that do not come --- */

static void
lose_row (HerdDeliveries *deliveries, HerdCertificate *certificate, HerdDelivery *delivery,
          const char *why)
{
  if (herd_deliveries_target_is_reader (delivery->target)) {
    delivery->retry_at = 0;
    herd_deliveries_set_state (deliveries, certificate, delivery, HERD_DELIVERY_GONE, why);
  } else {
    herd_deliveries_postpone (deliveries, certificate, delivery, why);
  }
  herd_deliveries_changed (deliveries, certificate, TRUE);
}

static void expect_answer_within (HerdDeliveryTarget *target, gint64 seconds);

static void
answer_is_overdue (gpointer data)
{
  HerdDeliveryTarget *target = data;
  g_autoptr (GArray) ids = herd_deliveries_copy_ids (target->installing);
  gint64 now = herd_clock_get_seconds (target->deliveries->services->clock);
  gint64 next = 0;

  target->answer_timer = 0;
  for (guint i = 0; i < ids->len; i++) {
    HerdCertificate *certificate;
    HerdDelivery *delivery = herd_deliveries_find_row (target, g_array_index (ids, guint64, i),
                                                       &certificate);
    gint64 left = delivery != NULL ? delivery->since + ANSWER_PATIENCE - now : 0;

    if (delivery != NULL && left <= 0)
      lose_row (target->deliveries, certificate, delivery,
                "the subscriber has not answered for 10 minutes");
    else if (delivery != NULL && (next == 0 || left < next))
      next = left;
  }
  if (next > 0)
    expect_answer_within (target, MIN (next, ANSWER_PATIENCE));
  if (target->files)
    herd_deliveries_kick_followers (target->deliveries);
}

/* One timer is for all that TARGET is to answer: where it is armed, it is for an earlier one, and looks
 * at what is left. */
static void
expect_answer_within (HerdDeliveryTarget *target, gint64 seconds)
{
  if (target->answer_timer == 0)
    target->answer_timer = herd_clock_arm (target->deliveries->services->clock,
                                           seconds * HERD_SECOND, answer_is_overdue, target);
}

void
herd_deliveries_expect_no_answer (HerdDeliveryTarget *target)
{
  if (target->answer_timer != 0)
    herd_clock_disarm (target->deliveries->services->clock, target->answer_timer);
  target->answer_timer = 0;
}

void
herd_deliveries_send (HerdDeliveries *deliveries, const HerdSubscription *subscription,
                      HerdCertificate *certificate, HerdDelivery *delivery)
{
  HerdDeliveryTarget *target = herd_deliveries_ensure_target (deliveries, delivery->target);

  if (delivery->sent != delivery->wanted)
    delivery->sent_before = delivery->sent;
  delivery->sent = delivery->wanted;
  expect_answer_within (target, ANSWER_PATIENCE);
  herd_deliveries_set_state (deliveries, certificate, delivery, HERD_DELIVERY_INSTALLING, NULL);
  herd_deliveries_changed (deliveries, certificate, FALSE);
  herd_deliveries_tell (deliveries, subscription, certificate->id, certificate->name,
                        delivery->wanted);
}

/* --- who is a target --- */

static gboolean
is_label_of (const char *name, guint32 uid)
{
  return herd_deliveries_target_is_reader (name) && g_ascii_strtoull (name, NULL, 10) == uid;
}

static gboolean
check_labels (HerdDeliveries *deliveries, guint32 uid, GError **error)
{
  GHashTableIter iter;
  gpointer value;
  guint n = 0;

  g_hash_table_iter_init (&iter, deliveries->targets);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    const HerdDeliveryTarget *target = value;

    if (target->subscription != 0 && is_label_of (target->name, uid))
      n++;
  }
  if (n < LABELS_PER_USER)
    return TRUE;
  g_set_error (error, HERD_ERROR, HERD_ERROR_LIMIT_EXCEEDED,
               "user %u is %d targets already; close the subscription of one, or use it for more "
               "patterns",
               uid, LABELS_PER_USER);
  return FALSE;
}

/* Its holder gets all that the target has, or nobody would. */
static gboolean
check_patterns (const HerdSubscription *subscription, GError **error)
{
  if (g_strv_contains ((const char *const *) subscription->patterns, "*"))
    return TRUE;
  g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
               "patterns: whoever is the configured target %s takes all of its certificates; "
               "subscribe to \"*\", or as a target of your own",
               subscription->target);
  return FALSE;
}

/* What the configuration says now, whatever it said when SUBSCRIPTION came to be. */
static gboolean
may_be_target (HerdDeliveries *deliveries, const HerdSubscription *subscription)
{
  if (!subscription->target_is_configured)
    return TRUE;
  return herd_deliveries_has_target (deliveries, subscription->target)
         && (subscription->allowed
             || herd_rights_may_be_target (deliveries->services, subscription->target,
                                           subscription->uid));
}

gboolean
herd_deliveries_attach (HerdDeliveries *deliveries, const HerdSubscription *subscription,
                        GError **error)
{
  HerdDeliveryTarget *target;

  if (subscription->target == NULL)
    return TRUE;
  target = g_hash_table_lookup (deliveries->targets, subscription->target);
  if (target != NULL && target->subscription != 0) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_BUSY,
                 "another connection is target %s already; close it first", subscription->target);
    return FALSE;
  }
  if (!(subscription->target_is_configured ? check_patterns (subscription, error)
                                           : check_labels (deliveries, subscription->uid, error)))
    return FALSE;
  if (!may_be_target (deliveries, subscription)) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_NOT_AUTHORIZED,
                 "user %u may no longer be target %s; have its allow-users list the user",
                 subscription->uid, subscription->target);
    return FALSE;
  }
  target = herd_deliveries_ensure_target (deliveries, subscription->target);
  target->subscription = subscription->id;
  return TRUE;
}

const HerdSubscription *
herd_deliveries_get_holder (HerdDeliveries *deliveries, const char *name)
{
  const HerdDeliveryTarget *target = g_hash_table_lookup (deliveries->targets, name);

  return target != NULL
             ? herd_registry_get_subscription (deliveries->services->registry, target->subscription)
             : NULL;
}

gboolean
herd_deliveries_serves (HerdDeliveries *deliveries, const HerdCertificate *certificate,
                        const char *sender)
{
  for (const HerdDelivery *delivery = certificate->deliveries; delivery != NULL;
       delivery = delivery->next) {
    const HerdSubscription *subscription = herd_deliveries_get_holder (deliveries,
                                                                       delivery->target);

    if (subscription != NULL && g_str_equal (subscription->sender, sender)
        && may_be_target (deliveries, subscription))
      return TRUE;
  }
  return FALSE;
}

/* Of the rows of UID, the one that can be done without soonest. */
static HerdDelivery *
find_oldest_row (HerdDeliveries *deliveries, const HerdCertificate *certificate, guint32 uid,
                 guint *n_rows)
{
  HerdDelivery *oldest = NULL;

  *n_rows = 0;
  for (HerdDelivery *delivery = certificate->deliveries; delivery != NULL;
       delivery = delivery->next) {
    if (!is_label_of (delivery->target, uid))
      continue;
    ++*n_rows;
    if ((oldest == NULL || delivery->since < oldest->since)
        && !herd_deliveries_is_served (deliveries, certificate, delivery->target))
      oldest = delivery;
  }
  return oldest;
}

/* A new label takes the place of one that nobody is any more: there are as many rows as there may be
 * labels. */
HerdDelivery *
herd_deliveries_ensure_reader (HerdDeliveries *deliveries, const HerdSubscription *subscription,
                               HerdCertificate *certificate)
{
  HerdDelivery *delivery = herd_certificate_find_delivery (certificate, subscription->target);
  HerdDelivery *oldest;
  guint n_rows;

  if (delivery != NULL || subscription->target_is_configured || certificate->current == 0
      || !(deliveries->services->session || herd_rights_is_reader (certificate, subscription->uid)))
    return delivery;
  oldest = find_oldest_row (deliveries, certificate, subscription->uid, &n_rows);
  if (n_rows >= LABELS_PER_USER && oldest != NULL)
    herd_deliveries_remove_row (deliveries, certificate, oldest);
  delivery = herd_delivery_new (subscription->target);
  herd_certificate_add_delivery (certificate, delivery);
  return delivery;
}

void
herd_deliveries_ensure_readers (HerdDeliveries *deliveries, HerdCertificate *certificate)
{
  HerdRegistry *registry = deliveries->services->registry;
  g_autoptr (GArray) ids = herd_registry_list_ids (registry, HERD_NOUN_SUBSCRIPTION);

  for (guint i = 0; i < ids->len; i++) {
    const HerdSubscription *subscription = herd_registry_get_subscription (
        registry, g_array_index (ids, guint64, i));

    if (subscription->target != NULL && herd_subscription_matches (subscription, certificate->name))
      herd_deliveries_ensure_reader (deliveries, subscription, certificate);
  }
}

static void
lose_rows (HerdDeliveryTarget *target, GHashTable *set, const char *why)
{
  g_autoptr (GArray) ids = herd_deliveries_copy_ids (set);

  for (guint i = 0; i < ids->len; i++) {
    HerdCertificate *certificate;
    HerdDelivery *delivery = herd_deliveries_find_row (target, g_array_index (ids, guint64, i),
                                                       &certificate);

    if (delivery != NULL)
      lose_row (target->deliveries, certificate, delivery, why);
  }
}

void
herd_deliveries_detach (HerdDeliveries *deliveries, const HerdSubscription *subscription)
{
  HerdDeliveryTarget *target;

  herd_deliveries_end_walk (deliveries, subscription->id);
  if (subscription->target == NULL)
    return;
  target = g_hash_table_lookup (deliveries->targets, subscription->target);
  if (target == NULL || target->subscription != subscription->id)
    return;
  target->subscription = 0;
  herd_deliveries_expect_no_answer (target);
  if (!subscription->target_is_configured) {
    lose_rows (target, target->installing, "the subscriber went");
    lose_rows (target, target->pending, "the subscriber went");
    g_hash_table_remove (deliveries->targets, subscription->target);
    return;
  }
  lose_rows (target, target->installing, "the subscriber went without an answer");
  if (target->run == NULL)
    target->withdrawals_told = FALSE;
  herd_deliveries_kick_target (deliveries, target);
  if (target->files && target->run == NULL)
    herd_deliveries_kick_followers (deliveries);
}

void
herd_deliveries_revoke (HerdDeliveries *deliveries)
{
  HerdRegistry *registry = deliveries->services->registry;
  g_autoptr (GArray) ids = herd_registry_list_ids (registry, HERD_NOUN_SUBSCRIPTION);

  for (guint i = 0; i < ids->len; i++) {
    guint64 id = g_array_index (ids, guint64, i);
    const HerdSubscription *subscription = herd_registry_get_subscription (registry, id);

    if (subscription == NULL || may_be_target (deliveries, subscription))
      continue;
    g_message ("target %s: user %u may be it no longer", subscription->target, subscription->uid);
    herd_deliveries_detach (deliveries, subscription);
    herd_registry_remove (registry, HERD_NOUN_SUBSCRIPTION, id);
  }
}

/* --- answers --- */

typedef struct {
  HerdServices *services;
  guint64 certificate;
} Answer;

/* What a target has said of a generation is so, whether it could be written down or not. */
static void
acknowledged (GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  const Answer *answer = g_task_get_task_data (task);
  GError *error = NULL;

  if (herd_state_commit_finish (answer->services->state, result, &error)) {
    g_task_return_boolean (task, TRUE);
    return;
  }
  herd_saver_add (answer->services->saver, answer->certificate, 0, error);
  g_task_return_error (task, error);
}

/* A withdrawal that cannot be struck off is asked for again. */
static void
withdrawn (GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  HerdServices *services = ((const Answer *) g_task_get_task_data (task))->services;
  GError *error = NULL;

  if (herd_state_change_finish (services->state, result, services->undo, services->undo_data,
                                &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
take_applied (HerdDeliveries *deliveries, HerdCertificate *certificate, HerdDelivery *delivery,
              guint64 generation, const char *message)
{
  delivery->applied = generation;
  if (g_str_has_prefix (message, PROVED))
    delivery->proved = generation;
  /* Of one that another has followed since: what is to come is not changed by it. */
  if (generation != delivery->wanted)
    return;
  delivery->attempts = 0;
  delivery->retry_at = 0;
  herd_deliveries_set_state (deliveries, certificate, delivery, HERD_DELIVERY_APPLIED, message);
  herd_deliveries_end_attention (deliveries, certificate);
}

static void
take_refusal (HerdDeliveries *deliveries, HerdCertificate *certificate, HerdDelivery *delivery,
              guint64 generation, const char *message)
{
  HerdGeneration *row = herd_certificate_find_generation (certificate, generation);

  if (generation != delivery->wanted)
    return;
  if (g_str_has_prefix (message, RETRY)) {
    herd_deliveries_postpone (deliveries, certificate, delivery, message);
    return;
  }
  if (row != NULL)
    row->rejected = TRUE;
  herd_deliveries_set_state (deliveries, certificate, delivery, HERD_DELIVERY_REJECTED, message);
  herd_attentions_raise (deliveries->services->attentions, HERD_NOUN_CERTIFICATE, certificate->id,
                         "critical", "rejected", message);
}

/* An answer is given once; the same one again, as after a commit that failed, does no harm. */
static gboolean
check_answer (const HerdCertificate *certificate, const HerdDelivery *delivery, guint64 generation,
              gboolean applied, GError **error)
{
  gboolean repeated = applied ? delivery->applied == generation && generation != 0
                              : delivery->state == HERD_DELIVERY_REJECTED
                                    && delivery->wanted == generation;

  if (repeated)
    return TRUE;
  if (generation == 0 || (generation != delivery->sent && generation != delivery->sent_before)
      || herd_certificate_find_generation (certificate, generation) == NULL) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_NOT_FOUND,
                 "target %s was sent no generation %" G_GUINT64_FORMAT
                 " of certificate %s to acknowledge; give the one that OpenBundle gave",
                 delivery->target, generation, certificate->name);
    return FALSE;
  }
  if (delivery->sent != 0 && delivery->applied == delivery->sent && generation != delivery->sent) {
    g_set_error (
        error, HERD_ERROR, HERD_ERROR_REFUSED,
        "target %s has generation %" G_GUINT64_FORMAT
        " of certificate %s, and was sent nothing since; acknowledge what Updated tells next",
        delivery->target, delivery->applied, certificate->name);
    return FALSE;
  }
  if (generation == delivery->wanted
      && (delivery->state == HERD_DELIVERY_APPLIED || delivery->state == HERD_DELIVERY_REJECTED
          || delivery->state == HERD_DELIVERY_HELD)) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_REFUSED,
                 "target %s has answered already: generation %" G_GUINT64_FORMAT
                 " of certificate %s is %s; Retry sends a rejected one again",
                 delivery->target, generation, certificate->name,
                 herd_delivery_state_to_string (delivery->state));
    return FALSE;
  }
  return TRUE;
}

/* The answer about GENERATION, not 0, into memory and BATCH. */
static gboolean
take_answer (HerdDeliveries *deliveries, const HerdSubscription *subscription, guint64 id,
             guint64 generation, gboolean applied, const char *message, HerdBatch *batch,
             GError **error)
{
  HerdCertificate *certificate = herd_registry_get_certificate (deliveries->services->registry, id);
  HerdDelivery *delivery = NULL;

  if (certificate != NULL)
    delivery = herd_certificate_find_delivery (certificate, subscription->target);
  if (delivery == NULL) {
    g_autofree char *number = g_strdup_printf ("%" G_GUINT64_FORMAT " (no longer there)", id);

    g_set_error (error, HERD_ERROR, HERD_ERROR_NOT_FOUND,
                 "target %s has nothing of certificate %s to acknowledge; wait for Updated",
                 subscription->target, certificate != NULL ? certificate->name : number);
    return FALSE;
  }
  if (!check_answer (certificate, delivery, generation, applied, error))
    return FALSE;
  if (applied)
    take_applied (deliveries, certificate, delivery, generation, message);
  else
    take_refusal (deliveries, certificate, delivery, generation, message);
  herd_saver_put_certificate (batch, certificate);
  herd_deliveries_changed (deliveries, certificate, FALSE);
  return TRUE;
}

void
herd_deliveries_acknowledge_async (HerdDeliveries *deliveries, const HerdSubscription *subscription,
                                   guint64 id, guint64 generation, gboolean applied,
                                   const char *message, GAsyncReadyCallback callback, gpointer data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, data);
  g_autoptr (HerdBatch) batch = herd_batch_new ();
  HerdDeliveryTarget *target = NULL;
  Answer *answer = g_new0 (Answer, 1);
  GError *error = NULL;

  answer->services = deliveries->services;
  answer->certificate = id;
  g_task_set_task_data (task, answer, g_free);
  if (subscription->target != NULL)
    target = g_hash_table_lookup (deliveries->targets, subscription->target);
  if (target == NULL) {
    g_task_return_new_error (task, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
                             "subscription %" G_GUINT64_FORMAT
                             " observes; give the option target to Subscribe",
                             subscription->id);
    return;
  }
  if (generation == 0
      && herd_deliveries_answer_withdrawal (deliveries, target, id, applied, message, batch)) {
    herd_state_change_async (deliveries->services->state, g_steal_pointer (&batch), withdrawn,
                             g_steal_pointer (&task));
    return;
  }
  if (!take_answer (deliveries, subscription, id, generation, applied, message, batch, &error)) {
    g_task_return_error (task, error);
    return;
  }
  herd_state_commit_async (deliveries->services->state, g_steal_pointer (&batch), acknowledged,
                           g_steal_pointer (&task));
  /* What certherd-deliver installs together, those that follow take up together: at its end. */
  if (target->files && target->run == NULL)
    herd_deliveries_kick_followers (deliveries);
}

gboolean
herd_deliveries_acknowledge_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
