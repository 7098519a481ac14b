// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Deliveries: the targets, and planning rows.
 */
#include "core/deliveries.h"

#include <string.h>

#include "core/deliveries-private.h"
#include "core/renewal.h"
#include "core/rights.h"
#include "model/spec.h"
#include "plugin/error.h"

static void
target_free (HerdDeliveryTarget *target)
{
  herd_deliveries_clear_withdrawals (target);
  herd_deliveries_expect_no_answer (target);
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
  deliveries->planned = g_ptr_array_new_with_free_func ((GDestroyNotify) herd_withdrawal_free);
  deliveries->waiters = g_ptr_array_new_with_free_func ((GDestroyNotify) herd_delivery_waiter_free);
  deliveries->walks = g_ptr_array_new_with_free_func ((GDestroyNotify) herd_delivery_walk_free);
  return deliveries;
}

void
herd_deliveries_free (HerdDeliveries *deliveries)
{
  if (deliveries == NULL)
    return;
  g_ptr_array_unref (deliveries->walks);
  g_ptr_array_unref (deliveries->waiters);
  g_hash_table_unref (deliveries->targets);
  g_ptr_array_unref (deliveries->withdrawals);
  g_ptr_array_unref (deliveries->planned);
  g_free (deliveries);
}

/* What the configuration says about TARGET. */
static void
describe_target (HerdDeliveryTarget *target)
{
  const HerdConfigEntry *entry = NULL;
  const char *adapter;

  if (!herd_deliveries_target_is_reader (target->name))
    entry = herd_config_find (target->deliveries->services->config, HERD_SECTION_TARGET,
                              target->name);
  adapter = herd_config_entry_get (entry, "adapter",
                                   g_str_equal (target->name, HERD_TARGET_LIVE) ? "files" : "");
  target->files = g_str_equal (adapter, "files");
  target->follows = *adapter != '\0' && !target->files;
  target->has_path = herd_config_entry_get (entry, "path", NULL) != NULL;
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
    describe_target (target);
    g_hash_table_insert (deliveries->targets, target->name, target);
  }
  return target;
}

gboolean
herd_deliveries_has_target (HerdDeliveries *deliveries, const char *name)
{
  HerdConfig *config = deliveries->services->config;

  /* One that cannot be read is not one that went: what is for it waits. */
  return g_str_equal (name, HERD_TARGET_LIVE)
         || herd_config_find (config, HERD_SECTION_TARGET, name) != NULL
         || herd_config_find_problem (config, HERD_SECTION_TARGET, name) != NULL;
}

/* Readers' targets are UID:LABEL; a configured name has no colon. */
gboolean
herd_deliveries_target_is_reader (const char *name)
{
  return strchr (name, ':') != NULL;
}

gboolean
herd_deliveries_target_is_configured (HerdDeliveries *deliveries, const char *name)
{
  return !herd_deliveries_target_is_reader (name) && herd_deliveries_has_target (deliveries, name);
}

gboolean
herd_deliveries_is_served (HerdDeliveries *deliveries, const HerdCertificate *certificate,
                           const char *name)
{
  const HerdDeliveryTarget *target;
  const HerdSubscription *subscription;

  if (!herd_deliveries_target_is_reader (name))
    return herd_deliveries_has_target (deliveries, name);
  target = g_hash_table_lookup (deliveries->targets, name);
  if (target == NULL || target->subscription == 0)
    return FALSE;
  subscription = herd_registry_get_subscription (deliveries->services->registry,
                                                 target->subscription);
  return subscription != NULL && herd_subscription_matches (subscription, certificate->name);
}

static void
put_id (GHashTable *set, guint64 id)
{
  g_hash_table_add (set, g_memdup2 (&id, sizeof id));
}

static void
unfile_row (HerdDeliveries *deliveries, const HerdCertificate *certificate, const char *name)
{
  HerdDeliveryTarget *target = g_hash_table_lookup (deliveries->targets, name);

  if (target == NULL)
    return;
  g_hash_table_remove (target->pending, &certificate->id);
  g_hash_table_remove (target->installing, &certificate->id);
}

