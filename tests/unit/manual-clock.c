// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The tests' clock: two numbers and a heap of timers. Main loop only.
 */
#include "manual-clock.h"

#include "util/heap.h"

typedef struct {
  HerdClock base;
  gint64 real;
  gint64 monotonic;
  guint last_id;
  HerdHeap *timers;
  GHashTable *by_id; /* guint → Timer, owned */
} ManualClock;

typedef struct {
  HerdHeapNode node; /* first: the heap gives it back */
  guint id;
  HerdClockFunc func;
  gpointer data;
  gint64 real; /* of arm_at, else 0 */
} Timer;

static gint64
get_real (HerdClock *clock)
{
  return ((ManualClock *) clock)->real;
}

static gint64
get_monotonic (HerdClock *clock)
{
  return ((ManualClock *) clock)->monotonic;
}

static guint
arm (HerdClock *clock, gint64 delay, HerdClockFunc func, gpointer data)
{
  ManualClock *manual = (ManualClock *) clock;
  Timer *timer = g_new0 (Timer, 1);

  timer->id = ++manual->last_id;
  timer->func = func;
  timer->data = data;
  herd_heap_put (manual->timers, &timer->node, manual->monotonic + delay);
  g_hash_table_insert (manual->by_id, GUINT_TO_POINTER (timer->id), timer);
  return timer->id;
}

static guint
arm_at (HerdClock *clock, gint64 real, HerdClockFunc func, gpointer data)
{
  ManualClock *manual = (ManualClock *) clock;
  guint id = arm (clock, MAX (real - manual->real, 0), func, data);
  Timer *timer = g_hash_table_lookup (manual->by_id, GUINT_TO_POINTER (id));

  timer->real = real;
  return id;
}

static void
disarm (HerdClock *clock, guint id)
{
  ManualClock *manual = (ManualClock *) clock;
  Timer *timer = g_hash_table_lookup (manual->by_id, GUINT_TO_POINTER (id));

  g_assert_nonnull (timer);
  herd_heap_remove (manual->timers, &timer->node);
  g_hash_table_remove (manual->by_id, GUINT_TO_POINTER (id));
}

static void
free_manual (HerdClock *clock)
{
  ManualClock *manual = (ManualClock *) clock;

  herd_heap_free (manual->timers);
  g_hash_table_unref (manual->by_id);
  g_free (manual);
}

static const HerdClockVTable vtable = {
  .get_real = get_real,
  .get_monotonic = get_monotonic,
  .arm = arm,
  .arm_at = arm_at,
  .disarm = disarm,
  .free = free_manual,
};

HerdClock *
herd_manual_clock_new (void)
{
  ManualClock *manual = g_new0 (ManualClock, 1);

  manual->base.vtable = &vtable;
  manual->base.references = 1;
  manual->real = HERD_MANUAL_CLOCK_START;
  manual->monotonic = HERD_SECOND;
  manual->timers = herd_heap_new ();
  manual->by_id = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  return &manual->base;
}

static void
move_to (ManualClock *manual, gint64 monotonic)
{
  manual->real += monotonic - manual->monotonic;
  manual->monotonic = monotonic;
}

gboolean
herd_manual_clock_fire_next (HerdClock *clock)
{
  g_autoptr (HerdClock) self = herd_clock_ref (clock);
  ManualClock *manual = (ManualClock *) self;
  Timer *timer = (Timer *) herd_heap_peek (manual->timers);
  HerdClockFunc func;
  gpointer data;

  if (timer == NULL)
    return FALSE;
  func = timer->func;
  data = timer->data;
  move_to (manual, MAX (timer->node.key, manual->monotonic));
  disarm (self, timer->id);
  func (data);
  return TRUE;
}

void
herd_manual_clock_advance (HerdClock *clock, gint64 delta)
{
  ManualClock *manual = (ManualClock *) clock;
  gint64 end = manual->monotonic + delta;
  gint64 next;

  while ((next = herd_manual_clock_get_next (clock)) != -1 && manual->monotonic + next <= end)
    herd_manual_clock_fire_next (clock);
  move_to (manual, end);
}

void
herd_manual_clock_set_real (HerdClock *clock, gint64 real)
{
  ManualClock *manual = (ManualClock *) clock;
  GHashTableIter iter;
  gpointer value;

  manual->real = real;
  g_hash_table_iter_init (&iter, manual->by_id);
  while (g_hash_table_iter_next (&iter, NULL, &value)) {
    Timer *timer = value;

    if (timer->real != 0)
      herd_heap_put (manual->timers, &timer->node, manual->monotonic);
  }
}

guint
herd_manual_clock_get_n_timers (HerdClock *clock)
{
  return herd_heap_get_size (((ManualClock *) clock)->timers);
}

gint64
herd_manual_clock_get_next (HerdClock *clock)
{
  ManualClock *manual = (ManualClock *) clock;
  HerdHeapNode *first = herd_heap_peek (manual->timers);

  return first == NULL ? -1 : first->key - manual->monotonic;
}
