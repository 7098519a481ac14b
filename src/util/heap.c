// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A binary heap of intrusive nodes. Owned by whoever schedules; the nodes are its caller's. Every
 * node knows its place, so that moving and removing one costs O(log n) too. Main loop only.
 */
#include "util/heap.h"

struct HerdHeap {
  GPtrArray *nodes; /* of HerdHeapNode, not owned; the children of I are 2I+1 and 2I+2 */
  guint32 next_order;
};

static HerdHeapNode *
get_node (HerdHeap *heap, guint place)
{
  return g_ptr_array_index (heap->nodes, place);
}

static void
set_node (HerdHeap *heap, guint place, HerdHeapNode *node)
{
  g_ptr_array_index (heap->nodes, place) = node;
  node->index = place + 1;
}

static gboolean
is_before (const HerdHeapNode *a, const HerdHeapNode *b)
{
  return a->key != b->key ? a->key < b->key : (gint32) (a->order - b->order) < 0;
}

/* Puts NODE at PLACE or above it. */
static void
move_up (HerdHeap *heap, guint place, HerdHeapNode *node)
{
  while (place > 0 && is_before (node, get_node (heap, (place - 1) / 2))) {
    set_node (heap, place, get_node (heap, (place - 1) / 2));
    place = (place - 1) / 2;
  }
  set_node (heap, place, node);
}

/* Puts NODE at PLACE or below it. */
static void
move_down (HerdHeap *heap, guint place, HerdHeapNode *node)
{
  guint child;

  while ((child = 2 * place + 1) < heap->nodes->len) {
    if (child + 1 < heap->nodes->len
        && is_before (get_node (heap, child + 1), get_node (heap, child)))
      child++;
    if (!is_before (get_node (heap, child), node))
      break;
    set_node (heap, place, get_node (heap, child));
    place = child;
  }
  set_node (heap, place, node);
}

HerdHeap *
herd_heap_new (void)
{
  HerdHeap *heap = g_new0 (HerdHeap, 1);

  heap->nodes = g_ptr_array_new ();
  return heap;
}

void
herd_heap_free (HerdHeap *heap)
{
  if (heap == NULL)
    return;
  for (guint i = 0; i < heap->nodes->len; i++)
    get_node (heap, i)->index = 0;
  g_ptr_array_unref (heap->nodes);
  g_free (heap);
}

void
herd_heap_put (HerdHeap *heap, HerdHeapNode *node, gint64 key)
{
  herd_heap_remove (heap, node);
  node->key = key;
  node->order = heap->next_order++;
  g_ptr_array_add (heap->nodes, node);
  move_up (heap, heap->nodes->len - 1, node);
}

gboolean
herd_heap_contains (HerdHeap *heap, const HerdHeapNode *node)
{
  return node->index > 0 && node->index <= heap->nodes->len
         && get_node (heap, node->index - 1) == node;
}

void
herd_heap_remove (HerdHeap *heap, HerdHeapNode *node)
{
  guint place = node->index - 1;
  HerdHeapNode *last;

  if (node->index == 0)
    return;
  g_return_if_fail (herd_heap_contains (heap, node));
  node->index = 0;
  last = g_ptr_array_steal_index (heap->nodes, heap->nodes->len - 1);
  if (last == node)
    return;
  /* The last node fills the hole; it may belong above or below it. */
  if (place > 0 && is_before (last, get_node (heap, (place - 1) / 2)))
    move_up (heap, place, last);
  else
    move_down (heap, place, last);
}

HerdHeapNode *
herd_heap_peek (HerdHeap *heap)
{
  return heap->nodes->len > 0 ? get_node (heap, 0) : NULL;
}

guint
herd_heap_get_size (HerdHeap *heap)
{
  return heap->nodes->len;
}
