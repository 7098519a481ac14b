// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Withdrawals: what targets are to take away. They have a back-off of their own, so that one that fails
 * holds no generation back. Owned by the deliveries; main loop only.
 */
#include "core/deliveries-private.h"
#include "core/renewal.h"
#include "plugin/error.h"

#define ATTENTION "withdrawal"

static gboolean
has_withdrawal (const HerdDeliveryTarget *target)
{
  GPtrArray *withdrawals = target->deliveries->withdrawals;

  for (guint i = 0; i < withdrawals->len; i++) {
    const HerdWithdrawal *withdrawal = g_ptr_array_index (withdrawals, i);

    if (g_str_equal (withdrawal->target, target->name))
      return TRUE;
  }
  return FALSE;
}

static void
disarm (HerdDeliveryTarget *target)
{
  if (target->withdraw_timer != 0)
    herd_clock_disarm (target->deliveries->services->clock, target->withdraw_timer);
  target->withdraw_timer = 0;
}

static void
time_has_come (gpointer data)
{
  HerdDeliveryTarget *target = data;

  target->withdraw_timer = 0;
  herd_deliveries_kick_target (target->deliveries, target);
}

static void
ask_later (HerdDeliveryTarget *target)
{
  gint64 delay;

  disarm (target);
  target->withdrawals_told = FALSE;
  delay = herd_backoff_get_delay (++target->withdraw_failures, g_random_double ());
  target->withdraw_timer = herd_clock_arm (target->deliveries->services->clock, delay * HERD_SECOND,
                                           time_has_come, target);
}

/* One less: with the last one of a target its back-off ends, with the last one of all the Attention. */
static void
settle (HerdDeliveries *deliveries, const char *name)
{
  HerdDeliveryTarget *target = g_hash_table_lookup (deliveries->targets, name);

  if (target != NULL && !has_withdrawal (target))
    herd_deliveries_clear_withdrawals (target);
  if (deliveries->withdrawals->len == 0)
    herd_attentions_clear (deliveries->services->attentions, HERD_NOUN_AGENT, 0, ATTENTION);
}

void
herd_deliveries_clear_withdrawals (HerdDeliveryTarget *target)
{
  disarm (target);
  target->withdraw_failures = 0;
  target->withdrawals_told = FALSE;
}

void
herd_deliveries_add_withdrawal (HerdDeliveries *deliveries, const HerdCertificate *certificate,
                                const HerdDelivery *delivery, HerdBatch *batch)
{
  HerdWithdrawal *withdrawal;

  if (delivery->wanted == 0)
    return; /* nothing of it was ever there */
  if (!herd_deliveries_target_is_configured (deliveries, delivery->target))
    return;
  withdrawal = herd_withdrawal_new (certificate->id, certificate->name, delivery->target);
  herd_batch_put_withdrawal (batch, withdrawal);
  g_ptr_array_add (deliveries->planned, withdrawal);
}

/* LIST: the withdrawals on disk, or those on their way there. */
static void
drop (HerdDeliveries *deliveries, GPtrArray *list, guint index, HerdBatch *batch)
{
  const HerdWithdrawal *withdrawal = g_ptr_array_index (list, index);
  g_autofree char *target = g_strdup (withdrawal->target);

  herd_batch_delete_withdrawal (batch, withdrawal->certificate, target);
  g_ptr_array_remove_index (list, index);
  settle (deliveries, target);
}

/* Where there is no BATCH one is made. */
static void
drop_wanted (HerdDeliveries *deliveries, GPtrArray *list, const HerdCertificate *certificate,
             HerdBatch **batch)
{
  for (guint i = list->len; i > 0; i--) {
    const HerdWithdrawal *withdrawal = g_ptr_array_index (list, i - 1);
    const HerdDelivery *delivery = NULL;

    /* By its name, which is what targets know: it may have been removed and asked for again. */
    if (g_str_equal (withdrawal->name, certificate->name))
      delivery = herd_certificate_find_delivery (certificate, withdrawal->target);
    if (delivery == NULL || delivery->wanted == 0)
      continue;
    if (*batch == NULL)
      *batch = herd_batch_new ();
    drop (deliveries, list, i - 1, *batch);
  }
}

void
herd_deliveries_drop_withdrawals (HerdDeliveries *deliveries, const HerdCertificate *certificate,
                                  HerdBatch *batch)
{
  HerdBatch *used = batch;

  drop_wanted (deliveries, deliveries->withdrawals, certificate, &used);
  drop_wanted (deliveries, deliveries->planned, certificate, &used);
  if (used != batch)
    herd_deliveries_commit (deliveries, used);
}

