// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The agent's operations: beginning, resuming, ending them. What comes next is agent-schedule.c.
 */
#include "core/abandonment.h"
#include "core/agent-private.h"
#include "core/choice.h"
#include "core/operations.h"
#include "core/registration.h"
#include "core/renewal-info.h"
#include "core/renewal.h"
#include "model/spec.h"
#include "plugin/error.h"

#define ISSUANCE_FAILED "issuance-failed" /* an attention */
#define OPERATIONS_PER_USER 10            /* unfinished ones */

static gboolean
is_declared (const HerdCertificate *certificate)
{
  return certificate != NULL && certificate->origin == HERD_ORIGIN_FILE;
}

static guint
count_unfinished (HerdAgent *agent, guint32 uid)
{
  HerdRegistry *registry = agent->services.registry;
  g_autoptr (GArray) ids = herd_registry_list_ids (registry, HERD_NOUN_OPERATION);
  guint n = 0;

  for (guint i = 0; i < ids->len; i++) {
    const HerdOperation *operation = herd_registry_get_operation (registry,
                                                                  g_array_index (ids, guint64, i));

    if (operation->starter == uid && operation->state == HERD_OPERATION_RUNNING
        && !is_declared (herd_registry_get_certificate (registry, operation->certificate)))
      n++;
  }
  return n;
}

gboolean
herd_agent_check_quota (HerdAgent *agent, guint32 uid, const HerdCertificate *certificate,
                        GError **error)
{
  guint limit = herd_agent_get_number (agent, "operations-per-user", OPERATIONS_PER_USER);

  if (uid == 0 || agent->services.session || is_declared (certificate)
      || count_unfinished (agent, uid) < limit)
    return TRUE;
  g_set_error (error, HERD_ERROR, HERD_ERROR_LIMIT_EXCEEDED,
               "user %u has %u unfinished operations; wait until one has ended, or cancel one", uid,
               limit);
  return FALSE;
}

HerdOperation *
herd_agent_add_operation (HerdAgent *agent, const char *kind, guint32 uid, guint64 certificate,
                          guint64 authority, HerdBatch *batch)
{
  HerdServices *services = &agent->services;
  HerdOperation *operation = herd_operation_new (herd_state_new_id (services->state), kind, uid,
                                                 herd_clock_get_seconds (services->clock));

  operation->certificate = certificate;
  operation->issuer = authority;
  herd_batch_put_operation (batch, operation);
  herd_registry_add_operation (services->registry, operation);
  return operation;
}

static guint64
choose_first (HerdAgent *agent, const HerdCertificate *certificate, gboolean force)
{
  return herd_choice_get_first (agent->services.registry, certificate,
                                herd_clock_get_seconds (agent->services.clock), force);
}

/* An issuance of CERTIFICATE, with the issuer that it begins with. */
static HerdOperation *
add_issuance (HerdAgent *agent, const HerdCertificate *certificate, guint32 uid, HerdBatch *batch)
{
  return herd_agent_add_operation (agent, "issue", uid, certificate->id,
                                   choose_first (agent, certificate, FALSE), batch);
}

/* Without the keys it could only fail, and lose what it has reached: then it stays running, has its turn,
 * and waits (agent-keys.c). */
static void
start_issuance (HerdAgent *agent, HerdOperation *operation)
{
  if (operation->generation == 0 && herd_agent_waits_for_keys (agent, operation))
    return;
  g_hash_table_insert (agent->issuances, g_memdup2 (&operation->id, sizeof operation->id),
                       herd_issuance_start (&agent->issuance, operation));
}

HerdOperation *
herd_agent_begin_issuance (HerdAgent *agent, HerdCertificate *certificate, guint32 uid,
                           HerdBatch *batch)
{
  HerdOperation *operation = add_issuance (agent, certificate, uid, batch);

  certificate->operation = operation->id;
  herd_agent_reschedule (agent, certificate);
  herd_batch_put_certificate (batch, certificate);
  start_issuance (agent, operation);
  return operation;
}

HerdOperation *
herd_agent_force_issuance (HerdAgent *agent, HerdCertificate *certificate, guint32 uid,
                           HerdBatch *batch)
{
  HerdOperation *operation = herd_agent_begin_issuance (agent, certificate, uid, batch);

  operation->issuer = choose_first (agent, certificate, TRUE);
  g_variant_unref (operation->options);
  operation->options = g_variant_ref_sink (g_variant_new_parsed ("{'force': <true>}"));
  herd_batch_put_operation (batch, operation);
  return operation;
}

typedef struct {
  HerdAgent *agent;
  guint64 operation;
} Abandoned;

