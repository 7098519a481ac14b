// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The agent on the bus: registering the root and the subtrees, and passing on what the registry says.
 */
#include "bus/bus.h"

#include "bus/bus-private.h"
#include "bus/object-manager.h"
#include "plugin/error.h"

/* --- calls and properties come in --- */

static gboolean
parse_object (const char *path, HerdNoun noun, guint64 *id)
{
  *id = 0;
  return noun == HERD_NOUN_AGENT || herd_bus_parse_path (path, noun, id);
}

/* The noun whose INTERFACE it is; FALSE: nobody's. */
static gboolean
find_noun (const char *interface, HerdNoun *noun)
{
  for (guint i = HERD_NOUN_AGENT; i < HERD_N_NOUNS; i++) {
    if (g_str_equal (herd_bus_get_interface ((HerdNoun) i)->info->name, interface)) {
      *noun = (HerdNoun) i;
      return TRUE;
    }
  }
  return FALSE;
}

static const HerdBusMethod *
find_method (HerdNoun noun, const char *member)
{
  const HerdBusMethod *row = herd_bus_get_interface (noun)->methods;

  while (row->member != NULL && !g_str_equal (row->member, member))
    row++;
  return row->member != NULL ? row : NULL;
}

/* Answers whoever calls an object that is not there: GDBus would say that its methods are not. */
static void
refuse_call (GDBusConnection *connection G_GNUC_UNUSED, const char *sender G_GNUC_UNUSED,
             const char *path, const char *interface G_GNUC_UNUSED,
             const char *method G_GNUC_UNUSED, GVariant *parameters G_GNUC_UNUSED,
             GDBusMethodInvocation *invocation, gpointer data G_GNUC_UNUSED)
{
  g_autoptr (GError) error = NULL;

  herd_bus_set_missing (&error, path);
  g_dbus_method_invocation_return_dbus_error (invocation, herd_error_get_name (error),
                                              error->message);
}

static void
method_call (GDBusConnection *connection, const char *sender, const char *path,
             const char *interface, const char *method, GVariant *parameters,
             GDBusMethodInvocation *invocation, gpointer data)
{
  HerdBus *bus = data;
  const HerdBusMethod *row = NULL;
  HerdNoun noun;
  guint64 id;

  /* The tables were checked against the XML, and GDBus checks calls against the XML. */
  if (find_noun (interface, &noun))
    row = find_method (noun, method);
  if (row == NULL || !parse_object (path, noun, &id))
    refuse_call (connection, sender, path, interface, method, parameters, invocation, data);
  else
    herd_bus_call_start (bus, noun, id, row, invocation);
}

static GVariant *
get_property (GDBusConnection *connection G_GNUC_UNUSED, const char *sender G_GNUC_UNUSED,
              const char *path, const char *interface, const char *name, GError **error,
              gpointer data)
{
  HerdBus *bus = data;
  const HerdBusProperty *property = NULL;
  gpointer row = NULL;
  HerdNoun noun;
  guint64 id;

  if (find_noun (interface, &noun) && parse_object (path, noun, &id)) {
    property = herd_bus_find_property (herd_bus_get_interface (noun), name);
    row = herd_bus_get_row (bus->agent, noun, id);
  }
  if (row == NULL || property == NULL) {
    herd_bus_set_missing (error, path);
    return NULL;
  }
  return property->get (bus->agent, row);
}

static const GDBusInterfaceVTable vtable = { method_call, get_property, NULL, { 0 } };
/* Without the functions for properties, Get and GetAll are calls like others. */
static const GDBusInterfaceVTable missing = { refuse_call, NULL, NULL, { 0 } };

/* --- subtrees --- */

/* Not the objects: 100,000 of them would be a reply of megabytes. They can be introspected all the
 * same. */
static char **
enumerate (GDBusConnection *connection G_GNUC_UNUSED, const char *sender G_GNUC_UNUSED,
           const char *path G_GNUC_UNUSED, gpointer data G_GNUC_UNUSED)
{
  return g_new0 (char *, 1);
}

static gboolean
has_object (HerdBus *bus, const char *path)
{
  HerdNoun noun = herd_bus_find_folder (path);
  guint64 id;

  return noun != HERD_NOUN_AGENT && herd_bus_parse_path (path, noun, &id)
         && herd_bus_get_row (bus->agent, noun, id) != NULL;
}

/* GDBus gives the subtree's path, but the object's where somebody calls and it asks for the interfaces.
 * What is called need not be there: dispatch() sees to that. */
