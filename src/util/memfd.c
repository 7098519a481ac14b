// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Sealed memfds. The descriptor that is handed out is a second, read-only one: the seals keep the
 * content, the open mode and 0400 say so before anybody tries. Blocking only on memory. Any thread.
 */
#include "util/memfd.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/secret.h"

#define ALL_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static gboolean
fill (int fd, GBytes *bytes)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);

  while (size > 0) {
    gssize written = write (fd, data, size);

    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0)
      return FALSE;
    data += written;
    size -= (gsize) written;
  }
  return TRUE;
}

static int
reopen_read_only (int fd)
{
  g_autofree char *path = g_strdup_printf ("/proc/self/fd/%d", fd);

  return open (path, O_RDONLY | O_CLOEXEC);
}

int
herd_memfd_new (const char *name, GBytes *bytes, GError **error)
{
  int writable = memfd_create (name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  int fd = -1;

  if (writable >= 0 && fill (writable, bytes) && fchmod (writable, 0400) == 0
      && fcntl (writable, F_ADD_SEALS, ALL_SEALS) == 0)
    fd = reopen_read_only (writable);
  if (fd < 0) {
    int saved = errno;

    g_set_error (error, G_IO_ERROR, (int) g_io_error_from_errno (saved),
                 "Cannot make a sealed memory file for %s: %s", name, g_strerror (saved));
  }
  if (writable >= 0)
    close (writable);
  return fd;
}

/* The size of FD if it is a memfd with all seals, and not larger than LIMIT; else -1. */
static gssize
check (int fd, gsize limit, GError **error)
{
  int seals = fcntl (fd, F_GET_SEALS);
  struct stat status;

  if (seals < 0 || (seals & ALL_SEALS) != ALL_SEALS || fstat (fd, &status) < 0) {
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                         "The descriptor is not a memory file (memfd) that is sealed against "
                         "sealing, shrinking, growing and writing");
    return -1;
  }
  if ((gsize) status.st_size > limit) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                 "The memory file has more than %" G_GSIZE_FORMAT " bytes", limit);
    return -1;
  }
  return (gssize) status.st_size;
}

GBytes *
herd_memfd_read (int fd, gsize limit, GError **error)
{
  gssize size = check (fd, limit, error);
  g_autoptr (GBytes) bytes = NULL;
  guint8 *data;
  gssize done = 0;

  if (size < 0)
    return NULL;
  data = g_malloc ((gsize) size + 1);
  bytes = herd_secret_new_take (data, (gsize) size);
  while (done < size) {
    gssize got = pread (fd, data + done, (gsize) (size - done), done);

    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0) {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "Cannot read the memory file: %s",
                   got < 0 ? g_strerror (errno) : "it ended early");
      return NULL;
    }
    done += got;
  }
  return g_steal_pointer (&bytes);
}
