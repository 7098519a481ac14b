// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The agent's verbs on certificates.
 */
#include "core/agent-private.h"
#include "core/renewal-info.h"
#include "core/renewal.h"
#include "core/rights.h"
#include "crypto/key.h"
#include "model/spec.h"
#include "plugin/error.h"
#include "util/text.h"

/* --- what a spec must be besides well-formed --- */

static gboolean
check_solvers (HerdAgent *agent, GVariant *spec, GError **error)
{
  g_auto (GStrv) names = herd_spec_get_list (spec, "challenge");

  for (char **name = names; *name != NULL; name++) {
    if (!herd_solvers_has (agent->solvers, *name)) {
      g_set_error (error, HERD_ERROR, HERD_ERROR_NOT_FOUND,
                   "challenge: there is no solver %s; see the property Plugins", *name);
      return FALSE;
    }
  }
  return TRUE;
}

static gboolean
check_targets (HerdAgent *agent, GVariant *spec, GError **error)
{
  g_auto (GStrv) names = herd_spec_get_targets (spec);

  for (char **name = names; *name != NULL; name++) {
    if (!herd_deliveries_has_target (agent->deliveries, *name)) {
      g_set_error (error, HERD_ERROR, HERD_ERROR_NOT_FOUND,
                   "deliver: there is no target %s; add [target %s] to the configuration", *name,
                   *name);
      return FALSE;
    }
  }
  return TRUE;
}

gboolean
herd_agent_check_spec (HerdAgent *agent, const HerdCertificate *certificate, GVariant *spec,
                       GError **error)
{
  g_auto (GStrv) identifiers = herd_spec_get_list (spec, "identifiers");

  if (identifiers[0] == NULL) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
                 "identifiers: at least one DNS name or IP address is needed");
    return FALSE;
  }
  return herd_issuers_check (agent->services.registry, certificate, spec, error)
         && check_solvers (agent, spec, error) && check_targets (agent, spec, error);
}

/* --- RequestCertificate --- */

HerdCertificate *
herd_agent_add_certificate (HerdAgent *agent, const char *name, guint32 uid, HerdOrigin origin,
                            GVariant *spec)
{
  HerdServices *services = &agent->services;
  HerdCertificate *certificate = herd_certificate_new (herd_state_new_id (services->state), name,
                                                       uid, origin, spec);

  certificate->created = herd_clock_get_seconds (services->clock);
  certificate->last_number = herd_state_get_last_number (services->state, name);
  herd_registry_add_certificate (services->registry, certificate);
  herd_registry_touch (services->registry, HERD_NOUN_AGENT, 0);
  return certificate;
}

/* The name is taken. Is it the same wish? */
static gboolean
check_joins (const HerdCertificate *certificate, guint32 uid, GVariant *spec, GError **error)
{
  if (certificate->owner != uid) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_EXISTS,
                 "certificate %s exists and belongs to user %u; choose another name",
                 certificate->name, certificate->owner);
    return FALSE;
  }
  if (certificate->origin == HERD_ORIGIN_FILE) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_EXISTS,
                 "certificate %s is declared in the configuration; change it there and use Reload",
                 certificate->name);
    return FALSE;
  }
  if (!herd_spec_equal (certificate->spec, spec)) {
    g_autofree char *differences = herd_spec_list_differences (certificate->spec, spec);

    g_set_error (error, HERD_ERROR, HERD_ERROR_EXISTS,
                 "certificate %s exists with other values of %s; use Modify to change it",
                 certificate->name, differences);
    return FALSE;
  }
  return TRUE;
}

static gboolean
is_due (HerdAgent *agent, const HerdCertificate *certificate)
{
  return certificate->operation == 0
         && (certificate->action == HERD_ACTION_ISSUE || certificate->action == HERD_ACTION_RENEW
             || certificate->action == HERD_ACTION_RETRY)
         && certificate->action_time <= herd_clock_get_seconds (agent->services.clock);
}

static void
join (HerdAgent *agent, HerdCertificate *certificate, guint32 uid, GTask *task)
{
  gboolean due = is_due (agent, certificate);
  GError *error = NULL;
  HerdBatch *batch;

  if (due && !herd_agent_check_quota (agent, uid, certificate, &error)) {
    g_task_return_error (task, error);
    g_object_unref (task);
    return;
  }
  batch = herd_agent_begin (agent);
  /* Also where nothing is to be written: what is joined is on disk when this is. */
  if (due)
    herd_agent_begin_issuance (agent, certificate, uid, batch);
  herd_agent_commit (agent, batch, task, certificate->id, certificate->operation);
}

