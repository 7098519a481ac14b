// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The clock: the only place in the agent that reads time or arms timers, so that a test can
 * replace both. Passed to whoever needs it; main loop only.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define HERD_SECOND G_USEC_PER_SEC

typedef struct HerdClock HerdClock;

/* Called once when a timer is due; the timer is gone by then. */
typedef void (*HerdClockFunc) (gpointer data);

/* What a clock can do. All times are microseconds. */
typedef struct {
  gint64 (*get_real) (HerdClock *clock);      /* since the epoch, UTC */
  gint64 (*get_monotonic) (HerdClock *clock); /* never jumps */
  guint (*arm) (HerdClock *clock, gint64 delay, HerdClockFunc func, gpointer data);
  guint (*arm_at) (HerdClock *clock, gint64 real, HerdClockFunc func, gpointer data);
  void (*disarm) (HerdClock *clock, guint timer);
  void (*free) (HerdClock *clock);
} HerdClockVTable;

/* First member of every implementation. */
struct HerdClock {
  const HerdClockVTable *vtable;
  int references;
};

/* The machine's clock; timers run on the thread-default main context of the caller of arm(). */
HerdClock *herd_clock_new_system (void);
HerdClock *herd_clock_ref (HerdClock *clock);
void herd_clock_unref (HerdClock *clock);

gint64 herd_clock_get_real (HerdClock *clock);
/* Whole seconds since the epoch: the unit of the bus and of the state. */
gint64 herd_clock_get_seconds (HerdClock *clock);
gint64 herd_clock_get_monotonic (HerdClock *clock);
/* Arms a timer that fires once, after DELAY microseconds (negative counts as 0). Never 0. */
guint herd_clock_arm (HerdClock *clock, gint64 delay, HerdClockFunc func, gpointer data);
/* Arms a timer that fires once, as soon as the time since the epoch is REAL microseconds or more: also
 * where it got there by a suspend, or because somebody set it. It fires early where somebody sets the time,
 * forwards or back: whoever has armed it looks at the time again. Never 0. */
guint herd_clock_arm_at (HerdClock *clock, gint64 real, HerdClockFunc func, gpointer data);
/* Takes a timer back; 0 is ignored. A timer that has fired must not be disarmed. */
void herd_clock_disarm (HerdClock *clock, guint timer);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdClock, herd_clock_unref)

G_END_DECLS
