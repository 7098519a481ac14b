// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Whole small files. The temporary file has a fixed name beside its target, so that what a crash
 * leaves of it (it may hold a key) goes with the next write; one writer per path. Blocking: for
 * start-up, one-shot processes and the state thread.
 */
#include "util/file.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/secret.h"

static gboolean
fail (GError **error, const char *what, const char *path)
{
  int saved = errno;

  g_set_error (error, G_IO_ERROR, (int) g_io_error_from_errno (saved), "Cannot %s “%s”: %s", what,
               path, g_strerror (saved));
  return FALSE;
}

static void
close_descriptor (int *fd)
{
  if (*fd >= 0)
    close (*fd);
}

#define autoclose __attribute__ ((cleanup (close_descriptor))) int

static gboolean
write_all (int fd, GBytes *bytes)
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

/* A new, empty file NAME in DIRECTORY. What has the name already is a crash's leftover, or a trap:
 * it is unlinked, never opened. */
static int
create (int directory, const char *name)
{
  const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  int fd = openat (directory, name, flags, 0600);

  if (fd >= 0 || errno != EEXIST || unlinkat (directory, name, 0) < 0)
    return fd;
  return openat (directory, name, flags, 0600);
}

static gboolean
write_temporary (int directory, const char *name, GBytes *bytes, int mode)
{
  autoclose fd = create (directory, name);

  return fd >= 0 && write_all (fd, bytes) && fchmod (fd, (mode_t) mode) == 0 && fsync (fd) == 0;
}

gboolean
herd_file_write (const char *path, GBytes *bytes, int mode, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *name = g_path_get_basename (path);
  g_autofree char *temporary = g_strdup_printf (".%s.new", name);
  autoclose directory = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  if (directory < 0)
    return fail (error, "open the folder of", path);
  if (!write_temporary (directory, temporary, bytes, mode)
      || renameat (directory, temporary, directory, name) < 0) {
    fail (error, "write", path);
    unlinkat (directory, temporary, 0);
    return FALSE;
  }
  if (fsync (directory) < 0)
    return fail (error, "make lasting", path);
  return TRUE;
}

/* Up to SIZE bytes; fewer at the end of the file, -1 with errno set. */
static gssize
read_all (int fd, guint8 *data, gsize size)
{
  gsize done = 0;

  while (done < size) {
    gssize got = read (fd, data + done, size - done);

    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return -1;
    if (got == 0)
      break;
    done += (gsize) got;
  }
  return (gssize) done;
}

GBytes *
herd_file_read (const char *path, gsize limit, GError **error)
{
  /* O_NONBLOCK: opening a FIFO must not wait for its writer. */
  autoclose fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  g_autoptr (GBytes) buffer = NULL;
  struct stat status;
  guint8 *data;
  gsize size;
  gssize got;

  if (fd < 0 || fstat (fd, &status) < 0) {
    fail (error, "read", path);
    return NULL;
  }
  if (!S_ISREG (status.st_mode)) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_REGULAR_FILE,
                 "Cannot read “%s”: it is not a regular file", path);
    return NULL;
  }
  size = (gsize) status.st_size;
  if (size > limit) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                 "Cannot read “%s”: it has more than %" G_GSIZE_FORMAT " bytes", path, limit);
    return NULL;
  }
  /* One byte more than there should be shows a file that grows. */
  data = g_malloc (size + 1);
  buffer = herd_secret_new_take (data, size + 1);
  got = read_all (fd, data, size + 1);
  if (got < 0) {
    fail (error, "read", path);
    return NULL;
  }
  if ((gsize) got != size) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_BUSY,
                 "Cannot read “%s”: it changed while it was read; try again", path);
    return NULL;
  }
  return g_bytes_new_from_bytes (buffer, 0, size);
}
