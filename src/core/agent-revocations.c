// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The agent's verb Revoke: an operation beside the certificate's issuances, that begins anew after a
 * restart, and what follows from its end.
 */
#include "core/agent-private.h"
#include "core/operations.h"
#include "core/revocation.h"
#include "plugin/error.h"

/* --- another generation first --- */

typedef struct {
  HerdAgent *agent;
  GTask *task;
  guint64 certificate;
  guint64 number; /* another than this */
  gboolean begun; /* what is waited for */
  gulong cancelled;
} Replacement;

static void
replacement_free (gpointer data)
{
  Replacement *replacement = data;

  if (replacement->cancelled != 0)
    g_clear_signal_handler (&replacement->cancelled, g_task_get_cancellable (replacement->task));
  g_object_unref (replacement->task);
  g_free (replacement);
}

GPtrArray *
herd_agent_new_replacements (void)
{
  return g_ptr_array_new_with_free_func (replacement_free);
}

/* Whoever is told may come back here. */
static void
end_replacement (Replacement *replacement, GError *error)
{
  GPtrArray *replacements = replacement->agent->replacements;
  guint index;

  if (g_ptr_array_find (replacements, replacement, &index))
    g_ptr_array_steal_index_fast (replacements, index);
  if (error != NULL)
    g_task_return_error (replacement->task, error);
  else
    g_task_return_boolean (replacement->task, TRUE);
  replacement_free (replacement);
}

/* TRUE: it is over, and REPLACEMENT is gone. */
static gboolean
end_if_over (Replacement *replacement)
{
  const HerdCertificate *certificate = herd_registry_get_certificate (
      replacement->agent->services.registry, replacement->certificate);
  GError *error = NULL;

  if (certificate != NULL && certificate->current <= replacement->number) {
    if (!replacement->begun || certificate->operation != 0)
      return FALSE;
    error = g_error_new (HERD_ERROR, HERD_ERROR_FAILED, "%s: %s", certificate->name,
                         certificate->last_error_message);
  }
  end_replacement (replacement, error);
  return TRUE;
}

void
herd_agent_settle_replacements (HerdAgent *agent, guint64 certificate)
{
  guint index = 0;

  while (index < agent->replacements->len) {
    Replacement *replacement = g_ptr_array_index (agent->replacements, index);

    if (replacement->certificate == certificate && end_if_over (replacement))
      index = 0;
    else
      index++;
  }
}

static void
on_cancelled (GCancellable *cancellable, gpointer data)
{
  GError *error = NULL;

  g_cancellable_set_error_if_cancelled (cancellable, &error);
  end_replacement (data, error);
}

typedef struct {
  HerdAgent *agent;
  GTask *task;
} Renewing;

static void
renewed (GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
  g_autofree Renewing *renewing = data;
  g_autoptr (GTask) task = renewing->task;
  g_autoptr (GError) error = NULL;

  herd_agent_verb_finish (result, NULL, &error);
  for (guint i = 0; i < renewing->agent->replacements->len; i++) {
    Replacement *replacement = g_ptr_array_index (renewing->agent->replacements, i);

    if (replacement->task != task)
      continue;
    replacement->begun = TRUE;
    if (error != NULL)
      end_replacement (replacement, g_steal_pointer (&error));
    else
      end_if_over (replacement);
    return;
  }
}

static void
replace_async (gpointer data, guint64 certificate, guint64 number, guint32 uid,
               GCancellable *cancellable, GAsyncReadyCallback callback, gpointer callback_data)
{
  HerdAgent *agent = data;
  Replacement *replacement = g_new0 (Replacement, 1);
  Renewing *renewing = g_new0 (Renewing, 1);

  replacement->agent = agent;
  replacement->task = g_task_new (NULL, cancellable, callback, callback_data);
  replacement->certificate = certificate;
  replacement->number = number;
  g_task_set_check_cancellable (replacement->task, FALSE);
  g_ptr_array_add (agent->replacements, replacement);
  renewing->agent = agent;
  renewing->task = g_object_ref (replacement->task);
  if (cancellable != NULL)
    replacement->cancelled = g_signal_connect (cancellable, "cancelled", G_CALLBACK (on_cancelled),
                                               replacement);
  herd_agent_renew_async (agent, uid, certificate, FALSE, "its key is in others' hands", renewed,
                          renewing);
}

static gboolean
replace_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

void
herd_agent_init_revocations (HerdAgent *agent)
{
  agent->replacements = herd_agent_new_replacements ();
  agent->revocation.services = &agent->services;
  agent->revocation.issuers = agent->issuers;
  agent->revocation.deliveries = agent->deliveries;
  agent->revocation.replace_async = replace_async;
  agent->revocation.replace_finish = replace_finish;
  agent->revocation.agent = agent;
}

/* --- the operation --- */

typedef struct {
  HerdAgent *agent;
  guint64 operation;
} Revoking;

