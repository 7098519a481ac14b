// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * certherd-responder: answers validators. It holds the challenges in flight and nothing else, opens no
 * connection, writes no file. Started by systemd with its sockets, or by the agent as a child
 * (--control-fd), whose end is then its own.
 */
#include <fcntl.h>
#include <glib-unix.h>
#include <locale.h>

#include "config/config.h"
#include "herd-config.h"
#include "plugin/error.h"
#include "responder/control.h"
#include "responder/flight.h"
#include "responder/http-front.h"
#include "responder/sockets.h"
#include "responder/tls-front.h"
#include "util/notify.h"

typedef struct {
  char *config;
  int control_fd;
  gboolean version;
} Options;

static gboolean
parse_options (int argc, char **argv, Options *options, GError **error)
{
  const GOptionEntry entries[] = {
    { "config", 0, 0, G_OPTION_ARG_FILENAME, &options->config, "Read the configuration in DIR",
      "DIR" },
    { "control-fd", 0, 0, G_OPTION_ARG_INT, &options->control_fd,
      "Obey the agent at this inherited descriptor", "N" },
    { "version", 0, 0, G_OPTION_ARG_NONE, &options->version, "Show the version", NULL },
    { NULL },
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);

  g_option_context_set_summary (context, "Answers the challenges that certherd presents.");
  g_option_context_add_main_entries (context, entries, NULL);
  return g_option_context_parse (context, &argc, &argv, error);
}

static void
print_problems (HerdConfig *config)
{
  GPtrArray *problems = herd_config_get_problems (config);

  for (guint i = 0; i < problems->len; i++) {
    const HerdConfigProblem *problem = g_ptr_array_index (problems, i);

    g_printerr ("certherd-responder: %s:%u: %s\n", problem->file, problem->line, problem->message);
  }
}

/* What ENTRY of [solver NAME] has us listen for, or NULL. */
static const char *
type_of (const HerdConfigEntry *entry)
{
  const char *plugin = herd_config_entry_get (entry, "plugin", entry->name);

  return g_strv_contains (herd_sockets_get_known_types (), plugin) ? plugin : NULL;
}

/* No service manager has handed us sockets. */
static gboolean
open_configured (HerdSockets *sockets, const char *directory, GError **error)
{
  g_autoptr (HerdConfig) config = herd_config_load (directory);
  GPtrArray *entries = herd_config_get_entries (config, HERD_SECTION_SOLVER);
  gboolean found = FALSE;

  print_problems (config);
  for (guint i = 0; i < entries->len; i++) {
    const HerdConfigEntry *entry = g_ptr_array_index (entries, i);
    const char *type = type_of (entry);
    g_autofree const char **addresses = NULL;

    if (type == NULL || !g_variant_lookup (entry->values, "listen", "^a&s", &addresses))
      continue;
    if (!herd_sockets_listen (sockets, type, addresses, error))
      return FALSE;
    found = TRUE;
  }
  if (!found)
    g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
                 "no address to listen at: enable certherd-responder.socket, or set “listen” in "
                 "[solver http-01] or [solver tls-alpn-01] in %s/certherd.conf",
                 directory);
  return found;
}

static gboolean
add_agent (HerdControl *control, int fd, GMainLoop *loop, GError **error)
{
  g_autoptr (GSocket) socket = NULL;

  fcntl (fd, F_SETFD, FD_CLOEXEC);
  socket = g_socket_new_from_fd (fd, error);
  if (socket == NULL) {
    herd_error_translate (error, HERD_ERROR_INVALID_ARGUMENT, "--control-fd %d", fd);
    return FALSE;
  }
  return herd_control_add_agent (control, socket, (void (*) (gpointer)) g_main_loop_quit, loop,
                                 error);
}

