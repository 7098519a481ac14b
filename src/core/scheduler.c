// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The schedule.
 */
#include "core/scheduler.h"

#include "util/heap.h"

typedef struct {
  HerdHeapNode node; /* first: the heap hands out nodes */
  guint64 certificate;
} Entry;

struct HerdScheduler {
  HerdClock *clock;
  HerdHeap *heap;
  GHashTable *entries; /* &entry->certificate → Entry */
  guint timer;
  gint64 armed; /* what the timer is armed for, 0 = not */
  HerdSchedulerFunc due;
  gpointer data;
};

HerdScheduler *
herd_scheduler_new (HerdClock *clock, HerdSchedulerFunc due, gpointer data)
{
  HerdScheduler *scheduler = g_new0 (HerdScheduler, 1);

  scheduler->clock = herd_clock_ref (clock);
  scheduler->heap = herd_heap_new ();
  scheduler->entries = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, g_free);
  scheduler->due = due;
  scheduler->data = data;
  return scheduler;
}

void
herd_scheduler_free (HerdScheduler *scheduler)
{
  if (scheduler == NULL)
    return;
  herd_clock_disarm (scheduler->clock, scheduler->timer);
  herd_heap_free (scheduler->heap);
  g_hash_table_unref (scheduler->entries);
  herd_clock_unref (scheduler->clock);
  g_free (scheduler);
}

static void wake (gpointer data);

static void
arm (HerdScheduler *scheduler)
{
  HerdHeapNode *head = herd_heap_peek (scheduler->heap);
  gint64 when = head != NULL ? head->key : 0;

  if (when == scheduler->armed)
    return;
  herd_clock_disarm (scheduler->clock, scheduler->timer);
  scheduler->timer = 0;
  scheduler->armed = when;
  if (when != 0) {
    scheduler->timer = herd_clock_arm (scheduler->clock,
                                       when * HERD_SECOND - herd_clock_get_real (scheduler->clock),
                                       wake, scheduler);
  }
}

static void
take_out (HerdScheduler *scheduler, Entry *entry)
{
  guint64 certificate = entry->certificate;

  herd_heap_remove (scheduler->heap, &entry->node);
  g_hash_table_remove (scheduler->entries, &certificate);
}

/* All that is due is taken out first: what is put back for at once waits for the next turn. */
static void
wake (gpointer data)
{
  HerdScheduler *scheduler = data;
  gint64 now = herd_clock_get_seconds (scheduler->clock);
  g_autoptr (GArray) due = g_array_new (FALSE, FALSE, sizeof (guint64));
  HerdHeapNode *head;

  scheduler->timer = 0;
  scheduler->armed = 0;
  while ((head = herd_heap_peek (scheduler->heap)) != NULL && head->key <= now) {
    g_array_append_val (due, ((Entry *) head)->certificate);
    take_out (scheduler, (Entry *) head);
  }
  for (guint i = 0; i < due->len; i++)
    scheduler->due (g_array_index (due, guint64, i), scheduler->data);
  arm (scheduler);
}

void
herd_scheduler_put (HerdScheduler *scheduler, guint64 certificate, gint64 when)
{
  Entry *entry = g_hash_table_lookup (scheduler->entries, &certificate);

  if (when == 0) {
    if (entry == NULL)
      return;
    take_out (scheduler, entry);
  } else {
    if (entry == NULL) {
      entry = g_new0 (Entry, 1);
      entry->certificate = certificate;
      g_hash_table_insert (scheduler->entries, &entry->certificate, entry);
    }
    herd_heap_put (scheduler->heap, &entry->node, when);
  }
  arm (scheduler);
}

gboolean
herd_scheduler_peek (HerdScheduler *scheduler, guint64 *certificate, gint64 *when)
{
  HerdHeapNode *head = herd_heap_peek (scheduler->heap);

  if (head == NULL)
    return FALSE;
  *certificate = ((Entry *) head)->certificate;
  *when = head->key;
  return TRUE;
}