static void
save_replaced (HerdAgent *agent, guint64 operation)
{
  g_autoptr (GError) error = g_error_new (HERD_ERROR, HERD_ERROR_CANCELLED, "replaced");
  HerdBatch *batch = herd_batch_new ();

  herd_operations_end (&agent->services, operation, error, batch);
  herd_saver_commit (agent->services.saver, batch, 0, operation);
}

static void
abandoned (GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
  g_autofree Abandoned *abandoned = data;

  herd_abandonment_run_finish (result);
  g_hash_table_remove (abandoned->agent->abandonments, &abandoned->operation);
  save_replaced (abandoned->agent, abandoned->operation);
}

/* Nothing of it runs: replaced by a newer one, or not started yet. It ends, and its checkpoint goes, when what
 * an earlier process has presented for it was taken away. */
static void
end_replaced (HerdAgent *agent, HerdOperation *operation)
{
  Abandoned *data;

  if (operation->certificate == 0 || operation->generation != 0) {
    save_replaced (agent, operation->id);
    return;
  }
  if (!g_hash_table_add (agent->abandonments, g_memdup2 (&operation->id, sizeof operation->id)))
    return;
  data = g_new0 (Abandoned, 1);
  data->agent = agent;
  data->operation = operation->id;
  herd_abandonment_run_async (agent->issuers, operation->id, NULL, abandoned, data);
}

static void
put_queued (HerdAgent *agent, guint64 certificate, guint64 operation)
{
  g_hash_table_replace (agent->queued, g_memdup2 (&certificate, sizeof certificate),
                        g_memdup2 (&operation, sizeof operation));
}

HerdOperation *
herd_agent_replace_issuance (HerdAgent *agent, HerdCertificate *certificate, guint32 uid,
                             HerdBatch *batch)
{
  HerdOperation *running = herd_registry_get_operation (agent->services.registry,
                                                        certificate->operation);
  HerdIssuance *issuance = running != NULL ? g_hash_table_lookup (agent->issuances, &running->id)
                                           : NULL;
  HerdOperation *operation;

  /* One that has saved its generation only waits for targets; it needs nothing that we need. Whether one
   * that is saving has, is known before this change is on disk. */
  if (issuance == NULL || (running->generation != 0 && !herd_issuance_is_saving (issuance)))
    return herd_agent_begin_issuance (agent, certificate, uid, batch);
  operation = add_issuance (agent, certificate, uid, batch);
  put_queued (agent, certificate->id, operation->id);
  return operation;
}

/* Neither under way nor ended: it waits for its turn. */
static gboolean
is_waiting (HerdAgent *agent, const HerdOperation *operation)
{
  return operation->state == HERD_OPERATION_RUNNING && !herd_agent_is_aside (operation)
         && !g_hash_table_contains (agent->issuances, &operation->id)
         && !g_hash_table_contains (agent->registrations, &operation->id)
         && !g_hash_table_contains (agent->abandonments, &operation->id);
}

/* Those that waited before NEWEST wait for nothing. */
static void
end_older (HerdAgent *agent, guint64 certificate, guint64 newest)
{
  HerdRegistry *registry = agent->services.registry;
  g_autoptr (GArray) ids = herd_registry_list_ids (registry, HERD_NOUN_OPERATION);

  for (guint i = 0; i < ids->len; i++) {
    HerdOperation *operation = herd_registry_get_operation (registry,
                                                            g_array_index (ids, guint64, i));

    if (operation != NULL && operation->certificate == certificate && operation->id < newest
        && is_waiting (agent, operation))
      end_replaced (agent, operation);
  }
}

static void
start_queued (HerdAgent *agent, HerdCertificate *certificate)
{
  guint64 *id = g_hash_table_lookup (agent->queued, &certificate->id);
  HerdOperation *operation = id != NULL
                                 ? herd_registry_get_operation (agent->services.registry, *id)
                                 : NULL;

  if (id != NULL)
    end_older (agent, certificate->id, *id);
  g_hash_table_remove (agent->queued, &certificate->id);
  if (operation == NULL || !is_waiting (agent, operation))
    return;
  certificate->operation = operation->id;
  start_issuance (agent, operation);
}

void
herd_agent_follow_queue (HerdAgent *agent, HerdCertificate *certificate)
{
  const guint64 *queued = g_hash_table_lookup (agent->queued, &certificate->id);
  HerdOperation *running = herd_registry_get_operation (agent->services.registry,
                                                        certificate->operation);
  HerdIssuance *issuance = running != NULL ? g_hash_table_lookup (agent->issuances, &running->id)
                                           : NULL;

  if (queued == NULL) {
    if (running != NULL && is_waiting (agent, running))
      end_older (agent, certificate->id, running->id);
    return;
  }
  if (issuance == NULL) {
    start_queued (agent, certificate);
    return;
  }
  end_older (agent, certificate->id, *queued);
  if (running->generation == 0)
    herd_issuance_cancel (issuance);
}

