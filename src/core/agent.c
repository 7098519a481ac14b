// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The agent: making, loading and unmaking its parts, and how its verbs end.
 */
#include "core/agent.h"

#include <unistd.h>

#include "core/agent-private.h"
#include "core/registration.h"
#include "plugin/error.h"

#define DEFAULT_SLOTS 100
#define DEFAULT_GENERATIONS 3

static void
deliveries_changed (guint64 id, gpointer data)
{
  HerdAgent *agent = data;
  HerdCertificate *certificate = herd_registry_get_certificate (agent->services.registry, id);

  if (certificate != NULL)
    herd_agent_reschedule (agent, certificate);
}

guint
herd_agent_get_number (HerdAgent *agent, const char *key, guint fallback)
{
  const HerdConfigEntry *entry = herd_config_find (agent->services.config, HERD_SECTION_AGENT, "");
  const char *text = herd_config_entry_get (entry, key, NULL);

  return text != NULL ? (guint) g_ascii_strtoull (text, NULL, 10) : fallback;
}

void
herd_agent_follow_limits (HerdAgent *agent)
{
  agent->issuance.generations = herd_agent_get_number (agent, "generations", DEFAULT_GENERATIONS);
  herd_gate_set_limit (agent->slots, herd_agent_get_number (agent, "operations", DEFAULT_SLOTS));
  herd_scheduler_go_on (agent->scheduler);
}

static void
init_issuance (HerdAgent *agent)
{
  HerdIssuanceContext *context = &agent->issuance;

  context->services = &agent->services;
  context->issuers = agent->issuers;
  context->deliveries = agent->deliveries;
  context->slots = agent->slots;
  context->issued = herd_agent_issued;
  context->refused = herd_agent_refused;
  context->finished = herd_agent_issuance_finished;
  context->data = agent;
}

HerdAgent *
herd_agent_new (const HerdAgentOptions *options)
{
  HerdAgent *agent = g_new0 (HerdAgent, 1);
  HerdServices *services = &agent->services;

  services->clock = herd_clock_ref (options->clock);
  services->dns = herd_dns_new (&(HerdDnsOptions){ .clock = options->clock });
  services->state = options->state;
  services->registry = herd_registry_new ();
  services->attentions = herd_attentions_new (services->registry, services->clock);
  services->ledger = herd_ledger_new (services->clock);
  services->saver = herd_saver_new (services->clock, services->state, services->registry,
                                    services->attentions, services->ledger);
  services->undo = herd_agent_undo;
  services->undo_data = agent;
  services->config = herd_config_ref (options->config);
  services->presets = options->presets != NULL ? herd_presets_ref (options->presets) : NULL;
  services->crash = options->crash;
  services->session = options->session;
  services->uid = geteuid ();
  services->children = options->launcher != NULL && herd_launcher_has_children (options->launcher);
  agent->config_directory = g_strdup (options->config_directory);
  agent->version = g_strdup (options->version);
  agent->at_rest = g_strdup (options->at_rest);
  agent->keystore = g_strdup (options->keystore);
  agent->state_directory = g_strdup (options->state_directory);
  agent->link = options->link;
  agent->launcher = options->launcher;
  agent->solvers = herd_solvers_new (services, options->plugin_directory, agent->link);
  agent->issuers = herd_issuers_new (services, agent->solvers, options->factory,
                                     options->factory_data);
  agent->deliveries = herd_deliveries_new (services, agent->launcher, deliveries_changed, agent);
  agent->scheduler = herd_scheduler_new (services->clock, herd_agent_due, agent);
  herd_scheduler_watch_clock (agent->scheduler, herd_agent_look_again);
  agent->polls = herd_polls_new (services, agent->issuers, herd_agent_suggested, agent);
  herd_issuers_set_follower (agent->issuers, herd_agent_follow_account, agent);
  agent->slots = herd_gate_new (DEFAULT_SLOTS);
  agent->issuances = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free,
                                            (GDestroyNotify) herd_issuance_free);
  agent->registrations = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free,
                                                g_object_unref);
  agent->abandonments = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  agent->asides = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_object_unref);
  agent->queued = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, g_free);
  init_issuance (agent);
  herd_agent_follow_limits (agent);
  herd_agent_init_revocations (agent);
  return agent;
}

void
herd_agent_free (HerdAgent *agent)
{
  if (agent == NULL)
    return;
  herd_registry_set_observer (agent->services.registry, NULL, NULL);
  herd_kek_watch_free (agent->keys);
  herd_run_unref (agent->start);
  g_hash_table_unref (agent->queued);
  g_hash_table_unref (agent->asides);
  g_hash_table_unref (agent->abandonments);
  g_ptr_array_unref (agent->replacements);
  g_hash_table_unref (agent->registrations);
  g_clear_pointer (&agent->secrets, g_hash_table_unref);
  g_hash_table_unref (agent->issuances);
  herd_scheduler_free (agent->scheduler);
  herd_polls_free (agent->polls);
  herd_deliveries_free (agent->deliveries);
  herd_issuers_free (agent->issuers);
  herd_solvers_free (agent->solvers);
  herd_gate_free (agent->slots);
  herd_launcher_free (agent->launcher);
  g_clear_object (&agent->link);
  herd_saver_free (agent->services.saver);
  herd_ledger_unref (agent->services.ledger);
  herd_attentions_free (agent->services.attentions);
  herd_registry_free (agent->services.registry);
  herd_config_unref (agent->services.config);
  herd_presets_unref (agent->services.presets);
  herd_state_close (agent->services.state);
  herd_dns_unref (agent->services.dns);
  herd_clock_unref (agent->services.clock);
  g_free (agent->config_directory);
  g_free (agent->start_at);
  g_free (agent->version);
  g_free (agent->at_rest);
  g_free (agent->keystore);
  g_free (agent->state_directory);
  g_free (agent);
}

