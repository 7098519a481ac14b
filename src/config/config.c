// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Loading the configuration: which files, in which order, and what of them is fit to be used. An
 * entry with a problem is left out; the others stay.
 */
#include "config/config.h"

#include <gio/gio.h>
#include <string.h>

#include "config/keyfile.h"
#include "config/siblings.h"
#include "plugin/error.h"
#include "util/file.h"
#include "util/text.h"

#define FILE_LIMIT (1024 * 1024)
/* One more than what a value of contents may have, so that the check's error is the one seen. */
#define CONTENTS_LIMIT (256 * 1024 + 1)
/* An end to hostile or broken files; the rest is not read. */
#define PROBLEMS_LIMIT 1000

struct HerdConfig {
  int references;
  HerdSection first, last;                     /* the sections that its files may have */
  GPtrArray *entries[HERD_SECTION_LIMIT + 1];  /* HerdConfigEntry */
  GHashTable *by_name[HERD_SECTION_LIMIT + 1]; /* name → HerdConfigEntry of the array */
  GHashTable *broken[HERD_SECTION_LIMIT + 1];  /* name → HerdConfigProblem that kept it out */
  GPtrArray *problems;
  guint n_problems; /* of them, those of the files; others are found where they are used */
};

/* Reading one file. */
typedef struct {
  HerdConfig *config;
  const char *file;
  HerdConfigEntry *entry; /* of the section that is open; NULL: none, or one to be skipped */
  gboolean seen_section;
  gboolean broken;       /* the entry has a problem */
  GVariantDict values;   /* of the entry */
  GHashTable *key_lines; /* key → line */
} Reader;

static void
config_entry_free (HerdConfigEntry *entry)
{
  if (entry == NULL)
    return;
  g_free (entry->name);
  g_clear_pointer (&entry->values, g_variant_unref);
  g_free (entry->file);
  g_free (entry);
}

HerdConfigProblem *
herd_config_problem_new (const char *file, guint line, const char *message)
{
  HerdConfigProblem *problem = g_new0 (HerdConfigProblem, 1);

  problem->file = g_strdup (file);
  problem->line = line;
  problem->message = g_strdup (message);
  return problem;
}

void
herd_config_problem_free (HerdConfigProblem *problem)
{
  if (problem == NULL)
    return;
  g_free (problem->file);
  g_free (problem->message);
  g_free (problem);
}

/* NULL: there are too many already. */
static HerdConfigProblem *
add_problem (HerdConfig *config, const char *file, guint line, const char *message)
{
  HerdConfigProblem *problem;

  if (config->problems->len >= PROBLEMS_LIMIT)
    return NULL;
  problem = herd_config_problem_new (file, line, message);
  g_ptr_array_add (config->problems, problem);
  return problem;
}

/* A problem of the section that is open, if one is. */
static void
break_entry (Reader *reader, guint line, const char *message)
{
  HerdConfigProblem *problem = add_problem (reader->config, reader->file, line, message);
  const HerdConfigEntry *entry = reader->entry;

  reader->broken = TRUE;
  if (entry != NULL && problem != NULL
      && !g_hash_table_contains (reader->config->broken[entry->section], entry->name))
    g_hash_table_insert (reader->config->broken[entry->section], g_strdup (entry->name), problem);
}

/* --- sections --- */

static gboolean
has_name (HerdSection section)
{
  return section != HERD_SECTION_AGENT && section != HERD_SECTION_PRESET;
}

static void
refuse_head (const HerdConfig *config, const char *head, GError **error)
{
  g_autofree char *shown = herd_text_from_remote (head, -1);
  g_autoptr (GString) known = g_string_new (NULL);

  for (HerdSection i = config->first; i <= config->last; i++)
    g_string_append_printf (known, "%s[%s%s]",
                            i == config->first  ? ""
                            : i == config->last ? " and "
                                                : ", ",
                            herd_section_to_string (i), has_name (i) ? " NAME" : "");
  g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
               "[%s]: no such section; known are %s", shown, known->str);
}