static gboolean
open_sockets (HerdSockets *sockets, const Options *options, GError **error)
{
  gboolean inherited;

  if (!herd_sockets_inherit (sockets, &inherited, error))
    return FALSE;
  if (!inherited && options->control_fd < 0) {
    g_set_error_literal (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
                         "started without sockets and without --control-fd; it is started by "
                         "certherd-responder.socket or by the agent");
    return FALSE;
  }
  if (inherited && sockets->control == NULL) {
    g_set_error_literal (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
                         "no inherited socket is named “control”; in the socket unit, use "
                         "FileDescriptorName=control");
    return FALSE;
  }
  return inherited || open_configured (sockets, options->config, error);
}

static gboolean
on_terminate (gpointer data)
{
  g_main_loop_quit (data);
  return G_SOURCE_CONTINUE;
}

/* Makes FRONT (taken; NULL is a failure already) serve SOCKETS; gives it back. */
static HerdFront *
serve (HerdFront *front, GPtrArray *sockets, GError **error)
{
  g_autoptr (HerdFront) taken = front;

  if (taken == NULL)
    return NULL;
  for (guint i = 0; i < sockets->len; i++) {
    if (!herd_front_add (taken, g_ptr_array_index (sockets, i), error))
      return NULL;
  }
  herd_front_start (taken);
  return g_steal_pointer (&taken);
}

typedef struct {
  HerdFront *http, *tls; /* NULL: there is no socket for it */
} Fronts;

static gboolean
start_fronts (Fronts *fronts, HerdSockets *sockets, HerdFlight *flight, HerdClock *clock,
              GError **error)
{
  GPtrArray *http = sockets->listening[HERD_FRONT_HTTP];
  GPtrArray *tls = sockets->listening[HERD_FRONT_TLS];

  if (http->len > 0)
    fronts->http = serve (herd_http_front_new (flight, clock), http, error);
  if (http->len > 0 && fronts->http == NULL)
    return FALSE;
  if (tls->len > 0)
    fronts->tls = serve (herd_tls_front_new (flight, clock, error), tls, error);
  return tls->len == 0 || fronts->tls != NULL;
}

static void
fronts_clear (Fronts *fronts)
{
  herd_front_free (fronts->http);
  herd_front_free (fronts->tls);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Fronts, fronts_clear)

static gboolean
run (const Options *options, GError **error)
{
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (HerdClock) clock = herd_clock_new_system ();
  g_autoptr (HerdSockets) sockets = herd_sockets_new ();
  g_autoptr (HerdFlight) flight = herd_flight_new ();
  g_auto (Fronts) fronts = { NULL, NULL };
  g_autofree const char **types = NULL;
  g_autoptr (HerdControl) control = NULL;

  if (!open_sockets (sockets, options, error))
    return FALSE;
  if (!start_fronts (&fronts, sockets, flight, clock, error))
    return FALSE;
  /* Without a socket for it, a type is refused when it is presented. */
  types = herd_sockets_get_types (sockets);
  control = herd_control_new (flight, types, clock);
  if (sockets->control != NULL ? !herd_control_add_listener (control, sockets->control, error)
                               : !add_agent (control, options->control_fd, loop, error))
    return FALSE;
  g_unix_signal_add (SIGTERM, on_terminate, loop);
  g_unix_signal_add (SIGINT, on_terminate, loop);
  if (!herd_notify ("READY=1", error))
    return FALSE;
  g_main_loop_run (loop);
  return TRUE;
}

int
main (int argc, char **argv)
{
  Options options = { .control_fd = -1 };
  g_autoptr (GError) error = NULL;
  gboolean ok;

  setlocale (LC_ALL, "");
  ok = parse_options (argc, argv, &options, &error);
  if (options.config == NULL)
    options.config = g_strdup (HERD_CONFIG_DIR);
  if (ok && options.version)
    g_print ("certherd-responder %s\n", HERD_VERSION);
  else if (ok)
    ok = run (&options, &error);
  if (!ok)
    g_printerr ("certherd-responder: %s\n", error->message);
  g_free (options.config);
  return ok ? 0 : 1;
}
