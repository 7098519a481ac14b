// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The directory and its lock. SQLite's own lock comes only with the first access, and its error
 * names nobody; this one is taken before anything is looked at.
 */
#include "state/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugin/error.h"

static void
fail (const char *what, const char *path, GError **error)
{
  int saved = errno;

  g_set_error (error, HERD_ERROR, HERD_ERROR_FAILED,
               "Cannot %s %s: %s; let the agent's user write there, or choose another directory "
               "with --state",
               what, path, g_strerror (saved));
}

gboolean
herd_folder_create (const char *directory, GError **error)
{
  g_autofree char *parent = g_path_get_dirname (directory);

  if (g_mkdir_with_parents (parent, 0755) < 0) {
    fail ("create", parent, error);
    return FALSE;
  }
  if (mkdir (directory, 0711) < 0) {
    if (errno == EEXIST && g_file_test (directory, G_FILE_TEST_IS_DIR))
      return TRUE;
    fail ("create", directory, error);
    return FALSE;
  }
  /* Whatever the umask took away: others read what is below, and nobody lists it. */
  if (chmod (directory, 0711) < 0) {
    fail ("create", directory, error);
    return FALSE;
  }
  return TRUE;
}

/* Who holds the lock, as it wrote into it. */
static void
set_busy (int fd, const char *directory, GError **error)
{
  char holder[16] = "";
  gssize size = pread (fd, holder, sizeof holder - 1, 0);
  gsize digits = size > 0 ? strspn (holder, "0123456789") : 0;

  holder[digits] = '\0';
  g_set_error (error, HERD_ERROR, HERD_ERROR_BUSY,
               "%s is in use by another certherd%s%s; end that one first, or choose another "
               "directory with --state",
               directory, digits > 0 ? ", process " : "", holder);
}

/* Only for the message of the next one, so it may fail. */
static void
sign (int fd)
{
  g_autofree char *pid = g_strdup_printf ("%d\n", (int) getpid ());

  if (ftruncate (fd, 0) < 0 || pwrite (fd, pid, strlen (pid), 0) < 0)
    g_debug ("The state's lock could not be signed: %s", g_strerror (errno));
}

int
herd_folder_lock (const char *directory, GError **error)
{
  g_autofree char *path = g_build_filename (directory, "lock", NULL);
  int fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

  if (fd < 0) {
    fail ("open", path, error);
    return -1;
  }
  if (flock (fd, LOCK_EX | LOCK_NB) < 0) {
    if (errno == EWOULDBLOCK)
      set_busy (fd, directory, error);
    else
      fail ("lock", path, error);
    close (fd);
    return -1;
  }
  sign (fd);
  return fd;
}
