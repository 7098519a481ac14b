// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The agent while its keys are locked: nothing is issued, and what was begun waits; and what goes on, by
 * itself, once the key-encryption key is there. Owned by the agent; main loop only.
 */
#include "core/agent-private.h"
#include "core/operations.h"

static const char *
get_keystore_name (HerdAgent *agent)
{
  return herd_config_entry_get (herd_config_find (agent->services.config, HERD_SECTION_AGENT, ""),
                                "keystore", agent->keystore);
}

/* What has to happen before it is looked for again. */
static const char *
get_advice (HerdKeystore keystore)
{
  switch (keystore) {
  case HERD_KEYSTORE_CREDENTIAL:
    return "restart certherd then: a unit gets its credentials when it starts";
  case HERD_KEYSTORE_SECRET_SERVICE:
    return "certherd goes on by itself then";
  case HERD_KEYSTORE_FILE:
    return "reload certherd then";
  }
  return "";
}

static void
complain (HerdAgent *agent, const char *cause, const char *advice)
{
  g_autofree char *message = g_strdup_printf (
      "the keys are locked: nothing can be issued or handed out. %s; %s", cause, advice);

  herd_attentions_raise (agent->services.attentions, HERD_NOUN_AGENT, 0, "critical", "locked",
                         message);
}

gboolean
herd_agent_waits_for_keys (HerdAgent *agent, const HerdOperation *operation)
{
  if (!herd_state_is_locked (agent->services.state))
    return FALSE;
  if (!g_str_equal (operation->step, "unlock"))
    herd_operations_enter (&agent->services, operation->id, "unlock", 0);
  return TRUE;
}

/* What could not be handed over without them. */
static void
retry_deliveries (HerdAgent *agent)
{
  HerdCertificate *certificate = NULL;

  while ((certificate = herd_registry_next_certificate (
              agent->services.registry, certificate != NULL ? certificate->name : ""))
         != NULL) {
    if (herd_deliveries_get_retry_at (certificate) == 0)
      continue;
    herd_deliveries_release (certificate, G_MAXINT64);
    herd_agent_reschedule (agent, certificate);
  }
  herd_deliveries_kick_all (agent->deliveries);
}

static void
go_on (HerdAgent *agent, HerdKeystore keystore)
{
  g_message ("the keys are unlocked");
  g_free (agent->at_rest);
  agent->at_rest = g_strdup (herd_keystore_get_at_rest (keystore));
  herd_attentions_clear (agent->services.attentions, HERD_NOUN_AGENT, 0, "locked");
  herd_registry_touch (agent->services.registry, HERD_NOUN_AGENT, 0);
  herd_agent_load_accounts (agent);
  herd_agent_resume_operations (agent);
  retry_deliveries (agent);
  herd_scheduler_go_on (agent->scheduler);
}

static void
looked (const GError *error, gpointer data)
{
  HerdAgent *agent = data;

  if (error != NULL) {
    g_info ("the keys stay locked: %s", error->message);
    complain (agent, error->message, get_advice (agent->watched));
  } else {
    g_clear_pointer (&agent->keys, herd_kek_watch_free);
    go_on (agent, agent->watched);
  }
}

void
herd_agent_watch_keys (HerdAgent *agent)
{
  HerdServices *services = &agent->services;
  const char *name = get_keystore_name (agent);
  g_autoptr (GError) error = NULL;

  g_clear_pointer (&agent->keys, herd_kek_watch_free);
  /* What waits is found by the start. */
  if (agent->start == NULL || !herd_state_is_locked (services->state))
    return;
  if (name == NULL) {
    complain (agent, "There is no keystore", "choose one in [agent], and reload certherd");
  } else if (!herd_keystore_parse (name, &agent->watched, &error)) {
    complain (agent, error->message, "choose one of them in [agent], and reload certherd");
  } else {
    complain (agent, "The key-encryption key is being looked for", get_advice (agent->watched));
    agent->keys = herd_kek_watch_new (services->state, agent->watched, agent->state_directory,
                                      services->clock, looked, agent);
  }
}