static void
file_row (HerdDeliveries *deliveries, const HerdCertificate *certificate,
          const HerdDelivery *delivery)
{
  unfile_row (deliveries, certificate, delivery->target);
  if (delivery->state == HERD_DELIVERY_PENDING)
    put_id (herd_deliveries_ensure_target (deliveries, delivery->target)->pending, certificate->id);
  else if (delivery->state == HERD_DELIVERY_INSTALLING)
    put_id (herd_deliveries_ensure_target (deliveries, delivery->target)->installing,
            certificate->id);
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
  delivery->state = state;
  delivery->since = herd_clock_get_seconds (deliveries->services->clock);
  herd_delivery_set_message (delivery, message != NULL ? message : "");
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

/* A server that is told to load its files finds them switched already: what writes files only comes
 * first. One that failed holds those up that have no files of their own. */
static gboolean
must_wait (HerdDeliveries *deliveries, const HerdCertificate *certificate,
           const HerdDelivery *delivery, gint64 now)
{
  const HerdDeliveryTarget *target = g_hash_table_lookup (deliveries->targets, delivery->target);

  if (target == NULL || !target->follows)
    return FALSE;
  for (const HerdDelivery *other = certificate->deliveries; other != NULL; other = other->next) {
    const HerdDeliveryTarget *before = g_hash_table_lookup (deliveries->targets, other->target);

    if (before == NULL || !before->files)
      continue;
    if (other->state == HERD_DELIVERY_INSTALLING
        || (other->state == HERD_DELIVERY_PENDING && (other->retry_at <= now || !target->has_path)))
      return TRUE;
  }
  return FALSE;
}

gboolean
herd_deliveries_row_is_ready (HerdDeliveries *deliveries, const HerdCertificate *certificate,
                              const HerdDelivery *delivery)
{
  gint64 now = herd_clock_get_seconds (deliveries->services->clock);

  return delivery->state == HERD_DELIVERY_PENDING && delivery->wanted != 0
         && delivery->retry_at <= now && !must_wait (deliveries, certificate, delivery, now);
}

gint64
herd_deliveries_get_retry_at (const HerdCertificate *certificate)
{
  gint64 earliest = 0;

  for (const HerdDelivery *delivery = certificate->deliveries; delivery != NULL;
       delivery = delivery->next) {
    if (delivery->state == HERD_DELIVERY_PENDING && delivery->retry_at != 0
        && (earliest == 0 || delivery->retry_at < earliest))
      earliest = delivery->retry_at;
  }
  return earliest;
}

void
herd_deliveries_release (HerdCertificate *certificate, gint64 now)
{
  for (HerdDelivery *delivery = certificate->deliveries; delivery != NULL;
       delivery = delivery->next) {
    if (delivery->retry_at <= now)
      delivery->retry_at = 0;
  }
}

void
herd_deliveries_end_attention (HerdDeliveries *deliveries, const HerdCertificate *certificate)
{
  for (const HerdDelivery *delivery = certificate->deliveries; delivery != NULL;
       delivery = delivery->next) {
    if (delivery->state == HERD_DELIVERY_REJECTED || delivery->state == HERD_DELIVERY_HELD)
      return;
  }
  herd_attentions_clear (deliveries->services->attentions, HERD_NOUN_CERTIFICATE, certificate->id,
                         "rejected");
}

void
herd_deliveries_commit (HerdDeliveries *deliveries, HerdBatch *batch)
{
  herd_saver_commit (deliveries->services->saver, batch, 0, 0);
}

void
herd_deliveries_changed (HerdDeliveries *deliveries, HerdCertificate *certificate, gboolean save)
{
  guint64 id = certificate->id;

  if (save) {
    HerdBatch *batch = herd_batch_new ();

    herd_saver_put_certificate (batch, certificate);
    herd_saver_commit (deliveries->services->saver, batch, id, 0);
  }
  herd_registry_touch (deliveries->services->registry, HERD_NOUN_CERTIFICATE, id);
  deliveries->changed (id, deliveries->data);
  herd_deliveries_settle (deliveries, id);
}

/* --- planning --- */

/* Does the certificate still have anything to do with this row's target? */
static gboolean
is_wanted (HerdDeliveries *deliveries, HerdCertificate *certificate, const char *const *targets,
           const char *name)
{
  if (!herd_deliveries_target_is_reader (name))
    return g_strv_contains (targets, name);
  if (deliveries->services->session)
    return TRUE;
  return herd_rights_is_reader (certificate, (guint32) g_ascii_strtoull (name, NULL, 10));
}

static void
drop_unwanted (HerdDeliveries *deliveries, HerdCertificate *certificate, const char *const *targets,
               HerdBatch *batch)
{
  HerdDelivery *next;

  for (HerdDelivery *delivery = certificate->deliveries; delivery != NULL; delivery = next) {
    next = delivery->next;
    if (is_wanted (deliveries, certificate, targets, delivery->target))
      continue;
    herd_deliveries_add_withdrawal (deliveries, certificate, delivery, batch);
    herd_deliveries_remove_row (deliveries, certificate, delivery);
  }
}

static char *
explain_absence (HerdDeliveries *deliveries, const HerdDelivery *delivery)
{
  if (herd_deliveries_target_is_reader (delivery->target))
    return g_strdup ("nobody is subscribed as it");
  return g_strdup_printf ("there is no [target %s] in the configuration any more; add it, or take "
                          "it out of the certificate's deliver",
                          delivery->target);
}

void
herd_deliveries_await (HerdDeliveries *deliveries, HerdCertificate *certificate,
                       HerdDelivery *delivery)
{
  g_autofree char *absence = NULL;

  delivery->attempts = 0;
  delivery->retry_at = 0;
  if (!herd_deliveries_is_served (deliveries, certificate, delivery->target))
    absence = explain_absence (deliveries, delivery);
  herd_deliveries_set_state (deliveries, certificate, delivery,
                             absence != NULL ? HERD_DELIVERY_GONE : HERD_DELIVERY_PENDING, absence);
}

static void
plan_row (HerdDeliveries *deliveries, HerdCertificate *certificate, HerdDelivery *delivery)
{
  if (delivery->wanted == certificate->current)
    return;
  delivery->wanted = certificate->current;
  if (delivery->wanted == 0 || delivery->applied == delivery->wanted) {
    delivery->attempts = 0;
    delivery->retry_at = 0;
    herd_deliveries_set_state (deliveries, certificate, delivery, HERD_DELIVERY_APPLIED, NULL);
  } else {
    herd_deliveries_await (deliveries, certificate, delivery);
  }
}

void
herd_deliveries_plan (HerdDeliveries *deliveries, HerdCertificate *certificate, HerdBatch *batch)
{
  g_auto (GStrv) targets = herd_spec_get_targets (certificate->spec);

  if (batch != NULL)
    drop_unwanted (deliveries, certificate, (const char *const *) targets, batch);
  for (char **name = targets; *name != NULL; name++) {
    if (herd_certificate_find_delivery (certificate, *name) == NULL)
      herd_certificate_add_delivery (certificate, herd_delivery_new (*name));
  }
  herd_deliveries_ensure_readers (deliveries, certificate);
  for (HerdDelivery *delivery = certificate->deliveries; delivery != NULL;
       delivery = delivery->next)
    plan_row (deliveries, certificate, delivery);
  herd_deliveries_drop_withdrawals (deliveries, certificate, batch);
  herd_deliveries_end_attention (deliveries, certificate);
  if (batch != NULL)
    herd_batch_put_certificate (batch, certificate);
}

void
herd_deliveries_withdraw (HerdDeliveries *deliveries, HerdCertificate *certificate,
                          HerdBatch *batch)
{
  for (HerdDelivery *delivery = certificate->deliveries; delivery != NULL;
       delivery = delivery->next) {
    herd_deliveries_add_withdrawal (deliveries, certificate, delivery, batch);
    unfile_row (deliveries, certificate, delivery->target);
  }
}

void
herd_deliveries_remove_row (HerdDeliveries *deliveries, HerdCertificate *certificate,
                            HerdDelivery *delivery)
{
  unfile_row (deliveries, certificate, delivery->target);
  herd_certificate_remove_delivery (certificate, delivery);
}

/* --- the configuration --- */

void
herd_deliveries_tell_missing (HerdDeliveries *deliveries, const HerdCertificate *certificate,
                              const HerdDelivery *delivery)
{
  if (delivery->state == HERD_DELIVERY_GONE && !herd_deliveries_target_is_reader (delivery->target))
    herd_attentions_raise (deliveries->services->attentions, HERD_NOUN_CERTIFICATE, certificate->id,
                           "warning", HERD_ATTENTION_TARGET_MISSING, delivery->message);
}

void
herd_deliveries_say_missing (HerdDeliveries *deliveries, const HerdCertificate *certificate)
{
  for (const HerdDelivery *delivery = certificate->deliveries; delivery != NULL;
       delivery = delivery->next)
    herd_deliveries_tell_missing (deliveries, certificate, delivery);
}

/* What CERTIFICATE's rows say about targets that came or went. TRUE if something changed. */
static gboolean
configure_rows (HerdDeliveries *deliveries, HerdCertificate *certificate)
{
  gboolean changed = FALSE, missing = FALSE;

  for (HerdDelivery *delivery = certificate->deliveries; delivery != NULL;
       delivery = delivery->next) {
    gboolean gone = delivery->state == HERD_DELIVERY_GONE;
    gboolean there;

    if (herd_deliveries_target_is_reader (delivery->target))
      continue;
    there = herd_deliveries_has_target (deliveries, delivery->target);
    missing = missing || !there;
    if (there != gone && (delivery->state != HERD_DELIVERY_PENDING || delivery->retry_at == 0))
      continue;
    /* What waited for another configuration has one. */
    herd_deliveries_await (deliveries, certificate, delivery);
    if (there && delivery->applied == delivery->wanted)
      herd_deliveries_set_state (deliveries, certificate, delivery, HERD_DELIVERY_APPLIED, NULL);
    herd_deliveries_tell_missing (deliveries, certificate, delivery);
    changed = TRUE;
  }
  if (!missing)
    herd_attentions_clear (deliveries->services->attentions, HERD_NOUN_CERTIFICATE, certificate->id,
                           HERD_ATTENTION_TARGET_MISSING);
  return changed;
}

void
herd_deliveries_configure (HerdDeliveries *deliveries, HerdBatch *batch)
{
  HerdRegistry *registry = deliveries->services->registry;
  HerdCertificate *certificate = NULL;
  GHashTableIter iter;
  gpointer target;

  g_hash_table_iter_init (&iter, deliveries->targets);
  while (g_hash_table_iter_next (&iter, NULL, &target))
    describe_target (target);
  herd_deliveries_end_withdrawals (deliveries, batch);
  while ((certificate = herd_registry_next_certificate (
              registry, certificate != NULL ? certificate->name : ""))
         != NULL) {
    if (!configure_rows (deliveries, certificate))
      continue;
    herd_deliveries_end_attention (deliveries, certificate);
    herd_deliveries_changed (deliveries, certificate, FALSE);
    herd_batch_put_certificate (batch, certificate);
  }
}

void
herd_deliveries_forget (HerdDeliveries *deliveries, const HerdCertificate *certificate)
{
  for (const HerdDelivery *delivery = certificate->deliveries; delivery != NULL;
       delivery = delivery->next) {
    unfile_row (deliveries, certificate, delivery->target);
  }
}

/* A subscriber that was told of a row will answer, whatever became of the change. */
void
herd_deliveries_refile (HerdDeliveries *deliveries, HerdCertificate *certificate)
{
  for (HerdDelivery *delivery = certificate->deliveries; delivery != NULL;
       delivery = delivery->next) {
    HerdDeliveryTarget *target = herd_deliveries_ensure_target (deliveries, delivery->target);

    if (delivery->state == HERD_DELIVERY_PENDING
        && g_hash_table_contains (target->installing, &certificate->id))
      delivery->state = HERD_DELIVERY_INSTALLING;
    file_row (deliveries, certificate, delivery);
  }
}

static void
load_row (HerdDeliveries *deliveries, HerdCertificate *certificate, HerdDelivery *delivery)
{
  if (herd_deliveries_target_is_reader (delivery->target)) {
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

    for (HerdDelivery *delivery = certificate->deliveries; delivery != NULL;
         delivery = delivery->next)
      load_row (deliveries, certificate, delivery);
    herd_deliveries_plan (deliveries, certificate, NULL);
  }
}
