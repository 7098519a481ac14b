// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the state knows of itself: how far ids are reserved, and what tells its key-encryption key
 * from another. Private to src/state; state's thread, or the main thread before there is one.
 */
#pragma once

#include "state/database.h"

G_BEGIN_DECLS

/* No id below BOUND will ever be given again; 1 in a new state. */
gboolean herd_meta_get_ids (HerdDatabase *database, guint64 *bound, GError **error);
gboolean herd_meta_put_ids (HerdDatabase *database, guint64 bound, GError **error);

/* Is anything here that was sealed, be it only the check record? */
gboolean herd_meta_has_sealed (HerdDatabase *database, gboolean *sealed, GError **error);
/* Takes KEK as the one of this state, after it proved that it is. Errors: HERD_ERROR_REFUSED. */
gboolean herd_meta_unlock (HerdDatabase *database, GBytes *kek, GError **error);

G_END_DECLS
