// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Changes on their way to the bus: PropertiesChanged, coalesced for each turn of the loop, or for a
 * quarter of a second where much changes, and cut down to what is different, and ObjectManager's signals. Owned by the bus; main loop only.
 */
#pragma once

#include <gio/gio.h>

#include "core/agent.h"

G_BEGIN_DECLS

typedef struct HerdBusChanges HerdBusChanges;

HerdBusChanges *herd_bus_changes_new (GDBusConnection *connection, HerdAgent *agent);
void herd_bus_changes_free (HerdBusChanges *changes);

void herd_bus_changes_added (HerdBusChanges *changes, HerdNoun noun, guint64 id, gboolean changed);
void herd_bus_changes_changed (HerdBusChanges *changes, HerdNoun noun, guint64 id);
void herd_bus_changes_removed (HerdBusChanges *changes, HerdNoun noun, guint64 id);
/* Sends what waits of one object now, before a signal that refers to it. */
void herd_bus_changes_flush (HerdBusChanges *changes, HerdNoun noun, guint64 id);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdBusChanges, herd_bus_changes_free)

G_END_DECLS
