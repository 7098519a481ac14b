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

  g_option_context_set_summary (context, "Answers the http-01 challenges that certherd presents.");
  g_option_context_add_main_entries (context, entries, NULL);
  return g_option_context_parse (context, &argc, &argv, error);
}

/* No service manager has handed us sockets. */
static gboolean
open_configured (HerdSockets *sockets, const char *directory, GError **error)
{
  g_autoptr (HerdConfig) config = herd_config_load (directory);
  const HerdConfigEntry *entry = herd_config_find (config, HERD_SECTION_SOLVER, "http-01");
  g_autofree const char **addresses = NULL;
  GPtrArray *problems = herd_config_get_problems (config);

  for (guint i = 0; i < problems->len; i++) {
    const HerdConfigProblem *problem = g_ptr_array_index (problems, i);

    g_printerr ("certherd-responder: %s:%u: %s\n", problem->file, problem->line, problem->message);
  }
  if (entry != NULL && g_variant_lookup (entry->values, "listen", "^a&s", &addresses))
    return herd_sockets_listen (sockets, addresses, error);
  g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
               "no address to listen at: enable certherd-responder.socket, or set “listen” in "
               "[solver http-01] in %s/certherd.conf",
               directory);
  return FALSE;
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

static gboolean
run (const Options *options, GError **error)
{
  static const char *const http_01[] = { "http-01", NULL };
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (HerdClock) clock = herd_clock_new_system ();
  g_autoptr (HerdSockets) sockets = herd_sockets_new ();
  g_autoptr (HerdFlight) flight = herd_flight_new ();
  g_autoptr (HerdHttpFront) front = herd_http_front_new (flight, clock);
  g_autoptr (HerdControl) control = NULL;

  if (!open_sockets (sockets, options, error))
    return FALSE;
  /* Without a socket for it, a type is refused when it is presented. */
  control = herd_control_new (flight, sockets->http->len > 0 ? http_01 : http_01 + 1, clock);
  for (guint i = 0; i < sockets->http->len; i++) {
    if (!herd_http_front_add (front, g_ptr_array_index (sockets->http, i), error))
      return FALSE;
  }
  herd_http_front_start (front);
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