void
herd_agent_request_async (HerdAgent *agent, guint32 uid, const char *name, GVariant *spec,
                          GAsyncReadyCallback callback, gpointer data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, data);
  HerdCertificate *certificate = herd_registry_find_certificate (agent->services.registry, name);
  HerdBatch *batch;
  guint64 operation;
  GError *error = NULL;

  if (!herd_name_check ("certificate", name, &error)
      || (certificate != NULL && !check_joins (certificate, uid, spec, &error))
      || !herd_agent_check_spec (agent, certificate, spec, &error)
      || !herd_rights_check_targets (&agent->services, uid,
                                     certificate != NULL ? certificate->spec : NULL, spec, &error)
      || (certificate == NULL && !herd_agent_check_quota (agent, uid, NULL, &error))) {
    g_task_return_error (task, error);
    return;
  }
  if (certificate != NULL) {
    join (agent, certificate, uid, g_steal_pointer (&task));
    return;
  }
  batch = herd_agent_begin (agent);
  certificate = herd_agent_add_certificate (agent, name, uid, HERD_ORIGIN_BUS, spec);
  herd_deliveries_plan (agent->deliveries, certificate, batch);
  operation = herd_agent_begin_issuance (agent, certificate, uid, batch)->id;
  herd_agent_commit (agent, batch, g_steal_pointer (&task), certificate->id, operation);
}

/* --- Renew --- */

void
herd_agent_renew_async (HerdAgent *agent, guint32 uid, guint64 id, gboolean force,
                        const char *reason, GAsyncReadyCallback callback, gpointer data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, data);
  HerdCertificate *certificate = herd_registry_get_certificate (agent->services.registry, id);
  gint64 now = herd_clock_get_seconds (agent->services.clock);
  HerdOperation *operation;
  HerdBatch *batch;
  GError *error = NULL;

  if (certificate == NULL) {
    g_task_return_new_error (task, HERD_ERROR, HERD_ERROR_NOT_FOUND,
                             "certificate %" G_GUINT64_FORMAT " was removed; see ListCertificates",
                             id);
    return;
  }
  if (certificate->operation == 0 && certificate->retry_at > now && !force) {
    g_autofree char *when = herd_text_from_time (certificate->retry_at);

    g_task_return_new_error (task, HERD_ERROR, HERD_ERROR_RATE_LIMITED,
                             "certificate %s is not tried before %s (%s); wait, or use force",
                             certificate->name, when, certificate->last_error_message);
    return;
  }
  if (certificate->operation == 0 && !herd_agent_check_quota (agent, uid, certificate, &error)) {
    g_task_return_error (task, error);
    return;
  }
  batch = herd_agent_begin (agent);
  if (certificate->operation == 0) {
    operation = force ? herd_agent_force_issuance (agent, certificate, uid, batch)
                      : herd_agent_begin_issuance (agent, certificate, uid, batch);
    g_message ("%s: renewal asked for by user %u%s%s", certificate->name, uid,
               *reason != '\0' ? ": " : "", reason);
    herd_registry_touch (agent->services.registry, HERD_NOUN_OPERATION, operation->id);
  }
  herd_agent_commit (agent, batch, g_steal_pointer (&task), id, certificate->operation);
}

/* --- Modify --- */

guint64
herd_agent_change_spec (HerdAgent *agent, HerdCertificate *certificate, guint32 uid, GVariant *spec,
                        HerdBatch *batch)
{
  g_autoptr (GVariant) old = certificate->spec;
  gboolean issue = herd_spec_needs_issuance (old, spec);
  const HerdGeneration *newest = herd_certificate_get_newest (certificate);
  HerdOperation *operation = NULL;

  certificate->spec = g_variant_ref (spec);
  certificate->revision++;
  if (newest != NULL && !issue)
    certificate->renew_at = herd_renewal_info_get_time (certificate, g_random_double ());
  herd_deliveries_plan (agent->deliveries, certificate, batch);
  if (issue) {
    /* If it fails, it is due until it succeeds. */
    if (newest != NULL)
      certificate->renew_at = herd_clock_get_seconds (agent->services.clock);
    certificate->failures = 0;
    certificate->retry_at = 0;
    g_clear_pointer (&certificate->backoffs, g_ptr_array_unref);
    herd_batch_delete_attempts (batch, certificate->id);
    herd_certificate_set_error (certificate, NULL, NULL, 0);
    operation = herd_agent_replace_issuance (agent, certificate, uid, batch);
  }
  herd_agent_reschedule (agent, certificate);
  herd_batch_put_certificate (batch, certificate);
  return operation != NULL ? operation->id : 0;
}

