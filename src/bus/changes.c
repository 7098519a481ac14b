// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Changes on their way to the bus. What was sent last is remembered for the objects that changed
 * lately; of any other, all properties are sent at its first change, and so they are of one that had
 * changed by the time that it was told to be there: somebody may have read it before.
 */
#include "bus/changes.h"

#include "bus/table.h"

#define REMEMBERED 256
/* Operations go through some twenty steps, in a fraction of a second where the CA is quick, and every
 * time all steps so far are sent; with each of them what the agent counts and what an issuer may still
 * be asked changes too. What happens within this time, which nobody sees, is sent together. Signals that
 * refer to an object, such as an operation's end, do not wait for it. */
#define TOGETHER (HERD_SECOND / 4)

struct HerdBusChanges {
  GDBusConnection *connection;
  HerdAgent *agent;
  GHashTable *dirty; /* set of HerdRowKey */
  GHashTable *later; /* likewise: those that wait until the time is over */
  guint timer;
  GHashTable *sent; /* HerdRowKey → GPtrArray of GVariant: herd_bus_list_values() */
  GSource *source;
};

static HerdRowKey *
key_new (HerdNoun noun, guint64 id)
{
  HerdRowKey *key = g_new0 (HerdRowKey, 1);

  key->noun = noun;
  key->id = id;
  return key;
}

HerdBusChanges *
herd_bus_changes_new (GDBusConnection *connection, HerdAgent *agent)
{
  HerdBusChanges *changes = g_new0 (HerdBusChanges, 1);

  changes->connection = g_object_ref (connection);
  changes->agent = agent;
  changes->dirty = g_hash_table_new_full (herd_row_key_hash, herd_row_key_equal, g_free, NULL);
  changes->later = g_hash_table_new_full (herd_row_key_hash, herd_row_key_equal, g_free, NULL);
  changes->sent = g_hash_table_new_full (herd_row_key_hash, herd_row_key_equal, g_free,
                                         (GDestroyNotify) g_ptr_array_unref);
  return changes;
}

void
herd_bus_changes_free (HerdBusChanges *changes)
{
  if (changes == NULL)
    return;
  if (changes->source != NULL) {
    g_source_destroy (changes->source);
    g_source_unref (changes->source);
  }
  herd_clock_disarm (herd_agent_get_services (changes->agent)->clock, changes->timer);
  g_hash_table_unref (changes->dirty);
  g_hash_table_unref (changes->later);
  g_hash_table_unref (changes->sent);
  g_object_unref (changes->connection);
  g_free (changes);
}

static void
emit (HerdBusChanges *changes, const char *path, const char *interface, const char *signal,
      GVariant *parameters)
{
  /* Fails only where the connection is closed; then nobody is there to be told. */
  g_dbus_connection_emit_signal (changes->connection, NULL, path, interface, signal, parameters,
                                 NULL);
}

/* Those of CURRENT that differ from LAST (NULL: all), by name. Values are compared before they are named,
 * for most are as they were. Floating. */
static GVariant *
get_difference (const HerdBusInterface *interface, const GPtrArray *current, const GPtrArray *last)
{
  GVariantBuilder builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);

  for (guint i = 0; i < current->len; i++) {
    GVariant *value = g_ptr_array_index (current, i);

    if (last == NULL || !g_variant_equal (g_ptr_array_index (last, i), value))
      g_variant_builder_add_value (&builder,
                                   herd_bus_new_entry (interface->properties[i].name, value));
  }
  return g_variant_builder_end (&builder);
}

static void
remember (HerdBusChanges *changes, const HerdRowKey *key, GPtrArray *values)
{
  if (g_hash_table_size (changes->sent) >= REMEMBERED)
    g_hash_table_remove_all (changes->sent);
  g_hash_table_replace (changes->sent, key_new (key->noun, key->id), g_ptr_array_ref (values));
}

static void
send (HerdBusChanges *changes, const HerdRowKey *key)
{
  const HerdBusInterface *interface = herd_bus_get_interface (key->noun);
  g_autofree char *path = herd_bus_get_path (key->noun, key->id);
  g_autoptr (GPtrArray) current = herd_bus_list_values (changes->agent, key->noun, key->id);
  g_autoptr (GVariant) difference = NULL;

  if (current->len == 0)
    return;
  difference = g_variant_ref_sink (
      get_difference (interface, current, g_hash_table_lookup (changes->sent, key)));
  if (g_variant_n_children (difference) == 0)
    return;
  remember (changes, key, current);
  emit (changes, path, "org.freedesktop.DBus.Properties", "PropertiesChanged",
        g_variant_new ("(s@a{sv}as)", interface->info->name, difference, NULL));
}

