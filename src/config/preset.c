// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Loading presets: each file is read as the configuration is; then what only all of them together show
 * is checked.
 */
#include "config/preset.h"

#include <gio/gio.h>
#include <string.h>

#include "plugin/error.h"
#include "util/text.h"

#define SUFFIX ".conf"

/* A preset, and what its strings are of. */
typedef struct {
  HerdPreset preset;
  char *name;
  char *file;
  guint line; /* of [preset] */
  HerdConfig *config;
  GPtrArray *vectors; /* containers of the strings */
} Entry;

struct HerdPresets {
  int references;
  GPtrArray *entries; /* Entry; the presets are their beginnings */
  GPtrArray *problems;
  GVariant
      *asked; /* the settings that were matched last, or NULL; an issuance asks a dozen times */
  HerdPresetMatch answer;
};

static void
entry_free (Entry *entry)
{
  if (entry == NULL)
    return;
  g_clear_pointer (&entry->preset.limits, g_ptr_array_unref);
  g_clear_pointer (&entry->vectors, g_ptr_array_unref);
  herd_config_unref (entry->config);
  g_free (entry->name);
  g_free (entry->file);
  g_free (entry);
}

/* --- values --- */

static const char *const *
get_list (Entry *entry, GVariant *values, const char *key)
{
  const char **list = NULL;

  if (!g_variant_lookup (values, key, "^a&s", &list))
    list = g_new0 (const char *, 1);
  g_ptr_array_add (entry->vectors, list);
  return list;
}

/* The vocabulary has checked it. */
static gint64
get_seconds (const HerdConfigEntry *section, const char *key)
{
  const char *text = herd_config_entry_get (section, key, NULL);
  gint64 seconds = 0;

  if (text != NULL)
    herd_duration_parse (text, &seconds, NULL);
  return seconds;
}

static HerdPresetEab
parse_eab (const char *text)
{
  if (g_strcmp0 (text, "required") == 0)
    return HERD_PRESET_EAB_REQUIRED;
  return g_strcmp0 (text, "optional") == 0 ? HERD_PRESET_EAB_OPTIONAL : HERD_PRESET_EAB_NONE;
}

static HerdLimitScope
parse_scope (const char *text)
{
  static const struct {
    const char *word;
    HerdLimitScope scope;
  } scopes[] = {
    { "accounts", HERD_LIMIT_ACCOUNTS },
    { "orders", HERD_LIMIT_ACCOUNT },
    { "domain", HERD_LIMIT_REGISTERED_DOMAIN },
    { "identifiers", HERD_LIMIT_IDENTIFIER_SET },
    { "failures", HERD_LIMIT_IDENTIFIER_FAILURES },
    { "failures-in-a-row", HERD_LIMIT_FAILURES_IN_A_ROW },
  };
  guint i = 0;

  while (i < G_N_ELEMENTS (scopes) - 1 && !g_str_equal (scopes[i].word, text))
    i++;
  return scopes[i].scope;
}

static HerdLimit *
make_limit (Entry *entry, const HerdConfigEntry *section)
{
  const char *const *exempt = get_list (entry, section->values, "exempt");
  HerdLimit *limit = g_new0 (HerdLimit, 1);

  limit->name = section->name;
  limit->scope = parse_scope (herd_config_entry_get (section, "scope", ""));
  limit->count = (guint) g_ascii_strtoull (herd_config_entry_get (section, "count", "0"), NULL, 10);
  limit->refill = get_seconds (section, "refill");
  limit->renewals_exempt = g_strv_contains (exempt, "renewals");
  limit->renewal_info_exempt = g_strv_contains (exempt, "renewal-info");
  return limit;
}

