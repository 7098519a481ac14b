// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The Adapter contract: puts generations where a server finds them and makes it use them. Loaded by
 * certherd-deliver, a one-shot process, so these are plain blocking functions.
 *
 * Order of a batch: install (all of its bundles), activate (once, or each). If activate, or the probe
 * after it, fails: activate once more; if that fails too: restore (withdraw where there was nothing
 * before), activate. Where one activation is about the whole batch, and what the target had before can be
 * activated, parts of the batch are then installed and activated, until it is known which of them the
 * target will not have. Where activations are dear there is no second one, and a few of the batch are
 * tried, each alone; the others come with a later batch. Errors of class backoff or timed mean "try this
 * generation again later", every other one "rejected".
 */
#pragma once

#include <gio/gio.h>

#include "plugin/bundle.h"

G_BEGIN_DECLS

#define HERD_TYPE_ADAPTER (herd_adapter_get_type ())
G_DECLARE_INTERFACE (HerdAdapter, herd_adapter, HERD, ADAPTER, GObject)

/* An adapter is constructed with the properties "target" (string, its name) and "settings"
 * (GHashTable of string to string: the [target NAME] section, the items of a list separated by
 * "\n"; added are "state-directory" and "bus", which is "system" or "session"), both
 * construct-only, and says in check() what is wrong with them. */
struct _HerdAdapterInterface {
  GTypeInterface parent;

  /* Are the settings fit to be used? Called once, first. HERD_ERROR_INVALID_ARGUMENT names the
   * key. */
  gboolean (*check) (HerdAdapter *adapter, GError **error);

  /* Writes BUNDLES (HerdBundle) where they belong, without anybody reading half of one. */
  gboolean (*install) (HerdAdapter *adapter, GPtrArray *bundles, GError **error);
  /* Makes the server use what was installed (reload …); finishing means that it said so. BUNDLE: the one
   * to activate where ACTIVATES_EACH; else NULL, for all that was installed. */
  gboolean (*activate) (HerdAdapter *adapter, HerdBundle *bundle, GError **error);
  gboolean activates_each;
  /* Does an activation interrupt what is served, as a restart does? Asked after one that failed. NULL:
   * never. */
  gboolean (*activation_is_dear) (HerdAdapter *adapter);
  /* Puts BUNDLES, older generations, back in place of what install wrote. */
  gboolean (*restore) (HerdAdapter *adapter, GPtrArray *bundles, GError **error);
  /* Takes away what was installed for the certificates NAMES, and nothing that is not ours. */
  gboolean (*withdraw) (HerdAdapter *adapter, const char *const *names, GError **error);
};

gboolean herd_adapter_check (HerdAdapter *adapter, GError **error);
gboolean herd_adapter_install (HerdAdapter *adapter, GPtrArray *bundles, GError **error);
gboolean herd_adapter_activate (HerdAdapter *adapter, HerdBundle *bundle, GError **error);
gboolean herd_adapter_activates_each (HerdAdapter *adapter);
gboolean herd_adapter_activation_is_dear (HerdAdapter *adapter);
gboolean herd_adapter_restore (HerdAdapter *adapter, GPtrArray *bundles, GError **error);
gboolean herd_adapter_withdraw (HerdAdapter *adapter, const char *const *names, GError **error);

G_END_DECLS