void
herd_bus_changes_flush (HerdBusChanges *changes, HerdNoun noun, guint64 id)
{
  const HerdRowKey key = { noun, id };

  gboolean waited = g_hash_table_remove (changes->later, &key);

  if (g_hash_table_remove (changes->dirty, &key) || waited)
    send (changes, &key);
}

/* Thousands may change at once, as at the start: then every turn of the loop sends some. */
static gboolean
flush_some (gpointer data)
{
  HerdBusChanges *changes = data;
  GHashTableIter iter;
  gpointer key;

  g_hash_table_iter_init (&iter, changes->dirty);
  for (guint n = 0; n < HERD_BUS_SLICE && g_hash_table_iter_next (&iter, &key, NULL); n++) {
    g_autofree HerdRowKey *stolen = key;

    g_hash_table_iter_steal (&iter);
    send (changes, stolen);
  }
  if (g_hash_table_size (changes->dirty) > 0)
    return G_SOURCE_CONTINUE;
  g_clear_pointer (&changes->source, g_source_unref);
  return G_SOURCE_REMOVE;
}

static void
flush_soon (HerdBusChanges *changes)
{
  if (changes->source != NULL)
    return;
  changes->source = g_idle_source_new ();
  g_source_set_priority (changes->source, G_PRIORITY_DEFAULT);
  g_source_set_callback (changes->source, flush_some, changes, NULL);
  g_source_attach (changes->source, g_main_context_get_thread_default ());
}

/* The time is over. */
static void
on_timer (gpointer data)
{
  HerdBusChanges *changes = data;
  GHashTableIter iter;
  gpointer key;

  changes->timer = 0;
  g_hash_table_iter_init (&iter, changes->later);
  while (g_hash_table_iter_next (&iter, &key, NULL)) {
    g_hash_table_iter_steal (&iter);
    g_hash_table_add (changes->dirty, key);
  }
  flush_soon (changes);
}

/* What a certificate has come to is what clients wait for, and changes a few times in its issuance. */
static gboolean
can_wait (HerdNoun noun)
{
  return noun == HERD_NOUN_OPERATION || noun == HERD_NOUN_AGENT || noun == HERD_NOUN_ISSUER;
}

void
herd_bus_changes_changed (HerdBusChanges *changes, HerdNoun noun, guint64 id)
{
  if (!can_wait (noun)) {
    g_hash_table_add (changes->dirty, key_new (noun, id));
    flush_soon (changes);
    return;
  }
  g_hash_table_add (changes->later, key_new (noun, id));
  if (changes->timer == 0)
    changes->timer = herd_clock_arm (herd_agent_get_services (changes->agent)->clock, TOGETHER,
                                     on_timer, changes);
}

void
herd_bus_changes_added (HerdBusChanges *changes, HerdNoun noun, guint64 id, gboolean changed)
{
  const HerdBusInterface *interface = herd_bus_get_interface (noun);
  const HerdRowKey key = { noun, id };
  g_autoptr (GPtrArray) values = herd_bus_list_values (changes->agent, noun, id);
  GVariantBuilder builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a{sa{sv}}"));

  g_variant_builder_add (&builder, "{s@a{sv}}", interface->info->name,
                         herd_bus_name_values (noun, values));
  if (!changed)
    remember (changes, &key, values);
  emit (changes, HERD_BUS_ROOT, "org.freedesktop.DBus.ObjectManager", "InterfacesAdded",
        g_variant_new ("(@oa{sa{sv}})", herd_bus_new_path (noun, id), &builder));
}

void
herd_bus_changes_removed (HerdBusChanges *changes, HerdNoun noun, guint64 id)
{
  const char *interfaces[] = { herd_bus_get_interface (noun)->info->name, NULL };
  const HerdRowKey key = { noun, id };

  g_hash_table_remove (changes->dirty, &key);
  g_hash_table_remove (changes->later, &key);
  g_hash_table_remove (changes->sent, &key);
  emit (changes, HERD_BUS_ROOT, "org.freedesktop.DBus.ObjectManager", "InterfacesRemoved",
        g_variant_new ("(@o^as)", herd_bus_new_path (noun, id), interfaces));
}
