// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Generations as directories, and one symbolic link that says which is in use: a reader that opens the
 * directory once, or one file of it, always finds a whole generation.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "output-private.h"
#include "plugin/error.h"

#define LINK_MAX_LENGTH 256

static GBytes *
get_chain (const HerdBundle *bundle)
{
  return g_bytes_ref (bundle->chain);
}

static GBytes *
get_key (const HerdBundle *bundle)
{
  return g_bytes_ref (bundle->key);
}

static const struct {
  const char *name;
  GBytes *(*get) (const HerdBundle *bundle);
  gboolean secret;
} files[] = {
  { "cert.pem", herd_bundle_get_leaf, FALSE },
  { "chain.pem", herd_bundle_get_intermediates, FALSE },
  { "fullchain.pem", get_chain, FALSE },
  { "privkey.pem", get_key, TRUE },
  { "combined.pem", herd_bundle_get_combined, TRUE },
};

/* Where the things of one certificate are. */
typedef struct {
  HerdOutput *output;
  const char *name;
  HerdDirectory *links;       /* the link NAME is in it */
  HerdDirectory *generations; /* PREFIX N is in it */
  char *prefix;               /* of a generation's directory: "" or ".NAME." */
  char *way;                  /* from LINKS to it: "../archive/NAME/" or ".NAME." */
} Place;

static void
place_free (Place *place)
{
  if (place == NULL)
    return;
  herd_directory_close (place->links);
  herd_directory_close (place->generations);
  g_free (place->prefix);
  g_free (place->way);
  g_free (place);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Place, place_free)

static gboolean
open_live (Place *place, const HerdDirectory *root, gboolean create, GError **error)
{
  g_autoptr (HerdDirectory) archive = NULL;

  place->links = herd_directory_open_child (root, "live", create, error);
  if (place->links == NULL)
    return FALSE;
  archive = herd_directory_open_child (root, "archive", create, error);
  if (archive == NULL)
    return FALSE;
  place->generations = herd_directory_open_child (archive, place->name, create, error);
  place->prefix = g_strdup ("");
  place->way = g_strdup_printf ("../archive/%s/", place->name);
  return place->generations != NULL;
}

static Place *
place_open (HerdOutput *output, const char *name, gboolean create, GError **error)
{
  g_autoptr (Place) place = g_new0 (Place, 1);
  g_autoptr (HerdDirectory) root = herd_directory_open (output->path, error);

  if (root == NULL)
    return NULL;
  place->output = output;
  place->name = name;
  if (output->layout == HERD_LAYOUT_LIVE)
    return open_live (place, root, create, error) ? g_steal_pointer (&place) : NULL;
  place->generations = herd_directory_open (output->path, error);
  place->links = g_steal_pointer (&root);
  place->prefix = g_strdup_printf (".%s.", name);
  place->way = g_strdup (place->prefix);
  return place->generations != NULL ? g_steal_pointer (&place) : NULL;
}

/* The generation that TEXT, PREFIX and digits, names; 0 = none. */
static guint64
parse_generation (const char *prefix, const char *text)
{
  guint64 number;

  if (!g_str_has_prefix (text, prefix)
      || !g_ascii_string_to_unsigned (text + strlen (prefix), 10, 1, G_MAXUINT64, &number, NULL))
    return 0;
  return number;
}

/* The generation in use; 0 = none. A link that leads elsewhere, or no link, is not ours: FALSE. */
static gboolean
read_link (const Place *place, guint64 *current, GError **error)
{
  char value[LINK_MAX_LENGTH + 1];
  gssize length = readlinkat (place->links->fd, place->name, value, LINK_MAX_LENGTH);
  guint64 found;

  if (length < 0 && errno == ENOENT) {
    *current = 0;
    return TRUE;
  }
  if (length < 0 && errno != EINVAL)
    return herd_directory_fail (place->links, place->name, "read", errno, error);
  value[MAX (length, 0)] = '\0';
  found = parse_generation (place->way, value);
  if (found == 0)
    return herd_output_fail_foreign (place->output, place->links, place->name, error);
  *current = found;
  return TRUE;
}

