// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * certherd-deliver TARGET: one-shot. Started by the agent, as a systemd unit or as its child; reads the
 * target's configuration itself, so that nothing that the agent says is a path or a command.
 */
#include <locale.h>

#include "deliver/pass.h"
#include "herd-config.h"
#include "plugin/error.h"

typedef struct {
  gboolean session;
  gboolean version;
  char *config;
  char *state;
  char **targets;
} Options;

static void
options_clear (Options *options)
{
  g_free (options->config);
  g_free (options->state);
  g_strfreev (options->targets);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Options, options_clear)

static gboolean
parse_options (int argc, char **argv, Options *options, GError **error)
{
  const GOptionEntry entries[] = {
    { "session", 0, 0, G_OPTION_ARG_NONE, &options->session, "Use the session bus", NULL },
    { "config", 0, 0, G_OPTION_ARG_FILENAME, &options->config, "Read the configuration in DIR",
      "DIR" },
    { "state", 0, 0, G_OPTION_ARG_FILENAME, &options->state,
      "Put the target live's files below DIR", "DIR" },
    { "version", 0, 0, G_OPTION_ARG_NONE, &options->version, "Show the version", NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->targets, NULL, "TARGET" },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);

  g_option_context_set_summary (
      context, "Gives a target the certificates that are pending for it, and ends.");
  g_option_context_set_description (context,
                                    "Exit status: 0 everything is acknowledged, 75 something stays "
                                    "pending, 1 failure.");
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, error))
    return FALSE;
  if (options->version || (options->targets != NULL && g_strv_length (options->targets) == 1))
    return TRUE;
  g_set_error_literal (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
                       "the name of one target is needed; see --help");
  return FALSE;
}

int
main (int argc, char **argv)
{
  g_auto (Options) options = { FALSE };
  g_autoptr (GError) error = NULL;
  HerdTargetPlaces places = { .plugin_directory = HERD_PLUGIN_DIR };

  setlocale (LC_ALL, "");
  /* Before the first TLS connection: a resumed session would show the probe an old certificate. */
  g_setenv ("G_TLS_GNUTLS_PRIORITY", "NORMAL:%COMPAT:%NO_TICKETS", TRUE);
  if (!parse_options (argc, argv, &options, &error)
      || (options.targets != NULL && !herd_name_check ("target", options.targets[0], &error))) {
    g_printerr ("certherd-deliver: %s\n", error->message);
    return HERD_PASS_FAILED;
  }
  if (options.version) {
    g_print ("certherd-deliver %s\n", HERD_VERSION);
    return HERD_PASS_DONE;
  }
  if (options.config == NULL)
    options.config = options.session ? g_build_filename (g_get_user_config_dir (), "certherd", NULL)
                                     : g_strdup (HERD_CONFIG_DIR);
  if (options.state == NULL)
    options.state = options.session ? g_build_filename (g_get_user_state_dir (), "certherd", NULL)
                                    : g_strdup (HERD_STATE_DIR);
  places.session = options.session;
  places.config_directory = options.config;
  places.state_directory = options.state;
  return herd_pass_run (options.targets[0], &places);
}
