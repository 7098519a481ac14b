// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The one combined file of layout=single, replaced by rename. Beside it, ".FILE.certherd" lists what we
 * wrote ("NAME GENERATION SHA256", the newest last; two lines at most): written before the file is, so
 * that after a crash either content is known to be ours.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "output-private.h"
#include "plugin/error.h"

#define FILE_LIMIT (1024 * 1024)
#define RECORD_LIMIT 4096

typedef struct {
  HerdDirectory *directory;
  char *file;
  char *record;
  char *owner;  /* the certificate's name that the record says, or NULL */
  char *digest; /* of the file as it is; NULL: there is none */
  char *line;   /* the record's about it; NULL: it is not ours */
} Single;

static void
single_free (Single *single)
{
  if (single == NULL)
    return;
  herd_directory_close (single->directory);
  g_free (single->file);
  g_free (single->record);
  g_free (single->owner);
  g_free (single->digest);
  g_free (single->line);
  g_free (single);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Single, single_free)

static void
read_record (Single *single, const char *text, gsize size)
{
  g_autofree char *copy = g_strndup (text, size);
  g_auto (GStrv) lines = g_strsplit (copy, "\n", -1);

  for (guint i = 0; lines[i] != NULL; i++) {
    g_auto (GStrv) words = g_strsplit (lines[i], " ", -1);

    if (g_strv_length (words) != 3)
      continue;
    g_free (single->owner);
    single->owner = g_strdup (words[0]);
    if (single->digest != NULL && g_str_equal (words[2], single->digest)) {
      g_free (single->line);
      single->line = g_strdup (lines[i]);
    }
  }
}

static Single *
single_open (HerdOutput *output, GError **error)
{
  g_autoptr (Single) single = g_new0 (Single, 1);
  g_autofree char *parent = g_path_get_dirname (output->path);
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GBytes) record = NULL;
  gsize size;
  const char *text;

  single->directory = herd_directory_open (parent, error);
  if (single->directory == NULL)
    return NULL;
  single->file = g_path_get_basename (output->path);
  single->record = g_strdup_printf (".%s.certherd", single->file);
  bytes = herd_directory_read (single->directory, single->file, FILE_LIMIT, NULL);
  if (bytes != NULL)
    single->digest = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, bytes);
  record = herd_directory_read (single->directory, single->record, RECORD_LIMIT, NULL);
  if (record != NULL) {
    text = g_bytes_get_data (record, &size);
    read_record (single, text, size);
  }
  return g_steal_pointer (&single);
}

static gboolean
single_exists (const Single *single)
{
  struct stat status;

  return fstatat (single->directory->fd, single->file, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

/* A whole file, anew. */
static gboolean
single_replace (const Single *single, const char *name, GBytes *bytes, const HerdFileRights *rights,
                GError **error)
{
  g_autofree char *temporary = g_strdup_printf ("%s%s.new", *name == '.' ? "" : ".", name);

  return herd_directory_unlink (single->directory, temporary, error)
         && herd_directory_write (single->directory, temporary, bytes, rights, error)
         && herd_directory_rename (single->directory, temporary, name, error)
         && herd_directory_sync (single->directory, error);
}

static gboolean
single_record (HerdOutput *output, const Single *single, const HerdBundle *bundle,
               const char *digest, GError **error)
{
  const HerdFileRights rights = { (uid_t) -1, (gid_t) -1, 0600 };
  g_autofree char *line = g_strdup_printf ("%s %" G_GUINT64_FORMAT " %s", bundle->name,
                                           bundle->generation, digest);
  g_autofree char *text = single->line != NULL && !g_str_equal (single->line, line)
                              ? g_strdup_printf ("%s\n%s\n", single->line, line)
                              : g_strdup_printf ("%s\n", line);
  g_autoptr (GBytes) bytes = g_bytes_new (text, strlen (text));

  return single_replace (single, single->record, bytes, &rights, error);
}

gboolean
herd_single_install (HerdOutput *output, const HerdBundle *bundle, GError **error)
{
  g_autoptr (Single) single = single_open (output, error);
  g_autoptr (GBytes) bytes = herd_bundle_get_combined (bundle);
  g_autofree char *digest = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, bytes);

  if (single == NULL)
    return FALSE;
  if (single->owner != NULL && single->line != NULL && !g_str_equal (single->owner, bundle->name)) {
    g_set_error (
        error, HERD_ERROR, HERD_ERROR_EXISTS,
        "target %s: %s holds the certificate %s, and with layout=single there is room for one; "
        "use layout=name, or another target for %s",
        output->target, output->path, single->owner, bundle->name);
    return FALSE;
  }
  if (single->line == NULL && single_exists (single) && g_strcmp0 (single->digest, digest) != 0)
    return herd_output_fail_foreign (output, single->directory, single->file, error);
  if (!single_record (output, single, bundle, digest, error))
    return FALSE;
  if (herd_directory_holds (single->directory, single->file, bytes, &output->secret))
    return TRUE;
  return single_replace (single, single->file, bytes, &output->secret, error);
}

gboolean
herd_single_withdraw (HerdOutput *output, const char *name, GError **error)
{
  g_autoptr (GError) failed = NULL;
  g_autoptr (Single) single = single_open (output, &failed);

  if (single == NULL && g_error_matches (failed, HERD_ERROR, HERD_ERROR_NOT_FOUND))
    return TRUE;
  if (single == NULL) {
    g_propagate_error (error, g_steal_pointer (&failed));
    return FALSE;
  }
  if (g_strcmp0 (single->owner, name) != 0)
    return TRUE;
  if (single->line != NULL && !herd_directory_unlink (single->directory, single->file, error))
    return FALSE;
  return herd_directory_unlink (single->directory, single->record, error)
         && herd_directory_sync (single->directory, error);
}