void
herd_deliveries_end_withdrawals (HerdDeliveries *deliveries, HerdBatch *batch)
{
  for (guint i = deliveries->withdrawals->len; i > 0; i--) {
    const HerdWithdrawal *withdrawal = g_ptr_array_index (deliveries->withdrawals, i - 1);

    if (herd_deliveries_has_target (deliveries, withdrawal->target))
      continue;
    g_warning ("target %s is no longer in the configuration: what it has of the certificate %s, "
               "key included, stays where it is; take it away yourself",
               withdrawal->target, withdrawal->name);
    drop (deliveries, deliveries->withdrawals, i - 1, batch);
  }
}

gboolean
herd_deliveries_withdrawals_are_due (const HerdDeliveryTarget *target)
{
  return !target->withdrawals_told && target->withdraw_timer == 0 && has_withdrawal (target);
}

void
herd_deliveries_send_withdrawals (HerdDeliveries *deliveries, HerdDeliveryTarget *target,
                                  const HerdSubscription *subscription)
{
  for (guint i = 0; i < deliveries->withdrawals->len; i++) {
    const HerdWithdrawal *withdrawal = g_ptr_array_index (deliveries->withdrawals, i);

    if (g_str_equal (withdrawal->target, target->name))
      herd_deliveries_tell (deliveries, subscription, withdrawal->certificate, withdrawal->name, 0);
  }
  target->withdrawals_told = TRUE;
}

void
herd_deliveries_withdrawals_ended (HerdDeliveryTarget *target, gboolean failed)
{
  if (!has_withdrawal (target))
    return;
  if (failed || target->withdrawals_told)
    ask_later (target);
}

gboolean
herd_deliveries_answer_withdrawal (HerdDeliveries *deliveries, HerdDeliveryTarget *target,
                                   guint64 certificate, gboolean applied, const char *message,
                                   HerdBatch *batch)
{
  for (guint i = 0; i < deliveries->withdrawals->len; i++) {
    const HerdWithdrawal *withdrawal = g_ptr_array_index (deliveries->withdrawals, i);
    g_autofree char *words = NULL;

    if (withdrawal->certificate != certificate || !g_str_equal (withdrawal->target, target->name))
      continue;
    if (applied) {
      drop (deliveries, deliveries->withdrawals, i, batch);
      return TRUE;
    }
    words = g_strdup_printf ("target %s still has the certificate %s, which it is to have no more: "
                             "%s; it is asked again",
                             target->name, withdrawal->name, message);
    herd_attentions_raise (deliveries->services->attentions, HERD_NOUN_AGENT, 0, "warning",
                           ATTENTION, words);
    /* The end of certherd-deliver says when to ask again. */
    if (target->run == NULL)
      ask_later (target);
    return TRUE;
  }
  return FALSE;
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

/* Takes WITHDRAWAL, which is on disk: its target has not been told of it. */
static void
take (HerdDeliveries *deliveries, HerdWithdrawal *withdrawal)
{
  HerdDeliveryTarget *target = herd_deliveries_ensure_target (deliveries, withdrawal->target);

  disarm (target);
  target->withdrawals_told = FALSE;
  g_ptr_array_add (deliveries->withdrawals, withdrawal);
}

void
herd_deliveries_confirm (HerdDeliveries *deliveries, guint64 id)
{
  const HerdCertificate *certificate = herd_registry_get_certificate (
      deliveries->services->registry, id);

  if (certificate != NULL)
    herd_deliveries_end_attention (deliveries, certificate);
  for (guint i = deliveries->planned->len; i > 0; i--) {
    const HerdWithdrawal *withdrawal = g_ptr_array_index (deliveries->planned, i - 1);

    if (withdrawal->certificate == id)
      take (deliveries, g_ptr_array_steal_index (deliveries->planned, i - 1));
  }
}

static void
drop_all (GPtrArray *withdrawals, guint64 id)
{
  for (guint i = withdrawals->len; i > 0; i--) {
    const HerdWithdrawal *withdrawal = g_ptr_array_index (withdrawals, i - 1);

    if (withdrawal->certificate == id)
      g_ptr_array_remove_index (withdrawals, i - 1);
  }
}

void
herd_deliveries_undo (HerdDeliveries *deliveries, const GArray *ids, GPtrArray *saved)
{
  for (guint i = 0; i < ids->len; i++) {
    guint64 id = g_array_index (ids, guint64, i);
    HerdCertificate *certificate = herd_registry_get_certificate (deliveries->services->registry,
                                                                  id);

    drop_all (deliveries->planned, id);
    drop_all (deliveries->withdrawals, id);
    if (certificate != NULL)
      herd_deliveries_refile (deliveries, certificate);
  }
  while (saved->len > 0)
    take (deliveries, g_ptr_array_steal_index_fast (saved, saved->len - 1));
}