static const HerdFileRights *
rights_of (const HerdOutput *output, guint file)
{
  return files[file].secret ? &output->secret : &output->readable;
}

/* --- one generation --- */

static gboolean
generation_is_whole (const Place *place, const char *entry, const HerdBundle *bundle)
{
  g_autoptr (HerdDirectory)
      directory = herd_directory_open_child (place->generations, entry, FALSE, NULL);

  for (guint i = 0; directory != NULL && i < G_N_ELEMENTS (files); i++) {
    g_autoptr (GBytes) bytes = files[i].get (bundle);

    if (!herd_directory_holds (directory, files[i].name, bytes, rights_of (place->output, i)))
      return FALSE;
  }
  return directory != NULL;
}

/* Removes our files from the directory ENTRY, and it too unless somebody else's are in it. */
static gboolean
generation_remove (const Place *place, const char *entry, GError **error)
{
  g_autoptr (HerdDirectory) directory = NULL;
  g_autoptr (GError) missing = NULL;
  struct stat status;

  directory = herd_directory_open_child (place->generations, entry, FALSE, &missing);
  if (directory == NULL) {
    if (g_error_matches (missing, HERD_ERROR, HERD_ERROR_NOT_FOUND))
      return TRUE;
    g_propagate_error (error, g_steal_pointer (&missing));
    return FALSE;
  }
  for (guint i = 0; i < G_N_ELEMENTS (files); i++) {
    if (fstatat (directory->fd, files[i].name, &status, AT_SYMLINK_NOFOLLOW) == 0
        && S_ISREG (status.st_mode) && !herd_directory_unlink (directory, files[i].name, error))
      return FALSE;
  }
  if (unlinkat (place->generations->fd, entry, AT_REMOVEDIR) < 0 && errno != ENOTEMPTY
      && errno != EEXIST)
    return herd_directory_fail (place->generations, entry, "remove", errno, error);
  return TRUE;
}

static gboolean
generation_fill (const Place *place, const char *entry, const HerdBundle *bundle, GError **error)
{
  g_autoptr (HerdDirectory)
      directory = herd_directory_open_child (place->generations, entry, TRUE, error);

  if (directory == NULL)
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (files); i++) {
    g_autoptr (GBytes) bytes = files[i].get (bundle);

    if (!herd_directory_write (directory, files[i].name, bytes, rights_of (place->output, i),
                               error))
      return FALSE;
  }
  return herd_directory_sync (directory, error);
}

/* Puts the directory FROM in the place of ENTRY, which other words or rights than ours are in, without
 * a moment in which it is missing. */
static gboolean
generation_exchange (const Place *place, const char *from, const char *entry, GError **error)
{
  int fd = place->generations->fd;

  if (renameat2 (fd, from, fd, entry, RENAME_EXCHANGE) < 0)
    return herd_directory_fail (place->generations, entry, "replace", errno, error);
  return generation_remove (place, from, error);
}

static gboolean
generation_write (const Place *place, const char *entry, const HerdBundle *bundle, GError **error)
{
  g_autofree char *temporary = g_strdup_printf ("%s%s.new", *place->prefix == '\0' ? "." : "",
                                                entry);
  int fd = place->generations->fd;

  if (generation_is_whole (place, entry, bundle))
    return TRUE;
  if (!generation_remove (place, temporary, error))
    return FALSE;
  if (!generation_fill (place, temporary, bundle, error)) {
    generation_remove (place, temporary, NULL);
    return FALSE;
  }
  if (renameat (fd, temporary, fd, entry) < 0) {
    int number = errno;
    g_autoptr (GError) failed = NULL;

    if (number != EEXIST && number != ENOTEMPTY)
      herd_directory_fail (place->generations, entry, "create", number, &failed);
    else
      generation_exchange (place, temporary, entry, &failed);
    if (failed != NULL) {
      generation_remove (place, temporary, NULL);
      g_propagate_error (error, g_steal_pointer (&failed));
      return FALSE;
    }
  }
  return herd_directory_sync (place->generations, error);
}

/* --- the link --- */

