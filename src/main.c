// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * certherd: the composition root. Makes the parts, wires them, runs the main loop, and unmakes them in
 * the opposite order.
 */
#include <glib-unix.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "acme/engine.h"
#include "bus/service.h"
#include "core/agent.h"
#include "core/responder-child.h"
#include "herd-config.h"
#include "net/http.h"
#include "plugin/error.h"
#include "state/kek.h"
#include "util/notify.h"

#define RESPONDER_SOCKET "/run/certherd/responder.sock"

typedef struct {
  gboolean session;
  gboolean check_config;
  gboolean version;
  char *config;
  char *state;
} Options;

/* Everything that main makes, in the order in which it is made. */
typedef struct {
  Options options;
  GMainLoop *loop;
  HerdClock *clock;
  HerdCrash crash;
  HerdConfig *config;
  HerdPresets *presets;
  HerdResponderChild *responder;
  HerdAgent *agent;
  HerdBusService *service;
  int status;
} Program;

/* --- options --- */

static gboolean
parse_options (Options *options, int argc, char **argv, GError **error)
{
  const GOptionEntry entries[] = {
    { "session", 0, 0, G_OPTION_ARG_NONE, &options->session,
      "Be the user's own instance, on the session bus", NULL },
    { "config", 0, 0, G_OPTION_ARG_FILENAME, &options->config, "Read the configuration in DIR",
      "DIR" },
    { "state", 0, 0, G_OPTION_ARG_FILENAME, &options->state, "Keep the state in DIR", "DIR" },
    { "check-config", 0, 0, G_OPTION_ARG_NONE, &options->check_config,
      "Say what is wrong with the configuration, and end", NULL },
    { "version", 0, 0, G_OPTION_ARG_NONE, &options->version, "Show the version", NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);

  g_option_context_set_summary (context, "The certificate agent of this machine.");
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, error))
    return FALSE;
  if (options->config == NULL)
    options->config = options->session
                          ? g_build_filename (g_get_user_config_dir (), "certherd", NULL)
                          : g_strdup (HERD_CONFIG_DIR);
  if (options->state == NULL)
    options->state = options->session ? g_build_filename (g_get_user_data_dir (), "certherd", NULL)
                                      : g_strdup (HERD_STATE_DIR);
  return TRUE;
}

static guint
print_problems (GPtrArray *problems)
{
  for (guint i = 0; i < problems->len; i++) {
    const HerdConfigProblem *problem = g_ptr_array_index (problems, i);

    if (problem->line != 0)
      g_printerr ("%s:%u: %s\n", problem->file, problem->line, problem->message);
    else
      g_printerr ("%s: %s\n", problem->file, problem->message);
  }
  return problems->len;
}

static int
check_config (Program *program)
{
  guint count = print_problems (herd_presets_get_problems (program->presets));

  herd_presets_check (program->presets, program->config);
  count += print_problems (herd_config_get_problems (program->config));
  return count == 0 ? 0 : 1;
}

/* --- parts --- */

/* PRESET may be NULL: nothing is known. */
static HerdAcmeTraits
get_traits (const HerdPreset *preset)
{
  if (preset == NULL)
    return (HerdAcmeTraits){ 0 };
  return (HerdAcmeTraits){
    .hosts = preset->hosts,
    .eab_required = preset->eab == HERD_PRESET_EAB_REQUIRED,
    .eab_hint = preset->eab_hint,
    .contact_required = preset->contact_required,
    .caa_identities = preset->caa_identities,
    .account_key_types = preset->account_key_types,
    .key_types = preset->key_types,
    .identifiers = preset->identifiers,
    .lacks = preset->lacks,
    .lifetime_minimum = preset->lifetime_minimum,
    .lifetime_maximum = preset->lifetime_maximum,
  };
}

static HerdIssuer *
make_issuer (const HerdAuthority *authority, const HerdPresetMatch *match, gpointer data,
             GError **error)
{
  Program *program = data;
  const HerdAcmeOptions options = {
    .name = authority->name,
    .directory_url = match->directory_url,
    .trust = herd_authority_get_setting (authority, "trust", NULL),
    .account_key_type = herd_authority_get_setting (authority, "account-key-type", NULL),
    .traits = get_traits (match->preset),
    .http1 = g_str_equal (herd_authority_get_setting (authority, "http", "2"), "1.1"),
    .version = HERD_VERSION,
    .clock = program->clock,
    .crash = program->crash.reached != NULL ? &program->crash : NULL,
  };

  return (HerdIssuer *) herd_acme_engine_new (&options, error);
}

