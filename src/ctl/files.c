// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Files that appear whole or not at all: written beside their place under a name of their own, then put
 * there. Blocking; one thread.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/export.h"

static gboolean
is_standard_output (const HerdCtlFile *file)
{
  return g_str_equal (file->path, "-");
}

static gboolean
fail (const HerdCtlFile *file, int code, GError **error)
{
  g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (code), _ ("%s cannot be written: %s"),
               file->path, g_strerror (code));
  return FALSE;
}

static gboolean
set_exists (const HerdCtlFile *file, GError **error)
{
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
               _ ("%s is there already; --force replaces it"), file->path);
  return FALSE;
}

gboolean
herd_ctl_file_check (const HerdCtlFile *file, gboolean force, GError **error)
{
  struct stat status;

  if (is_standard_output (file) || lstat (file->path, &status) != 0)
    return TRUE;
  if (!S_ISREG (status.st_mode)) {
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                 _ ("%s is there and no file; name another one"), file->path);
    return FALSE;
  }
  return force || set_exists (file, error);
}

static gboolean
write_all (int descriptor, GBytes *bytes)
{
  gsize size;
  const char *data = g_bytes_get_data (bytes, &size);

  for (gsize at = 0; at < size;) {
    gssize some = write (descriptor, data + at, size - at);

    if (some < 0 && errno != EINTR)
      return FALSE;
    at += some > 0 ? (gsize) some : 0;
  }
  return TRUE;
}

static gboolean
write_temporary (HerdCtlFile *file, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (file->path);
  g_autofree char *name = g_path_get_basename (file->path);
  g_autofree char *temporary = g_strdup_printf ("%s/.%s.%08x", folder, name, g_random_int ());
  int descriptor = open (temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                         file->secret ? 0600 : 0644);
  gboolean written;
  int code;

  if (descriptor < 0)
    return fail (file, errno, error);
  file->temporary = g_steal_pointer (&temporary);
  written = write_all (descriptor, file->bytes) && fsync (descriptor) == 0;
  code = errno;
  close (descriptor);
  return written || fail (file, code, error);
}

/* As rename(), but for what is there already: EEXIST. Some file systems of others' (NFS) know only the second
 * way. */
static int
rename_if_new (const char *from, const char *to)
{
  if (renameat2 (AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
    return 0;
  if (errno != EINVAL || link (from, to) != 0)
    return -1;
  return unlink (from);
}

/* Without FORCE, what came there meanwhile stays. */
static gboolean
put_in_place (HerdCtlFile *file, gboolean force, GError **error)
{
  int result = force ? rename (file->temporary, file->path)
                     : rename_if_new (file->temporary, file->path);

  if (result != 0 && errno == EEXIST)
    return set_exists (file, error);
  if (result != 0)
    return fail (file, errno, error);
  g_clear_pointer (&file->temporary, g_free);
  return TRUE;
}

static gboolean
write_files (HerdCtlFile *files, guint count, gboolean force, GError **error)
{
  for (guint i = 0; i < count; i++) {
    if (!herd_ctl_file_check (&files[i], force, error))
      return FALSE;
  }
  for (guint i = 0; i < count; i++) {
    if (!is_standard_output (&files[i]) && !write_temporary (&files[i], error))
      return FALSE;
  }
  for (guint i = 0; i < count; i++) {
    if (is_standard_output (&files[i])
            ? !write_all (STDOUT_FILENO, files[i].bytes) && !fail (&files[i], errno, error)
            : !put_in_place (&files[i], force, error))
      return FALSE;
  }
  return TRUE;
}

gboolean
herd_ctl_files_write (HerdCtlFile *files, guint count, gboolean force, GError **error)
{
  gboolean written = write_files (files, count, force, error);

  for (guint i = 0; i < count; i++) {
    if (files[i].temporary != NULL)
      unlink (files[i].temporary);
    g_clear_pointer (&files[i].temporary, g_free);
  }
  return written;
}
