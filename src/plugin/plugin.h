// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A plugin is a module KIND-NAME.so that exports one const symbol, herd_plugin:
 *
 *     HERD_PLUGIN_DEFINE ("solver", "http-01", herd_http01_get_type)
 *
 * The loader refuses another ABI number, keeps the module resident, and constructs the type with
 * the properties that its contract names. A plugin that fails is disabled and shown, never fatal.
 */
#pragma once

#include <gio/gio.h>
#include <gmodule.h>

G_BEGIN_DECLS

/* Changes with every incompatible change of a contract in src/plugin. */
#define HERD_PLUGIN_ABI 3

typedef struct {
  guint abi;           /* HERD_PLUGIN_ABI of the headers that it was built with */
  const char *kind;    /* "solver", "adapter", "issuer" */
  const char *name;    /* as in the configuration */
  const char *version; /* the plugin's own, shown to people */
  GType (*get_type) (void);
} HerdPlugin;

#define HERD_PLUGIN_SYMBOL "herd_plugin"

/* A plugin that a program links in carries the symbol under a name of its own. */
#ifndef HERD_PLUGIN_SYMBOL_NAME
#define HERD_PLUGIN_SYMBOL_NAME herd_plugin
#endif
#ifndef HERD_PLUGIN_VERSION
#define HERD_PLUGIN_VERSION "0"
#endif

#define HERD_PLUGIN_DEFINE(kind_, name_, get_type_)                                                \
  extern const HerdPlugin HERD_PLUGIN_SYMBOL_NAME;                                                 \
  G_MODULE_EXPORT const HerdPlugin HERD_PLUGIN_SYMBOL_NAME = { HERD_PLUGIN_ABI, kind_, name_,      \
                                                               HERD_PLUGIN_VERSION, get_type_ };

/* Opens KIND-NAME.so below DIRECTORY (or finds it among BUILTIN, a NULL-terminated list, which
 * may be NULL) and checks its descriptor. The module stays resident. Errors: HERD_ERROR_NOT_FOUND
 * (names the path), HERD_ERROR_REFUSED (another ABI, kind or name; no symbol; a directory or file
 * that others than root and our own uid could write). */
const HerdPlugin *herd_plugin_load (const char *directory, const HerdPlugin *const *builtin,
                                    const char *kind, const char *name, GError **error);

G_END_DECLS
