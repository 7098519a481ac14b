// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The responder's sockets.
 */
#include "responder/sockets.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "herd-config.h"
#include "plugin/error.h"

#define FIRST_FD 3
#define FDS_MAX 64
#define BACKLOG 128

static const char *const known_types[] = {
  "http-01",
  "tls-alpn-01",
#if HERD_WITH_LEGACY
  "tls-sni-01",
#endif
  NULL,
};

const char *const *
herd_sockets_get_known_types (void)
{
  return known_types;
}

static HerdFrontKind
kind_of (const char *type)
{
  return g_str_has_prefix (type, "tls-") ? HERD_FRONT_TLS : HERD_FRONT_HTTP;
}

HerdSockets *
herd_sockets_new (void)
{
  HerdSockets *sockets = g_new0 (HerdSockets, 1);

  for (guint i = 0; i < HERD_FRONTS; i++)
    sockets->listening[i] = g_ptr_array_new_with_free_func (g_object_unref);
  return sockets;
}

void
herd_sockets_free (HerdSockets *sockets)
{
  if (sockets == NULL)
    return;
  for (guint i = 0; i < HERD_FRONTS; i++)
    g_ptr_array_unref (sockets->listening[i]);
  g_clear_object (&sockets->control);
  g_free (sockets);
}

const char **
herd_sockets_get_types (HerdSockets *sockets)
{
  GPtrArray *types = g_ptr_array_new ();

  for (const char *const *type = known_types; *type != NULL; type++) {
    if (sockets->listening[kind_of (*type)]->len > 0)
      g_ptr_array_add (types, (gpointer) *type);
  }
  g_ptr_array_add (types, NULL);
  return (const char **) g_ptr_array_free (types, FALSE);
}

/* --- inherited --- */

static guint64
read_number (const char *variable)
{
  const char *text = g_getenv (variable);
  guint64 number;

  return text != NULL && g_ascii_string_to_unsigned (text, 10, 0, G_MAXINT, &number, NULL) ? number
                                                                                           : 0;
}

static gboolean
take_inherited (HerdSockets *sockets, int fd, const char *name, GError **error)
{
  g_autoptr (GSocket) socket = NULL;
  g_autofree char *known = NULL;

  fcntl (fd, F_SETFD, FD_CLOEXEC);
  socket = g_socket_new_from_fd (fd, error);
  if (socket == NULL) {
    herd_error_translate (error, HERD_ERROR_INVALID_ARGUMENT, "inherited descriptor %d (%s)", fd,
                          name);
    return FALSE;
  }
  if (g_strv_contains (known_types, name)) {
    g_ptr_array_add (sockets->listening[kind_of (name)], g_steal_pointer (&socket));
    return TRUE;
  }
  if (g_str_equal (name, "control") && sockets->control == NULL) {
    sockets->control = g_steal_pointer (&socket);
    return TRUE;
  }
  known = g_strjoinv (", ", (char **) known_types);
  g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
               "inherited descriptor %d is named “%s”; in the socket unit, use "
               "FileDescriptorName=control (one), or one of %s (any number)",
               fd, name, known);
  return FALSE;
}

gboolean
herd_sockets_inherit (HerdSockets *sockets, gboolean *inherited, GError **error)
{
  guint64 count = read_number ("LISTEN_FDS");
  gboolean ours = read_number ("LISTEN_PID") == (guint64) getpid ();
  const char *text = g_getenv ("LISTEN_FDNAMES");
  g_auto (GStrv) names = g_strsplit (text != NULL ? text : "", ":", -1);

  g_unsetenv ("LISTEN_FDS");
  g_unsetenv ("LISTEN_PID");
  g_unsetenv ("LISTEN_FDNAMES");
  if (!ours || count == 0) {
    *inherited = FALSE;
    return TRUE;
  }
  if (count > FDS_MAX || g_strv_length (names) != count) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
                 "%" G_GUINT64_FORMAT
                 " inherited descriptors with %u names; up to %d are taken, and "
                 "the socket units have to name each (FileDescriptorName=)",
                 count, g_strv_length (names), FDS_MAX);
    return FALSE;
  }
  for (guint i = 0; i < count; i++) {
    if (!take_inherited (sockets, FIRST_FD + (int) i, names[i], error))
      return FALSE;
  }
  *inherited = TRUE;
  return TRUE;
}

