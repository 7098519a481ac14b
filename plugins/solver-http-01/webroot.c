// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Files in a web root.
 */
#include "webroot.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "directory.h"
#include "plugin/challenge.h"
#include "plugin/error.h"

#define WELL_KNOWN ".well-known"
#define FOLDER "acme-challenge"

static const HerdFileRights rights = { (uid_t) -1, (gid_t) -1, 0644 };

typedef struct {
  HerdDirectory *root;
  HerdDirectory *well_known;
  HerdDirectory *folder;
} Webroot;

static void
webroot_clear (Webroot *webroot)
{
  herd_directory_close (webroot->folder);
  herd_directory_close (webroot->well_known);
  herd_directory_close (webroot->root);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Webroot, webroot_clear)

static gboolean
webroot_open (Webroot *webroot, const char *path, gboolean create, GError **error)
{
  webroot->root = herd_directory_open (path, error);
  if (webroot->root == NULL)
    return FALSE;
  webroot->well_known = herd_directory_open_child (webroot->root, WELL_KNOWN, create, error);
  if (webroot->well_known == NULL)
    return FALSE;
  webroot->folder = herd_directory_open_child (webroot->well_known, FOLDER, create, error);
  return webroot->folder != NULL;
}

/* A token is a file's name here: HerdChallenge has checked that it is [A-Za-z0-9_-]. */
static gboolean
write_one (const HerdDirectory *folder, const HerdChallenge *challenge, GError **error)
{
  g_autoptr (GBytes)
      bytes = g_bytes_new (challenge->key_authorization, strlen (challenge->key_authorization));

  if (!herd_challenge_token_is_valid (challenge->token)) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_REFUSED,
                 "%s: the token of its challenge is not fit for a file's name",
                 challenge->identifier);
    return FALSE;
  }
  return herd_directory_holds (folder, challenge->token, bytes, &rights)
         || herd_directory_write (folder, challenge->token, bytes, &rights, error);
}

gboolean
herd_webroot_write (const char *path, GPtrArray *challenges, GError **error)
{
  g_auto (Webroot) webroot = { NULL };

  if (!webroot_open (&webroot, path, TRUE, error))
    return FALSE;
  for (guint i = 0; i < challenges->len; i++) {
    if (!write_one (webroot.folder, challenges->pdata[i], error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
remove_one (const HerdDirectory *folder, const HerdChallenge *challenge, GError **error)
{
  g_autoptr (GBytes)
      bytes = g_bytes_new (challenge->key_authorization, strlen (challenge->key_authorization));

  if (!herd_challenge_token_is_valid (challenge->token)
      || !herd_directory_holds (folder, challenge->token, bytes, &rights))
    return TRUE;
  return herd_directory_unlink (folder, challenge->token, error);
}

static gboolean
is_ours (const HerdDirectory *directory)
{
  struct stat status;

  return fstat (directory->fd, &status) == 0 && status.st_uid == geteuid ();
}

gboolean
herd_webroot_remove (const char *path, GPtrArray *challenges, GError **error)
{
  g_auto (Webroot) webroot = { NULL };
  g_autoptr (GError) missing = NULL;

  if (!webroot_open (&webroot, path, FALSE, &missing)) {
    if (g_error_matches (missing, HERD_ERROR, HERD_ERROR_NOT_FOUND))
      return TRUE;
    g_propagate_error (error, g_steal_pointer (&missing));
    return FALSE;
  }
  for (guint i = 0; i < challenges->len; i++) {
    if (!remove_one (webroot.folder, challenges->pdata[i], error))
      return FALSE;
  }
  if (is_ours (webroot.folder))
    herd_directory_prune (webroot.well_known, FOLDER);
  if (is_ours (webroot.well_known))
    herd_directory_prune (webroot.root, WELL_KNOWN);
  return TRUE;
}
