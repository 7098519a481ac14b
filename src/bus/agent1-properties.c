// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * org.certherd.Agent1: its properties.
 */
#include "bus/agent1.h"
#include "herd-config.h"

static GVariant *
get_version (HerdAgent *agent, gpointer row G_GNUC_UNUSED)
{
  return g_variant_new_string (herd_agent_get_version (agent));
}

static GVariant *
get_features (HerdAgent *agent, gpointer row G_GNUC_UNUSED)
{
  GVariantBuilder builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_STRING_ARRAY);

  if (HERD_WITH_POLKIT)
    g_variant_builder_add (&builder, "s", "polkit");
  if (HERD_WITH_SYSTEMD)
    g_variant_builder_add (&builder, "s", "systemd");
  if (herd_agent_get_services (agent)->session)
    g_variant_builder_add (&builder, "s", "session");
  return g_variant_builder_end (&builder);
}

static GVariant *
get_at_rest (HerdAgent *agent, gpointer row G_GNUC_UNUSED)
{
  return g_variant_new_string (herd_agent_get_at_rest (agent));
}

static GVariant *
get_plugins (HerdAgent *agent, gpointer row G_GNUC_UNUSED)
{
  GPtrArray *plugins = herd_solvers_list (herd_agent_get_solvers (agent));
  GVariantBuilder builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));

  for (guint i = 0; i < plugins->len; i++) {
    const HerdPluginState *plugin = g_ptr_array_index (plugins, i);
    g_auto (GVariantDict) dictionary = G_VARIANT_DICT_INIT (NULL);

    g_variant_dict_insert (&dictionary, "kind", "s", plugin->kind);
    g_variant_dict_insert (&dictionary, "name", "s", plugin->name);
    g_variant_dict_insert (&dictionary, "version", "s", plugin->version);
    g_variant_dict_insert (&dictionary, "state", "s", plugin->loaded ? "loaded" : "disabled");
    g_variant_dict_insert (&dictionary, "message", "s", plugin->message);
    g_variant_builder_add_value (&builder, g_variant_dict_end (&dictionary));
  }
  return g_variant_builder_end (&builder);
}

static GVariant *
get_certificates (HerdAgent *agent, gpointer row G_GNUC_UNUSED)
{
  return g_variant_new_uint32 (
      herd_registry_count (herd_agent_get_services (agent)->registry, HERD_NOUN_CERTIFICATE));
}

static GVariant *
get_by_state (HerdAgent *agent, gpointer row G_GNUC_UNUSED)
{
  HerdServices *services = herd_agent_get_services (agent);
  GVariantBuilder builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a{su}"));
  guint counts[HERD_N_CERTIFICATE_STATES];

  herd_registry_count_states (services->registry, herd_clock_get_seconds (services->clock), counts);
  for (guint state = 0; state < HERD_N_CERTIFICATE_STATES; state++) {
    if (counts[state] > 0)
      g_variant_builder_add (&builder, "{su}",
                             herd_certificate_state_to_string ((HerdCertificateState) state),
                             counts[state]);
  }
  return g_variant_builder_end (&builder);
}

static GVariant *
get_next_action_time (HerdAgent *agent, gpointer row G_GNUC_UNUSED)
{
  const HerdCertificate *next = herd_agent_get_next (agent);

  return g_variant_new_int64 (next != NULL ? next->action_time : 0);
}

static GVariant *
get_next_action (HerdAgent *agent, gpointer row G_GNUC_UNUSED)
{
  const HerdCertificate *next = herd_agent_get_next (agent);

  return g_variant_new_string (
      herd_action_to_string (next != NULL ? next->action : HERD_ACTION_NONE));
}

static GVariant *
get_next_action_object (HerdAgent *agent, gpointer row G_GNUC_UNUSED)
{
  const HerdCertificate *next = herd_agent_get_next (agent);

  return herd_bus_new_path (HERD_NOUN_CERTIFICATE, next != NULL ? next->id : 0);
}

static GVariant *
get_attentions (HerdAgent *agent, gpointer row G_GNUC_UNUSED)
{
  g_autoptr (GPtrArray)
      attentions = herd_attentions_list (herd_agent_get_services (agent)->attentions);
  GVariantBuilder builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));

  for (guint i = 0; i < attentions->len; i++) {
    const HerdAttention *attention = g_ptr_array_index (attentions, i);
    g_auto (GVariantDict) dictionary = G_VARIANT_DICT_INIT (NULL);

    g_variant_dict_insert_value (&dictionary, "object",
                                 herd_bus_new_path (attention->row.noun, attention->row.id));
    g_variant_dict_insert (&dictionary, "severity", "s", attention->severity);
    g_variant_dict_insert (&dictionary, "code", "s", attention->code);
    g_variant_dict_insert (&dictionary, "message", "s", attention->message);
    g_variant_dict_insert (&dictionary, "since", "x", attention->since);
    g_variant_builder_add_value (&builder, g_variant_dict_end (&dictionary));
  }
  return g_variant_builder_end (&builder);
}

const HerdBusProperty herd_bus_agent1_properties[] = {
  { "Version", get_version },
  { "Features", get_features },
  { "AtRest", get_at_rest },
  { "Plugins", get_plugins },
  { "Certificates", get_certificates },
  { "ByState", get_by_state },
  { "NextActionTime", get_next_action_time },
  { "NextAction", get_next_action },
  { "NextActionObject", get_next_action_object },
  { "Attentions", get_attentions },
  { NULL, NULL },
};
