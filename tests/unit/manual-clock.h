// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A clock that stands still until a test moves it. Both of its times start at fixed values; timers
 * fire from within advance(), in the order in which they are due, each at its own time.
 */
#pragma once

#include "util/clock.h"

G_BEGIN_DECLS

#define HERD_MANUAL_CLOCK_START (G_GINT64_CONSTANT (1767225600) * HERD_SECOND) /* 2026-01-01 */

HerdClock *herd_manual_clock_new (void);
/* Moves both times on by DELTA microseconds (0: only fires what is due). A function that arms a
 * timer which is due within DELTA sees it fire too. */
void herd_manual_clock_advance (HerdClock *clock, gint64 delta);
/* Fires the first timer alone, at its time (a turn of the loop that has nothing else); FALSE: none. */
gboolean herd_manual_clock_fire_next (HerdClock *clock);
/* Somebody sets the real time: timers of arm_at are due at once, with the next advance. */
void herd_manual_clock_set_real (HerdClock *clock, gint64 real);
/* How many timers are armed, and in how many microseconds the first is due (-1: none is). */
guint herd_manual_clock_get_n_timers (HerdClock *clock);
gint64 herd_manual_clock_get_next (HerdClock *clock);

G_END_DECLS
