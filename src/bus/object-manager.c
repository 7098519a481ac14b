// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * org.freedesktop.DBus.ObjectManager. Its signals are sent by changes.c.
 */
#include "bus/object-manager.h"

#include "bus/bus-private.h"
#include "plugin/error.h"

static const GDBusArgInfo objects_argument = { -1, (char *) "objects", (char *) "a{oa{sa{sv}}}",
                                               NULL };
static const GDBusArgInfo path_argument = { -1, (char *) "object", (char *) "o", NULL };
static const GDBusArgInfo added_argument = { -1, (char *) "interfaces", (char *) "a{sa{sv}}",
                                             NULL };
static const GDBusArgInfo removed_argument = { -1, (char *) "interfaces", (char *) "as", NULL };
static const GDBusArgInfo *const get_arguments[] = { &objects_argument, NULL };
static const GDBusArgInfo *const added_arguments[] = { &path_argument, &added_argument, NULL };
static const GDBusArgInfo *const removed_arguments[] = { &path_argument, &removed_argument, NULL };
static const GDBusMethodInfo get_method = { -1, (char *) "GetManagedObjects", NULL,
                                            (GDBusArgInfo **) get_arguments, NULL };
static const GDBusSignalInfo added_signal = { -1, (char *) "InterfacesAdded",
                                              (GDBusArgInfo **) added_arguments, NULL };
static const GDBusSignalInfo removed_signal = { -1, (char *) "InterfacesRemoved",
                                                (GDBusArgInfo **) removed_arguments, NULL };
static const GDBusMethodInfo *const methods[] = { &get_method, NULL };
static const GDBusSignalInfo *const signals[] = { &added_signal, &removed_signal, NULL };
static const GDBusInterfaceInfo interface = { -1,
                                              (char *) "org.freedesktop.DBus.ObjectManager",
                                              (GDBusMethodInfo **) methods,
                                              (GDBusSignalInfo **) signals,
                                              NULL,
                                              NULL };

static void
add_objects (HerdBus *bus, HerdNoun noun, GVariantBuilder *objects)
{
  HerdRegistry *registry = herd_agent_get_services (bus->agent)->registry;
  g_autoptr (GArray) ids = herd_registry_list_ids (registry, noun);

  for (guint i = 0; i < ids->len; i++) {
    guint64 id = g_array_index (ids, guint64, i);
    g_autofree char *path = herd_bus_get_path (noun, id);

    g_variant_builder_open (objects, G_VARIANT_TYPE ("{oa{sa{sv}}}"));
    g_variant_builder_add (objects, "o", path);
    g_variant_builder_open (objects, G_VARIANT_TYPE ("a{sa{sv}}"));
    g_variant_builder_add (objects, "{s@a{sv}}", herd_bus_get_interface (noun)->info->name,
                           herd_bus_get_properties (bus->agent, noun, id));
    g_variant_builder_close (objects);
    g_variant_builder_close (objects);
  }
}

static void
method_call (GDBusConnection *connection G_GNUC_UNUSED, const char *sender G_GNUC_UNUSED,
             const char *path G_GNUC_UNUSED, const char *interface_name G_GNUC_UNUSED,
             const char *method G_GNUC_UNUSED, GVariant *parameters G_GNUC_UNUSED,
             GDBusMethodInvocation *invocation, gpointer data)
{
  HerdBus *bus = data;
  HerdRegistry *registry = herd_agent_get_services (bus->agent)->registry;
  GVariantBuilder objects = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a{oa{sa{sv}}}"));
  guint n = 0;

  for (guint noun = HERD_NOUN_CERTIFICATE; noun < HERD_N_NOUNS; noun++)
    n += herd_registry_count (registry, (HerdNoun) noun);
  if (n > HERD_MANAGED_OBJECTS_MAX) {
    g_variant_builder_clear (&objects);
    g_dbus_method_invocation_return_error (
        invocation, HERD_ERROR, HERD_ERROR_LIMIT_EXCEEDED,
        "there are %u objects, and GetManagedObjects gives at most %d; use ListCertificates of "
        "org.certherd.Agent1",
        n, HERD_MANAGED_OBJECTS_MAX);
    return;
  }
  for (guint noun = HERD_NOUN_CERTIFICATE; noun < HERD_N_NOUNS; noun++)
    add_objects (bus, (HerdNoun) noun, &objects);
  g_dbus_method_invocation_return_value (invocation, g_variant_new ("(a{oa{sa{sv}}})", &objects));
}

static const GDBusInterfaceVTable vtable = { method_call, NULL, NULL, { 0 } };

guint
herd_bus_register_object_manager (HerdBus *bus, GError **error)
{
  return g_dbus_connection_register_object (
      bus->connection, HERD_BUS_ROOT, (GDBusInterfaceInfo *) &interface, &vtable, bus, NULL, error);
}