/* "KIND NAME", "agent" or "preset". */
static gboolean
parse_head (const HerdConfig *config, const char *head, HerdSection *section, char **name,
            GError **error)
{
  g_auto (GStrv) words = g_strsplit_set (head, " \t", 2);
  const char *kind = words[0] != NULL ? words[0] : "";
  g_autofree char *rest = g_strstrip (
      g_strdup (words[0] != NULL && words[1] != NULL ? words[1] : ""));

  for (HerdSection i = config->first; i <= config->last; i++) {
    if (!g_str_equal (kind, herd_section_to_string (i)))
      continue;
    if (!has_name (i) && *rest != '\0') {
      g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT, "[%s] has no name", kind);
      return FALSE;
    }
    if (has_name (i) && !herd_name_check (kind, rest, error))
      return FALSE;
    *section = i;
    *name = g_steal_pointer (&rest);
    return TRUE;
  }
  refuse_head (config, head, error);
  return FALSE;
}

/* The first of two sections of one name is the one that counts: it may be in use already. */
static gboolean
is_first (Reader *reader, GError **error)
{
  const HerdConfigEntry *entry = reader->entry;
  const HerdConfigEntry *other = g_hash_table_lookup (reader->config->by_name[entry->section],
                                                      entry->name);

  if (other == NULL)
    return TRUE;
  g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
               "[%s%s%s] is there already: %s, line %u; this one is ignored",
               herd_section_to_string (entry->section), *entry->name != '\0' ? " " : "",
               entry->name, other->file, other->line);
  return FALSE;
}

static gboolean
complete_entry (Reader *reader, GError **error)
{
  HerdConfigEntry *entry = reader->entry;
  g_autoptr (GVariant) values = g_variant_ref_sink (g_variant_dict_end (&reader->values));
  const char *missing;

  entry->values = herd_vocabulary_check (entry->section, HERD_SOURCE_FILE, values, error);
  if (entry->values == NULL)
    return FALSE;
  missing = herd_vocabulary_find_missing (entry->section, entry->values);
  if (missing != NULL) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT, "[%s%s%s] has no %s",
                 herd_section_to_string (entry->section), *entry->name != '\0' ? " " : "",
                 entry->name, missing);
    return FALSE;
  }
  return TRUE;
}

static void
close_section (Reader *reader)
{
  HerdConfigEntry *entry = reader->entry;
  g_autoptr (GError) error = NULL;

  if (entry == NULL)
    return;
  if (reader->broken) {
    g_variant_dict_clear (&reader->values);
  } else if (!complete_entry (reader, &error)) {
    break_entry (reader, entry->line, error->message);
  }
  g_hash_table_remove_all (reader->key_lines);
  reader->entry = NULL;
  if (reader->broken) {
    config_entry_free (entry);
    return;
  }
  g_ptr_array_add (reader->config->entries[entry->section], entry);
  g_hash_table_insert (reader->config->by_name[entry->section], entry->name, entry);
}

static void
on_section (const char *head, guint line, gpointer data)
{
  Reader *reader = data;
  g_autoptr (GError) error = NULL;
  HerdSection section;
  char *name;

  close_section (reader);
  reader->seen_section = TRUE;
  if (head == NULL)
    return;
  if (!parse_head (reader->config, head, &section, &name, &error)) {
    add_problem (reader->config, reader->file, line, error->message);
    return;
  }
  reader->entry = g_new0 (HerdConfigEntry, 1);
  reader->entry->section = section;
  reader->entry->name = name;
  reader->entry->file = g_strdup (reader->file);
  reader->entry->line = line;
  if (!is_first (reader, &error)) {
    add_problem (reader->config, reader->file, line, error->message);
    g_clear_pointer (&reader->entry, config_entry_free);
    return;
  }
  reader->broken = FALSE;
  g_variant_dict_init (&reader->values, NULL);
}

/* --- keys --- */

/* The value whose text is the path of a file becomes that file's contents. */
static GVariant *
read_contents (const char *key, const char *path, GError **error)
{
  g_autoptr (GBytes) bytes = NULL;
  const char *text;
  gsize size;

  if (path[0] != '/') {
    g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
                 "%s: not the absolute path of a file", key);
    return NULL;
  }
  bytes = herd_file_read (path, CONTENTS_LIMIT, error);
  if (bytes == NULL) {
    herd_error_translate (error, HERD_ERROR_INVALID_ARGUMENT, "%s", key);
    return NULL;
  }
  text = g_bytes_get_data (bytes, &size);
  if (memchr (text, '\0', size) != NULL || !g_utf8_validate (text, (gssize) size, NULL)) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT, "%s: %s is not a text file", key,
                 path);
    return NULL;
  }
  return g_variant_ref_sink (g_variant_new_take_string (g_strndup (text, size)));
}

