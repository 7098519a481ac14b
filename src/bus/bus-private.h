// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the files of the bus share.
 */
#pragma once

#include "bus/authorizer.h"
#include "bus/callers.h"
#include "bus/changes.h"
#include "bus/table.h"

struct HerdBus {
  GDBusConnection *connection;
  HerdAgent *agent;
  HerdCallers *callers;
  HerdAuthorizer *authorizer;
  HerdBusChanges *changes;
  guint registrations[HERD_N_NOUNS]; /* [0] the root's Agent1, others the subtrees */
  guint object_manager;
  guint filter;      /* of long replies */
  GHashTable *calls; /* HerdBusCall under way */
};