/* --- configured --- */

/* "ADDRESS:PORT" or "[ADDRESS]:PORT". */
static GSocketAddress *
parse_address (const char *type, const char *text, GError **error)
{
  const char *colon = strrchr (text, ':');
  g_autofree char *host = NULL;
  GSocketAddress *address = NULL;
  guint64 port;

  if (colon != NULL && g_ascii_string_to_unsigned (colon + 1, 10, 1, G_MAXUINT16, &port, NULL)) {
    gsize length = (gsize) (colon - text);

    if (length > 2 && text[0] == '[' && text[length - 1] == ']')
      host = g_strndup (text + 1, length - 2);
    else if (memchr (text, ':', length) == NULL)
      host = g_strndup (text, length);
  }
  if (host != NULL)
    address = g_inet_socket_address_new_from_string (host, (guint) port);
  if (address == NULL)
    g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
                 "[solver %s] listen: “%s” is not an address and a port; write %s", type, text,
                 kind_of (type) == HERD_FRONT_HTTP ? "0.0.0.0:80 or [::]:80"
                                                   : "0.0.0.0:443 or [::]:443");
  return address;
}

/* Takes ERROR. */
static GError *
explain (const char *type, const char *text, GError *error)
{
  gboolean is_http = kind_of (type) == HERD_FRONT_HTTP;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE))
    herd_error_translate (&error, HERD_ERROR_BUSY,
                          "another program listens at %s already (see: ss -ltnp); stop it, let it "
                          "forward %s, or change [solver %s] listen",
                          text,
                          is_http ? "/.well-known/acme-challenge/"
                                  : "connections with the TLS protocol acme-tls/1",
                          type);
  else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED))
    herd_error_translate (&error, HERD_ERROR_NOT_AUTHORIZED,
                          "this user may not listen at %s; enable %s, or set [solver %s] listen to "
                          "a port above 1023 that port %d is forwarded to",
                          text,
                          is_http ? "certherd-responder.socket" : "certherd-responder-tls.socket",
                          type, is_http ? 80 : 443);
  else
    herd_error_translate (&error, HERD_ERROR_FAILED,
                          "cannot listen at %s; check [solver %s] listen", text, type);
  return error;
}

static GSocket *
try_listen (GSocketAddress *address, GError **error)
{
  g_autoptr (GSocket) socket = g_socket_new (g_socket_address_get_family (address),
                                             G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, error);

  if (socket == NULL)
    return NULL;
  g_socket_set_listen_backlog (socket, BACKLOG);
  if (!g_socket_bind (socket, address, TRUE, error) || !g_socket_listen (socket, error))
    return NULL;
  return g_steal_pointer (&socket);
}

/* The agent may have been killed and started again: the responder before this one notices that, and
 * gives the port back, but not in no time. */
#define TRIES 20
#define BETWEEN_TRIES (100 * 1000) /* microseconds */

static GSocket *
listen_at (const char *type, const char *text, GError **error)
{
  g_autoptr (GSocketAddress) address = parse_address (type, text, error);
  GSocket *socket = NULL;
  GError *failure = NULL;

  if (address == NULL)
    return NULL;
  for (guint i = 0; socket == NULL && i < TRIES; i++) {
    if (i > 0)
      g_usleep (BETWEEN_TRIES);
    g_clear_error (&failure);
    socket = try_listen (address, &failure);
    if (!g_error_matches (failure, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE))
      break;
  }
  if (socket == NULL)
    g_propagate_error (error, explain (type, text, failure));
  return socket;
}

gboolean
herd_sockets_listen (HerdSockets *sockets, const char *type, const char *const *addresses,
                     GError **error)
{
  for (; *addresses != NULL; addresses++) {
    GSocket *socket = listen_at (type, *addresses, error);

    if (socket == NULL)
      return FALSE;
    g_ptr_array_add (sockets->listening[kind_of (type)], socket);
  }
  return TRUE;
}
