// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Operation rows while something runs, and at their end.
 */
#include "core/operations.h"

#include "core/journal.h"
#include "plugin/error.h"

void
herd_operations_enter (HerdServices *services, guint64 id, const char *step, double progress)
{
  HerdOperation *operation = herd_registry_get_operation (services->registry, id);

  if (operation == NULL)
    return;
  if (!g_str_equal (operation->step, step))
    herd_journal_step (services->registry, operation, step);
  herd_operation_enter (operation, step, progress, herd_clock_get_real (services->clock));
  herd_registry_touch (services->registry, HERD_NOUN_OPERATION, id);
}

static int
compare_ended (gconstpointer a, gconstpointer b)
{
  const HerdOperation *first = *(HerdOperation *const *) a;
  const HerdOperation *second = *(HerdOperation *const *) b;

  return (first->ended > second->ended) - (first->ended < second->ended);
}

/* Ended operations are few and short-lived, so they are looked at together, and only at an end. */
static void
drop_old (HerdServices *services, HerdBatch *batch)
{
  g_autoptr (GArray) ids = herd_registry_list_ids (services->registry, HERD_NOUN_OPERATION);
  g_autoptr (GPtrArray) ended = g_ptr_array_new ();
  gint64 limit = herd_clock_get_seconds (services->clock) - HERD_OPERATION_TIME;

  for (guint i = 0; i < ids->len; i++) {
    HerdOperation *operation = herd_registry_get_operation (services->registry,
                                                            g_array_index (ids, guint64, i));

    if (operation->ended != 0)
      g_ptr_array_add (ended, operation);
  }
  g_ptr_array_sort (ended, compare_ended);
  for (guint i = 0; i < ended->len; i++) {
    HerdOperation *operation = g_ptr_array_index (ended, i);

    if (ended->len - i <= HERD_OPERATIONS_KEPT && operation->ended > limit)
      break;
    herd_batch_delete_operation (batch, operation->id);
    herd_registry_remove (services->registry, HERD_NOUN_OPERATION, operation->id);
  }
}

void
herd_operations_end (HerdServices *services, guint64 id, const GError *error, HerdBatch *batch)
{
  HerdOperation *operation = herd_registry_get_operation (services->registry, id);
  HerdOperationState state = HERD_OPERATION_DONE;
  const HerdObserver *observer;
  gpointer data;

  if (operation == NULL)
    return;
  if (error != NULL) {
    state = g_error_matches (error, HERD_ERROR, HERD_ERROR_CANCELLED)
                    || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED)
                ? HERD_OPERATION_CANCELLED
                : HERD_OPERATION_FAILED;
  }
  herd_operation_end (operation, state, herd_error_get_name (error),
                      error != NULL ? error->message : "", herd_clock_get_real (services->clock));
  herd_journal_end (services->registry, operation);
  herd_batch_put_operation (batch, operation);
  herd_batch_put_checkpoint (batch, id, NULL);
  herd_batch_put_pending_key (batch, id, NULL);
  herd_registry_touch (services->registry, HERD_NOUN_OPERATION, id);
  observer = herd_registry_get_observer (services->registry, &data);
  if (observer != NULL)
    observer->operation_finished (operation, data);
  drop_old (services, batch);
}