static void
fill_preset (Entry *entry, const HerdConfigEntry *section)
{
  GPtrArray *limits = herd_config_get_entries (entry->config, HERD_SECTION_LIMIT);
  HerdPreset *preset = &entry->preset;
  GVariant *values = section->values;

  preset->name = entry->name;
  preset->description = herd_config_entry_get (section, "description", "");
  preset->directory_url = herd_config_entry_get (section, "directory-url", NULL);
  preset->directory_hint = herd_config_entry_get (section, "directory-hint", NULL);
  preset->staging = herd_config_entry_get (section, "staging", NULL);
  preset->hosts = get_list (entry, values, "hosts");
  preset->eab = parse_eab (herd_config_entry_get (section, "eab", NULL));
  preset->eab_hint = herd_config_entry_get (section, "eab-hint", NULL);
  preset->contact_required = g_str_equal (herd_config_entry_get (section, "contact", ""),
                                          "required");
  preset->caa_identities = get_list (entry, values, "caa-identities");
  preset->profiles = get_list (entry, values, "profiles");
  preset->account_key_types = get_list (entry, values, "account-key-types");
  preset->key_types = get_list (entry, values, "key-types");
  preset->identifiers = get_list (entry, values, "identifiers");
  preset->lacks = get_list (entry, values, "lacks");
  preset->lifetime_minimum = get_seconds (section, "lifetime-minimum");
  preset->lifetime_maximum = get_seconds (section, "lifetime-maximum");
  preset->replaces_urls = get_list (entry, values, "replaces-urls");
  preset->limits = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < limits->len; i++)
    g_ptr_array_add (preset->limits, make_limit (entry, g_ptr_array_index (limits, i)));
}

/* --- files --- */

/* FALSE: the file has problems, which were taken. */
static gboolean
take_problems (HerdPresets *presets, HerdConfig *config)
{
  GPtrArray *problems = herd_config_get_problems (config);

  for (guint i = 0; i < problems->len; i++) {
    const HerdConfigProblem *problem = g_ptr_array_index (problems, i);

    g_ptr_array_add (presets->problems,
                     herd_config_problem_new (problem->file, problem->line, problem->message));
  }
  return problems->len == 0;
}

static void
load_preset (HerdPresets *presets, const char *folder, const char *name)
{
  g_autofree char *file_name = g_strconcat (name, SUFFIX, NULL);
  g_autofree char *path = g_build_filename (folder, file_name, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (HerdConfig) config = NULL;
  const HerdConfigEntry *section;
  Entry *entry;

  if (!herd_name_check ("preset", name, &error)) {
    g_ptr_array_add (presets->problems, herd_config_problem_new (path, 0, error->message));
    return;
  }
  config = herd_config_load_file (path, HERD_SECTION_PRESET, HERD_SECTION_LIMIT);
  if (!take_problems (presets, config))
    return;
  section = herd_config_find (config, HERD_SECTION_PRESET, "");
  if (section == NULL) {
    g_ptr_array_add (presets->problems, herd_config_problem_new (path, 0, "has no [preset]"));
    return;
  }
  entry = g_new0 (Entry, 1);
  entry->name = g_strdup (name);
  entry->file = g_steal_pointer (&path);
  entry->line = section->line;
  entry->config = g_steal_pointer (&config);
  entry->vectors = g_ptr_array_new_with_free_func (g_free);
  fill_preset (entry, section);
  g_ptr_array_add (presets->entries, entry);
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static void
load_folder (HerdPresets *presets, const char *folder)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) dir = g_dir_open (folder, 0, &error);
  const char *name;

  if (dir == NULL) {
    g_ptr_array_add (presets->problems, herd_config_problem_new (folder, 0, error->message));
    return;
  }
  while ((name = g_dir_read_name (dir)) != NULL) {
    if (name[0] != '.' && g_str_has_suffix (name, SUFFIX))
      g_ptr_array_add (names, g_strndup (name, strlen (name) - strlen (SUFFIX)));
  }
  g_ptr_array_sort (names, compare_names);
  for (guint i = 0; i < names->len; i++)
    load_preset (presets, folder, g_ptr_array_index (names, i));
}

/* --- all of them together --- */

/* One before ENTRY that has the URL, as its own or as one that it replaces. */
static const HerdPreset *
find_other (HerdPresets *presets, const Entry *entry, const char *url)
{
  for (guint i = 0; i < presets->entries->len; i++) {
    const HerdPreset *other = g_ptr_array_index (presets->entries, i);

    if (other == &entry->preset)
      return NULL;
    if (g_strcmp0 (other->directory_url, url) == 0 || g_strv_contains (other->replaces_urls, url))
      return other;
  }
  return NULL;
}

