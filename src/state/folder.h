// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The state's directory: made where it is missing, and held by one agent at a time. Private to
 * src/state; blocking, main thread.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Creates DIRECTORY (0711) if it is missing; those above it get 0755. */
gboolean herd_folder_create (const char *directory, GError **error);
/* The lock, until the descriptor is closed; -1 with HERD_ERROR_BUSY if another process holds it. */
int herd_folder_lock (const char *directory, GError **error);

G_END_DECLS