/* The CA has done it. What is revoked is replaced at once; where nobody wants one any more, nothing is. */
static void
keep_revoked (HerdAgent *agent, HerdOperation *operation, HerdBatch *batch)
{
  HerdCertificate *certificate = herd_registry_get_certificate (agent->services.registry,
                                                                operation->certificate);
  guint64 number = herd_revocation_get_generation (operation->options);
  HerdGeneration *generation = certificate != NULL
                                   ? herd_certificate_find_generation (certificate, number)
                                   : NULL;

  if (generation == NULL)
    return;
  operation->generation = number;
  if (generation->revoked != HERD_REVOCATION_NONE)
    return;
  generation->revoked = (guint8) herd_revocation_get_reason (operation->options);
  if (generation == herd_certificate_get_newest (certificate))
    certificate->renew_at = herd_clock_get_seconds (agent->services.clock);
  g_message ("%s: generation %" G_GUINT64_FORMAT " was revoked: %s", certificate->name, number,
             herd_revocations[generation->revoked]);
  herd_agent_reschedule (agent, certificate);
  herd_registry_touch (agent->services.registry, HERD_NOUN_AGENT, 0);
  herd_saver_put_certificate (batch, certificate);
}

static void
revoked (GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
  g_autofree Revoking *revoking = data;
  HerdAgent *agent = revoking->agent;
  HerdOperation *operation = herd_registry_get_operation (agent->services.registry,
                                                          revoking->operation);
  HerdBatch *batch = herd_batch_new ();
  g_autoptr (GError) error = NULL;
  guint64 certificate = operation != NULL ? operation->certificate : 0;

  herd_revocation_run_finish (result, &error);
  if (operation != NULL && error == NULL)
    keep_revoked (agent, operation, batch);
  else if (operation != NULL && herd_error_class (error) == HERD_ERROR_CLASS_HUMAN)
    herd_agent_load_account (agent, operation->issuer);
  herd_operations_end (&agent->services, revoking->operation, error, batch);
  herd_saver_commit (agent->services.saver, batch, certificate, revoking->operation);
  g_hash_table_remove (agent->asides, &revoking->operation);
}

gboolean
herd_agent_is_revocation (const HerdOperation *operation)
{
  return g_str_equal (operation->kind, HERD_REVOCATION_KIND);
}

void
herd_agent_begin_revocation (HerdAgent *agent, HerdOperation *operation, GCancellable *cancellable)
{
  Revoking *revoking = g_new0 (Revoking, 1);

  revoking->agent = agent;
  revoking->operation = operation->id;
  herd_revocation_run_async (&agent->revocation, operation, cancellable, revoked, revoking);
}

/* --- the verb --- */

/* OPTIONS as they are kept: they name the generation and the reason. */
static GVariant *
complete (GVariant *options, const HerdGeneration *generation)
{
  g_auto (GVariantDict) dictionary = G_VARIANT_DICT_INIT (options);

  g_variant_dict_insert (&dictionary, "generation", "t", generation->number);
  if (!g_variant_dict_contains (&dictionary, "reason"))
    g_variant_dict_insert (&dictionary, "reason", "s",
                           herd_revocations[HERD_REVOCATION_UNSPECIFIED]);
  return g_variant_ref_sink (g_variant_dict_end (&dictionary));
}

static HerdOperation *
add_revocation (HerdAgent *agent, guint32 uid, const HerdCertificate *certificate,
                const HerdGeneration *generation, GVariant *options, HerdBatch *batch)
{
  HerdOperation *operation = herd_agent_add_operation (agent, HERD_REVOCATION_KIND, uid,
                                                       certificate->id, generation->issuer, batch);

  g_variant_unref (operation->options);
  operation->options = g_variant_ref (options);
  herd_batch_put_operation (batch, operation);
  return operation;
}

/* May another one begin beside RUNNING, or NULL? */
static gboolean
check_revoke (HerdAgent *agent, guint32 uid, const HerdCertificate *certificate,
              const HerdOperation *running, GVariant *options, GError **error)
{
  if (running == NULL)
    return herd_agent_check_quota (agent, uid, certificate, error);
  if (g_variant_equal (running->options, options))
    return TRUE;
  g_set_error (error, HERD_ERROR, HERD_ERROR_BUSY,
               "certificate %s: a revocation of this generation is under way already, with other "
               "options; wait for its end, or cancel it",
               certificate->name);
  return FALSE;
}

void
herd_agent_revoke_async (HerdAgent *agent, guint32 uid, guint64 id, GVariant *given,
                         GAsyncReadyCallback callback, gpointer data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, data);
  HerdCertificate *certificate = herd_registry_get_certificate (agent->services.registry, id);
  guint64 number = herd_revocation_get_generation (given);
  const HerdGeneration *generation = NULL;
  g_autoptr (GVariant) options = NULL;
  HerdOperation *operation;
  HerdBatch *batch;
  GError *error = NULL;

  if (certificate != NULL)
    generation = herd_certificate_find_generation (certificate,
                                                   number != 0 ? number : certificate->current);
  if (generation == NULL) {
    g_task_return_error (task, herd_agent_new_no_generation (certificate, number));
    return;
  }
  options = complete (given, generation);
  operation = herd_revocation_find (agent->services.registry, id, generation->number);
  if (!check_revoke (agent, uid, certificate, operation, options, &error)) {
    g_task_return_error (task, error);
    return;
  }
  batch = herd_agent_begin (agent);
  if (operation == NULL)
    operation = add_revocation (agent, uid, certificate, generation, options, batch);
  herd_agent_commit (agent, batch, g_steal_pointer (&task), id, operation->id);
}
