// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The registry: hash tables by id, an ordered tree and a table by name, and one observer.
 */
#include "core/registry.h"

#include <string.h>

struct HerdRegistry {
  GHashTable *rows[HERD_N_NOUNS]; /* guint64* (in the row) → row */
  GTree *certificates;            /* name → HerdCertificate, for pages in order */
  GHashTable *authorities;        /* name → HerdAuthority */
  const HerdObserver *observer;
  gpointer observer_data;
};

static int
compare_names (gconstpointer a, gconstpointer b, gpointer data G_GNUC_UNUSED)
{
  return strcmp (a, b);
}

HerdRegistry *
herd_registry_new (void)
{
  HerdRegistry *registry = g_new0 (HerdRegistry, 1);
  const GDestroyNotify destroy[HERD_N_NOUNS] = {
    [HERD_NOUN_AGENT] = NULL,
    [HERD_NOUN_CERTIFICATE] = (GDestroyNotify) herd_certificate_free,
    [HERD_NOUN_ISSUER] = (GDestroyNotify) herd_authority_free,
    [HERD_NOUN_OPERATION] = (GDestroyNotify) herd_operation_free,
    [HERD_NOUN_SUBSCRIPTION] = (GDestroyNotify) herd_subscription_free,
  };

  for (guint noun = 0; noun < HERD_N_NOUNS; noun++)
    registry->rows[noun] = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, destroy[noun]);
  registry->certificates = g_tree_new_full (compare_names, NULL, NULL, NULL);
  registry->authorities = g_hash_table_new (g_str_hash, g_str_equal);
  return registry;
}

void
herd_registry_free (HerdRegistry *registry)
{
  if (registry == NULL)
    return;
  g_tree_unref (registry->certificates);
  g_hash_table_unref (registry->authorities);
  for (guint noun = 0; noun < HERD_N_NOUNS; noun++)
    g_hash_table_unref (registry->rows[noun]);
  g_free (registry);
}

void
herd_registry_set_observer (HerdRegistry *registry, const HerdObserver *observer, gpointer data)
{
  registry->observer = observer;
  registry->observer_data = data;
}

const HerdObserver *
herd_registry_get_observer (HerdRegistry *registry, gpointer *data)
{
  *data = registry->observer_data;
  return registry->observer;
}

static void
add (HerdRegistry *registry, HerdNoun noun, guint64 *id, gpointer row)
{
  g_hash_table_insert (registry->rows[noun], id, row);
  if (registry->observer != NULL)
    registry->observer->added (noun, *id, registry->observer_data);
}

void
herd_registry_add_certificate (HerdRegistry *registry, HerdCertificate *certificate)
{
  g_tree_insert (registry->certificates, certificate->name, certificate);
  add (registry, HERD_NOUN_CERTIFICATE, &certificate->id, certificate);
}

void
herd_registry_add_authority (HerdRegistry *registry, HerdAuthority *authority)
{
  g_hash_table_insert (registry->authorities, authority->name, authority);
  add (registry, HERD_NOUN_ISSUER, &authority->id, authority);
}

void
herd_registry_add_operation (HerdRegistry *registry, HerdOperation *operation)
{
  add (registry, HERD_NOUN_OPERATION, &operation->id, operation);
}

void
herd_registry_add_subscription (HerdRegistry *registry, HerdSubscription *subscription)
{
  add (registry, HERD_NOUN_SUBSCRIPTION, &subscription->id, subscription);
}

void
herd_registry_remove (HerdRegistry *registry, HerdNoun noun, guint64 id)
{
  HerdCertificate *certificate;
  HerdAuthority *authority;

  if (!g_hash_table_contains (registry->rows[noun], &id))
    return;
  if (noun == HERD_NOUN_CERTIFICATE) {
    certificate = herd_registry_get_certificate (registry, id);
    g_tree_remove (registry->certificates, certificate->name);
  } else if (noun == HERD_NOUN_ISSUER) {
    authority = herd_registry_get_authority (registry, id);
    g_hash_table_remove (registry->authorities, authority->name);
  }
  g_hash_table_remove (registry->rows[noun], &id);
  if (registry->observer != NULL)
    registry->observer->removed (noun, id, registry->observer_data);
}

void
herd_registry_touch (HerdRegistry *registry, HerdNoun noun, guint64 id)
{
  if (registry->observer != NULL)
    registry->observer->changed (noun, id, registry->observer_data);
}

HerdCertificate *
herd_registry_get_certificate (HerdRegistry *registry, guint64 id)
{
  return g_hash_table_lookup (registry->rows[HERD_NOUN_CERTIFICATE], &id);
}

HerdAuthority *
herd_registry_get_authority (HerdRegistry *registry, guint64 id)
{
  return g_hash_table_lookup (registry->rows[HERD_NOUN_ISSUER], &id);
}

HerdOperation *
herd_registry_get_operation (HerdRegistry *registry, guint64 id)
{
  return g_hash_table_lookup (registry->rows[HERD_NOUN_OPERATION], &id);
}

HerdSubscription *
herd_registry_get_subscription (HerdRegistry *registry, guint64 id)
{
  return g_hash_table_lookup (registry->rows[HERD_NOUN_SUBSCRIPTION], &id);
}

HerdCertificate *
herd_registry_find_certificate (HerdRegistry *registry, const char *name)
{
  return g_tree_lookup (registry->certificates, name);
}

HerdAuthority *
herd_registry_find_authority (HerdRegistry *registry, const char *name)
{
  return g_hash_table_lookup (registry->authorities, name);
}

HerdCertificate *
herd_registry_next_certificate (HerdRegistry *registry, const char *after)
{
  GTreeNode *node = g_tree_upper_bound (registry->certificates, after);

  return node != NULL ? g_tree_node_value (node) : NULL;
}

guint
herd_registry_count (HerdRegistry *registry, HerdNoun noun)
{
  return g_hash_table_size (registry->rows[noun]);
}

GArray *
herd_registry_list_ids (HerdRegistry *registry, HerdNoun noun)
{
  GArray *ids = g_array_new (FALSE, FALSE, sizeof (guint64));
  GHashTableIter iter;
  gpointer key;

  g_hash_table_iter_init (&iter, registry->rows[noun]);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    g_array_append_vals (ids, key, 1);
  return ids;
}
