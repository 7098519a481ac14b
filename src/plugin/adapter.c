// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The Adapter contract: dispatchers.
 */
#include "plugin/adapter.h"

G_DEFINE_INTERFACE (HerdAdapter, herd_adapter, G_TYPE_OBJECT)

static void
herd_adapter_default_init (HerdAdapterInterface *iface)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;

  g_object_interface_install_property (iface,
                                       g_param_spec_string ("target", NULL, NULL, NULL, flags));
  g_object_interface_install_property (
      iface, g_param_spec_boxed ("settings", NULL, NULL, G_TYPE_HASH_TABLE, flags));
}

gboolean
herd_adapter_check (HerdAdapter *adapter, GError **error)
{
  return HERD_ADAPTER_GET_IFACE (adapter)->check (adapter, error);
}

gboolean
herd_adapter_install (HerdAdapter *adapter, GPtrArray *bundles, GError **error)
{
  return HERD_ADAPTER_GET_IFACE (adapter)->install (adapter, bundles, error);
}

gboolean
herd_adapter_activate (HerdAdapter *adapter, HerdBundle *bundle, GError **error)
{
  return HERD_ADAPTER_GET_IFACE (adapter)->activate (adapter, bundle, error);
}

gboolean
herd_adapter_activates_each (HerdAdapter *adapter)
{
  return HERD_ADAPTER_GET_IFACE (adapter)->activates_each;
}

gboolean
herd_adapter_activation_is_dear (HerdAdapter *adapter)
{
  HerdAdapterInterface *iface = HERD_ADAPTER_GET_IFACE (adapter);

  return iface->activation_is_dear != NULL && iface->activation_is_dear (adapter);
}

gboolean
herd_adapter_restore (HerdAdapter *adapter, GPtrArray *bundles, GError **error)
{
  return HERD_ADAPTER_GET_IFACE (adapter)->restore (adapter, bundles, error);
}

gboolean
herd_adapter_withdraw (HerdAdapter *adapter, const char *const *names, GError **error)
{
  return HERD_ADAPTER_GET_IFACE (adapter)->withdraw (adapter, names, error);
}
