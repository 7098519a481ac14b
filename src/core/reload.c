// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The configuration applied: declared issuers and certificates become rows, changed ones are changed,
 * vanished ones retire. Files with a mistake change nothing: what was read last stays.
 */
#include "core/agent-private.h"
#include "core/directories.h"
#include "model/spec.h"
#include "plugin/error.h"

static void
add_problem (GPtrArray *problems, const HerdConfigEntry *entry, const char *message)
{
  g_autofree char *words = g_strdup_printf ("[%s %s]: %s", herd_section_to_string (entry->section),
                                            entry->name, message);

  g_ptr_array_add (problems, herd_config_problem_new (entry->file, entry->line, words));
}

/* --- issuers --- */

static void
declare_issuer (HerdAgent *agent, const HerdConfigEntry *entry, HerdBatch *batch,
                GPtrArray *problems)
{
  HerdServices *services = &agent->services;
  HerdAuthority *authority = herd_registry_find_authority (services->registry, entry->name);

  if (authority == NULL) {
    authority = herd_authority_new (herd_state_new_id (services->state), entry->name,
                                    herd_config_entry_get (entry, "kind", "acme"), entry->values);
    authority->from_file = TRUE;
    authority->created = herd_clock_get_seconds (services->clock);
    herd_batch_put_authority (batch, authority);
    herd_registry_add_authority (services->registry, authority);
    return;
  }
  if (!authority->from_file) {
    add_problem (problems, entry, "an issuer of this name was added over the bus; remove it first");
    return;
  }
  if (!authority->retired && g_variant_equal (authority->settings, entry->values))
    return;
  g_variant_unref (authority->settings);
  authority->settings = g_variant_ref (entry->values);
  authority->retired = FALSE;
  authority->revision++;
  herd_issuers_forget (agent->issuers, authority->id);
  herd_account_free (authority->account);
  authority->account = herd_account_new ();
  herd_authority_set_error (authority, NULL, NULL, 0);
  herd_agent_load_account (agent, authority->id);
  herd_batch_put_authority (batch, authority);
  herd_registry_touch (services->registry, HERD_NOUN_ISSUER, authority->id);
}

static void
retire_issuers (HerdAgent *agent, HerdBatch *batch)
{
  HerdServices *services = &agent->services;
  g_autoptr (GArray) ids = herd_registry_list_ids (services->registry, HERD_NOUN_ISSUER);

  for (guint i = 0; i < ids->len; i++) {
    HerdAuthority *authority = herd_registry_get_authority (services->registry,
                                                            g_array_index (ids, guint64, i));

    if (!authority->from_file || authority->retired
        || herd_config_find (services->config, HERD_SECTION_ISSUER, authority->name) != NULL)
      continue;
    authority->retired = TRUE;
    herd_batch_put_authority (batch, authority);
    herd_registry_touch (services->registry, HERD_NOUN_ISSUER, authority->id);
  }
}

/* --- certificates --- */

static void
declare_new (HerdAgent *agent, const HerdConfigEntry *entry, HerdBatch *batch)
{
  HerdCertificate *certificate = herd_agent_add_certificate (
      agent, entry->name, agent->services.uid, HERD_ORIGIN_FILE, entry->values);

  if (!agent->services.session)
    certificate->owner = 0;
  herd_deliveries_plan (agent->deliveries, certificate, batch);
}

static void
declare_certificate (HerdAgent *agent, const HerdConfigEntry *entry, HerdBatch *batch,
                     GPtrArray *problems)
{
  HerdCertificate *certificate = herd_registry_find_certificate (agent->services.registry,
                                                                 entry->name);
  g_autoptr (GError) error = NULL;

  if (!herd_agent_check_spec (agent, certificate, entry->values, &error)) {
    add_problem (problems, entry, error->message);
  } else if (certificate == NULL) {
    declare_new (agent, entry, batch);
  } else if (certificate->origin != HERD_ORIGIN_FILE) {
    add_problem (problems, entry,
                 "a certificate of this name was requested over the bus; remove it first");
  } else if (certificate->retired || !herd_spec_equal (certificate->spec, entry->values)) {
    certificate->retired = FALSE;
    herd_agent_change_spec (agent, certificate, certificate->owner, entry->values, batch);
  }
}

static void
retire_certificates (HerdAgent *agent, HerdBatch *batch)
{
  HerdRegistry *registry = agent->services.registry;
  HerdCertificate *certificate = NULL;

  while ((certificate = herd_registry_next_certificate (
              registry, certificate != NULL ? certificate->name : ""))
         != NULL) {
    if (certificate->origin != HERD_ORIGIN_FILE || certificate->retired
        || herd_config_find (agent->services.config, HERD_SECTION_CERTIFICATE, certificate->name)
               != NULL)
      continue;
    certificate->retired = TRUE;
    herd_agent_reschedule (agent, certificate);
    herd_batch_put_certificate (batch, certificate);
  }
}

static void
schedule_declared (HerdAgent *agent)
{
  GPtrArray *entries = herd_config_get_entries (agent->services.config, HERD_SECTION_CERTIFICATE);

  for (guint i = 0; i < entries->len; i++) {
    const HerdConfigEntry *entry = g_ptr_array_index (entries, i);
    HerdCertificate *certificate = herd_registry_find_certificate (agent->services.registry,
                                                                   entry->name);

    if (certificate != NULL)
      herd_agent_reschedule (agent, certificate);
  }
}

