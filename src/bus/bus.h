// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The agent on the bus: one subtree for each noun, one table for each interface. Nothing is registered
 * for each object. Main loop only.
 */
#pragma once

#include <gio/gio.h>

#include "core/agent.h"

G_BEGIN_DECLS

#define HERD_BUS_NAME "org.certherd.Agent1"
#define HERD_BUS_ROOT "/org/certherd/Agent1"

typedef struct HerdBus HerdBus;

/* Exports AGENT on CONNECTION. Errors: HERD_ERROR_FAILED (a member of the XML without a row in the
 * tables, or the other way round; the paths are taken). The name is the caller's to own, afterwards. */
HerdBus *herd_bus_new (GDBusConnection *connection, HerdAgent *agent, GError **error);
/* Calls under way are answered with a failure. */
void herd_bus_free (HerdBus *bus);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdBus, herd_bus_free)

G_END_DECLS