/* What is wrong with it among the others, or NULL. */
static char *
find_fault (HerdPresets *presets, const Entry *entry)
{
  const HerdPreset *preset = &entry->preset;
  const HerdPreset *other = NULL;
  const char *url = preset->directory_url;

  if (preset->directory_url == NULL && preset->directory_hint == NULL)
    return g_strdup ("[preset] has neither directory-url nor directory-hint");
  if (preset->directory_url == NULL && preset->replaces_urls[0] != NULL)
    return g_strdup ("[preset] has replaces-urls, but no directory-url in their place");
  if (preset->eab == HERD_PRESET_EAB_REQUIRED && preset->eab_hint == NULL)
    return g_strdup (
        "[preset] has eab = required, but no eab-hint that says where it is to be had");
  if (preset->lifetime_maximum != 0 && preset->lifetime_maximum < preset->lifetime_minimum)
    return g_strdup ("[preset] has a lifetime-maximum below its lifetime-minimum");
  if (preset->staging != NULL && herd_presets_find (presets, preset->staging) == NULL)
    return g_strdup_printf ("staging: there is no preset %s", preset->staging);
  if (url != NULL)
    other = find_other (presets, entry, url);
  for (guint i = 0; other == NULL && preset->replaces_urls[i] != NULL; i++) {
    url = preset->replaces_urls[i];
    other = find_other (presets, entry, url);
  }
  return other != NULL ? g_strdup_printf ("the preset %s has the URL %s, too", other->name, url)
                       : NULL;
}

/* One that goes may have been another one's staging: until nothing goes any more. */
static void
check_together (HerdPresets *presets)
{
  guint before;

  do {
    before = presets->entries->len;
    for (guint i = 0; i < presets->entries->len; i++) {
      const Entry *entry = g_ptr_array_index (presets->entries, i);
      g_autofree char *fault = find_fault (presets, entry);

      if (fault == NULL)
        continue;
      g_ptr_array_add (presets->problems,
                       herd_config_problem_new (entry->file, entry->line, fault));
      g_ptr_array_remove_index (presets->entries, i--);
    }
  } while (presets->entries->len != before);
}

HerdPresets *
herd_presets_load (const char *folder)
{
  HerdPresets *presets = g_new0 (HerdPresets, 1);

  presets->references = 1;
  presets->entries = g_ptr_array_new_with_free_func ((GDestroyNotify) entry_free);
  presets->problems = g_ptr_array_new_with_free_func ((GDestroyNotify) herd_config_problem_free);
  load_folder (presets, folder);
  check_together (presets);
  return presets;
}

HerdPresets *
herd_presets_ref (HerdPresets *presets)
{
  presets->references++;
  return presets;
}

void
herd_presets_unref (HerdPresets *presets)
{
  if (presets == NULL || --presets->references > 0)
    return;
  g_ptr_array_unref (presets->entries);
  g_ptr_array_unref (presets->problems);
  g_clear_pointer (&presets->asked, g_variant_unref);
  g_free (presets);
}

GPtrArray *
herd_presets_get_all (HerdPresets *presets)
{
  return presets->entries;
}

GPtrArray *
herd_presets_get_problems (HerdPresets *presets)
{
  return presets->problems;
}

/* --- finding --- */

const HerdPreset *
herd_presets_find (HerdPresets *presets, const char *name)
{
  for (guint i = 0; presets != NULL && i < presets->entries->len; i++) {
    const HerdPreset *preset = g_ptr_array_index (presets->entries, i);

    if (g_str_equal (preset->name, name))
      return preset;
  }
  return NULL;
}

