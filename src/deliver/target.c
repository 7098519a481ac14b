// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Loading a target.
 */
#include "deliver/target.h"

#include "plugin/error.h"
#include "plugin/plugin.h"

#define LIVE "live"

/* A section's values as an adapter gets them. */
static GHashTable *
make_settings (const HerdConfigEntry *entry, const HerdTargetPlaces *places)
{
  GHashTable *settings = herd_config_make_settings (entry != NULL ? entry->values : NULL);

  g_hash_table_insert (settings, g_strdup ("state-directory"), g_strdup (places->state_directory));
  g_hash_table_insert (settings, g_strdup ("bus"),
                       g_strdup (places->session ? "session" : "system"));
  return settings;
}

static const HerdConfigEntry *
find_entry (HerdConfig *config, const char *name, const char *directory, GError **error)
{
  const HerdConfigEntry *entry = herd_config_find (config, HERD_SECTION_TARGET, name);
  GPtrArray *problems = herd_config_get_problems (config);
  const HerdConfigProblem *problem;

  if (entry != NULL)
    return entry;
  if (problems->len == 0) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_NOT_FOUND, "there is no [target %s] in %s/targets.d",
                 name, directory);
  } else {
    problem = g_ptr_array_index (problems, 0);
    g_set_error (error, HERD_ERROR, HERD_ERROR_NOT_FOUND,
                 "there is no [target %s] in %s/targets.d that is valid; %s:%u: %s", name,
                 directory, problem->file, problem->line, problem->message);
  }
  return NULL;
}

static HerdAdapter *
load_adapter (const char *name, const HerdConfigEntry *entry, const HerdTargetPlaces *places,
              GError **error)
{
  const char *kind = herd_config_entry_get (entry, "adapter",
                                            g_str_equal (name, LIVE) ? "files" : NULL);
  g_autoptr (GHashTable) settings = make_settings (entry, places);
  g_autoptr (GObject) adapter = NULL;
  const HerdPlugin *plugin;

  if (kind == NULL) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
                 "target %s: no adapter is set; set it to files, unit or exec", name);
    return NULL;
  }
  plugin = herd_plugin_load (places->plugin_directory, NULL, "adapter", kind, error);
  if (plugin == NULL)
    return NULL;
  adapter = g_object_new (plugin->get_type (), "target", name, "settings", settings, NULL);
  if (!HERD_IS_ADAPTER (adapter)) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_REFUSED, "plugin adapter-%s is not an adapter",
                 kind);
    return NULL;
  }
  if (!herd_adapter_check (HERD_ADAPTER (adapter), error))
    return NULL;
  return HERD_ADAPTER (g_steal_pointer (&adapter));
}

HerdTarget *
herd_target_load (const char *name, const HerdTargetPlaces *places, GError **error)
{
  g_autoptr (HerdConfig) config = herd_config_load (places->config_directory);
  g_autoptr (HerdTarget) target = g_new0 (HerdTarget, 1);
  g_autoptr (GError) missing = NULL;
  const HerdConfigEntry *entry = find_entry (config, name, places->config_directory, &missing);
  const char *probe = herd_config_entry_get (entry, "probe", NULL);

  if (entry == NULL && !g_str_equal (name, LIVE)) {
    g_propagate_error (error, g_steal_pointer (&missing));
    return NULL;
  }
  target->name = g_strdup (name);
  target->adapter = load_adapter (name, entry, places, error);
  if (target->adapter == NULL)
    return NULL;
  if (probe != NULL) {
    target->probe = herd_probe_parse (probe, error);
    if (target->probe == NULL)
      return NULL;
  }
  return g_steal_pointer (&target);
}

void
herd_target_free (HerdTarget *target)
{
  if (target == NULL)
    return;
  g_free (target->name);
  g_clear_object (&target->adapter);
  herd_probe_free (target->probe);
  g_free (target);
}
