// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What every adapter here begins with: the contract's two properties, and output files where the target
 * has a path. A struct to begin the instance's with and functions for the class, not a GType: each
 * module has a copy of its own. Blocking; in certherd-deliver.
 */
#pragma once

#include "output.h"
#include "plugin/adapter.h"

G_BEGIN_DECLS

typedef struct {
  GObject parent;
  char *target;
  GHashTable *settings;
  HerdOutput *output; /* NULL: this target has no files */
} HerdAdapterBase;

/* For class_init: the properties, and finalize, after which the members above are gone. */
void herd_adapter_base_class_init (GObjectClass *klass);

/* A setting, or NULL. */
const char *herd_adapter_base_get (HerdAdapterBase *base, const char *key);
/* "target NAME: KEY: why". Always FALSE. */
gboolean herd_adapter_base_fail (HerdAdapterBase *base, const char *key, const char *why,
                                 GError **error);

/* For check: reads the settings of the files, if there are to be any (or REQUIRED). */
gboolean herd_adapter_base_check_output (HerdAdapterBase *base, gboolean required, GError **error);
/* For check: the setting "timeout" ("90s", "15m", "1h"), or FALLBACK, in seconds. */
gboolean herd_adapter_base_check_timeout (HerdAdapterBase *base, gint64 fallback, gint64 *seconds,
                                          GError **error);
/* The contract's install and restore, and withdraw, with files only. */
gboolean herd_adapter_base_install (HerdAdapter *adapter, GPtrArray *bundles, GError **error);
gboolean herd_adapter_base_withdraw (HerdAdapter *adapter, const char *const *names,
                                     GError **error);

G_END_DECLS
