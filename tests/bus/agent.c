// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The real agent, state and bus with a double of an issuer (issuer-double.h).
 *   bus-agent --session|--system --config DIR --state DIR
 *
 * TEST_CERTIFICATES: so many more certificates, in memory only, with TEST_IDENTIFIERS long names each.
 * TEST_ISSUERS: how issuers fail (trouble.h). TEST_LOCKED: the state stays locked. TEST_RACE: a Modify comes
 * just behind the first save, and with "kill" a kill just behind both, before either is answered. SIGUSR1
 * prints the longest turn of the loop since the last one, in microseconds; SIGUSR2 lets the issuer go on.
 */
#include <glib-unix.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bus/service.h"
#include "core/agent.h"
#include "herd-config.h"
#include "issuer-double.h"

typedef struct {
  GMainLoop *loop;
  HerdClock *clock;
  HerdCrash crash;
  gboolean raced;
  IssuerDoubles doubles;
  HerdAgent *agent;
  int status;
} Program;

static HerdIssuer *
make_issuer (const HerdAuthority *authority, const HerdPresetMatch *match G_GNUC_UNUSED,
             gpointer data, GError **error G_GNUC_UNUSED)
{
  return issuer_double_new (&((Program *) data)->doubles, authority->name);
}

/* --- many certificates, and what they cost the loop --- */

static guint
get_number (const char *variable)
{
  const char *text = g_getenv (variable);

  return text != NULL ? (guint) g_ascii_strtoull (text, NULL, 10) : 0;
}

static HerdCertificate *
make_certificate (guint number, guint n_identifiers)
{
  g_autoptr (GPtrArray) identifiers = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *name = g_strdup_printf ("fill-%06u", number);
  g_autofree char *label = g_strnfill (60, 'x');
  g_auto (GVariantDict) spec = G_VARIANT_DICT_INIT (NULL);
  HerdCertificate *certificate;

  g_ptr_array_add (identifiers, g_strconcat (name, ".example", NULL));
  for (guint i = 0; i < n_identifiers; i++)
    g_ptr_array_add (identifiers, g_strdup_printf ("%u.%s.%s.%s.example", i, label, label, label));
  g_variant_dict_insert_value (
      &spec, "identifiers",
      g_variant_new_strv ((const char *const *) identifiers->pdata, identifiers->len));
  /* As after its section vanished: there is nothing to be done for it. */
  certificate = herd_certificate_new (1000000 + number, name, 0, HERD_ORIGIN_FILE,
                                      g_variant_dict_end (&spec));
  certificate->retired = TRUE;
  return certificate;
}

static void
fill (HerdAgent *agent)
{
  HerdRegistry *registry = herd_agent_get_services (agent)->registry;
  guint n = get_number ("TEST_CERTIFICATES");

  for (guint i = 0; i < n; i++)
    herd_registry_add_certificate (registry, make_certificate (i, get_number ("TEST_IDENTIFIERS")));
}

static gint64 turn_began, longest_turn;

static int
measured_poll (GPollFD *fds, guint n_fds, int timeout)
{
  gint64 now = g_get_monotonic_time ();
  int result;

  if (turn_began != 0)
    longest_turn = MAX (longest_turn, now - turn_began);
  result = g_poll (fds, n_fds, timeout);
  turn_began = g_get_monotonic_time ();
  return result;
}

static gboolean
on_measure (gpointer data G_GNUC_UNUSED)
{
  printf ("longest turn: %" G_GINT64_FORMAT "\n", longest_turn);
  fflush (stdout);
  longest_turn = 0;
  return G_SOURCE_CONTINUE;
}

/* --- the rest is the agent's own --- */

static void
on_ready (gpointer data)
{
  herd_agent_start (((Program *) data)->agent);
  puts ("ready");
  fflush (stdout);
}

static void
on_failed (const GError *error, gpointer data)
{
  Program *program = data;

  fprintf (stderr, "%s\n", error->message);
  program->status = 1;
  g_main_loop_quit (program->loop);
}

static gboolean
on_terminate (gpointer data)
{
  g_main_loop_quit (((Program *) data)->loop);
  return G_SOURCE_REMOVE;
}

static gboolean
on_go (gpointer data)
{
  issuer_double_go_on (&((Program *) data)->doubles);
  return G_SOURCE_CONTINUE;
}