/* In the log, and as an Attention as long as they are there. */
static void
say_problems (HerdAgent *agent, GPtrArray *problems)
{
  g_autofree char *first = NULL;

  for (guint i = 0; i < problems->len; i++) {
    const HerdConfigProblem *problem = g_ptr_array_index (problems, i);

    g_warning ("%s:%u: %s", problem->file, problem->line, problem->message);
  }
  if (problems->len == 0) {
    herd_attentions_clear (agent->services.attentions, HERD_NOUN_AGENT, 0, "configuration");
    return;
  }
  first = herd_config_problem_describe (g_ptr_array_index (problems, 0));
  herd_attentions_raise (agent->services.attentions, HERD_NOUN_AGENT, 0, "warning", "configuration",
                         first);
}

void
herd_agent_apply_config (HerdAgent *agent, GPtrArray *problems, GTask *task)
{
  HerdConfig *config = agent->services.config;
  GPtrArray *issuers = herd_config_get_entries (config, HERD_SECTION_ISSUER);
  GPtrArray *certificates = herd_config_get_entries (config, HERD_SECTION_CERTIFICATE);
  /* A section that is missing may be one that could not be read. */
  gboolean complete = problems->len == 0;
  HerdBatch *batch = herd_agent_begin (agent);

  for (guint i = 0; i < issuers->len; i++)
    declare_issuer (agent, g_ptr_array_index (issuers, i), batch, problems);
  for (guint i = 0; i < certificates->len; i++)
    declare_certificate (agent, g_ptr_array_index (certificates, i), batch, problems);
  if (complete) {
    retire_issuers (agent, batch);
    retire_certificates (agent, batch);
    herd_deliveries_configure (agent->deliveries, batch);
  }
  herd_directories_watch_all (&agent->services);
  if (agent->start != NULL)
    schedule_declared (agent);
  herd_agent_commit (agent, batch, task, 0, 0);
  say_problems (agent, problems);
}

typedef struct {
  HerdAgent *agent;
  HerdConfig *before;
  GPtrArray *problems;
} Reloading;

static void
reloading_free (Reloading *reloading)
{
  herd_config_unref (reloading->before);
  g_ptr_array_unref (reloading->problems);
  g_free (reloading);
}

void
herd_agent_follow_declared (HerdAgent *agent)
{
  HerdRegistry *registry = agent->services.registry;
  HerdCertificate *certificate = NULL;

  while ((certificate = herd_registry_next_certificate (
              registry, certificate != NULL ? certificate->name : ""))
         != NULL) {
    if (certificate->origin == HERD_ORIGIN_FILE)
      herd_agent_follow (agent, certificate->id);
  }
}

static void
applied (GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  Reloading *reloading = g_task_get_task_data (task);
  HerdAgent *agent = reloading->agent;
  GError *error = NULL;

  if (herd_agent_verb_finish (result, NULL, &error)) {
    herd_agent_follow_limits (agent);
    herd_agent_follow_declared (agent);
    /* Only a whole configuration comes here: a section that is missing was taken out. */
    herd_deliveries_revoke (agent->deliveries);
    herd_deliveries_kick_all (agent->deliveries);
    herd_agent_watch_keys (agent);
    g_task_return_pointer (task, g_ptr_array_ref (reloading->problems),
                           (GDestroyNotify) g_ptr_array_unref);
    return;
  }
  /* The rows are what they were, and so is what they are measured by. */
  herd_config_unref (agent->services.config);
  agent->services.config = herd_config_ref (reloading->before);
  herd_solvers_configure (agent->solvers, TRUE);
  g_task_return_error (task, error);
}

static gboolean
has_same_addresses (const HerdConfigEntry *entry, const HerdConfigEntry *before)
{
  g_autoptr (GVariant) now = g_variant_lookup_value (entry->values, "listen", NULL);
  g_autoptr (GVariant)
      then = before != NULL ? g_variant_lookup_value (before->values, "listen", NULL) : NULL;

  return now != NULL && then != NULL ? g_variant_equal (now, then) : now == then;
}

/* A responder that is our child binds its addresses when it starts. */
static void
note_addresses (Reloading *reloading)
{
  HerdServices *services = &reloading->agent->services;
  GPtrArray *entries = herd_config_get_entries (services->config, HERD_SECTION_SOLVER);

  for (guint i = 0; i < entries->len; i++) {
    const HerdConfigEntry *entry = g_ptr_array_index (entries, i);

    if (!has_same_addresses (
            entry, herd_config_find (reloading->before, HERD_SECTION_SOLVER, entry->name)))
      add_problem (reloading->problems, entry,
                   "listen has changed; it takes effect when certherd is started again");
  }
}

void
herd_agent_reload_async (HerdAgent *agent, GAsyncReadyCallback callback, gpointer data)
{
  GTask *task = g_task_new (NULL, NULL, callback, data);
  HerdConfig *config = herd_config_load (agent->config_directory);
  GPtrArray *problems = herd_config_get_problems (config);
  Reloading *reloading;

  herd_presets_check (agent->services.presets, config);
  /* Half of a configuration would take away targets, limits and certificates that are in the other. */
  if (problems->len > 0) {
    say_problems (agent, problems);
    g_task_return_pointer (task, g_ptr_array_ref (problems), (GDestroyNotify) g_ptr_array_unref);
    g_object_unref (task);
    herd_config_unref (config);
    return;
  }
  reloading = g_new0 (Reloading, 1);
  reloading->agent = agent;
  reloading->before = agent->services.config;
  reloading->problems = g_ptr_array_ref (problems);
  g_task_set_task_data (task, reloading, (GDestroyNotify) reloading_free);
  agent->services.config = config;
  /* First: certificates name them. */
  herd_solvers_configure (agent->solvers, reloading->problems->len == 0);
  herd_agent_apply_config (agent, reloading->problems, g_task_new (NULL, NULL, applied, task));
  note_addresses (reloading);
  herd_directories_add_problems (&agent->services, reloading->problems);
}

GPtrArray *
herd_agent_reload_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
