// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A double of an adapter that is activated as a whole, as adapter-unit is, which needs a systemd: it
 * writes files, and its activation is the target's command, which is dear if "action" is "restart". Loaded
 * by the pass; blocking.
 */
#include "base.h"
#include "plugin/error.h"
#include "plugin/plugin.h"

#define HERD_TYPE_ADAPTER_DOUBLE (herd_adapter_double_get_type ())
G_DECLARE_FINAL_TYPE (HerdAdapterDouble, herd_adapter_double, HERD, ADAPTER_DOUBLE, GObject)

struct _HerdAdapterDouble {
  HerdAdapterBase base;
};

static void herd_adapter_double_iface_init (HerdAdapterInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (HerdAdapterDouble, herd_adapter_double, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (HERD_TYPE_ADAPTER,
                                                      herd_adapter_double_iface_init))

static gboolean
double_check (HerdAdapter *adapter, GError **error)
{
  return herd_adapter_base_check_output (&HERD_ADAPTER_DOUBLE (adapter)->base, TRUE, error);
}

static gboolean
double_activate (HerdAdapter *adapter, HerdBundle *bundle, GError **error)
{
  const char *command = herd_adapter_base_get (&HERD_ADAPTER_DOUBLE (adapter)->base, "command");
  int status = -1;

  g_assert_null (bundle);
  if (g_spawn_command_line_sync (command, NULL, NULL, &status, NULL) && status == 0)
    return TRUE;
  g_set_error (error, HERD_ERROR, HERD_ERROR_REFUSED, "the double's command would not");
  return FALSE;
}

static gboolean
double_activation_is_dear (HerdAdapter *adapter)
{
  return g_strcmp0 (herd_adapter_base_get (&HERD_ADAPTER_DOUBLE (adapter)->base, "action"),
                    "restart")
         == 0;
}

static void
herd_adapter_double_iface_init (HerdAdapterInterface *iface)
{
  iface->check = double_check;
  iface->install = herd_adapter_base_install;
  iface->activate = double_activate;
  iface->activation_is_dear = double_activation_is_dear;
  iface->restore = herd_adapter_base_install;
  iface->withdraw = herd_adapter_base_withdraw;
}

static void
herd_adapter_double_class_init (HerdAdapterDoubleClass *klass)
{
  herd_adapter_base_class_init (G_OBJECT_CLASS (klass));
}

static void
herd_adapter_double_init (HerdAdapterDouble *adapter)
{}

HERD_PLUGIN_DEFINE ("adapter", "double", herd_adapter_double_get_type)
