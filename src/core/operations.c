// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Operation rows while something runs, and at their end.
 */
#include "core/operations.h"

#include "core/findings.h"
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

static void
drop_old (HerdServices *services, HerdBatch *batch)
{
  HerdRegistry *registry = services->registry;
  HerdOperation *first;
  gint64 limit = herd_clock_get_seconds (services->clock) - HERD_OPERATION_TIME;

  while (
      (first = herd_registry_get_first_ended (registry)) != NULL
      && (herd_registry_count_ended (registry) > HERD_OPERATIONS_KEPT || first->ended <= limit)) {
    herd_batch_delete_operation (batch, first->id);
    herd_registry_remove (registry, HERD_NOUN_OPERATION, first->id);
  }
}

static void
keep_parts (HerdOperation *operation, const GError *error)
{
  GVariant *parts = error != NULL ? herd_error_get_parts (error) : NULL;
  g_autoptr (GVariant) findings = NULL;

  if (parts == NULL)
    return;
  findings = herd_findings_add_parts (operation->findings, parts);
  herd_operation_set_findings (operation, findings);
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
  keep_parts (operation, error);
  herd_operation_end (operation, state, herd_error_get_name (error),
                      error != NULL ? error->message : "", herd_clock_get_real (services->clock));
  herd_registry_end_operation (services->registry, operation);
  herd_journal_end (services->registry, operation);
  herd_batch_put_operation (batch, operation);
  herd_batch_put_checkpoint (batch, id, NULL);
  herd_batch_put_pending_key (batch, id, NULL);
  herd_registry_touch (services->registry, HERD_NOUN_OPERATION, id);
  observer = herd_registry_get_observer (services->registry, &data);
  if (observer != NULL)
    observer->operation_finished (operation, data);
  herd_operation_forget (operation);
  drop_old (services, batch);
}
