// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Loading what the agent keeps in memory. Private to src/state; state's thread.
 */
#pragma once

#include "state/database.h"
#include "state/state.h"

G_BEGIN_DECLS

HerdStateContents *herd_contents_load (HerdDatabase *database, GError **error);
/* Name → last number (guint64 *) of the names that no certificate has any more. */
gboolean herd_numbers_load (HerdDatabase *database, GHashTable *removed, GError **error);

/* Those of IDS (guint64, ascending), with everything that is kept in memory with them; with a
 * certificate its operations. What is not there is not in it. */
HerdStateContents *herd_contents_load_rows (HerdDatabase *database, const GArray *ids,
                                            GError **error);

G_END_DECLS
