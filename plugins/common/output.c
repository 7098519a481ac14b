// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Output files: the settings, and the choice of the layout.
 */
#include "output-private.h"

#include <grp.h>
#include <pwd.h>
#include <string.h>

#include "plugin/error.h"

#define SECRET_MODE 0600
#define READABLE_MODE 0644

gboolean
herd_output_fail_foreign (HerdOutput *output, const HerdDirectory *directory, const char *name,
                          GError **error)
{
  g_set_error (
      error, HERD_ERROR, HERD_ERROR_EXISTS,
      "target %s: %s/%s was not made by certherd; move it away, or change the target's path",
      output->target, directory->path, name);
  return FALSE;
}

static gboolean
fail_key (const char *target, const char *key, const char *value, const char *why, GError **error)
{
  g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT, "target %s: %s = %s: %s", target,
               key, value, why);
  return FALSE;
}

static gboolean
is_number (const char *text, guint64 *number)
{
  /* The largest is (uid_t) -1, which means "leave it". */
  return g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT32 - 1, number, NULL);
}

static gboolean
read_owner (HerdOutput *output, GHashTable *settings, GError **error)
{
  const char *owner = g_hash_table_lookup (settings, "owner");
  const char *group = g_hash_table_lookup (settings, "group");
  struct passwd *user;
  struct group *members;
  guint64 number;

  if (owner != NULL && is_number (owner, &number))
    output->secret.owner = (uid_t) number;
  else if (owner != NULL && (user = getpwnam (owner)) != NULL)
    output->secret.owner = user->pw_uid;
  else if (owner != NULL)
    return fail_key (output->target, "owner", owner, "there is no such user", error);
  if (group != NULL && is_number (group, &number))
    output->secret.group = (gid_t) number;
  else if (group != NULL && (members = getgrnam (group)) != NULL)
    output->secret.group = members->gr_gid;
  else if (group != NULL)
    return fail_key (output->target, "group", group, "there is no such group", error);
  return TRUE;
}

static gboolean
read_mode (HerdOutput *output, GHashTable *settings, GError **error)
{
  const char *mode = g_hash_table_lookup (settings, "mode");
  guint64 number;

  if (mode == NULL)
    return TRUE;
  if (!g_ascii_string_to_unsigned (mode, 8, 0, 07777, &number, NULL) || (number & ~0660u) != 0
      || (number & 0400) == 0)
    return fail_key (output->target, "mode", mode,
                     "keys may be for an owner and a group, as in 0600, 0640 or 0440", error);
  output->secret.mode = (mode_t) number;
  return TRUE;
}

static gboolean
read_path (HerdOutput *output, GHashTable *settings, GError **error)
{
  gboolean live = g_str_equal (output->target, "live");
  const char *key = live ? "state-directory" : "path";
  const char *path = g_hash_table_lookup (settings, key);
  const char *layout = g_hash_table_lookup (settings, "layout");
  gsize length = path != NULL ? strlen (path) : 0;

  if (live && (g_hash_table_contains (settings, "path") || layout != NULL))
    return fail_key (output->target, layout != NULL ? "layout" : "path", "…",
                     "the target live has its own; use another target's name", error);
  if (length == 0 || *path != '/')
    return fail_key (output->target, key, path != NULL ? path : "", "an absolute path is needed",
                     error);
  if (live)
    output->layout = HERD_LAYOUT_LIVE;
  else if (layout == NULL || g_str_equal (layout, "name"))
    output->layout = HERD_LAYOUT_NAME;
  else if (g_str_equal (layout, "single"))
    output->layout = HERD_LAYOUT_SINGLE;
  else
    return fail_key (output->target, "layout", layout, "it is “name” (PATH/NAME/) or “single”",
                     error);
  if (output->layout == HERD_LAYOUT_SINGLE && path[length - 1] == '/')
    return fail_key (output->target, "path", path, "with layout=single it names a file", error);
  output->path = g_strdup (path);
  return TRUE;
}

HerdOutput *
herd_output_new (const char *target, GHashTable *settings, GError **error)
{
  g_autoptr (HerdOutput) output = g_new0 (HerdOutput, 1);

  output->target = g_strdup (target);
  output->secret = (HerdFileRights){ (uid_t) -1, (gid_t) -1, SECRET_MODE };
  if (!read_path (output, settings, error) || !read_owner (output, settings, error)
      || !read_mode (output, settings, error))
    return NULL;
  output->readable = output->secret;
  output->readable.mode = READABLE_MODE;
  return g_steal_pointer (&output);
}

void
herd_output_free (HerdOutput *output)
{
  if (output == NULL)
    return;
  g_free (output->target);
  g_free (output->path);
  g_free (output);
}

static gboolean
check_name (const char *name, GError **error)
{
  if (*name != '\0' && *name != '.' && strchr (name, '/') == NULL)
    return TRUE;
  g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT, "“%s” cannot be a file's name",
               name);
  return FALSE;
}

gboolean
herd_output_install (HerdOutput *output, GPtrArray *bundles, GError **error)
{
  for (guint i = 0; i < bundles->len; i++) {
    const HerdBundle *bundle = g_ptr_array_index (bundles, i);

    if (!check_name (bundle->name, error))
      return FALSE;
    if (output->layout == HERD_LAYOUT_SINGLE ? !herd_single_install (output, bundle, error)
                                             : !herd_tree_install (output, bundle, error))
      return FALSE;
  }
  return TRUE;
}

gboolean
herd_output_withdraw (HerdOutput *output, const char *const *names, GError **error)
{
  for (; *names != NULL; names++) {
    if (!check_name (*names, error))
      return FALSE;
    if (output->layout == HERD_LAYOUT_SINGLE ? !herd_single_withdraw (output, *names, error)
                                             : !herd_tree_withdraw (output, *names, error))
      return FALSE;
  }
  return TRUE;
}
