// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The key-encryption key in a file beside the database: it protects a copy of the database, and
 * nothing else.
 */
#include <errno.h>
#include <sys/stat.h>

#include "crypto/seal.h"
#include "plugin/error.h"
#include "state/kek-private.h"
#include "util/file.h"

static GBytes *
make (const char *path, GError **error)
{
  g_autoptr (GBytes) kek = herd_kek_new (error);

  if (kek == NULL)
    return NULL;
  if (!herd_file_write (path, kek, 0600, error)) {
    herd_error_translate (error, HERD_ERROR_FAILED, "The key-encryption key could not be stored");
    return NULL;
  }
  return g_steal_pointer (&kek);
}

GBytes *
herd_kek_load_file (const char *directory, gboolean create, GError **error)
{
  g_autofree char *path = g_build_filename (directory, "kek", NULL);
  g_autoptr (GBytes) bytes = NULL;
  struct stat status;

  if (lstat (path, &status) < 0) {
    if (errno == ENOENT && create)
      return make (path, error);
    g_set_error (error, HERD_ERROR, errno == ENOENT ? HERD_ERROR_NOT_FOUND : HERD_ERROR_UNREACHABLE,
                 "The key-encryption key %s: %s; put it back from where it is kept", path,
                 g_strerror (errno));
    return NULL;
  }
  if (S_ISREG (status.st_mode) && (status.st_mode & 0077) != 0) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_REFUSED,
                 "The key-encryption key %s may be read by others (mode %04o); find out by whom, "
                 "then make it 0600",
                 path, (guint) status.st_mode & 07777);
    return NULL;
  }
  bytes = herd_file_read (path, 4096, error);
  if (bytes == NULL) {
    herd_error_translate (error, HERD_ERROR_UNREACHABLE, "The key-encryption key");
    return NULL;
  }
  return herd_kek_check (bytes, path, error) != NULL ? g_steal_pointer (&bytes) : NULL;
}