typedef struct {
  GMainLoop *loop;
  GBytes *kek;
  GError *error;
} KekWait;

static void
kek_loaded (GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
  KekWait *wait = data;

  wait->kek = herd_kek_load_finish (result, &wait->error);
  g_main_loop_quit (wait->loop);
}

/* Where the configuration names none. */
static const char *
get_keystore (const Program *program)
{
  if (program->options.session)
    return "secret-service";
  return HERD_WITH_SYSTEMD ? "credential" : "file";
}

/* The state without its key can still be shown, and its chains be handed out; so this never fails, but
 * says what AtRest is. The agent unlocks it later, if it can. */
static const char *
unlock (Program *program, HerdState *state)
{
  const char *name = herd_config_entry_get (
      herd_config_find (program->config, HERD_SECTION_AGENT, ""), "keystore",
      get_keystore (program));
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  KekWait wait = { loop, NULL, NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) kek = NULL;
  HerdKeystore keystore;

  if (herd_keystore_parse (name, &keystore, &error)) {
    herd_kek_load_async (keystore, program->options.state, !herd_state_has_kek (state), NULL,
                         kek_loaded, &wait);
    g_main_loop_run (loop);
    kek = wait.kek;
    error = wait.error;
    if (kek != NULL && herd_state_unlock (state, kek, &error))
      return herd_keystore_get_at_rest (keystore);
  }
  g_warning ("the keys stay locked: %s", error->message);
  return "locked";
}

/* Does a solver say where the responder listens? */
static gboolean
has_addresses (HerdConfig *config)
{
  GPtrArray *entries = herd_config_get_entries (config, HERD_SECTION_SOLVER);

  for (guint i = 0; i < entries->len; i++) {
    const HerdConfigEntry *entry = g_ptr_array_index (entries, i);

    if (g_variant_lookup (entry->values, "listen", "as", NULL))
      return TRUE;
  }
  return FALSE;
}

/* Under systemd the responder is a unit of its own; elsewhere a child, if it has somewhere to listen. */
static HerdResponderLink *
make_link (Program *program, GError **error)
{
  g_autofree char *path = g_build_filename (HERD_LIBEXEC_DIR, "certherd-responder", NULL);

  if (!program->options.session && HERD_WITH_SYSTEMD)
    return herd_responder_link_new_socket (RESPONDER_SOCKET, program->clock);
  if (!has_addresses (program->config))
    return NULL;
  program->responder = herd_responder_child_new (path, program->options.config, program->clock,
                                                 error);
  return program->responder != NULL
             ? g_object_ref (herd_responder_child_get_link (program->responder))
             : NULL;
}

static HerdLauncher *
make_launcher (const Program *program)
{
  const Options *options = &program->options;
  g_autofree char *path = g_build_filename (HERD_LIBEXEC_DIR, "certherd-deliver", NULL);
  const char *arguments[] = {
    "--config", options->config, "--state", options->state, options->session ? "--session" : NULL,
    NULL
  };

  if (!options->session && HERD_WITH_SYSTEMD)
    return herd_launcher_new_systemd (G_BUS_TYPE_SYSTEM, program->clock);
  return herd_launcher_new_children (path, arguments);
}

static gboolean
make_agent (Program *program, GError **error)
{
  const HerdCrash *crash = program->crash.reached != NULL ? &program->crash : NULL;
  HerdAgentOptions options = {
    .clock = program->clock,
    .config = program->config,
    .presets = program->presets,
    .config_directory = program->options.config,
    .plugin_directory = HERD_PLUGIN_DIR,
    .factory = make_issuer,
    .factory_data = program,
    .crash = crash,
    .version = HERD_VERSION,
    .keystore = get_keystore (program),
    .state_directory = program->options.state,
    .session = program->options.session,
  };
  GError *failure = NULL;

  options.state = herd_state_open (program->options.state, crash, error);
  if (options.state == NULL)
    return FALSE;
  options.at_rest = unlock (program, options.state);
  options.link = make_link (program, &failure);
  if (failure != NULL) {
    herd_state_close (options.state);
    g_propagate_error (error, failure);
    return FALSE;
  }
  options.launcher = make_launcher (program);
  program->agent = herd_agent_new (&options);
  return herd_agent_load (program->agent, error);
}

