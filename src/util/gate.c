// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A gate: counts who is inside and keeps the others in a queue of tasks. Owned by whoever puts
 * something dear behind it. A waiter that is let in is counted at that moment, not when its
 * callback runs; therefore its task no longer looks at the cancellable. Main loop only.
 */
#include "util/gate.h"

struct HerdGate {
  guint limit;
  guint inside;
  gboolean alone; /* the one who is inside */
  GQueue waiters; /* of Waiter */
};

/* Stands in the queue, owned by it. */
typedef struct {
  HerdGate *gate;
  GTask *task;
  gboolean alone;
  GSource *cancelled; /* NULL: not cancellable */
} Waiter;

static void
waiter_free (Waiter *waiter)
{
  if (waiter->cancelled != NULL) {
    g_source_destroy (waiter->cancelled);
    g_source_unref (waiter->cancelled);
  }
  g_object_unref (waiter->task);
  g_free (waiter);
}

static void
refuse (Waiter *waiter)
{
  g_task_return_new_error (waiter->task, G_IO_ERROR, G_IO_ERROR_CANCELLED,
                           "The wait for a turn was cancelled");
  waiter_free (waiter);
}

static gboolean
has_room (const HerdGate *gate, gboolean alone)
{
  return alone ? gate->inside == 0 : gate->inside < gate->limit && !gate->alone;
}

static void
let_in (HerdGate *gate, GTask *task, gboolean alone)
{
  gate->inside++;
  gate->alone = alone;
  g_task_return_boolean (task, TRUE);
}

/* Lets in who may, in the order in which they came. */
static void
admit (HerdGate *gate)
{
  Waiter *waiter;

  while ((waiter = g_queue_peek_head (&gate->waiters)) != NULL && has_room (gate, waiter->alone)) {
    g_queue_pop_head (&gate->waiters);
    let_in (gate, waiter->task, waiter->alone);
    waiter_free (waiter);
  }
}

static gboolean
on_cancelled (GCancellable *cancellable, gpointer data)
{
  Waiter *waiter = data;
  HerdGate *gate = waiter->gate;

  g_queue_remove (&gate->waiters, waiter);
  refuse (waiter);
  admit (gate); /* it may have been the one that held up the others */
  return G_SOURCE_REMOVE;
}

static void
wait_for_turn (HerdGate *gate, GTask *task, gboolean alone, GCancellable *cancellable)
{
  Waiter *waiter = g_new0 (Waiter, 1);

  waiter->gate = gate;
  waiter->alone = alone;
  waiter->task = g_object_ref (task);
  if (cancellable != NULL) {
    waiter->cancelled = g_cancellable_source_new (cancellable);
    g_source_set_callback (waiter->cancelled, G_SOURCE_FUNC (on_cancelled), waiter, NULL);
    g_source_attach (waiter->cancelled, g_main_context_get_thread_default ());
  }
  g_queue_push_tail (&gate->waiters, waiter);
}

HerdGate *
herd_gate_new (guint limit)
{
  HerdGate *gate = g_new0 (HerdGate, 1);

  g_assert (limit > 0);
  gate->limit = limit;
  g_queue_init (&gate->waiters);
  return gate;
}

void
herd_gate_set_limit (HerdGate *gate, guint limit)
{
  g_assert (limit > 0);
  gate->limit = limit;
  admit (gate);
}

void
herd_gate_free (HerdGate *gate)
{
  Waiter *waiter;

  if (gate == NULL)
    return;
  while ((waiter = g_queue_pop_head (&gate->waiters)) != NULL)
    refuse (waiter);
  g_free (gate);
}

static void
enter (HerdGate *gate, gboolean alone, GCancellable *cancellable, GAsyncReadyCallback callback,
       gpointer data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, data);

  g_task_set_check_cancellable (task, FALSE);
  if (g_task_return_error_if_cancelled (task))
    return;
  if (g_queue_is_empty (&gate->waiters) && has_room (gate, alone))
    let_in (gate, task, alone);
  else
    wait_for_turn (gate, task, alone, cancellable);
}

void
herd_gate_enter_async (HerdGate *gate, GCancellable *cancellable, GAsyncReadyCallback callback,
                       gpointer data)
{
  enter (gate, FALSE, cancellable, callback, data);
}

void
herd_gate_enter_alone_async (HerdGate *gate, GCancellable *cancellable,
                             GAsyncReadyCallback callback, gpointer data)
{
  enter (gate, TRUE, cancellable, callback, data);
}

gboolean
herd_gate_enter_finish (HerdGate *gate, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

void
herd_gate_leave (HerdGate *gate)
{
  g_return_if_fail (gate->inside > 0);
  gate->inside--;
  gate->alone = FALSE;
  admit (gate);
}

gboolean
herd_gate_has_room (HerdGate *gate)
{
  return gate->inside < gate->limit;
}

guint
herd_gate_get_inside (HerdGate *gate)
{
  return gate->inside;
}

guint
herd_gate_get_waiting (HerdGate *gate)
{
  return gate->waiters.length;
}
