// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The schedule.
 */
#include "core/scheduler.h"

#include "util/heap.h"

/* Clocks are put right by less all the time. */
#define SET_BACK_MIN (60 * HERD_SECOND)

/* There is one for each certificate: kept small. */
typedef struct {
  HerdHeapNode node; /* first: the heaps hand out nodes */
  guint64 certificate;
} Entry;

struct HerdScheduler {
  HerdClock *clock;
  HerdHeap *heap;
  HerdHeap *refused;   /* due, and there was no room */
  gboolean room;       /* there may be some for those */
  GHashTable *entries; /* set of Entry, by their certificates */
  guint timer;
  gint64 armed;  /* what the timer is armed for, 0 = not */
  gint64 offset; /* of the time of day from the monotonic one, in microseconds, when it woke last */
  HerdSchedulerFunc due;
  void (*set_back) (gpointer data); /* NULL: nobody wants to know */
  gpointer data;
};

static gint64
get_offset (HerdScheduler *scheduler)
{
  return herd_clock_get_real (scheduler->clock) - herd_clock_get_monotonic (scheduler->clock);
}

static guint
entry_hash (gconstpointer entry)
{
  return g_int64_hash (&((const Entry *) entry)->certificate);
}

static gboolean
entry_equal (gconstpointer a, gconstpointer b)
{
  return ((const Entry *) a)->certificate == ((const Entry *) b)->certificate;
}

static Entry *
find_entry (HerdScheduler *scheduler, guint64 certificate)
{
  const Entry wanted = { .certificate = certificate };

  return g_hash_table_lookup (scheduler->entries, &wanted);
}

HerdScheduler *
herd_scheduler_new (HerdClock *clock, HerdSchedulerFunc due, gpointer data)
{
  HerdScheduler *scheduler = g_new0 (HerdScheduler, 1);

  scheduler->clock = herd_clock_ref (clock);
  scheduler->heap = herd_heap_new ();
  scheduler->refused = herd_heap_new ();
  scheduler->offset = get_offset (scheduler);
  scheduler->entries = g_hash_table_new_full (entry_hash, entry_equal, g_free, NULL);
  scheduler->due = due;
  scheduler->data = data;
  return scheduler;
}

void
herd_scheduler_watch_clock (HerdScheduler *scheduler, void (*set_back) (gpointer data))
{
  scheduler->set_back = set_back;
}

void
herd_scheduler_free (HerdScheduler *scheduler)
{
  if (scheduler == NULL)
    return;
  herd_clock_disarm (scheduler->clock, scheduler->timer);
  herd_heap_free (scheduler->heap);
  herd_heap_free (scheduler->refused);
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

  if (scheduler->room && herd_heap_get_size (scheduler->refused) > 0)
    when = MIN (herd_heap_peek (scheduler->refused)->key,
                herd_clock_get_seconds (scheduler->clock));
  if (when == scheduler->armed)
    return;
  herd_clock_disarm (scheduler->clock, scheduler->timer);
  scheduler->timer = 0;
  scheduler->armed = when;
  if (when != 0) {
    /* By the time of day: it may be set, and the machine may sleep until then. */
    scheduler->timer = herd_clock_arm_at (scheduler->clock, when * HERD_SECOND, wake, scheduler);
  }
}

static void
leave_heap (HerdScheduler *scheduler, Entry *entry)
{
  HerdHeap *heap = herd_heap_contains (scheduler->heap, &entry->node) ? scheduler->heap
                                                                      : scheduler->refused;

  herd_heap_remove (heap, &entry->node);
}

static void
take_out (HerdScheduler *scheduler, Entry *entry)
{
  leave_heap (scheduler, entry);
  g_hash_table_remove (scheduler->entries, entry);
}

static void
put_into (HerdScheduler *scheduler, HerdHeap *heap, guint64 certificate, gint64 when)
{
  Entry *entry = find_entry (scheduler, certificate);

  if (entry == NULL) {
    entry = g_new0 (Entry, 1);
    entry->certificate = certificate;
    g_hash_table_add (scheduler->entries, entry);
  } else {
    leave_heap (scheduler, entry);
  }
  herd_heap_put (heap, &entry->node, when);
}

typedef struct {
  guint64 certificate;
  gint64 when;
} Due;

/* Is what HEAP begins with due? Those that were refused are, also where the clock was set back. */
static gboolean
is_due (const HerdScheduler *scheduler, HerdHeap *heap)
{
  const HerdHeapNode *head = herd_heap_peek (heap);

  return head != NULL
         && (heap == scheduler->refused || head->key <= herd_clock_get_seconds (scheduler->clock));
}

/* Takes the head of HEAP out if it is due. */
static gboolean
take_due (HerdScheduler *scheduler, HerdHeap *heap, Due *due)
{
  HerdHeapNode *head = herd_heap_peek (heap);

  if (!is_due (scheduler, heap))
    return FALSE;
  due->certificate = ((Entry *) head)->certificate;
  due->when = head->key;
  take_out (scheduler, (Entry *) head);
  return TRUE;
}

static void
call (HerdScheduler *scheduler, const Due *due)
{
  if (scheduler->due (due->certificate, scheduler->data))
    return;
  scheduler->room = FALSE;
  put_into (scheduler, scheduler->refused, due->certificate, due->when);
}

/* A turn's share is taken out first: what is put back for at once waits for the next turn. Where there
 * is room, those that were refused come first; they have waited longest. */
static void
wake (gpointer data)
{
  HerdScheduler *scheduler = data;
  gint64 set_back = scheduler->offset - get_offset (scheduler);
  Due slice[HERD_SCHEDULER_SLICE];
  guint n = 0;

  scheduler->timer = 0;
  scheduler->armed = 0;
  scheduler->offset -= set_back;
  for (; scheduler->room && n < G_N_ELEMENTS (slice); n++) {
    if (!take_due (scheduler, scheduler->refused, &slice[n]))
      break;
    call (scheduler, &slice[n]);
  }
  if (n == 0) {
    while (n < G_N_ELEMENTS (slice) && take_due (scheduler, scheduler->heap, &slice[n]))
      n++;
    for (guint i = 0; i < n; i++)
      call (scheduler, &slice[i]);
  }
  arm (scheduler);
  if (set_back >= SET_BACK_MIN && scheduler->set_back != NULL)
    scheduler->set_back (scheduler->data);
}

void
herd_scheduler_put (HerdScheduler *scheduler, guint64 certificate, gint64 when)
{
  Entry *entry = find_entry (scheduler, certificate);

  if (when != 0)
    put_into (scheduler, scheduler->heap, certificate, when);
  else if (entry != NULL)
    take_out (scheduler, entry);
  arm (scheduler);
}

void
herd_scheduler_go_on (HerdScheduler *scheduler)
{
  scheduler->room = TRUE;
  arm (scheduler);
}

gboolean
herd_scheduler_peek (HerdScheduler *scheduler, guint64 *certificate, gint64 *when)
{
  HerdHeapNode *head = herd_heap_peek (scheduler->refused);

  if (head == NULL)
    head = herd_heap_peek (scheduler->heap);
  if (head == NULL)
    return FALSE;
  *certificate = ((Entry *) head)->certificate;
  *when = head->key;
  return TRUE;
}
