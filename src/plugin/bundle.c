// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Bundles.
 */
#include "plugin/bundle.h"

#include <string.h>

#define END_MARK "-----END CERTIFICATE-----\n"

HerdBundle *
herd_bundle_new (const char *name, guint64 generation, GBytes *chain, GBytes *key, HerdFacts *facts)
{
  HerdBundle *bundle = g_atomic_rc_box_new0 (HerdBundle);

  bundle->name = g_strdup (name);
  bundle->generation = generation;
  bundle->chain = g_bytes_ref (chain);
  bundle->key = g_bytes_ref (key);
  bundle->facts = facts;
  return bundle;
}

HerdBundle *
herd_bundle_ref (HerdBundle *bundle)
{
  return g_atomic_rc_box_acquire (bundle);
}

static void
bundle_clear (gpointer data)
{
  HerdBundle *bundle = data;

  g_free (bundle->name);
  g_bytes_unref (bundle->chain);
  g_bytes_unref (bundle->key);
  herd_facts_free (bundle->facts);
}

void
herd_bundle_unref (HerdBundle *bundle)
{
  if (bundle != NULL)
    g_atomic_rc_box_release_full (bundle, bundle_clear);
}

static gsize
leaf_length (const HerdBundle *bundle)
{
  gsize size;
  const char *text = g_bytes_get_data (bundle->chain, &size);
  const char *end = g_strstr_len (text, (gssize) size, END_MARK);

  return end != NULL ? (gsize) (end - text) + strlen (END_MARK) : size;
}

GBytes *
herd_bundle_get_leaf (const HerdBundle *bundle)
{
  return g_bytes_new_from_bytes (bundle->chain, 0, leaf_length (bundle));
}

GBytes *
herd_bundle_get_intermediates (const HerdBundle *bundle)
{
  gsize leaf = leaf_length (bundle);

  return g_bytes_new_from_bytes (bundle->chain, leaf, g_bytes_get_size (bundle->chain) - leaf);
}

typedef struct {
  gsize size;
  guint8 data[];
} Wiped;

static void
wipe (gpointer data)
{
  Wiped *wiped = data;

  explicit_bzero (wiped->data, wiped->size);
  g_free (wiped);
}

GBytes *
herd_bundle_get_combined (const HerdBundle *bundle)
{
  gsize key_size, chain_size;
  const guint8 *key = g_bytes_get_data (bundle->key, &key_size);
  const guint8 *chain = g_bytes_get_data (bundle->chain, &chain_size);
  Wiped *wiped = g_malloc (sizeof *wiped + key_size + chain_size);

  wiped->size = key_size + chain_size;
  memcpy (wiped->data, key, key_size);
  memcpy (wiped->data + key_size, chain, chain_size);
  return g_bytes_new_with_free_func (wiped->data, wiped->size, wipe, wiped);
}
