// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A binary heap of intrusive nodes, smallest key first, equal keys in the order of their insertion.
 * The caller owns the nodes; they must stay in place while they are in a heap.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  gint64 key;
  guint32 order; /* the heap's: insertion order, breaks ties; begins anew after the last number */
  guint index;   /* the heap's: position + 1; 0 = in no heap */
} HerdHeapNode;

typedef struct HerdHeap HerdHeap;

HerdHeap *herd_heap_new (void);
void herd_heap_free (HerdHeap *heap);

/* Inserts NODE at KEY, or moves it there if it is in this heap already. */
void herd_heap_put (HerdHeap *heap, HerdHeapNode *node, gint64 key);
/* Takes NODE out; one that is in no heap is ignored. */
void herd_heap_remove (HerdHeap *heap, HerdHeapNode *node);
/* Is NODE in this heap? */
gboolean herd_heap_contains (HerdHeap *heap, const HerdHeapNode *node);
/* The node with the smallest key, or NULL. It stays in the heap. */
HerdHeapNode *herd_heap_peek (HerdHeap *heap);
guint herd_heap_get_size (HerdHeap *heap);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdHeap, herd_heap_free)

G_END_DECLS
