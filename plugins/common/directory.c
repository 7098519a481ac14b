// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What is done below a directory's descriptor.
 */
#include "directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "plugin/error.h"

static HerdError
code_of (int number)
{
  switch (number) {
  case ENOENT:
    return HERD_ERROR_NOT_FOUND;
  case EEXIST:
  case ENOTEMPTY:
  case ENOTDIR:
  case EISDIR:
    return HERD_ERROR_EXISTS;
  case EACCES:
  case EPERM:
    return HERD_ERROR_NOT_AUTHORIZED;
  case ELOOP:
  case EXDEV:
    return HERD_ERROR_REFUSED;
  default:
    return HERD_ERROR_FAILED;
  }
}

static const char *
next_step_of (int number)
{
  switch (number) {
  case ENOENT:
    return "create the directory, or correct the path that is set";
  case EEXIST:
  case ENOTEMPTY:
  case ENOTDIR:
  case EISDIR:
    return "it is not ours; move it away";
  case EACCES:
  case EPERM:
    return "check who owns it, and what owner and group are set";
  case ELOOP:
  case EXDEV:
    return "a symbolic link is in the way; remove it";
  case ENOSPC:
  case EDQUOT:
    return "free some space";
  case EROFS:
    return "the service may not write there; run systemctl daemon-reload after a change of the "
           "configuration, and start it again";
  default:
    return "see the system's log";
  }
}

gboolean
herd_directory_fail (const HerdDirectory *directory, const char *name, const char *verb, int number,
                     GError **error)
{
  g_set_error (error, HERD_ERROR, code_of (number), "cannot %s %s%s%s: %s; %s", verb,
               directory->path, name != NULL ? "/" : "", name != NULL ? name : "",
               g_strerror (number), next_step_of (number));
  return FALSE;
}

/* openat2(2) refuses symbolic links in the kernel. Before Linux 5.6, O_NOFOLLOW says the same of a
 * name that is a single component. */
static int
open_beneath (int directory, const char *name, int flags, mode_t mode)
{
  struct open_how how = {
    .flags = (guint64) (flags | O_CLOEXEC | O_NOFOLLOW),
    .mode = mode,
    .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
  };
  int fd;

  if (strchr (name, '/') != NULL) {
    errno = EXDEV;
    return -1;
  }
  fd = (int) syscall (SYS_openat2, directory, name, &how, sizeof how);
  if (fd < 0 && errno == ENOSYS)
    fd = openat (directory, name, flags | O_CLOEXEC | O_NOFOLLOW, mode);
  return fd;
}

static HerdDirectory *
directory_new (int fd, char *path)
{
  HerdDirectory *directory = g_new0 (HerdDirectory, 1);

  directory->fd = fd;
  directory->path = path;
  return directory;
}

HerdDirectory *
herd_directory_open (const char *path, GError **error)
{
  const HerdDirectory wanted = { -1, (char *) path };
  int fd = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  if (fd < 0) {
    herd_directory_fail (&wanted, NULL, "open", errno, error);
    return NULL;
  }
  return directory_new (fd, g_strdup (path));
}

HerdDirectory *
herd_directory_open_child (const HerdDirectory *parent, const char *name, gboolean create,
                           GError **error)
{
  gboolean created = FALSE;
  int fd;

  if (create) {
    created = mkdirat (parent->fd, name, 0755) == 0;
    if (!created && errno != EEXIST) {
      herd_directory_fail (parent, name, "create", errno, error);
      return NULL;
    }
  }
  fd = open_beneath (parent->fd, name, O_RDONLY | O_DIRECTORY, 0);
  /* Whatever the umask is: the files in it say themselves who may read them. */
  if (fd < 0 || (created && fchmod (fd, 0755) < 0)) {
    herd_directory_fail (parent, name, "open", errno, error);
    if (fd >= 0)
      close (fd);
    return NULL;
  }
  return directory_new (fd, g_build_filename (parent->path, name, NULL));
}

void
herd_directory_close (HerdDirectory *directory)
{
  if (directory == NULL)
    return;
  close (directory->fd);
  g_free (directory->path);
  g_free (directory);
}

static int
write_all (int fd, GBytes *bytes)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);

  while (size > 0) {
    gssize written = write (fd, data, size);

    if (written < 0 && errno != EINTR)
      return -1;
    if (written > 0) {
      data += written;
      size -= (gsize) written;
    }
  }
  return 0;
}