/* The window between a commit and its answer. */
static void
race (const char *point, gpointer data)
{
  Program *program = data;
  HerdServices *services;
  HerdCertificate *certificate;
  g_autoptr (GVariant) set = NULL;
  g_autoptr (HerdStateContents) contents = NULL;
  const char *const nothing[] = { NULL };
  gboolean ends = g_str_equal (g_getenv ("TEST_RACE"), "kill");

  if (!g_str_equal (point, "run:issue/save:entered")
      && !g_str_equal (point, "run:issue/save:answered"))
    return;
  services = herd_agent_get_services (program->agent);
  certificate = herd_registry_next_certificate (services->registry, "");
  if (!program->raced) {
    program->raced = TRUE;
    set = g_variant_ref_sink (g_variant_new_parsed (
        ends ? "{'renew': <'50%'>}" : "{'identifiers': <['www.example', 'two.example']>}"));
    herd_agent_modify_async (program->agent, geteuid (), certificate->id, set, nothing, NULL, NULL);
  } else if (ends) {
    /* What was asked for before is on disk by then. */
    contents = herd_state_load (services->state, NULL);
    kill (getpid (), SIGKILL);
  }
}

static gboolean
make_agent (Program *program, const char *config, const char *directory, gboolean session,
            GError **error)
{
  const char *arguments[] = { "--session", "--config", config, "--state", directory, NULL };
  g_autoptr (GBytes) kek = g_bytes_new_static ("0123456789abcdef0123456789abcdef", 32);
  g_autofree char *deliver = g_build_filename (HERD_LIBEXEC_DIR, "certherd-deliver", NULL);
  g_autoptr (HerdConfig) loaded = herd_config_load (config);
  const char *folder = g_getenv ("TEST_PRESETS");
  g_autoptr (HerdPresets) presets = herd_presets_load (folder != NULL ? folder : HERD_PRESET_DIR);
  HerdAgentOptions options = {
    .clock = program->clock,
    .config = loaded,
    .presets = presets,
    .config_directory = config,
    .plugin_directory = HERD_PLUGIN_DIR,
    .factory = make_issuer,
    .factory_data = program,
    .crash = program->crash.reached != NULL ? &program->crash : NULL,
    .version = HERD_VERSION,
    .at_rest = "none",
    .session = session,
  };

  options.state = herd_state_open (directory, NULL, error);
  if (options.state == NULL
      || (g_getenv ("TEST_LOCKED") == NULL && !herd_state_unlock (options.state, kek, error)))
    return FALSE;
  options.launcher = herd_launcher_new_children (deliver, session ? arguments : arguments + 1);
  program->agent = herd_agent_new (&options);
  return herd_agent_load (program->agent, error);
}

int
main (int argc, char **argv)
{
  Program program = { 0 };
  gboolean session = argc > 1 && g_str_equal (argv[1], "--session");
  HerdBusServiceEvents events = { on_ready, on_failed, &program };
  HerdBusService *service;
  GError *error = NULL;

  g_assert_cmpint (argc, ==, 6);
  program.loop = g_main_loop_new (NULL, FALSE);
  program.clock = herd_clock_new_system ();
  if (g_getenv ("TEST_RACE") != NULL) {
    program.crash.reached = race;
    program.crash.data = &program;
  }
  program.doubles.clock = program.clock;
  program.doubles.waiting = g_ptr_array_new_with_free_func (g_object_unref);
  program.doubles.ca = test_ca_new ("the double's CA");
  if (!make_agent (&program, argv[3], argv[5], session, &error)) {
    fprintf (stderr, "%s\n", error->message);
    return 1;
  }
  fill (program.agent);
  g_main_context_set_poll_func (NULL, measured_poll);
  g_unix_signal_add (SIGUSR1, on_measure, NULL);
  g_unix_signal_add (SIGTERM, on_terminate, &program);
  g_unix_signal_add (SIGUSR2, on_go, &program);
  service = herd_bus_service_new (session ? G_BUS_TYPE_SESSION : G_BUS_TYPE_SYSTEM, program.agent,
                                  &events);
  g_main_loop_run (program.loop);
  herd_bus_service_free (service);
  herd_agent_free (program.agent);
  herd_clock_unref (program.clock);
  g_main_loop_unref (program.loop);
  test_ca_free (program.doubles.ca);
  g_ptr_array_unref (program.doubles.waiting);
  return program.status;
}
