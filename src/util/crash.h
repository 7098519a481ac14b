// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Crash points: the runner, the state and the net layer name every instant at which a kill would
 * matter. In production the hook is absent and a point costs one comparison; tests enumerate the
 * points and end the process at each of them.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  /* POINT is "LAYER:what", such as "run:issue/new-order:entered"; valid for the call. */
  void (*reached) (const char *point, gpointer data);
  gpointer data;
} HerdCrash;

/* Names a point. CRASH may be NULL: nothing happens, nothing is formatted. */
void herd_crash_point (const HerdCrash *crash, const char *format, ...) G_GNUC_PRINTF (2, 3);

G_END_DECLS