static gboolean
check_unset (const char *const *unset, GError **error)
{
  for (; *unset != NULL; unset++) {
    g_autoptr (GVariant)
        value = herd_vocabulary_parse (HERD_SECTION_CERTIFICATE, *unset, "", error);

    if (value == NULL)
      return FALSE;
    if (g_str_equal (*unset, "identifiers")) {
      g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
                   "identifiers cannot be unset; use Remove");
      return FALSE;
    }
  }
  return TRUE;
}

static gboolean
check_modifiable (HerdAgent *agent, const HerdCertificate *certificate, GError **error)
{
  const HerdConfigEntry *entry;

  if (certificate->origin != HERD_ORIGIN_FILE || certificate->retired)
    return TRUE;
  entry = herd_config_find (agent->services.config, HERD_SECTION_CERTIFICATE, certificate->name);
  g_set_error (error, HERD_ERROR, HERD_ERROR_REFUSED,
               "certificate %s is declared in %s, line %u; change it there and use Reload",
               certificate->name, entry != NULL ? entry->file : "the configuration",
               entry != NULL ? entry->line : 0);
  return FALSE;
}

void
herd_agent_modify_async (HerdAgent *agent, guint32 uid, guint64 id, GVariant *set,
                         const char *const *unset, GAsyncReadyCallback callback, gpointer data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, data);
  HerdCertificate *certificate = herd_registry_get_certificate (agent->services.registry, id);
  g_autoptr (GVariant) spec = NULL;
  HerdBatch *batch;
  GError *error = NULL;
  guint64 operation;

  if (certificate == NULL) {
    g_task_return_new_error (task, HERD_ERROR, HERD_ERROR_NOT_FOUND,
                             "certificate %" G_GUINT64_FORMAT " was removed; see ListCertificates",
                             id);
    return;
  }
  if (check_modifiable (agent, certificate, &error) && check_unset (unset, &error)) {
    spec = herd_spec_modify (certificate->spec, set, unset);
    if (herd_agent_check_spec (agent, certificate, spec, &error)
        && herd_rights_check_targets (&agent->services, uid, certificate->spec, spec, &error)
        && herd_spec_needs_issuance (certificate->spec, spec))
      herd_agent_check_quota (agent, uid, certificate, &error);
  }
  if (error != NULL) {
    g_task_return_error (task, error);
    return;
  }
  batch = herd_agent_begin (agent);
  operation = herd_agent_change_spec (agent, certificate, uid, spec, batch);
  herd_agent_commit (agent, batch, g_steal_pointer (&task), id, operation);
}

/* --- Remove, Retry --- */

void
herd_agent_remove_async (HerdAgent *agent, guint64 id, GAsyncReadyCallback callback, gpointer data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, data);
  HerdServices *services = &agent->services;
  HerdCertificate *certificate = herd_registry_get_certificate (services->registry, id);
  HerdBatch *batch;
  GError *error = NULL;

  if (certificate == NULL) {
    g_task_return_new_error (task, HERD_ERROR, HERD_ERROR_NOT_FOUND,
                             "certificate %" G_GUINT64_FORMAT " was removed; see ListCertificates",
                             id);
    return;
  }
  if (!check_modifiable (agent, certificate, &error)) {
    g_task_return_error (task, error);
    return;
  }
  batch = herd_agent_begin (agent);
  herd_deliveries_withdraw (agent->deliveries, certificate, batch);
  herd_scheduler_put (agent->scheduler, id, 0);
  herd_batch_delete_certificate (batch, id);
  herd_registry_remove (services->registry, HERD_NOUN_CERTIFICATE, id);
  herd_registry_touch (services->registry, HERD_NOUN_AGENT, 0);
  herd_agent_commit (agent, batch, g_steal_pointer (&task), id, 0);
}