static void
account_loaded (GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data G_GNUC_UNUSED)
{
  g_autoptr (GError) error = NULL;

  /* The issuer's row shows it; the next issuance says it again. */
  if (!herd_registration_run_finish (result, &error))
    g_debug ("an account was not loaded: %s", error->message);
}

static void
load_contents (HerdAgent *agent, HerdStateContents *contents)
{
  HerdRegistry *registry = agent->services.registry;
  g_autoptr (GPtrArray) authorities = g_steal_pointer (&contents->authorities);
  g_autoptr (GPtrArray) certificates = g_steal_pointer (&contents->certificates);
  g_autoptr (GPtrArray) operations = g_steal_pointer (&contents->operations);

  herd_ledger_load (agent->services.ledger, contents->ledger);
  while (authorities->len > 0)
    herd_registry_add_authority (registry, g_ptr_array_steal_index (authorities, 0));
  while (certificates->len > 0)
    herd_registry_add_certificate (
        registry, g_ptr_array_steal_index_fast (certificates, certificates->len - 1));
  while (operations->len > 0)
    herd_registry_add_operation (registry, g_ptr_array_steal_index (operations, 0));
  herd_deliveries_load (agent->deliveries, g_steal_pointer (&contents->withdrawals));
}

void
herd_agent_load_account (HerdAgent *agent, guint64 authority)
{
  herd_registration_load_async (agent->issuers, authority, account_loaded, NULL);
}

void
herd_agent_load_accounts (HerdAgent *agent)
{
  g_autoptr (GArray)
      authorities = herd_registry_list_ids (agent->services.registry, HERD_NOUN_ISSUER);

  for (guint i = 0; i < authorities->len; i++)
    herd_agent_load_account (agent, g_array_index (authorities, guint64, i));
}

static void
config_applied (GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  if (!herd_agent_verb_finish (result, NULL, &error))
    g_warning ("the configuration was not applied: %s", error->message);
  else
    herd_agent_follow_declared (data);
}

gboolean
herd_agent_load (HerdAgent *agent, GError **error)
{
  g_autoptr (HerdStateContents) contents = herd_state_load (agent->services.state, error);

  if (contents == NULL)
    return FALSE;
  load_contents (agent, contents);
  herd_presets_check (agent->services.presets, agent->services.config);
  herd_agent_apply_config (agent, herd_config_get_problems (agent->services.config),
                           g_task_new (NULL, NULL, config_applied, agent));
  herd_agent_load_accounts (agent);
  return TRUE;
}

HerdServices *
herd_agent_get_services (HerdAgent *agent)
{
  return &agent->services;
}

HerdSolvers *
herd_agent_get_solvers (HerdAgent *agent)
{
  return agent->solvers;
}

HerdDeliveries *
herd_agent_get_deliveries (HerdAgent *agent)
{
  return agent->deliveries;
}

const char *
herd_agent_get_version (HerdAgent *agent)
{
  return agent->version;
}

const char *
herd_agent_get_at_rest (HerdAgent *agent)
{
  return agent->at_rest;
}

HerdCertificate *
herd_agent_get_next (HerdAgent *agent)
{
  guint64 certificate;
  gint64 when;

  if (!herd_scheduler_peek (agent->scheduler, &certificate, &when))
    return NULL;
  return herd_registry_get_certificate (agent->services.registry, certificate);
}

gboolean
herd_agent_check_name (HerdSection section, const char *name, GError **error)
{
  return herd_name_check (herd_section_to_string (section), name, error);
}

GVariant *
herd_agent_check (HerdAgent *agent, HerdSection section, GVariant *dictionary, GError **error)
{
  return herd_vocabulary_check (
      section, agent->services.session ? HERD_SOURCE_FILE : HERD_SOURCE_BUS, dictionary, error);
}

/* --- how verbs end --- */

void
herd_agent_return_ids (GTask *task, guint64 object, guint64 operation)
{
  HerdVerbResult *ids = g_new0 (HerdVerbResult, 1);

  ids->object = object;
  ids->operation = operation;
  g_task_return_pointer (task, ids, g_free);
}

gboolean
herd_agent_verb_finish (GAsyncResult *result, HerdVerbResult *ids, GError **error)
{
  g_autofree HerdVerbResult *found = g_task_propagate_pointer (G_TASK (result), error);

  if (found == NULL)
    return FALSE;
  if (ids != NULL)
    *ids = *found;
  return TRUE;
}
