// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * org.freedesktop.DBus.ObjectManager. Its signals are sent by changes.c.
 */
#include "bus/object-manager.h"

#include "bus/bus-private.h"
#include "plugin/error.h"

#define INSTEAD "ListCertificates of org.certherd.Agent1"

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

static gboolean
prepare (HerdBusCall *call, GError **error)
{
  HerdRegistry *registry = herd_agent_get_services (call->agent)->registry;
  guint n = 0;

  for (guint noun = HERD_NOUN_CERTIFICATE; noun < HERD_N_NOUNS; noun++)
    n += herd_registry_count (registry, (HerdNoun) noun);
  if (n <= HERD_MANAGED_OBJECTS_MAX)
    return TRUE;
  g_set_error (error, HERD_ERROR, HERD_ERROR_LIMIT_EXCEEDED,
               "there are %u objects, and GetManagedObjects gives at most %d; use " INSTEAD, n,
               HERD_MANAGED_OBJECTS_MAX);
  return FALSE;
}

static GVariant *
new_object (HerdBusCall *call, HerdNoun noun, guint64 id, gpointer row G_GNUC_UNUSED)
{
  GVariantBuilder interfaces = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a{sa{sv}}"));
  g_autoptr (GPtrArray) values = herd_bus_list_values (call->agent, noun, id);

  g_variant_builder_add (&interfaces, "{s@a{sv}}", herd_bus_get_interface (noun)->info->name,
                         herd_bus_name_values (noun, values));
  return g_variant_new ("{@oa{sa{sv}}}", herd_bus_new_path (noun, id), &interfaces);
}

static gboolean
slice (HerdBusCall *call, gboolean *more, GError **error)
{
  static const HerdNoun nouns[] = { HERD_NOUN_CERTIFICATE, HERD_NOUN_ISSUER, HERD_NOUN_OPERATION,
                                    HERD_NOUN_SUBSCRIPTION, HERD_NOUN_AGENT };

  return herd_bus_slice_objects (call, nouns, new_object, INSTEAD, more, error);
}

static GVariant *
finish (HerdBusCall *call, GAsyncResult *result G_GNUC_UNUSED, GError **error G_GNUC_UNUSED)
{
  return g_variant_new ("(@a{oa{sa{sv}}})",
                        herd_bus_take_items (call, G_VARIANT_TYPE ("a{oa{sa{sv}}}")));
}

static const HerdBusMethod get_row = {
  .member = "GetManagedObjects",
  .prepare = prepare,
  .slice = slice,
  .finish = finish,
};

static void
method_call (GDBusConnection *connection G_GNUC_UNUSED, const char *sender G_GNUC_UNUSED,
             const char *path G_GNUC_UNUSED, const char *interface_name G_GNUC_UNUSED,
             const char *method G_GNUC_UNUSED, GVariant *parameters G_GNUC_UNUSED,
             GDBusMethodInvocation *invocation, gpointer data)
{
  herd_bus_call_start (data, HERD_NOUN_AGENT, 0, &get_row, invocation);
}

static const GDBusInterfaceVTable vtable = { method_call, NULL, NULL, { 0 } };

guint
herd_bus_register_object_manager (HerdBus *bus, GError **error)
{
  return g_dbus_connection_register_object (
      bus->connection, HERD_BUS_ROOT, (GDBusInterfaceInfo *) &interface, &vtable, bus, NULL, error);
}
