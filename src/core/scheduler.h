// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The schedule: one heap of (time, certificate) and one timer for its head. What is due is decided by
 * the certificate's own row. However many are due at once, a turn of the loop has a bounded share of
 * them, and what there is no room for waits in the order of its time. Owned by the agent; main loop
 * only.
 */
#pragma once

#include "util/clock.h"

G_BEGIN_DECLS

typedef struct HerdScheduler HerdScheduler;

/* So many are called for in one turn of the loop. */
#define HERD_SCHEDULER_SLICE 32

/* CERTIFICATE's time has come; it is out of the schedule by now. FALSE: there is no room for it yet (and
 * nothing was done): it is called for again after herd_scheduler_go_on(). */
typedef gboolean (*HerdSchedulerFunc) (guint64 certificate, gpointer data);

HerdScheduler *herd_scheduler_new (HerdClock *clock, HerdSchedulerFunc due, gpointer data);
/* SET_BACK is called when the clock was set back, by a minute or more, while something is scheduled: times
 * that were worked out from it may be far too late. Once; NULL: nobody wants to know. */
void herd_scheduler_watch_clock (HerdScheduler *scheduler, void (*set_back) (gpointer data));
void herd_scheduler_free (HerdScheduler *scheduler);

/* Schedules CERTIFICATE at WHEN (seconds since the epoch), in place of any earlier time of it; 0 takes
 * it out. */
void herd_scheduler_put (HerdScheduler *scheduler, guint64 certificate, gint64 when);
/* There may be room again. */
void herd_scheduler_go_on (HerdScheduler *scheduler);
/* The head: FALSE if nothing is scheduled. */
gboolean herd_scheduler_peek (HerdScheduler *scheduler, guint64 *certificate, gint64 *when);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdScheduler, herd_scheduler_free)

G_END_DECLS