void
herd_agent_retry_async (HerdAgent *agent, guint64 id, GAsyncReadyCallback callback, gpointer data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, data);
  HerdCertificate *certificate = herd_registry_get_certificate (agent->services.registry, id);
  HerdBatch *batch = herd_agent_begin (agent);

  if (certificate != NULL) {
    herd_deliveries_retry (agent->deliveries, certificate);
    herd_agent_reschedule (agent, certificate);
    herd_batch_put_certificate (batch, certificate);
  }
  herd_agent_commit (agent, batch, g_steal_pointer (&task), id, 0);
}

/* --- OpenChain, OpenBundle --- */

typedef struct {
  HerdState *state;
  guint64 generation;
  HerdFacts *facts;
  GBytes *chain;
  GBytes *key;
} Opened;

static void
opened_free (Opened *opened)
{
  herd_facts_free (opened->facts);
  g_clear_pointer (&opened->chain, g_bytes_unref);
  g_clear_pointer (&opened->key, g_bytes_unref);
  g_free (opened);
}

static GBytes *
key_to_pem (GBytes *der, GError **error)
{
  g_autoptr (HerdKey) key = herd_key_new_from_pkcs8 (der, error);

  return key != NULL ? herd_key_to_pem (key, error) : NULL;
}

static void
generation_read (GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Opened *opened = g_task_get_task_data (task);
  g_autoptr (GBytes) der = NULL;
  GError *error = NULL;

  if (herd_state_read_generation_finish (opened->state, result, &opened->chain, &der, &error)
      && der != NULL)
    opened->key = key_to_pem (der, &error);
  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
}

GError *
herd_agent_new_no_generation (const HerdCertificate *certificate, guint64 number)
{
  const char *name = certificate != NULL ? certificate->name : "(removed)";

  if (number == 0)
    return g_error_new (HERD_ERROR, HERD_ERROR_NOT_FOUND,
                        "certificate %s has no generation yet; NextAction and LastErrorMessage say "
                        "why",
                        name);
  return g_error_new (HERD_ERROR, HERD_ERROR_NOT_FOUND,
                      "certificate %s has no generation %" G_GUINT64_FORMAT
                      "; Generations lists what it has",
                      name, number);
}

/* Nobody goes back to what is revoked. While there is nothing else, whoever has it may go on with it. */
static gboolean
check_handed_out (const HerdCertificate *certificate, const HerdGeneration *generation,
                  GError **error)
{
  if (generation->revoked == HERD_REVOCATION_NONE || generation->number == certificate->current)
    return TRUE;
  g_set_error (error, HERD_ERROR, HERD_ERROR_REFUSED,
               "generation %" G_GUINT64_FORMAT
               " of certificate %s was revoked (%s), and its key is not handed out any more; take "
               "the current one",
               generation->number, certificate->name, herd_revocations[generation->revoked]);
  return FALSE;
}

void
herd_agent_open_async (HerdAgent *agent, guint64 id, guint64 number, gboolean key,
                       GAsyncReadyCallback callback, gpointer data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, data);
  HerdCertificate *certificate = herd_registry_get_certificate (agent->services.registry, id);
  HerdGeneration *generation = NULL;
  Opened *opened = g_new0 (Opened, 1);
  GError *error = NULL;

  g_task_set_task_data (task, opened, (GDestroyNotify) opened_free);
  if (certificate != NULL)
    generation = herd_certificate_find_generation (certificate,
                                                   number != 0 ? number : certificate->current);
  if (generation == NULL) {
    g_task_return_error (task, herd_agent_new_no_generation (certificate, number));
    return;
  }
  if (key && !check_handed_out (certificate, generation, &error)) {
    g_task_return_error (task, error);
    return;
  }
  opened->state = agent->services.state;
  opened->generation = generation->number;
  opened->facts = herd_generation_get_facts (generation);
  herd_state_read_generation_async (agent->services.state, id, generation->number, key,
                                    generation_read, g_steal_pointer (&task));
}

gboolean
herd_agent_open_finish (HerdAgent *agent G_GNUC_UNUSED, GAsyncResult *result, guint64 *generation,
                        GBytes **chain, GBytes **key, HerdFacts **facts, GError **error)
{
  Opened *opened = g_task_get_task_data (G_TASK (result));

  if (!g_task_propagate_boolean (G_TASK (result), error))
    return FALSE;
  *generation = opened->generation;
  *chain = g_steal_pointer (&opened->chain);
  *key = g_steal_pointer (&opened->key);
  *facts = g_steal_pointer (&opened->facts);
  return TRUE;
}
