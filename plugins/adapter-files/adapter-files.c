// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * adapter-files: writes generations to files, and nothing more. Loaded by certherd-deliver; blocking.
 */
#include "base.h"
#include "plugin/plugin.h"

#define HERD_TYPE_ADAPTER_FILES (herd_adapter_files_get_type ())
G_DECLARE_FINAL_TYPE (HerdAdapterFiles, herd_adapter_files, HERD, ADAPTER_FILES, GObject)

struct _HerdAdapterFiles {
  HerdAdapterBase base;
};

static void herd_adapter_files_iface_init (HerdAdapterInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (HerdAdapterFiles, herd_adapter_files, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (HERD_TYPE_ADAPTER,
                                                      herd_adapter_files_iface_init))

static gboolean
files_check (HerdAdapter *adapter, GError **error)
{
  return herd_adapter_base_check_output (&HERD_ADAPTER_FILES (adapter)->base, TRUE, error);
}

/* Whoever uses the files looks at them, or another target of the certificate tells it to. */
static gboolean
files_activate (HerdAdapter *adapter, HerdBundle *bundle, GError **error)
{
  return TRUE;
}

static void
herd_adapter_files_iface_init (HerdAdapterInterface *iface)
{
  iface->check = files_check;
  iface->install = herd_adapter_base_install;
  iface->activate = files_activate;
  iface->restore = herd_adapter_base_install;
  iface->withdraw = herd_adapter_base_withdraw;
}

static void
herd_adapter_files_class_init (HerdAdapterFilesClass *klass)
{
  herd_adapter_base_class_init (G_OBJECT_CLASS (klass));
}

static void
herd_adapter_files_init (HerdAdapterFiles *adapter)
{}

HERD_PLUGIN_DEFINE ("adapter", "files", herd_adapter_files_get_type)
