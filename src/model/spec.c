// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Reading, comparing and changing specs. Pure functions on GVariants.
 */
#include "model/spec.h"

#include <string.h>

char **
herd_spec_get_list (GVariant *spec, const char *key)
{
  char **list = NULL;

  if (!g_variant_lookup (spec, key, "^as", &list))
    list = g_new0 (char *, 1);
  return list;
}

const char *
herd_spec_get_string (GVariant *spec, const char *key, const char *fallback)
{
  const char *value = fallback;

  g_variant_lookup (spec, key, "&s", &value);
  return value;
}

gboolean
herd_spec_get_boolean (GVariant *spec, const char *key)
{
  gboolean value = FALSE;

  g_variant_lookup (spec, key, "b", &value);
  return value;
}

gboolean
herd_spec_has (GVariant *spec, const char *key)
{
  g_autoptr (GVariant) value = g_variant_lookup_value (spec, key, NULL);

  return value != NULL;
}

char **
herd_spec_get_targets (GVariant *spec)
{
  static const char *const fallback[] = { "live", NULL };

  return herd_spec_has (spec, "deliver") ? herd_spec_get_list (spec, "deliver")
                                         : g_strdupv ((char **) fallback);
}

const char *
herd_spec_get_key_type (GVariant *spec)
{
  return herd_spec_get_string (spec, "key-type", "ecdsa-p256");
}

static int
compare_strings (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static gboolean
lists_equal (GVariant *a, GVariant *b, gboolean ordered)
{
  gsize n_a, n_b;
  g_autofree const char **list_a = g_variant_get_strv (a, &n_a);
  g_autofree const char **list_b = g_variant_get_strv (b, &n_b);

  if (n_a != n_b)
    return FALSE;
  if (!ordered) {
    qsort (list_a, n_a, sizeof *list_a, compare_strings);
    qsort (list_b, n_b, sizeof *list_b, compare_strings);
  }
  return g_strv_equal (list_a, list_b);
}

/* The order of issuers and solvers is the order in which they are tried; the others are sets. */
static gboolean
key_is_ordered (const char *key)
{
  return g_str_equal (key, "issuer") || g_str_equal (key, "challenge");
}

static gboolean
values_equal (const char *key, GVariant *a, GVariant *b)
{
  if (a == NULL || b == NULL)
    return a == b;
  if (g_variant_is_of_type (a, G_VARIANT_TYPE_STRING_ARRAY)
      && g_variant_is_of_type (b, G_VARIANT_TYPE_STRING_ARRAY))
    return lists_equal (a, b, key_is_ordered (key));
  return g_variant_equal (a, b);
}

static gboolean
key_equal (GVariant *a, GVariant *b, const char *key)
{
  g_autoptr (GVariant) value_a = g_variant_lookup_value (a, key, NULL);
  g_autoptr (GVariant) value_b = g_variant_lookup_value (b, key, NULL);

  return values_equal (key, value_a, value_b);
}

gboolean
herd_spec_equal (GVariant *a, GVariant *b)
{
  GVariantIter iter;
  const char *key;

  if (g_variant_n_children (a) != g_variant_n_children (b))
    return FALSE;
  g_variant_iter_init (&iter, a);
  while (g_variant_iter_next (&iter, "{&sv}", &key, NULL)) {
    if (!key_equal (a, b, key))
      return FALSE;
  }
  return TRUE;
}

/* Adds the keys of FROM that OTHER does not have so, once each. */
static void
add_differences (GPtrArray *keys, GVariant *from, GVariant *other)
{
  GVariantIter iter;
  const char *key;

  g_variant_iter_init (&iter, from);
  while (g_variant_iter_next (&iter, "{&sv}", &key, NULL)) {
    if (!key_equal (from, other, key)
        && !g_ptr_array_find_with_equal_func (keys, key, g_str_equal, NULL))
      g_ptr_array_add (keys, (gpointer) key);
  }
}

char *
herd_spec_list_differences (GVariant *a, GVariant *b)
{
  g_autoptr (GPtrArray) keys = g_ptr_array_new ();

  add_differences (keys, a, b);
  add_differences (keys, b, a);
  g_ptr_array_add (keys, NULL);
  return g_strjoinv (", ", (char **) keys->pdata);
}

GVariant *
herd_spec_modify (GVariant *spec, GVariant *set, const char *const *unset)
{
  g_auto (GVariantDict) dictionary = G_VARIANT_DICT_INIT (spec);
  GVariantIter iter;
  const char *key;
  GVariant *value;

  for (; unset != NULL && *unset != NULL; unset++)
    g_variant_dict_remove (&dictionary, *unset);
  g_variant_iter_init (&iter, set);
  while (g_variant_iter_loop (&iter, "{&sv}", &key, &value))
    g_variant_dict_insert_value (&dictionary, key, value);
  return g_variant_ref_sink (g_variant_dict_end (&dictionary));
}

/* The others of the list are asked only where the first one fails. */
static gboolean
has_same_first_issuer (GVariant *a, GVariant *b)
{
  g_auto (GStrv) list_a = herd_spec_get_list (a, "issuer");
  g_auto (GStrv) list_b = herd_spec_get_list (b, "issuer");

  return g_strcmp0 (list_a[0], list_b[0]) == 0;
}

/* What a certificate is of. */
static const char *const contents[] = { "identifiers", "key-type",        "country",     "state",
                                        "locality",    "organization",    "common-name", "lifetime",
                                        "must-staple", "preferred-chain", "profile" };

gboolean
herd_spec_needs_issuance (GVariant *old, GVariant *new_spec)
{
  for (guint i = 0; i < G_N_ELEMENTS (contents); i++) {
    if (!key_equal (old, new_spec, contents[i]))
      return TRUE;
  }
  return !has_same_first_issuer (old, new_spec);
}

static void
add_to_digest (GChecksum *checksum, GVariant *spec, const char *key)
{
  g_autoptr (GVariant) value = g_variant_lookup_value (spec, key, NULL);
  g_autofree char *text = value != NULL ? g_variant_print (value, TRUE) : NULL;
  g_autofree char *line = g_strdup_printf ("%s=%s\n", key, text != NULL ? text : "");

  g_checksum_update (checksum, (const guchar *) line, -1);
}

char *
herd_spec_make_digest (GVariant *spec)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);

  for (guint i = 0; i < G_N_ELEMENTS (contents); i++)
    add_to_digest (checksum, spec, contents[i]);
  add_to_digest (checksum, spec, "profile-policy");
  return g_strdup (g_checksum_get_string (checksum));
}
