// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a call is about, for whoever decides about it.
 */
#pragma once

#include "bus/authorizer.h"
#include "bus/table.h"

G_BEGIN_DECLS

/* Of the object as it is now, and of what the call would make of it (call->checked). */
void herd_bus_fill_details (const HerdBusCall *call, HerdDetails *details);
gboolean herd_bus_caller_is_owner (const HerdBusCall *call);
/* Rows' decide: "manage-own" for a certificate's owner, else "manage". */
const char *herd_bus_decide_manage (HerdBusCall *call);

G_END_DECLS
