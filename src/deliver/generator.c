// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * certherd-generator: a systemd generator (systemd.generator(7)). Run by systemd at start-up and at
 * "systemctl daemon-reload"; opens certherd-deliver@TARGET.service, which may write nothing, to the
 * directory that the target's configuration names, and certherd.service to the web roots of solvers.
 * Talks to nobody, as nothing runs yet.
 */
#include <errno.h>
#include <locale.h>

#include "config/config.h"
#include "herd-config.h"

#define LIVE "live"

/* Made by systemd where they are missing, and open to the unit then. */
#define LIVE_SETTINGS "StateDirectory=certherd/live certherd/archive\nStateDirectoryMode=0755\n"

/* A word of a unit file (systemd.syntax(7), systemd.unit(5) "Specifiers"). */
static char *
quote (const char *text)
{
  g_autoptr (GString) quoted = g_string_new ("\"");

  for (; *text != '\0'; text++) {
    if (*text == '"' || *text == '\\')
      g_string_append_c (quoted, '\\');
    else if (*text == '%')
      g_string_append_c (quoted, '%');
    g_string_append_c (quoted, *text);
  }
  g_string_append_c (quoted, '"');
  return g_string_free (g_steal_pointer (&quoted), FALSE);
}

/* The line that opens DIRECTORY. One that is not there is for the service to explain. */
static char *
make_paths (const char *directory)
{
  g_autofree char *missing_too = g_strconcat ("-", directory, NULL);
  g_autofree char *word = quote (missing_too);

  return g_strdup_printf ("ReadWritePaths=%s\n", word);
}

/* The lines for a target, or NULL if it has no files. */
static char *
make_settings (const char *name, const HerdConfigEntry *entry)
{
  const char *path = herd_config_entry_get (entry, "path", NULL);
  g_autofree char *directory = NULL;

  if (g_str_equal (name, LIVE))
    return g_strdup (LIVE_SETTINGS);
  if (path == NULL)
    return NULL;
  /* A single file is replaced by another one, so it is its directory that is written. */
  directory = g_str_equal (herd_config_entry_get (entry, "layout", "name"), "single")
                  ? g_path_get_dirname (path)
                  : g_strdup (path);
  return make_paths (directory);
}

static gboolean
write_drop_in (const char *units, const char *unit, const char *source, const char *settings,
               GError **error)
{
  g_autofree char *leaf = g_strconcat (unit, ".d", NULL);
  g_autofree char *folder = g_build_filename (units, leaf, NULL);
  g_autofree char *path = g_build_filename (folder, "50-certherd-paths.conf", NULL);
  g_autofree char *text = NULL;

  if (g_mkdir_with_parents (folder, 0755) < 0) {
    g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno), "%s: %s", folder,
                 g_strerror (errno));
    return FALSE;
  }
  text = g_strdup_printf ("# Made by certherd-generator of %s.\n[Service]\n%s", source, settings);
  return g_file_set_contents (path, text, -1, error);
}

static gboolean
write_target (const char *units, const char *name, const HerdConfigEntry *entry, GError **error)
{
  g_autofree char *settings = make_settings (name, entry);
  g_autofree char *unit = g_strdup_printf ("certherd-deliver@%s.service", name);
  g_autofree char *source = g_strdup_printf ("[target %s]", name);

  return settings == NULL || write_drop_in (units, unit, source, settings, error);
}

/* The agent itself writes the answers to http-01 below a web root. */
static gboolean
write_webroots (const char *units, HerdConfig *config, GError **error)
{
  GPtrArray *entries = herd_config_get_entries (config, HERD_SECTION_SOLVER);
  g_autoptr (GString) settings = g_string_new (NULL);

  for (guint i = 0; i < entries->len; i++) {
    const char *webroot = herd_config_entry_get (g_ptr_array_index (entries, i), "webroot", NULL);

    if (webroot != NULL) {
      g_autofree char *line = make_paths (webroot);

      g_string_append (settings, line);
    }
  }
  return settings->len == 0
         || write_drop_in (units, "certherd.service", "the solvers' web roots", settings->str,
                           error);
}

static gboolean
write_all (const char *units, HerdConfig *config, GError **error)
{
  GPtrArray *entries = herd_config_get_entries (config, HERD_SECTION_TARGET);

  for (guint i = 0; i < entries->len; i++) {
    const HerdConfigEntry *entry = g_ptr_array_index (entries, i);

    if (!write_target (units, entry->name, entry, error))
      return FALSE;
  }
  if (!write_webroots (units, config, error))
    return FALSE;
  /* It needs no section. */
  return herd_config_find (config, HERD_SECTION_TARGET, LIVE) != NULL
         || write_target (units, LIVE, NULL, error);
}

static void
complain (HerdConfig *config)
{
  GPtrArray *problems = herd_config_get_problems (config);

  for (guint i = 0; i < problems->len; i++) {
    const HerdConfigProblem *problem = g_ptr_array_index (problems, i);

    g_printerr ("certherd-generator: %s:%u: %s\n", problem->file, problem->line, problem->message);
  }
}

int
main (int argc, char **argv)
{
  g_autofree char *directory = NULL;
  const GOptionEntry entries[] = {
    { "config", 0, 0, G_OPTION_ARG_FILENAME, &directory, "Read the configuration in DIR", "DIR" },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("UNITS [EARLY LATE]");
  g_autoptr (HerdConfig) config = NULL;
  g_autoptr (GError) error = NULL;
  gboolean ok;

  setlocale (LC_ALL, "");
  g_option_context_set_summary (context, "Writes drop-ins for certherd's services into UNITS.");
  g_option_context_add_main_entries (context, entries, NULL);
  ok = g_option_context_parse (context, &argc, &argv, &error);
  if (ok && argc < 2) {
    ok = FALSE;
    g_set_error_literal (&error, G_OPTION_ERROR, G_OPTION_ERROR_FAILED,
                         "a directory for the drop-ins is needed; see --help");
  }
  if (ok) {
    config = herd_config_load (directory != NULL ? directory : HERD_CONFIG_DIR);
    complain (config);
    ok = write_all (argv[1], config, &error);
  }
  if (!ok)
    g_printerr ("certherd-generator: %s\n", error->message);
  return ok ? 0 : 1;
}