gboolean
herd_directory_write (const HerdDirectory *directory, const char *name, GBytes *bytes,
                      const HerdFileRights *rights, GError **error)
{
  int fd = open_beneath (directory->fd, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
  gboolean ok;
  int number;

  if (fd < 0)
    return herd_directory_fail (directory, name, "create", errno, error);
  /* The owner before the bytes and the mode, so that nobody has a moment of his own. */
  ok = fchown (fd, rights->owner, rights->group) == 0 && fchmod (fd, rights->mode) == 0
       && write_all (fd, bytes) == 0 && fsync (fd) == 0;
  number = errno;
  if (close (fd) < 0 && ok) {
    ok = FALSE;
    number = errno;
  }
  if (ok)
    return TRUE;
  unlinkat (directory->fd, name, 0);
  return herd_directory_fail (directory, name, "write", number, error);
}

static gboolean
read_all (int fd, guint8 *data, gsize size)
{
  gsize length = 0;

  while (length < size) {
    gssize part = read (fd, data + length, size - length);

    if (part == 0 || (part < 0 && errno != EINTR))
      return FALSE;
    length += part > 0 ? (gsize) part : 0;
  }
  return TRUE;
}

typedef struct {
  gsize size;
  guint8 data[];
} Wiped;

static void
wipe (gpointer data)
{
  Wiped *wiped = data;

  explicit_bzero (wiped->data, wiped->size);
  g_free (wiped);
}

/* What is read may be a key. */
static GBytes *
read_regular (int fd, gsize limit, struct stat *status)
{
  Wiped *wiped;

  if (fstat (fd, status) < 0 || !S_ISREG (status->st_mode) || status->st_size > (off_t) limit)
    return NULL;
  wiped = g_malloc0 (sizeof *wiped + (gsize) status->st_size);
  wiped->size = (gsize) status->st_size;
  if (!read_all (fd, wiped->data, wiped->size)) {
    wipe (wiped);
    return NULL;
  }
  return g_bytes_new_with_free_func (wiped->data, wiped->size, wipe, wiped);
}

GBytes *
herd_directory_read (const HerdDirectory *directory, const char *name, gsize limit, GError **error)
{
  int fd = open_beneath (directory->fd, name, O_RDONLY | O_NONBLOCK, 0);
  GBytes *bytes;
  struct stat status;

  if (fd < 0) {
    if (errno != ENOENT && errno != ELOOP)
      herd_directory_fail (directory, name, "read", errno, error);
    return NULL;
  }
  bytes = read_regular (fd, limit, &status);
  close (fd);
  return bytes;
}

gboolean
herd_directory_holds (const HerdDirectory *directory, const char *name, GBytes *bytes,
                      const HerdFileRights *rights)
{
  int fd = open_beneath (directory->fd, name, O_RDONLY | O_NONBLOCK, 0);
  g_autoptr (GBytes) found = NULL;
  struct stat status;

  if (fd < 0)
    return FALSE;
  found = read_regular (fd, g_bytes_get_size (bytes), &status);
  close (fd);
  return found != NULL && g_bytes_equal (found, bytes) && (status.st_mode & 07777) == rights->mode
         && (rights->owner == (uid_t) -1 || rights->owner == status.st_uid)
         && (rights->group == (gid_t) -1 || rights->group == status.st_gid);
}

gboolean
herd_directory_rename (const HerdDirectory *directory, const char *from, const char *to,
                       GError **error)
{
  if (renameat (directory->fd, from, directory->fd, to) < 0)
    return herd_directory_fail (directory, to, "replace", errno, error);
  return TRUE;
}

gboolean
herd_directory_unlink (const HerdDirectory *directory, const char *name, GError **error)
{
  if (unlinkat (directory->fd, name, 0) < 0 && errno != ENOENT)
    return herd_directory_fail (directory, name, "remove", errno, error);
  return TRUE;
}

void
herd_directory_prune (const HerdDirectory *parent, const char *name)
{
  unlinkat (parent->fd, name, AT_REMOVEDIR);
}

GPtrArray *
herd_directory_list (const HerdDirectory *directory, GError **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  int fd = openat (directory->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *stream = fd >= 0 ? fdopendir (fd) : NULL;
  struct dirent *entry;

  if (stream == NULL) {
    herd_directory_fail (directory, NULL, "list", errno, error);
    if (fd >= 0)
      close (fd);
    return NULL;
  }
  while ((entry = readdir (stream)) != NULL) {
    if (!g_str_equal (entry->d_name, ".") && !g_str_equal (entry->d_name, ".."))
      g_ptr_array_add (names, g_strdup (entry->d_name));
  }
  closedir (stream);
  return g_steal_pointer (&names);
}

gboolean
herd_directory_sync (const HerdDirectory *directory, GError **error)
{
  if (fsync (directory->fd) < 0)
    return herd_directory_fail (directory, NULL, "sync", errno, error);
  return TRUE;
}
