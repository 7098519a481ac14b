// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Looking things up in the tables, and objects by their paths.
 */
#include "bus/table.h"

#include <string.h>

#include "plugin/error.h"
#include "util/memfd.h"
#include "util/text.h"

static const char *const folders[HERD_N_NOUNS] = {
  [HERD_NOUN_AGENT] = NULL,
  [HERD_NOUN_CERTIFICATE] = "certificate",
  [HERD_NOUN_ISSUER] = "issuer",
  [HERD_NOUN_OPERATION] = "operation",
  [HERD_NOUN_SUBSCRIPTION] = "subscription",
};

const HerdBusInterface *
herd_bus_get_interface (HerdNoun noun)
{
  switch (noun) {
  case HERD_NOUN_AGENT:
    return &herd_bus_agent1;
  case HERD_NOUN_CERTIFICATE:
    return &herd_bus_certificate1;
  case HERD_NOUN_ISSUER:
    return &herd_bus_issuer1;
  case HERD_NOUN_OPERATION:
    return &herd_bus_operation1;
  case HERD_NOUN_SUBSCRIPTION:
    return &herd_bus_subscription1;
  }
  return NULL;
}

const HerdBusProperty *
herd_bus_find_property (const HerdBusInterface *interface, const char *name)
{
  for (const HerdBusProperty *property = interface->properties; property->name != NULL;
       property++) {
    if (g_str_equal (property->name, name))
      return property;
  }
  return NULL;
}

static const HerdBusMethod *
find_method (const HerdBusInterface *interface, const char *name)
{
  for (const HerdBusMethod *method = interface->methods; method->member != NULL; method++) {
    if (g_str_equal (method->member, name))
      return method;
  }
  return NULL;
}

static gboolean
complain (const HerdBusInterface *interface, const char *member, const char *what, GError **error)
{
  g_set_error (error, HERD_ERROR, HERD_ERROR_FAILED, "%s.%s: %s", interface->info->name, member,
               what);
  return FALSE;
}

static gboolean
check_table (const HerdBusInterface *interface, GError **error)
{
  GDBusInterfaceInfo *info = (GDBusInterfaceInfo *) interface->info;

  for (GDBusMethodInfo **method = info->methods; method != NULL && *method != NULL; method++) {
    if (find_method (interface, (*method)->name) == NULL)
      return complain (interface, (*method)->name, "the method has no row", error);
  }
  for (GDBusPropertyInfo **property = info->properties; property != NULL && *property != NULL;
       property++) {
    if (herd_bus_find_property (interface, (*property)->name) == NULL)
      return complain (interface, (*property)->name, "the property has no row", error);
  }
  for (const HerdBusMethod *row = interface->methods; row->member != NULL; row++) {
    if (g_dbus_interface_info_lookup_method (info, row->member) == NULL)
      return complain (interface, row->member, "the row has no method", error);
    if (row->finish == NULL)
      return complain (interface, row->member, "the row answers nothing", error);
  }
  for (const HerdBusProperty *row = interface->properties; row->name != NULL; row++) {
    if (g_dbus_interface_info_lookup_property (info, row->name) == NULL)
      return complain (interface, row->name, "the row has no property", error);
  }
  return TRUE;
}

gboolean
herd_bus_check_tables (GError **error)
{
  for (guint noun = 0; noun < HERD_N_NOUNS; noun++) {
    if (!check_table (herd_bus_get_interface ((HerdNoun) noun), error))
      return FALSE;
  }
  return TRUE;
}

char *
herd_bus_get_path (HerdNoun noun, guint64 id)
{
  if (noun == HERD_NOUN_AGENT)
    return g_strdup (HERD_BUS_ROOT);
  if (id == 0)
    return g_strdup ("/");
  return g_strdup_printf (HERD_BUS_ROOT "/%s/%" G_GUINT64_FORMAT, folders[noun], id);
}

GVariant *
herd_bus_new_path (HerdNoun noun, guint64 id)
{
  g_autofree char *path = herd_bus_get_path (noun, id);

  return g_variant_new_object_path (path);
}

gboolean
herd_bus_parse_path (const char *path, HerdNoun noun, guint64 *id)
{
  g_autofree char *prefix = g_strdup_printf (HERD_BUS_ROOT "/%s/", folders[noun]);

  return g_str_has_prefix (path, prefix)
         && g_ascii_string_to_unsigned (path + strlen (prefix), 10, 1, G_MAXUINT64, id, NULL);
}

HerdNoun
herd_bus_find_folder (const char *path)
{
  for (guint noun = HERD_NOUN_CERTIFICATE; noun < HERD_N_NOUNS; noun++) {
    g_autofree char *prefix = g_strdup_printf (HERD_BUS_ROOT "/%s/", folders[noun]);

    if (g_str_has_prefix (path, prefix))
      return (HerdNoun) noun;
  }
  return HERD_NOUN_AGENT;
}

