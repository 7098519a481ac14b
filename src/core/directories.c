// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the authorities' settings mean, and what has to be said of it.
 */
#include "core/directories.h"

#include "plugin/error.h"

#define ENDED "directory-ended"
#define MISSING "preset-missing"
#define PRESETS "presets"

const char *
herd_directories_find_url (const HerdServices *services, GVariant *settings)
{
  HerdPresetMatch match;

  return herd_presets_match (services->presets, settings, &match, NULL) ? match.directory_url
                                                                        : NULL;
}

const char *
herd_directories_get_url (const HerdServices *services, const HerdAuthority *authority)
{
  const char *url = herd_directories_find_url (services, authority->settings);

  return url != NULL ? url : "";
}

const HerdPreset *
herd_directories_get_preset (const HerdServices *services, const HerdAuthority *authority)
{
  HerdPresetMatch match;

  return herd_presets_match (services->presets, authority->settings, &match, NULL) ? match.preset
                                                                                   : NULL;
}

static char *
describe_end (const HerdPresetMatch *match)
{
  return g_strdup_printf ("the directory %s ended; %s is used instead: write preset = %s",
                          match->ended, match->directory_url, match->preset->name);
}

/* MESSAGE NULL takes it back. */
static void
set_attention (HerdServices *services, const HerdAuthority *authority, const char *severity,
               const char *code, const char *message)
{
  g_autofree char *words = NULL;

  if (message == NULL) {
    herd_attentions_clear (services->attentions, HERD_NOUN_ISSUER, authority->id, code);
    return;
  }
  words = g_strdup_printf ("issuer %s: %s", authority->name, message);
  g_warning ("%s", words);
  herd_attentions_raise (services->attentions, HERD_NOUN_ISSUER, authority->id, severity, code,
                         words);
}

void
herd_directories_watch (HerdServices *services, const HerdAuthority *authority)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *ended = NULL;
  HerdPresetMatch match;

  if (!authority->retired
      && herd_presets_match (services->presets, authority->settings, &match, &error)
      && match.ended != NULL)
    ended = describe_end (&match);
  set_attention (services, authority, "warning", ENDED, ended);
  set_attention (services, authority, "critical", MISSING, error != NULL ? error->message : NULL);
}

static void
watch_presets (HerdServices *services)
{
  GPtrArray *problems = services->presets != NULL ? herd_presets_get_problems (services->presets)
                                                  : NULL;
  g_autofree char *first = NULL;

  for (guint i = 0; problems != NULL && i < problems->len; i++) {
    g_autofree char *words = herd_config_problem_describe (g_ptr_array_index (problems, i));

    g_warning ("%s", words);
    if (first == NULL)
      first = g_steal_pointer (&words);
  }
  if (first != NULL)
    herd_attentions_raise (services->attentions, HERD_NOUN_AGENT, 0, "warning", PRESETS, first);
}

void
herd_directories_watch_all (HerdServices *services)
{
  g_autoptr (GArray) ids = herd_registry_list_ids (services->registry, HERD_NOUN_ISSUER);

  watch_presets (services);
  for (guint i = 0; i < ids->len; i++)
    herd_directories_watch (services, herd_registry_get_authority (
                                          services->registry, g_array_index (ids, guint64, i)));
}

void
herd_directories_add_problems (HerdServices *services, GPtrArray *problems)
{
  GPtrArray *entries = herd_config_get_entries (services->config, HERD_SECTION_ISSUER);

  for (guint i = 0; i < entries->len; i++) {
    const HerdConfigEntry *entry = g_ptr_array_index (entries, i);
    g_autofree char *ended = NULL;
    g_autofree char *words = NULL;
    HerdPresetMatch match;

    if (!herd_presets_match (services->presets, entry->values, &match, NULL) || match.ended == NULL)
      continue;
    ended = describe_end (&match);
    words = g_strdup_printf ("[issuer %s]: %s", entry->name, ended);
    g_ptr_array_add (problems, herd_config_problem_new (entry->file, entry->line, words));
  }
}

static const char *
eab_to_string (HerdPresetEab eab)
{
  switch (eab) {
  case HERD_PRESET_EAB_NONE:
    return "none";
  case HERD_PRESET_EAB_OPTIONAL:
    return "optional";
  case HERD_PRESET_EAB_REQUIRED:
    return "required";
  }
  return "none";
}

/* Without what is not known. */
static void
add_text (GVariantDict *dictionary, const char *key, const char *text)
{
  if (text != NULL)
    g_variant_dict_insert (dictionary, key, "s", text);
}

GVariant *
herd_directories_list_presets (const HerdServices *services)
{
  GPtrArray *presets = services->presets != NULL ? herd_presets_get_all (services->presets) : NULL;
  GVariantBuilder builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));

  for (guint i = 0; presets != NULL && i < presets->len; i++) {
    const HerdPreset *preset = g_ptr_array_index (presets, i);
    g_auto (GVariantDict) dictionary = G_VARIANT_DICT_INIT (NULL);

    add_text (&dictionary, "name", preset->name);
    add_text (&dictionary, "description", preset->description);
    add_text (&dictionary, "directory-url", preset->directory_url);
    add_text (&dictionary, "directory-hint", preset->directory_hint);
    add_text (&dictionary, "staging", preset->staging);
    add_text (&dictionary, "eab", eab_to_string (preset->eab));
    add_text (&dictionary, "eab-hint", preset->eab_hint);
    g_variant_dict_insert (&dictionary, "profiles", "^as", preset->profiles);
    g_variant_builder_add_value (&builder, g_variant_dict_end (&dictionary));
  }
  return g_variant_builder_end (&builder);
}