static GDBusInterfaceInfo **
introspect (GDBusConnection *connection G_GNUC_UNUSED, const char *sender G_GNUC_UNUSED,
            const char *path, const char *node, gpointer data)
{
  HerdNoun noun = herd_bus_find_folder (path);
  g_autofree char *full = node != NULL ? g_strdup_printf ("%s/%s", path, node) : NULL;
  GDBusInterfaceInfo **interfaces;

  if (noun == HERD_NOUN_AGENT && full != NULL && has_object (data, full))
    noun = herd_bus_find_folder (full);
  if (noun == HERD_NOUN_AGENT)
    return NULL;
  interfaces = g_new0 (GDBusInterfaceInfo *, 2);
  interfaces[0] = g_dbus_interface_info_ref (
      (GDBusInterfaceInfo *) herd_bus_get_interface (noun)->info);
  return interfaces;
}

static const GDBusInterfaceVTable *
dispatch (GDBusConnection *connection G_GNUC_UNUSED, const char *sender G_GNUC_UNUSED,
          const char *path, const char *interface G_GNUC_UNUSED, const char *node,
          gpointer *out_data, gpointer data)
{
  g_autofree char *full = g_strdup_printf ("%s/%s", path, node);

  *out_data = data;
  return has_object (data, full) ? &vtable : &missing;
}

static const GDBusSubtreeVTable subtree = { enumerate, introspect, dispatch, { 0 } };

/* --- what the registry says --- */

static void
added (HerdNoun noun, guint64 id, gboolean has_changed, gpointer data)
{
  herd_bus_changes_added (((HerdBus *) data)->changes, noun, id, has_changed);
}

static void
changed (HerdNoun noun, guint64 id, gpointer data)
{
  herd_bus_changes_changed (((HerdBus *) data)->changes, noun, id);
}

static void
removed (HerdNoun noun, guint64 id, gpointer data)
{
  herd_bus_changes_removed (((HerdBus *) data)->changes, noun, id);
}

static void
emit (HerdBus *bus, const char *destination, HerdNoun noun, guint64 id, const char *signal,
      GVariant *parameters)
{
  g_autofree char *path = herd_bus_get_path (noun, id);

  herd_bus_changes_flush (bus->changes, noun, id);
  g_dbus_connection_emit_signal (bus->connection, destination, path,
                                 herd_bus_get_interface (noun)->info->name, signal, parameters,
                                 NULL);
}

/* What a signal refers to is to be seen in the properties first: of these objects, and of its own. */

static void
certificate_updated (const HerdCertificate *certificate, gpointer data)
{
  HerdBus *bus = data;
  const HerdGeneration *current = herd_certificate_get_current (certificate);
  g_autofree char *fingerprint = current != NULL ? herd_generation_get_fingerprint (current) : NULL;

  herd_bus_changes_flush (bus->changes, HERD_NOUN_CERTIFICATE, certificate->id);
  emit (bus, NULL, HERD_NOUN_AGENT, 0, "CertificateUpdated",
        g_variant_new ("(@osts)", herd_bus_new_path (HERD_NOUN_CERTIFICATE, certificate->id),
                       certificate->name, certificate->current,
                       fingerprint != NULL ? fingerprint : ""));
}

static void
operation_finished (const HerdOperation *operation, gpointer data)
{
  HerdBus *bus = data;

  herd_bus_changes_flush (bus->changes, HERD_NOUN_CERTIFICATE, operation->certificate);
  herd_bus_changes_flush (bus->changes, HERD_NOUN_ISSUER, operation->issuer);
  emit (bus, NULL, HERD_NOUN_OPERATION, operation->id, "Finished",
        g_variant_new ("(bss)", operation->state == HERD_OPERATION_DONE, operation->error,
                       operation->error_message));
}

static void
attention (HerdNoun noun, guint64 id, const char *severity, const char *code, const char *message,
           gpointer data)
{
  HerdBus *bus = data;

  herd_bus_changes_flush (bus->changes, noun, id);
  emit (bus, NULL, HERD_NOUN_AGENT, 0, "Attention",
        g_variant_new ("(@osss)", herd_bus_new_path (noun, id), severity, code, message));
}

static void
updated (const HerdSubscription *subscription, guint64 certificate, const char *name,
         guint64 generation, gpointer data)
{
  HerdBus *bus = data;

  herd_bus_changes_flush (bus->changes, HERD_NOUN_CERTIFICATE, certificate);
  emit (bus, subscription->sender, HERD_NOUN_SUBSCRIPTION, subscription->id, "Updated",
        g_variant_new ("(@ost)", herd_bus_new_path (HERD_NOUN_CERTIFICATE, certificate), name,
                       generation));
}

static const HerdObserver observer = {
  .added = added,
  .changed = changed,
  .removed = removed,
  .certificate_updated = certificate_updated,
  .operation_finished = operation_finished,
  .attention = attention,
  .updated = updated,
};

/* --- making and unmaking --- */

