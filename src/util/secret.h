// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Buffers that are wiped when they go: keys, key-encryption keys, credentials.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A copy of DATA whose last reference wipes it. */
GBytes *herd_secret_new (gconstpointer data, gsize size);
/* Takes DATA (from g_malloc); it is wiped and freed with the last reference. */
GBytes *herd_secret_new_take (gpointer data, gsize size);
/* Overwrites in a way that the compiler keeps. */
void herd_secret_wipe (gpointer data, gsize size);
/* Wipes and frees a string; NULL is ignored. */
void herd_secret_free (char *text);
/* Compares in constant time for equal sizes. */
gboolean herd_secret_equal (GBytes *a, GBytes *b);

G_END_DECLS