static gboolean
switch_link (const Place *place, guint64 generation, GError **error)
{
  g_autofree char *value = g_strdup_printf ("%s%" G_GUINT64_FORMAT, place->way, generation);
  g_autofree char *temporary = g_strdup_printf (".%s.link", place->name);

  if (!herd_directory_unlink (place->links, temporary, error))
    return FALSE;
  if (symlinkat (value, place->links->fd, temporary) < 0)
    return herd_directory_fail (place->links, temporary, "create", errno, error);
  return herd_directory_rename (place->links, temporary, place->name, error)
         && herd_directory_sync (place->links, error);
}

static int
compare_descending (gconstpointer a, gconstpointer b)
{
  const guint64 *first = a;
  const guint64 *second = b;

  return *first < *second ? 1 : *first > *second ? -1 : 0;
}

static GArray *
list_generations (const Place *place, GError **error)
{
  g_autoptr (GArray) numbers = g_array_new (FALSE, FALSE, sizeof (guint64));
  g_autoptr (GPtrArray) entries = herd_directory_list (place->generations, error);

  if (entries == NULL)
    return NULL;
  for (guint i = 0; i < entries->len; i++) {
    guint64 number = parse_generation (place->prefix, g_ptr_array_index (entries, i));

    if (number != 0)
      g_array_append_val (numbers, number);
  }
  g_array_sort (numbers, compare_descending);
  return g_steal_pointer (&numbers);
}

/* Removes all generations but the last KEPT and CURRENT. */
static gboolean
prune (const Place *place, guint kept, guint64 current, GError **error)
{
  g_autoptr (GArray) numbers = list_generations (place, error);

  for (guint i = kept; numbers != NULL && i < numbers->len; i++) {
    guint64 number = g_array_index (numbers, guint64, i);
    g_autofree char *entry = g_strdup_printf ("%s%" G_GUINT64_FORMAT, place->prefix, number);

    if (number != current && !generation_remove (place, entry, error))
      return FALSE;
  }
  return numbers != NULL;
}

gboolean
herd_tree_install (HerdOutput *output, const HerdBundle *bundle, GError **error)
{
  g_autoptr (Place) place = place_open (output, bundle->name, TRUE, error);
  g_autofree char *entry = NULL;
  guint64 current;

  if (place == NULL || !read_link (place, &current, error))
    return FALSE;
  entry = g_strdup_printf ("%s%" G_GUINT64_FORMAT, place->prefix, bundle->generation);
  if (!generation_write (place, entry, bundle, error))
    return FALSE;
  if (current != bundle->generation && !switch_link (place, bundle->generation, error))
    return FALSE;
  /* The new generation is in place: what is left of old ones is not worth a failure. */
  prune (place, HERD_OUTPUT_KEPT, bundle->generation, NULL);
  return TRUE;
}

gboolean
herd_tree_withdraw (HerdOutput *output, const char *name, GError **error)
{
  g_autoptr (GError) failed = NULL;
  g_autoptr (Place) place = place_open (output, name, FALSE, &failed);
  guint64 current = 0;

  if (place == NULL && g_error_matches (failed, HERD_ERROR, HERD_ERROR_NOT_FOUND))
    return TRUE;
  if (place == NULL) {
    g_propagate_error (error, g_steal_pointer (&failed));
    return FALSE;
  }
  /* A link that is not ours stays. */
  if (read_link (place, &current, NULL) && current != 0
      && !herd_directory_unlink (place->links, name, error))
    return FALSE;
  if (!herd_directory_sync (place->links, error) || !prune (place, 0, 0, error))
    return FALSE;
  if (output->layout == HERD_LAYOUT_LIVE) {
    g_autoptr (HerdDirectory) root = herd_directory_open (output->path, error);
    g_autofree char *directory = g_build_filename ("archive", name, NULL);

    if (root == NULL)
      return FALSE;
    if (unlinkat (root->fd, directory, AT_REMOVEDIR) < 0 && errno != ENOTEMPTY && errno != EEXIST)
      return herd_directory_fail (root, directory, "remove", errno, error);
  }
  return TRUE;
}