static void
caller_gone (const char *sender, gpointer data)
{
  HerdBus *bus = data;
  HerdRegistry *registry = herd_agent_get_services (bus->agent)->registry;
  g_autoptr (GArray) ids = herd_registry_list_ids (registry, HERD_NOUN_SUBSCRIPTION);

  for (guint i = 0; i < ids->len; i++) {
    guint64 id = g_array_index (ids, guint64, i);
    const HerdSubscription *subscription = herd_registry_get_subscription (registry, id);

    if (subscription != NULL && g_str_equal (subscription->sender, sender))
      herd_agent_unsubscribe (bus->agent, id);
  }
}

void
herd_bus_watch (HerdBus *bus, const char *sender)
{
  herd_callers_watch (bus->callers, sender);
}

void
herd_bus_unwatch (HerdBus *bus, const char *sender)
{
  HerdRegistry *registry = herd_agent_get_services (bus->agent)->registry;
  g_autoptr (GArray) ids = herd_registry_list_ids (registry, HERD_NOUN_SUBSCRIPTION);

  for (guint i = 0; i < ids->len; i++) {
    const HerdSubscription *subscription = herd_registry_get_subscription (
        registry, g_array_index (ids, guint64, i));

    if (g_str_equal (subscription->sender, sender))
      return;
  }
  herd_callers_unwatch (bus->callers, sender);
}

void
herd_bus_check_caller_async (HerdBus *bus, const char *sender, GAsyncReadyCallback callback,
                             gpointer data)
{
  herd_callers_check_async (bus->callers, sender, callback, data);
}

static gboolean
register_all (HerdBus *bus, GError **error)
{
  bus->registrations[HERD_NOUN_AGENT] = g_dbus_connection_register_object (
      bus->connection, HERD_BUS_ROOT, (GDBusInterfaceInfo *) herd_bus_agent1.info, &vtable, bus,
      NULL, error);
  if (bus->registrations[HERD_NOUN_AGENT] == 0)
    return FALSE;
  bus->object_manager = herd_bus_register_object_manager (bus, error);
  if (bus->object_manager == 0)
    return FALSE;
  for (guint noun = HERD_NOUN_CERTIFICATE; noun < HERD_N_NOUNS; noun++) {
    g_autofree char *some = herd_bus_get_path ((HerdNoun) noun, 1);
    g_autofree char *folder = g_path_get_dirname (some);

    bus->registrations[noun] = g_dbus_connection_register_subtree (
        bus->connection, folder, &subtree, G_DBUS_SUBTREE_FLAGS_DISPATCH_TO_UNENUMERATED_NODES, bus,
        NULL, error);
    if (bus->registrations[noun] == 0)
      return FALSE;
  }
  return TRUE;
}

HerdBus *
herd_bus_new (GDBusConnection *connection, HerdAgent *agent, GError **error)
{
  g_autoptr (HerdBus) bus = g_new0 (HerdBus, 1);
  HerdServices *services = herd_agent_get_services (agent);

  bus->connection = g_object_ref (connection);
  bus->agent = agent;
  bus->callers = herd_callers_new (connection, services->session ? (gint64) services->uid : -1,
                                   caller_gone, bus);
  bus->authorizer = services->session ? herd_authorizer_new_session (services->uid)
                                      : herd_authorizer_new_system (connection, services->clock);
  bus->changes = herd_bus_changes_new (connection, agent);
  if (!herd_bus_check_tables (error))
    return NULL;
  if (!register_all (bus, error)) {
    herd_error_translate (error, HERD_ERROR_FAILED, "%s cannot be exported", HERD_BUS_ROOT);
    return NULL;
  }
  bus->filter = herd_bus_filter_long (connection);
  herd_registry_set_observer (services->registry, &observer, bus);
  return g_steal_pointer (&bus);
}

void
herd_bus_free (HerdBus *bus)
{
  if (bus == NULL)
    return;
  herd_registry_set_observer (herd_agent_get_services (bus->agent)->registry, NULL, NULL);
  if (bus->registrations[HERD_NOUN_AGENT] != 0)
    g_dbus_connection_unregister_object (bus->connection, bus->registrations[HERD_NOUN_AGENT]);
  if (bus->object_manager != 0)
    g_dbus_connection_unregister_object (bus->connection, bus->object_manager);
  for (guint noun = HERD_NOUN_CERTIFICATE; noun < HERD_N_NOUNS; noun++) {
    if (bus->registrations[noun] != 0)
      g_dbus_connection_unregister_subtree (bus->connection, bus->registrations[noun]);
  }
  g_clear_pointer (&bus->calls, g_hash_table_unref);
  if (bus->filter != 0)
    g_dbus_connection_remove_filter (bus->connection, bus->filter);
  herd_callers_free (bus->callers);
  herd_authorizer_free (bus->authorizer);
  herd_bus_changes_free (bus->changes);
  g_object_unref (bus->connection);
  g_free (bus);
}