const HerdPreset *
herd_presets_require (HerdPresets *presets, const char *name, GError **error)
{
  const HerdPreset *preset = herd_presets_find (presets, name);
  g_autoptr (GString) known = NULL;
  g_autofree char *shown = NULL;

  if (preset != NULL)
    return preset;
  known = g_string_new (NULL);
  for (guint i = 0; presets != NULL && i < presets->entries->len; i++) {
    const HerdPreset *other = g_ptr_array_index (presets->entries, i);

    g_string_append_printf (known, "%s%s", i > 0 ? ", " : "", other->name);
  }
  shown = herd_text_from_remote (name, -1);
  g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
               "preset: there is no preset “%s”; known are %s", shown,
               known->len > 0 ? known->str : "none, which is a fault of the installation");
  return NULL;
}

const HerdPreset *
herd_presets_find_by_url (HerdPresets *presets, const char *url)
{
  for (guint i = 0; presets != NULL && i < presets->entries->len; i++) {
    const HerdPreset *preset = g_ptr_array_index (presets->entries, i);

    if (g_strcmp0 (preset->directory_url, url) == 0)
      return preset;
  }
  return NULL;
}

const HerdPreset *
herd_presets_find_successor (HerdPresets *presets, const char *url)
{
  for (guint i = 0; presets != NULL && i < presets->entries->len; i++) {
    const HerdPreset *preset = g_ptr_array_index (presets->entries, i);

    if (g_strv_contains (preset->replaces_urls, url))
      return preset;
  }
  return NULL;
}

/* --- what an issuer means --- */

/* What a preset has no URL for is told beside it. */
static gboolean
match_named (const HerdPreset *preset, const char *url, HerdPresetMatch *match, GError **error)
{
  if (preset->directory_url != NULL && url != NULL) {
    g_set_error (
        error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
        "preset and directory-url: the preset %s means %s already; leave one of the two out",
        preset->name, preset->directory_url);
    return FALSE;
  }
  if (preset->directory_url == NULL && url == NULL) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
                 "preset: everyone's %s is somewhere else; add a directory-url, such as %s",
                 preset->description, preset->directory_hint);
    return FALSE;
  }
  match->preset = preset;
  match->directory_url = url != NULL ? url : preset->directory_url;
  match->ended = NULL;
  return TRUE;
}

static gboolean
match_settings (HerdPresets *presets, GVariant *settings, HerdPresetMatch *match, GError **error)
{
  const char *name = NULL;
  const char *url = NULL;
  const HerdPreset *preset;
  const HerdPreset *successor;

  g_variant_lookup (settings, "preset", "&s", &name);
  g_variant_lookup (settings, "directory-url", "&s", &url);
  if (name != NULL) {
    preset = herd_presets_require (presets, name, error);
    return preset != NULL && match_named (preset, url, match, error);
  }
  if (url == NULL) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
                 "it has neither preset nor directory-url; name a preset, such as letsencrypt, or "
                 "the https URL of the CA's directory");
    return FALSE;
  }
  successor = herd_presets_find_successor (presets, url);
  match->preset = successor != NULL ? successor : herd_presets_find_by_url (presets, url);
  match->directory_url = successor != NULL ? successor->directory_url : url;
  match->ended = successor != NULL ? url : NULL;
  return TRUE;
}

gboolean
herd_presets_match (HerdPresets *presets, GVariant *settings, HerdPresetMatch *match,
                    GError **error)
{
  if (presets == NULL)
    return match_settings (NULL, settings, match, error);
  if (presets->asked != settings) {
    HerdPresetMatch answer;

    /* As bytes: then what is taken out of them stays where it is. */
    g_variant_get_data (settings);
    if (!match_settings (presets, settings, &answer, error))
      return FALSE;
    g_clear_pointer (&presets->asked, g_variant_unref);
    presets->asked = g_variant_ref (settings);
    presets->answer = answer;
  }
  *match = presets->answer;
  return TRUE;
}

void
herd_presets_check (HerdPresets *presets, HerdConfig *config)
{
  GPtrArray *entries = herd_config_get_entries (config, HERD_SECTION_ISSUER);

  for (guint i = entries->len; i > 0; i--) {
    const HerdConfigEntry *entry = g_ptr_array_index (entries, i - 1);
    g_autoptr (GError) error = NULL;
    HerdPresetMatch match;

    if (!herd_presets_match (presets, entry->values, &match, &error))
      herd_config_reject (config, entry, error->message);
  }
}