static GVariant *
read_value (HerdSection section, const char *key, const char *text, GError **error)
{
  g_autoptr (GVariant) value = NULL;

  if (herd_vocabulary_is_contents (section, key))
    value = read_contents (key, text, error);
  else
    value = herd_vocabulary_parse (section, key, text, error);
  if (value == NULL)
    return NULL;
  return herd_vocabulary_check_value (section, HERD_SOURCE_FILE, key, value, error);
}

static void
on_pair (const char *key, const char *text, guint line, gpointer data)
{
  Reader *reader = data;
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GError) error = NULL;
  guint first;

  if (reader->entry == NULL) {
    if (!reader->seen_section)
      add_problem (reader->config, reader->file, line, "a key before the first [section]");
    return;
  }
  first = GPOINTER_TO_UINT (g_hash_table_lookup (reader->key_lines, key));
  if (first != 0)
    g_set_error (&error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
                 "%s: is there already, in line %u", key, first);
  else
    value = read_value (reader->entry->section, key, text, &error);
  if (value == NULL) {
    break_entry (reader, line, error->message);
    return;
  }
  g_hash_table_insert (reader->key_lines, g_strdup (key), GUINT_TO_POINTER (line));
  g_variant_dict_insert_value (&reader->values, key, value);
}

static void
on_problem (const char *message, guint line, gpointer data)
{
  break_entry (data, line, message);
}

/* --- files --- */

