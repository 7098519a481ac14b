// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Walking a solver's table. work_advance() is the one place that goes from a row to the next; it loops, and
 * answers from the main loop lead back to it.
 */
#include "work.h"

struct HerdWork {
  GTask *task;
  const HerdWorkStep *steps;
  guint n_steps;
  HerdWorkKind kind;
  gpointer data;
  GDestroyNotify free;
  GCancellable *given;
  gulong handler;
  GCancellable *own;
  guint step;
  guint slots;   /* taken in this row */
  guint pending; /* calls without an answer, and one while enter runs */
  GError *error; /* the first */
};

typedef struct {
  HerdWork *work;
  guint index;
} Slot;

static void
on_cancelled (GCancellable *cancellable G_GNUC_UNUSED, gpointer data)
{
  HerdWork *work = data;

  g_cancellable_cancel (work->own);
}

static void
work_end (HerdWork *work)
{
  g_autoptr (GTask) task = g_steal_pointer (&work->task);
  GError *error = g_steal_pointer (&work->error);

  if (work->handler != 0)
    g_signal_handler_disconnect (work->given, work->handler);
  if (work->free != NULL)
    work->free (work->data);
  g_clear_object (&work->given);
  g_clear_object (&work->own);
  g_free (work);
  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
}

/* Takes ERROR. */
static void
work_fail (HerdWork *work, GError *error)
{
  if (work->error == NULL)
    work->error = error;
  else
    g_error_free (error);
  if (work->kind == HERD_WORK_STOPS)
    g_cancellable_cancel (work->own);
}

/* FALSE: there is no row to enter any more. */
static gboolean
work_goes_on (HerdWork *work)
{
  return work->step < work->n_steps && (work->error == NULL || work->kind == HERD_WORK_GOES_ON);
}

static void
work_advance (HerdWork *work)
{
  while (work->pending == 0 && work_goes_on (work)) {
    const HerdWorkStep *step = &work->steps[work->step];
    GError *error = NULL;

    work->slots = 0;
    work->pending = 1;
    if (!step->enter (work, work->data, &error))
      work_fail (work, error);
    if (--work->pending == 0)
      work->step++;
  }
  if (work->pending == 0)
    work_end (work);
}

GCancellable *
herd_work_get_cancellable (HerdWork *work)
{
  return work->kind == HERD_WORK_STOPS ? work->own : NULL;
}

gpointer
herd_work_slot (HerdWork *work)
{
  Slot *slot = g_new0 (Slot, 1);

  slot->work = work;
  slot->index = work->slots++;
  work->pending++;
  return slot;
}

void
herd_work_ready (GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
  g_autofree Slot *slot = data;
  HerdWork *work = slot->work;
  GError *error = NULL;

  if (!work->steps[work->step].leave (work, work->data, slot->index, result, &error))
    work_fail (work, error);
  if (--work->pending > 0)
    return;
  work->step++;
  work_advance (work);
}

void
herd_work_start (gpointer solver, const HerdWorkStep *steps, guint n_steps, HerdWorkKind kind,
                 gpointer data, GDestroyNotify free, GCancellable *cancellable,
                 GAsyncReadyCallback callback, gpointer callback_data)
{
  HerdWork *work = g_new0 (HerdWork, 1);

  work->task = g_task_new (solver, cancellable, callback, callback_data);
  g_task_set_check_cancellable (work->task, FALSE);
  work->steps = steps;
  work->n_steps = n_steps;
  work->kind = kind;
  work->data = data;
  work->free = free;
  work->own = g_cancellable_new ();
  /* Not g_cancellable_connect(): its disconnect blocks when called from the handler. */
  if (kind == HERD_WORK_STOPS && g_set_object (&work->given, cancellable))
    work->handler = g_signal_connect (cancellable, "cancelled", G_CALLBACK (on_cancelled), work);
  if (work->given != NULL && g_cancellable_is_cancelled (work->given))
    g_cancellable_cancel (work->own);
  work_advance (work);
}

gboolean
herd_work_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