void
herd_bus_set_missing (GError **error, const char *path)
{
  static const char *const advice[HERD_N_NOUNS] = {
    [HERD_NOUN_AGENT] = ("the agent is " HERD_BUS_ROOT),
    [HERD_NOUN_CERTIFICATE] = "GetCertificate finds one by its name",
    [HERD_NOUN_ISSUER] = "GetIssuer finds one by its name",
    [HERD_NOUN_OPERATION] = "one is kept for a day after its end",
    [HERD_NOUN_SUBSCRIPTION] = "one ends with its connection; Subscribe makes another",
  };
  HerdNoun noun = herd_bus_find_folder (path);

  g_set_error (error, HERD_ERROR, HERD_ERROR_NOT_FOUND, "there is no %s %.256s, or no longer; %s",
               folders[noun] != NULL ? folders[noun] : "object", path, advice[noun]);
}

gpointer
herd_bus_get_row (HerdAgent *agent, HerdNoun noun, guint64 id)
{
  HerdRegistry *registry = herd_agent_get_services (agent)->registry;

  switch (noun) {
  case HERD_NOUN_AGENT:
    return agent;
  case HERD_NOUN_CERTIFICATE:
    return herd_registry_get_certificate (registry, id);
  case HERD_NOUN_ISSUER:
    return herd_registry_get_authority (registry, id);
  case HERD_NOUN_OPERATION:
    return herd_registry_get_operation (registry, id);
  case HERD_NOUN_SUBSCRIPTION:
    return herd_registry_get_subscription (registry, id);
  }
  return NULL;
}

GPtrArray *
herd_bus_list_values (HerdAgent *agent, HerdNoun noun, guint64 id)
{
  const HerdBusInterface *interface = herd_bus_get_interface (noun);
  gpointer row = herd_bus_get_row (agent, noun, id);
  GPtrArray *values = g_ptr_array_new_with_free_func ((GDestroyNotify) g_variant_unref);

  for (const HerdBusProperty *property = interface->properties;
       row != NULL && property->name != NULL; property++)
    g_ptr_array_add (values, g_variant_ref_sink (property->get (agent, row)));
  return values;
}

GVariant *
herd_bus_new_entry (const char *key, GVariant *value)
{
  return g_variant_new_dict_entry (g_variant_new_string (key), g_variant_new_variant (value));
}

GVariant *
herd_bus_name_values (HerdNoun noun, const GPtrArray *values)
{
  const HerdBusProperty *properties = herd_bus_get_interface (noun)->properties;
  GVariantBuilder builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);

  for (guint i = 0; i < values->len; i++)
    g_variant_builder_add_value (
        &builder, herd_bus_new_entry (properties[i].name, g_ptr_array_index (values, i)));
  return g_variant_builder_end (&builder);
}

GVariant *
herd_bus_finish_operation (HerdBusCall *call G_GNUC_UNUSED, GAsyncResult *result, GError **error)
{
  HerdVerbResult ids;

  if (!herd_agent_verb_finish (result, &ids, error))
    return NULL;
  return g_variant_new ("(@o)", herd_bus_new_path (HERD_NOUN_OPERATION, ids.operation));
}

GVariant *
herd_bus_finish_nothing (HerdBusCall *call G_GNUC_UNUSED, GAsyncResult *result, GError **error)
{
  return herd_agent_verb_finish (result, NULL, error) ? g_variant_new ("()") : NULL;
}

/* KEY is the caller's, and anything. */
static void
refuse_option (const HerdBusCall *call, const char *key, const char *type, const char *const *known,
               GError **error)
{
  g_autofree char *clean = herd_text_from_remote (key, -1);
  g_autofree char *list = g_strjoinv (", ", (char **) known);

  g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
               "%s: there is no option “%s” of type %.32s; there are: %s", call->row->member, clean,
               type, *list != '\0' ? list : "none");
}

gboolean
herd_bus_check_options (const HerdBusCall *call, GVariant *options, const char *const *known,
                        GError **error)
{
  GVariantIter iter;
  const char *key;
  GVariant *value;

  g_variant_iter_init (&iter, options);
  while (g_variant_iter_loop (&iter, "{&sv}", &key, &value)) {
    const char *type = g_variant_get_type_string (value);
    g_autofree char *entry = g_strdup_printf ("%s %s", key, type);

    if (!g_strv_contains (known, entry)) {
      refuse_option (call, key, type, known, error);
      g_variant_unref (value);
      return FALSE;
    }
  }
  return TRUE;
}

GBytes *
herd_bus_read_handle (const HerdBusCall *call, GVariant *handle, gsize limit, GError **error)
{
  GDBusMessage *message = g_dbus_method_invocation_get_message (call->invocation);
  GUnixFDList *list = g_dbus_message_get_unix_fd_list (message);
  int n_fds = 0;
  const int *fds = list != NULL ? g_unix_fd_list_peek_fds (list, &n_fds) : NULL;
  gint32 index = g_variant_get_handle (handle);
  GBytes *bytes;

  if (index < 0 || index >= n_fds) {
    g_set_error_literal (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
                         "the message has no such descriptor");
    return NULL;
  }
  bytes = herd_memfd_read (fds[index], limit, error);
  if (bytes == NULL)
    herd_error_translate (error, HERD_ERROR_INVALID_ARGUMENT, "the descriptor cannot be used");
  return bytes;
}
