// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The gate: order, the limit, cancelling, going away.
 */
#include "util/gate.h"

typedef struct {
  HerdGate *gate;
  GString *log; /* the labels of those let in, in upper case of those refused */
  char label;
} Visitor;

static void
on_turn (GObject *source, GAsyncResult *result, gpointer data)
{
  Visitor *visitor = data;
  g_autoptr (GError) error = NULL;

  if (herd_gate_enter_finish (visitor->gate, result, &error)) {
    g_string_append_c (visitor->log, visitor->label);
    return;
  }
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_string_append_c (visitor->log, g_ascii_toupper (visitor->label));
}

static void
settle (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

static void
first_come_first_served (void)
{
  g_autoptr (HerdGate) gate = herd_gate_new (2);
  g_autoptr (GString) log = g_string_new (NULL);
  Visitor visitors[5];

  for (guint i = 0; i < G_N_ELEMENTS (visitors); i++) {
    visitors[i] = (Visitor){ gate, log, (char) ('a' + i) };
    herd_gate_enter_async (gate, NULL, on_turn, &visitors[i]);
  }
  g_assert_cmpstr (log->str, ==, "");
  settle ();
  g_assert_cmpstr (log->str, ==, "ab");
  g_assert_cmpuint (herd_gate_get_inside (gate), ==, 2);
  g_assert_cmpuint (herd_gate_get_waiting (gate), ==, 3);
  herd_gate_leave (gate);
  g_assert_cmpuint (herd_gate_get_inside (gate), ==, 2);
  settle ();
  g_assert_cmpstr (log->str, ==, "abc");
  herd_gate_leave (gate);
  herd_gate_leave (gate);
  settle ();
  g_assert_cmpstr (log->str, ==, "abcde");
  herd_gate_leave (gate);
  herd_gate_leave (gate);
  g_assert_cmpuint (herd_gate_get_inside (gate), ==, 0);
}

static void
cancel_while_waiting (void)
{
  g_autoptr (HerdGate) gate = herd_gate_new (1);
  g_autoptr (GString) log = g_string_new (NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Visitor a = { gate, log, 'a' }, b = { gate, log, 'b' }, c = { gate, log, 'c' };

  herd_gate_enter_async (gate, NULL, on_turn, &a);
  herd_gate_enter_async (gate, cancellable, on_turn, &b);
  herd_gate_enter_async (gate, NULL, on_turn, &c);
  settle ();
  g_cancellable_cancel (cancellable);
  settle ();
  g_assert_cmpstr (log->str, ==, "aB");
  g_assert_cmpuint (herd_gate_get_waiting (gate), ==, 1);
  herd_gate_leave (gate);
  settle ();
  g_assert_cmpstr (log->str, ==, "aBc");
  herd_gate_leave (gate);
  g_assert_cmpuint (herd_gate_get_inside (gate), ==, 0);
}

static void
cancelled_before (void)
{
  g_autoptr (HerdGate) gate = herd_gate_new (1);
  g_autoptr (GString) log = g_string_new (NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Visitor a = { gate, log, 'a' };

  g_cancellable_cancel (cancellable);
  herd_gate_enter_async (gate, cancellable, on_turn, &a);
  settle ();
  g_assert_cmpstr (log->str, ==, "A");
  g_assert_cmpuint (herd_gate_get_inside (gate), ==, 0);
}

/* Whoever is cancelled between being let in and being told so is inside: a place must not be lost.
 */
static void
cancel_when_let_in (void)
{
  g_autoptr (HerdGate) gate = herd_gate_new (1);
  g_autoptr (GString) log = g_string_new (NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Visitor a = { gate, log, 'a' }, b = { gate, log, 'b' };

  herd_gate_enter_async (gate, NULL, on_turn, &a);
  herd_gate_enter_async (gate, cancellable, on_turn, &b);
  settle ();
  herd_gate_leave (gate);
  g_cancellable_cancel (cancellable);
  settle ();
  g_assert_cmpstr (log->str, ==, "ab");
  g_assert_cmpuint (herd_gate_get_inside (gate), ==, 1);
  herd_gate_leave (gate);
}

/* The other way round: cancelled first, and the place becomes free before the loop turned. */
static void
cancel_then_let_in (void)
{
  g_autoptr (HerdGate) gate = herd_gate_new (1);
  g_autoptr (GString) log = g_string_new (NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Visitor a = { gate, log, 'a' }, b = { gate, log, 'b' };

  herd_gate_enter_async (gate, NULL, on_turn, &a);
  herd_gate_enter_async (gate, cancellable, on_turn, &b);
  settle ();
  g_cancellable_cancel (cancellable);
  herd_gate_leave (gate);
  settle ();
  g_assert_cmpuint (herd_gate_get_waiting (gate), ==, 0);
  g_assert_cmpstr (log->str, ==, "ab");
  herd_gate_leave (gate);
  g_assert_cmpuint (herd_gate_get_inside (gate), ==, 0);
}

static void
free_with_waiters (void)
{
  HerdGate *gate = herd_gate_new (1);
  g_autoptr (GString) log = g_string_new (NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Visitor a = { gate, log, 'a' }, b = { gate, log, 'b' };

  herd_gate_enter_async (gate, NULL, on_turn, &a);
  herd_gate_enter_async (gate, cancellable, on_turn, &b);
  settle ();
  herd_gate_leave (gate);
  herd_gate_enter_async (gate, cancellable, on_turn, &a);
  settle ();
  g_assert_cmpstr (log->str, ==, "ab");
  herd_gate_leave (gate);
  settle ();
  herd_gate_leave (gate);
  herd_gate_enter_async (gate, NULL, on_turn, &a);
  herd_gate_enter_async (gate, NULL, on_turn, &b);
  settle ();
  herd_gate_free (gate);
  herd_gate_free (NULL);
  g_cancellable_cancel (cancellable);
  settle ();
  g_assert_cmpstr (log->str, ==, "abaaB");
}

/* More room is for those who wait; less turns nobody out. */
static void
another_limit (void)
{
  g_autoptr (HerdGate) gate = herd_gate_new (1);
  g_autoptr (GString) log = g_string_new (NULL);
  Visitor visitors[4];

  for (guint i = 0; i < G_N_ELEMENTS (visitors); i++) {
    visitors[i] = (Visitor){ gate, log, (char) ('a' + i) };
    herd_gate_enter_async (gate, NULL, on_turn, &visitors[i]);
  }
  herd_gate_set_limit (gate, 3);
  settle ();
  g_assert_cmpstr (log->str, ==, "abc");
  herd_gate_set_limit (gate, 2);
  g_assert_cmpuint (herd_gate_get_inside (gate), ==, 3);
  herd_gate_leave (gate);
  g_assert_false (herd_gate_has_room (gate));
  settle ();
  g_assert_cmpstr (log->str, ==, "abc");
  herd_gate_leave (gate);
  settle ();
  g_assert_cmpstr (log->str, ==, "abcd");
  herd_gate_leave (gate);
  herd_gate_leave (gate);
  g_assert_true (herd_gate_has_room (gate));
}

/* Who wants to be alone waits for those inside, and holds up those who come later. */
static void
alone (void)
{
  g_autoptr (HerdGate) gate = herd_gate_new (G_MAXUINT);
  g_autoptr (GString) log = g_string_new (NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  Visitor visitors[6];

  for (guint i = 0; i < G_N_ELEMENTS (visitors); i++)
    visitors[i] = (Visitor){ gate, log, (char) ('a' + i) };
  herd_gate_enter_async (gate, NULL, on_turn, &visitors[0]);
  herd_gate_enter_async (gate, NULL, on_turn, &visitors[1]);
  herd_gate_enter_alone_async (gate, NULL, on_turn, &visitors[2]);
  herd_gate_enter_async (gate, NULL, on_turn, &visitors[3]);
  herd_gate_enter_async (gate, NULL, on_turn, &visitors[4]);
  settle ();
  g_assert_cmpstr (log->str, ==, "ab");
  herd_gate_leave (gate);
  settle ();
  g_assert_cmpstr (log->str, ==, "ab");
  herd_gate_leave (gate);
  settle ();
  g_assert_cmpstr (log->str, ==, "abc");
  herd_gate_leave (gate);
  settle ();
  g_assert_cmpstr (log->str, ==, "abcde");
  /* One that gives up holds up nobody. */
  herd_gate_enter_alone_async (gate, cancellable, on_turn, &visitors[5]);
  herd_gate_enter_async (gate, NULL, on_turn, &visitors[0]);
  settle ();
  g_assert_cmpstr (log->str, ==, "abcde");
  g_cancellable_cancel (cancellable);
  settle ();
  g_assert_cmpstr (log->str, ==, "abcdeaF");
  for (guint i = 0; i < 3; i++)
    herd_gate_leave (gate);
  g_assert_cmpuint (herd_gate_get_inside (gate), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/gate/first-come-first-served", first_come_first_served);
  g_test_add_func ("/gate/cancel/while-waiting", cancel_while_waiting);
  g_test_add_func ("/gate/cancel/before", cancelled_before);
  g_test_add_func ("/gate/cancel/when-let-in", cancel_when_let_in);
  g_test_add_func ("/gate/cancel/then-let-in", cancel_then_let_in);
  g_test_add_func ("/gate/free-with-waiters", free_with_waiters);
  g_test_add_func ("/gate/another-limit", another_limit);
  g_test_add_func ("/gate/alone", alone);
  return g_test_run ();
}
