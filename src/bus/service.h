// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The agent's place on the bus: connects, exports, owns the name, and does it all again when the bus
 * was lost. Owned by main; main loop only.
 */
#pragma once

#include "bus/bus.h"

G_BEGIN_DECLS

typedef struct HerdBusService HerdBusService;

typedef struct {
  /* The name is owned, for the first time or again. */
  void (*ready) (gpointer data);
  /* It will not work: another agent has the name, or policy forbids it. */
  void (*failed) (const GError *error, gpointer data);
  gpointer data;
} HerdBusServiceEvents;

/* TYPE: system or session. AGENT has been loaded. */
HerdBusService *herd_bus_service_new (GBusType type, HerdAgent *agent,
                                      const HerdBusServiceEvents *events);
/* Says goodbye: what was sent leaves before. */
void herd_bus_service_free (HerdBusService *service);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdBusService, herd_bus_service_free)

G_END_DECLS
