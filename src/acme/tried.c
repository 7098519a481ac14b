// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Failed challenge types, as a list of identifiers, each with a list of types; both end with what failed
 * last.
 */
#include "acme/tried.h"

#define VERSION 1
#define FORMAT "(ua(sas))"

typedef struct {
  char *wish;
  GPtrArray *types; /* of char *; never empty */
} Entry;

struct HerdTried {
  GPtrArray *entries; /* of Entry */
  gboolean changed;
};

static void
entry_free (gpointer data)
{
  Entry *entry = data;

  g_free (entry->wish);
  g_ptr_array_unref (entry->types);
  g_free (entry);
}

static Entry *
entry_new (const char *wish)
{
  Entry *entry = g_new0 (Entry, 1);

  entry->wish = g_strdup (wish);
  entry->types = g_ptr_array_new_with_free_func (g_free);
  return entry;
}

/* The index of WISH, or -1. */
static int
find (HerdTried *tried, const char *wish)
{
  for (guint i = 0; i < tried->entries->len; i++) {
    if (g_str_equal (((Entry *) tried->entries->pdata[i])->wish, wish))
      return (int) i;
  }
  return -1;
}

static void
read_entries (HerdTried *tried, GVariantIter *entries)
{
  GVariantIter *types;
  const char *wish, *type;

  while (g_variant_iter_next (entries, "(&sas)", &wish, &types)) {
    while (g_variant_iter_next (types, "&s", &type))
      herd_tried_note_failure (tried, wish, type);
    g_variant_iter_free (types);
  }
  tried->changed = FALSE;
}

HerdTried *
herd_tried_new (GBytes *bytes)
{
  HerdTried *tried = g_new0 (HerdTried, 1);
  g_autoptr (GVariant) variant = NULL;
  g_autoptr (GVariantIter) entries = NULL;
  guint32 version = 0;

  tried->entries = g_ptr_array_new_with_free_func (entry_free);
  if (bytes == NULL)
    return tried;
  variant = g_variant_ref_sink (g_variant_new_from_bytes (G_VARIANT_TYPE (FORMAT), bytes, FALSE));
  if (!g_variant_is_normal_form (variant))
    return tried;
  g_variant_get (variant, FORMAT, &version, &entries);
  if (version == VERSION)
    read_entries (tried, entries);
  return tried;
}

void
herd_tried_free (HerdTried *tried)
{
  if (tried == NULL)
    return;
  g_ptr_array_unref (tried->entries);
  g_free (tried);
}

GBytes *
herd_tried_to_bytes (HerdTried *tried)
{
  g_autoptr (GVariant) variant = NULL;
  GVariantBuilder entries;

  g_variant_builder_init (&entries, G_VARIANT_TYPE ("a(sas)"));
  for (guint i = 0; i < tried->entries->len; i++) {
    const Entry *entry = tried->entries->pdata[i];

    g_variant_builder_add (
        &entries, "(s@as)", entry->wish,
        g_variant_new_strv ((const char *const *) entry->types->pdata, (gssize) entry->types->len));
  }
  variant = g_variant_ref_sink (g_variant_new (FORMAT, VERSION, &entries));
  return g_variant_get_data_as_bytes (variant);
}

/* Takes TYPE out of ENTRY; whether it was there. */
static gboolean
entry_remove (Entry *entry, const char *type)
{
  guint index;

  if (!g_ptr_array_find_with_equal_func (entry->types, type, g_str_equal, &index))
    return FALSE;
  g_ptr_array_remove_index (entry->types, index);
  return TRUE;
}

void
herd_tried_note_failure (HerdTried *tried, const char *wish, const char *type)
{
  int index = find (tried, wish);
  Entry *entry = index >= 0 ? g_ptr_array_steal_index (tried->entries, (guint) index)
                            : entry_new (wish);

  entry_remove (entry, type);
  g_ptr_array_add (entry->types, g_strdup (type));
  g_ptr_array_add (tried->entries, entry);
  if (tried->entries->len > HERD_TRIED_LIMIT)
    g_ptr_array_remove_index (tried->entries, 0);
  tried->changed = TRUE;
}

void
herd_tried_note_success (HerdTried *tried, const char *wish, const char *type)
{
  int index = find (tried, wish);
  Entry *entry = index >= 0 ? tried->entries->pdata[index] : NULL;

  if (entry == NULL || !entry_remove (entry, type))
    return;
  if (entry->types->len == 0)
    g_ptr_array_remove_index (tried->entries, (guint) index);
  tried->changed = TRUE;
}

guint
herd_tried_get_rank (HerdTried *tried, const char *wish, const char *type)
{
  int index = find (tried, wish);
  guint rank;

  if (index < 0
      || !g_ptr_array_find_with_equal_func (((Entry *) tried->entries->pdata[index])->types, type,
                                            g_str_equal, &rank))
    return 0;
  return rank + 1;
}

gboolean
herd_tried_take_change (HerdTried *tried)
{
  gboolean changed = tried->changed;

  tried->changed = FALSE;
  return changed;
}