static void
load_file (HerdConfig *config, const char *path)
{
  static const HerdKeyfileFuncs funcs = { on_section, on_pair, on_problem };
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GHashTable) key_lines = NULL;
  Reader reader = { .config = config, .file = path };

  bytes = herd_file_read (path, FILE_LIMIT, &error);
  if (bytes == NULL) {
    /* A link that leads nowhere is not a file that nobody wrote. */
    if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND)
        || g_file_test (path, G_FILE_TEST_IS_SYMLINK))
      add_problem (config, path, 0, error->message);
    return;
  }
  key_lines = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  reader.key_lines = key_lines;
  herd_keyfile_read (bytes, &funcs, &reader);
  close_section (&reader);
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static void
load_folder (HerdConfig *config, const char *directory, const char *folder)
{
  g_autofree char *path = g_build_filename (directory, folder, NULL);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) dir = g_dir_open (path, 0, &error);
  const char *name;

  if (dir == NULL) {
    if (!g_error_matches (error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
      add_problem (config, path, 0, error->message);
    return;
  }
  while ((name = g_dir_read_name (dir)) != NULL) {
    if (name[0] != '.' && g_str_has_suffix (name, ".conf"))
      g_ptr_array_add (names, g_strdup (name));
  }
  g_ptr_array_sort (names, compare_names);
  for (guint i = 0; i < names->len; i++) {
    g_autofree char *file = g_build_filename (path, g_ptr_array_index (names, i), NULL);

    load_file (config, file);
  }
}

static HerdConfig *
config_new (HerdSection first, HerdSection last)
{
  HerdConfig *config = g_new0 (HerdConfig, 1);

  config->references = 1;
  config->first = first;
  config->last = last;
  config->problems = g_ptr_array_new_with_free_func ((GDestroyNotify) herd_config_problem_free);
  for (guint i = 0; i < G_N_ELEMENTS (config->entries); i++) {
    config->entries[i] = g_ptr_array_new_with_free_func ((GDestroyNotify) config_entry_free);
    config->by_name[i] = g_hash_table_new (g_str_hash, g_str_equal);
    config->broken[i] = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  }
  return config;
}

/* --- what names others --- */

static void
remove_entry (HerdConfig *config, guint index, const char *fault)
{
  GPtrArray *entries = config->entries[HERD_SECTION_ISSUER];
  const HerdConfigEntry *entry = g_ptr_array_index (entries, index);
  HerdConfigProblem *problem = add_problem (config, entry->file, entry->line, fault);

  if (problem != NULL)
    g_hash_table_insert (config->broken[HERD_SECTION_ISSUER], g_strdup (entry->name), problem);
  g_hash_table_remove (config->by_name[HERD_SECTION_ISSUER], entry->name);
  g_ptr_array_remove_index (entries, index);
}

/* An issuer whose staging sibling is missing is left out as any section with a mistake is; those that had it
 * as theirs follow. */
static void
check_siblings (HerdConfig *config)
{
  GPtrArray *entries = config->entries[HERD_SECTION_ISSUER];
  guint i = 0;

  while (i < entries->len) {
    g_autofree char *fault = herd_siblings_find_fault (config, g_ptr_array_index (entries, i));

    if (fault != NULL)
      remove_entry (config, i, fault);
    i = fault != NULL ? 0 : i + 1;
  }
}

HerdConfig *
herd_config_load (const char *directory)
{
  static const char *const folders[] = { "issuers.d", "targets.d", "certificates.d" };
  g_autofree char *main_file = g_build_filename (directory, "certherd.conf", NULL);
  HerdConfig *config = config_new (HERD_SECTION_AGENT, HERD_SECTION_SOLVER);

  load_file (config, main_file);
  for (guint i = 0; i < G_N_ELEMENTS (folders); i++)
    load_folder (config, directory, folders[i]);
  check_siblings (config);
  config->n_problems = config->problems->len;
  return config;
}

HerdConfig *
herd_config_load_file (const char *path, HerdSection first, HerdSection last)
{
  HerdConfig *config = config_new (first, last);

  load_file (config, path);
  config->n_problems = config->problems->len;
  return config;
}

HerdConfig *
herd_config_ref (HerdConfig *config)
{
  config->references++;
  return config;
}

void
herd_config_unref (HerdConfig *config)
{
  if (config == NULL || --config->references > 0)
    return;
  for (guint i = 0; i < G_N_ELEMENTS (config->entries); i++) {
    g_hash_table_unref (config->by_name[i]);
    g_hash_table_unref (config->broken[i]);
    g_ptr_array_unref (config->entries[i]);
  }
  g_ptr_array_unref (config->problems);
  g_free (config);
}

GPtrArray *
herd_config_get_entries (HerdConfig *config, HerdSection section)
{
  return config->entries[section];
}

const HerdConfigEntry *
herd_config_find (HerdConfig *config, HerdSection section, const char *name)
{
  return g_hash_table_lookup (config->by_name[section], name);
}

const HerdConfigProblem *
herd_config_find_problem (HerdConfig *config, HerdSection section, const char *name)
{
  const HerdConfigProblem *problem = g_hash_table_lookup (config->broken[section], name);

  if (config->n_problems == 0 || herd_config_find (config, section, name) != NULL)
    return NULL;
  return problem != NULL ? problem : g_ptr_array_index (config->problems, 0);
}

char *
herd_config_problem_describe (const HerdConfigProblem *problem)
{
  return problem->line != 0
             ? g_strdup_printf ("%s, line %u: %s", problem->file, problem->line, problem->message)
             : g_strdup_printf ("%s: %s", problem->file, problem->message);
}

GPtrArray *
herd_config_get_problems (HerdConfig *config)
{
  return config->problems;
}

void
herd_config_reject (HerdConfig *config, const HerdConfigEntry *entry, const char *message)
{
  HerdSection section = entry->section;
  g_autofree char *words = g_strdup_printf ("[%s %s]: %s", herd_section_to_string (section),
                                            entry->name, message);
  HerdConfigProblem *problem = add_problem (config, entry->file, entry->line, words);

  if (problem != NULL)
    g_hash_table_insert (config->broken[section], g_strdup (entry->name), problem);
  config->n_problems = config->problems->len;
  g_hash_table_remove (config->by_name[section], entry->name);
  g_ptr_array_remove (config->entries[section], (gpointer) entry);
}

const char *
herd_config_entry_get (const HerdConfigEntry *entry, const char *key, const char *fallback)
{
  const char *value = fallback;

  if (entry != NULL)
    g_variant_lookup (entry->values, key, "&s", &value);
  return value;
}

GHashTable *
herd_config_make_settings (GVariant *values)
{
  GHashTable *settings = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  GVariantIter iter;
  const char *key;
  GVariant *value;

  if (values != NULL)
    g_variant_iter_init (&iter, values);
  while (values != NULL && g_variant_iter_loop (&iter, "{&sv}", &key, &value)) {
    g_autofree const char **items = NULL;

    if (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING)) {
      g_hash_table_insert (settings, g_strdup (key), g_variant_dup_string (value, NULL));
    } else if (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING_ARRAY)) {
      items = g_variant_get_strv (value, NULL);
      g_hash_table_insert (settings, g_strdup (key), g_strjoinv ("\n", (char **) items));
    }
  }
  return settings;
}