/* --- events --- */

static void
on_ready (gpointer data)
{
  Program *program = data;
  g_autoptr (GError) error = NULL;

  herd_agent_start (program->agent);
  if (!herd_notify ("READY=1", &error))
    g_warning ("%s", error->message);
}

static void
on_failed (const GError *error, gpointer data)
{
  Program *program = data;

  g_printerr ("certherd: %s\n", error->message);
  program->status = 1;
  g_main_loop_quit (program->loop);
}

static gboolean
on_terminate (gpointer data)
{
  Program *program = data;

  herd_notify ("STOPPING=1", NULL);
  g_main_loop_quit (program->loop);
  return G_SOURCE_CONTINUE;
}

static void
reloaded (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) problems = herd_agent_reload_finish (result, &error);

  if (problems != NULL)
    g_message ("configuration read again, %u problems", problems->len);
  else
    g_warning ("the configuration was not applied: %s", error->message);
  herd_notify ("READY=1", NULL);
}

static gboolean
on_hangup (gpointer data)
{
  Program *program = data;

  herd_notify ("RELOADING=1", NULL);
  herd_agent_reload_async (program->agent, reloaded, NULL);
  return G_SOURCE_CONTINUE;
}

#if HERD_WITH_CRASH_POINTS
/* For tests: ends the process, as a power cut would, at the point that the environment names. */
static void
crash_here (const char *point, gpointer data)
{
  const char *log = g_getenv ("CERTHERD_CRASH_LOG");

  if (log != NULL) {
    FILE *file = fopen (log, "a");

    if (file != NULL) {
      fprintf (file, "%s\n", point);
      fclose (file);
    }
  }
  if (data != NULL && g_str_equal (point, data))
    kill (getpid (), SIGKILL);
}
#endif

static void
run (Program *program)
{
  const HerdBusServiceEvents events = { on_ready, on_failed, program };

  program->loop = g_main_loop_new (NULL, FALSE);
  g_unix_signal_add (SIGTERM, on_terminate, program);
  g_unix_signal_add (SIGINT, on_terminate, program);
  g_unix_signal_add (SIGHUP, on_hangup, program);
  program->service = herd_bus_service_new (
      program->options.session ? G_BUS_TYPE_SESSION : G_BUS_TYPE_SYSTEM, program->agent, &events);
  g_main_loop_run (program->loop);
}

static void
program_clear (Program *program)
{
  herd_bus_service_free (program->service);
  herd_agent_free (program->agent);
  herd_responder_child_free (program->responder);
  herd_config_unref (program->config);
  herd_presets_unref (program->presets);
  g_clear_pointer (&program->clock, herd_clock_unref);
  g_clear_pointer (&program->loop, g_main_loop_unref);
  g_free (program->options.config);
  g_free (program->options.state);
}

int
main (int argc, char **argv)
{
  Program program = { 0 };
  g_autoptr (GError) error = NULL;

  herd_net_init ();
  setlocale (LC_ALL, "");
  signal (SIGPIPE, SIG_IGN);
  if (!parse_options (&program.options, argc, argv, &error)) {
    g_printerr ("certherd: %s\n", error->message);
    return 2;
  }
  program.config = herd_config_load (program.options.config);
  program.presets = herd_presets_load (HERD_PRESET_DIR);
  program.clock = herd_clock_new_system ();
#if HERD_WITH_CRASH_POINTS
  program.crash.reached = crash_here;
  program.crash.data = (gpointer) g_getenv ("CERTHERD_CRASH_AT");
#endif
  if (program.options.version) {
    g_print ("certherd %s\n", HERD_VERSION);
  } else if (program.options.check_config) {
    program.status = check_config (&program);
  } else if (make_agent (&program, &error)) {
    run (&program);
  } else {
    g_printerr ("certherd: %s\n", error->message);
    program.status = 1;
  }
  program_clear (&program);
  return program.status;
}
