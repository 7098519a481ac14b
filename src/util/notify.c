// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Words to the service manager.
 */
#include "util/notify.h"

#include <errno.h>
#include <gio/gio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static gboolean
fail (const char *path, int number, GError **error)
{
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (number),
               "the service manager's socket %s ($NOTIFY_SOCKET): %s", path, g_strerror (number));
  return FALSE;
}

gboolean
herd_notify (const char *state, GError **error)
{
  const char *path = g_getenv ("NOTIFY_SOCKET");
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  gsize length = path != NULL ? strlen (path) : 0;
  gssize sent;
  int number;
  int fd;

  if (length == 0)
    return TRUE;
  if ((*path != '/' && *path != '@') || length >= sizeof address.sun_path)
    return fail (path, EINVAL, error);
  memcpy (address.sun_path, path, length);
  /* "@" stands for the NUL of the abstract namespace, whose names have no NUL at their end. */
  if (*path == '@')
    address.sun_path[0] = '\0';
  else
    length++;
  fd = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return fail (path, errno, error);
  sent = sendto (fd, state, strlen (state), MSG_NOSIGNAL, (struct sockaddr *) &address,
                 (socklen_t) (G_STRUCT_OFFSET (struct sockaddr_un, sun_path) + length));
  number = errno;
  close (fd);
  return sent >= 0 || fail (path, number, error);
}
