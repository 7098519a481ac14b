// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A target as certherd-deliver sees it: its adapter, loaded and checked, and its probe. Plain struct;
 * blocking.
 */
#pragma once

#include "config/config.h"
#include "config/probe.h"
#include "plugin/adapter.h"

G_BEGIN_DECLS

/* Where things are. */
typedef struct {
  gboolean session; /* the user's own instance, on the session bus */
  const char *config_directory;
  const char *state_directory; /* below it, the target "live" has its files */
  const char *plugin_directory;
} HerdTargetPlaces;

typedef struct {
  char *name;
  HerdAdapter *adapter;
  HerdProbe *probe; /* NULL: the activation's word is enough */
} HerdTarget;

/* The target NAME of the configuration, or "live", which needs no section. Errors:
 * HERD_ERROR_INVALID_ARGUMENT, HERD_ERROR_NOT_FOUND, HERD_ERROR_REFUSED (see herd_plugin_load). */
HerdTarget *herd_target_load (const char *name, const HerdTargetPlaces *places, GError **error);
void herd_target_free (HerdTarget *target);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdTarget, herd_target_free)

G_END_DECLS
