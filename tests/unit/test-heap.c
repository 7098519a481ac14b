// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The heap against a sorted list of the same nodes.
 */
#include "util/heap.h"

static void
orders_by_key_then_insertion (void)
{
  g_autoptr (HerdHeap) heap = herd_heap_new ();
  HerdHeapNode nodes[5] = { 0 };
  static const gint64 keys[5] = { 5, G_MININT64, 5, G_MAXINT64, 0 };
  static const guint order[5] = { 1, 4, 0, 2, 3 };

  g_assert_null (herd_heap_peek (heap));
  for (guint i = 0; i < 5; i++)
    herd_heap_put (heap, &nodes[i], keys[i]);
  g_assert_cmpuint (herd_heap_get_size (heap), ==, 5);
  for (guint i = 0; i < 5; i++) {
    g_assert_true (herd_heap_peek (heap) == &nodes[order[i]]);
    herd_heap_remove (heap, herd_heap_peek (heap));
    g_assert_cmpuint (nodes[order[i]].index, ==, 0);
  }
  g_assert_cmpuint (herd_heap_get_size (heap), ==, 0);
}

static void
moving_puts_behind_equals (void)
{
  g_autoptr (HerdHeap) heap = herd_heap_new ();
  HerdHeapNode a = { 0 }, b = { 0 };

  herd_heap_put (heap, &a, 1);
  herd_heap_put (heap, &b, 1);
  herd_heap_put (heap, &a, 1);
  g_assert_true (herd_heap_peek (heap) == &b);
  herd_heap_put (heap, &b, 2);
  g_assert_true (herd_heap_peek (heap) == &a);
  g_assert_cmpuint (herd_heap_get_size (heap), ==, 2);
}

static void
removing_what_is_not_there (void)
{
  HerdHeap *heap = herd_heap_new ();
  HerdHeapNode a = { 0 }, b = { 0 };

  herd_heap_remove (heap, &a);
  herd_heap_put (heap, &b, 1);
  g_assert_false (herd_heap_contains (heap, &a));
  g_assert_true (herd_heap_contains (heap, &b));
  herd_heap_remove (heap, &a);
  g_assert_cmpuint (herd_heap_get_size (heap), ==, 1);
  herd_heap_free (heap);
  g_assert_cmpuint (b.index, ==, 0);
  herd_heap_free (NULL);
}

static HerdHeapNode *
find_first (HerdHeapNode *nodes, guint n_nodes)
{
  HerdHeapNode *first = NULL;

  for (guint i = 0; i < n_nodes; i++) {
    HerdHeapNode *node = &nodes[i];

    if (node->index != 0
        && (first == NULL || node->key < first->key
            || (node->key == first->key && node->order < first->order)))
      first = node;
  }
  return first;
}

static void
random_work (void)
{
  g_autoptr (HerdHeap) heap = herd_heap_new ();
  HerdHeapNode nodes[97] = { 0 };
  guint inside = 0;

  for (guint i = 0; i < 50000; i++) {
    HerdHeapNode *node = &nodes[g_test_rand_int_range (0, G_N_ELEMENTS (nodes))];

    if (g_test_rand_int_range (0, 5) < 3) {
      inside += node->index == 0;
      herd_heap_put (heap, node, g_test_rand_int_range (0, 40));
    } else {
      inside -= node->index != 0;
      herd_heap_remove (heap, node);
    }
    g_assert_cmpuint (herd_heap_get_size (heap), ==, inside);
    g_assert_true (herd_heap_peek (heap) == find_first (nodes, G_N_ELEMENTS (nodes)));
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/heap/order", orders_by_key_then_insertion);
  g_test_add_func ("/heap/moving", moving_puts_behind_equals);
  g_test_add_func ("/heap/removing", removing_what_is_not_there);
  g_test_add_func ("/heap/random", random_work);
  return g_test_run ();
}
