// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The key-encryption key as a systemd credential (systemd.exec(5), LoadCredentialEncrypted=): made
 * by a unit of root's before this process started, never here.
 */
#include <sys/stat.h>

#include "plugin/error.h"
#include "state/kek-private.h"
#include "util/file.h"

#define CREDENTIAL "certherd.kek"

GBytes *
herd_kek_load_credential (GError **error)
{
  const char *directory = g_getenv ("CREDENTIALS_DIRECTORY");
  g_autofree char *path = NULL;
  g_autoptr (GBytes) bytes = NULL;
  struct stat status;

  if (directory == NULL || *directory != '/') {
    g_set_error (error, HERD_ERROR, HERD_ERROR_UNREACHABLE,
                 "There are no systemd credentials, and the key-encryption key is to be the one "
                 "named " CREDENTIAL "; start certherd by its unit, or choose another keystore in "
                 "[agent]");
    return NULL;
  }
  path = g_build_filename (directory, CREDENTIAL, NULL);
  bytes = herd_file_read (path, 4096, error);
  if (bytes == NULL) {
    herd_error_translate (error, HERD_ERROR_UNREACHABLE,
                          "The systemd credential " CREDENTIAL
                          " (LoadCredentialEncrypted= in the agent's unit)");
    return NULL;
  }
  /* The group's bits are the mask of the access list by which systemd lets the unit's user read. */
  if (stat (path, &status) == 0 && (status.st_mode & 0007) != 0) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_REFUSED,
                 "The key-encryption key %s may be read by others (mode %04o); let systemd pass it",
                 path, (guint) status.st_mode & 07777);
    return NULL;
  }
  return herd_kek_check (bytes, path, error) != NULL ? g_steal_pointer (&bytes) : NULL;
}