void
herd_agent_requeue (HerdAgent *agent)
{
  HerdRegistry *registry = agent->services.registry;
  g_autoptr (GArray) ids = herd_registry_list_ids (registry, HERD_NOUN_OPERATION);
  GHashTableIter iter;
  gpointer queued;

  g_hash_table_iter_init (&iter, agent->queued);
  while (g_hash_table_iter_next (&iter, NULL, &queued)) {
    if (herd_registry_get_operation (registry, *(guint64 *) queued) == NULL)
      g_hash_table_iter_remove (&iter);
  }
  for (guint i = 0; agent->start != NULL && i < ids->len; i++) {
    HerdOperation *operation = herd_registry_get_operation (registry,
                                                            g_array_index (ids, guint64, i));
    HerdCertificate *certificate =
        operation != NULL ? herd_registry_get_certificate (registry, operation->certificate) : NULL;

    if (operation == NULL || !is_waiting (agent, operation))
      continue;
    if (certificate == NULL || certificate->operation == 0)
      herd_agent_resume (agent, operation);
    else if (certificate->operation != operation->id
             && !g_hash_table_contains (agent->queued, &certificate->id))
      put_queued (agent, certificate->id, operation->id);
  }
}

void
herd_agent_drop_operations (HerdAgent *agent, guint64 certificate)
{
  HerdRegistry *registry = agent->services.registry;
  g_autoptr (GArray) ids = herd_registry_list_ids (registry, HERD_NOUN_OPERATION);
  g_autoptr (GError) error = g_error_new (HERD_ERROR, HERD_ERROR_CANCELLED, "removed");
  /* The rows went with the certificate's; nothing of this is written. */
  g_autoptr (HerdBatch) unused = herd_batch_new ();

  g_hash_table_remove (agent->queued, &certificate);
  for (guint i = 0; i < ids->len; i++) {
    HerdOperation *operation = herd_registry_get_operation (registry,
                                                            g_array_index (ids, guint64, i));

    if (operation == NULL || operation->certificate != certificate)
      continue;
    herd_agent_cancel_aside (agent, operation->id);
    if (operation->state == HERD_OPERATION_RUNNING)
      herd_operations_end (&agent->services, operation->id, error, unused);
    herd_registry_remove (registry, HERD_NOUN_OPERATION, g_array_index (ids, guint64, i));
  }
}

void
herd_agent_resume (HerdAgent *agent, HerdOperation *operation)
{
  HerdCertificate *certificate = herd_registry_get_certificate (agent->services.registry,
                                                                operation->certificate);
  HerdAuthority *authority = herd_registry_get_authority (agent->services.registry,
                                                          operation->issuer);

  if (herd_agent_follow_aside (agent, operation->id))
    return;
  if (authority != NULL && herd_registration_knows (operation->kind)) {
    herd_agent_begin_account (agent, authority, operation);
  } else if (certificate == NULL) {
    end_replaced (agent, operation);
  } else if (operation->generation != 0) {
    start_issuance (agent, operation);
  } else if (certificate->operation == 0 || certificate->operation == operation->id) {
    certificate->operation = operation->id;
    start_issuance (agent, operation);
  } else if (!herd_state_is_locked (agent->services.state)) {
    end_replaced (agent, operation);
  }
}

void
herd_agent_issued (guint64 id, gpointer data)
{
  HerdAgent *agent = data;
  HerdRegistry *registry = agent->services.registry;
  HerdCertificate *certificate = herd_registry_get_certificate (registry, id);
  const HerdObserver *observer;
  gpointer observer_data;

  if (certificate == NULL)
    return;
  /* What is left of the operation is waiting for targets, which is no reason not to renew. */
  certificate->operation = 0;
  start_queued (agent, certificate);
  herd_deliveries_plan (agent->deliveries, certificate, NULL);
  herd_attentions_clear (agent->services.attentions, HERD_NOUN_CERTIFICATE, id, ISSUANCE_FAILED);
  herd_attentions_clear (agent->services.attentions, HERD_NOUN_CERTIFICATE, id,
                         HERD_RENEWAL_SUGGESTED);
  herd_agent_reschedule (agent, certificate);
  herd_registry_touch (registry, HERD_NOUN_AGENT, 0);
  herd_agent_settle_replacements (agent, id);
  observer = herd_registry_get_observer (registry, &observer_data);
  if (observer != NULL)
    observer->certificate_updated (certificate, observer_data);
  herd_deliveries_tell_observers (agent->deliveries, certificate);
  herd_deliveries_kick (agent->deliveries, id);
  herd_scheduler_go_on (agent->scheduler);
}

static gboolean
is_cancelled (const GError *error)
{
  return g_error_matches (error, HERD_ERROR, HERD_ERROR_CANCELLED)
         || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

/* Until when CERTIFICATE waits, after ERROR: for the first issuer that may be asked again, or, where the
 * failure was none of theirs, as long as after any. */
static gint64
get_retry_time (HerdAgent *agent, const HerdCertificate *certificate, const GError *error,
                gint64 now)
{
  const HerdChoiceQuery query = { .now = now };
  g_auto (HerdChoice) choice = { 0 };

  if (herd_choice_make (agent->services.registry, certificate, certificate->spec, &query, &choice,
                        NULL)
      && choice.issuer == NULL)
    return choice.until;
  return herd_backoff_get_time (error, certificate->failures, now, g_random_double ());
}

/* What a failure leaves in the certificate's row. A target's rejection is no reason to issue again. */
static void
keep_failure (HerdAgent *agent, HerdCertificate *certificate, HerdOperation *operation,
              const GError *error)
{
  gint64 now = herd_clock_get_seconds (agent->services.clock);

  herd_certificate_set_error (certificate, herd_error_get_name (error), error->message, now);
  if (operation->generation != 0)
    return;
  herd_agent_recall_findings (agent, operation);
  certificate->failures++;
  certificate->retry_at = get_retry_time (agent, certificate, error, now);
  herd_attentions_raise (agent->services.attentions, HERD_NOUN_CERTIFICATE, certificate->id,
                         herd_certificate_get_current (certificate) == NULL ? "critical"
                                                                            : "warning",
                         ISSUANCE_FAILED, error->message);
}

/* Somebody did not want it now: it is not begun again at once. */
static void
keep_cancellation (HerdAgent *agent, HerdCertificate *certificate)
{
  gint64 now = herd_clock_get_seconds (agent->services.clock);

  if (g_hash_table_contains (agent->queued, &certificate->id))
    return;
  herd_certificate_set_error (certificate, "org.certherd.Error.Cancelled",
                              "the issuance was cancelled", now);
  certificate->failures++;
  certificate->retry_at = now + herd_backoff_get_delay (4, g_random_double ());
}

void
herd_agent_issuance_finished (HerdIssuance *issuance, guint64 id, guint64 operation_id,
                              const GError *error, gpointer data)
{
  HerdAgent *agent = data;
  HerdRegistry *registry = agent->services.registry;
  HerdCertificate *certificate = herd_registry_get_certificate (registry, id);
  HerdOperation *operation = herd_registry_get_operation (registry, operation_id);
  HerdBatch *batch = herd_batch_new ();

  if (certificate != NULL && operation != NULL) {
    if (error != NULL && !is_cancelled (error))
      keep_failure (agent, certificate, operation, error);
    else if (error != NULL && operation->generation == 0)
      keep_cancellation (agent, certificate);
    if (certificate->operation == operation_id)
      certificate->operation = 0;
    start_queued (agent, certificate);
    herd_agent_reschedule (agent, certificate);
    herd_batch_put_certificate (batch, certificate);
  }
  herd_issuance_keep (issuance, batch);
  herd_operations_end (&agent->services, operation_id, error, batch);
  herd_saver_commit (agent->services.saver, batch, id, operation_id);
  g_hash_table_remove (agent->issuances, &operation_id);
  herd_agent_settle_replacements (agent, id);
  herd_scheduler_go_on (agent->scheduler);
}

/* It has the turn, and waits for the keys: nothing of it runs that could give the turn back. */
static void
give_turn_back (HerdAgent *agent, const HerdOperation *operation)
{
  HerdRegistry *registry = agent->services.registry;
  HerdCertificate *certificate = herd_registry_get_certificate (registry, operation->certificate);
  HerdAuthority *authority = herd_registry_get_authority (registry, operation->issuer);

  if (certificate != NULL && certificate->operation == operation->id) {
    keep_cancellation (agent, certificate);
    certificate->operation = 0;
    herd_agent_reschedule (agent, certificate);
  }
  if (authority != NULL && authority->operation == operation->id) {
    herd_agent_drop_secrets (agent, operation->id);
    authority->operation = 0;
    herd_registry_touch (registry, HERD_NOUN_ISSUER, authority->id);
  }
}

void
herd_agent_cancel_other (HerdAgent *agent, HerdOperation *operation)
{
  GCancellable *cancellable = g_hash_table_lookup (agent->registrations, &operation->id);

  if (cancellable != NULL) {
    g_cancellable_cancel (cancellable);
    return;
  }
  give_turn_back (agent, operation);
  end_replaced (agent, operation);
}
