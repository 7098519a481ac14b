// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Abandoning, as a table of one step. Owned by itself until its end.
 */
#include "acme/abandon.h"

#include "acme/solving.h"
#include "util/steps.h"

typedef struct {
  HerdIssuerHost *host;
  GTask *task;
  HerdRun *run;
  HerdRecord *record;
  GPtrArray *batches; /* of HerdBatch; NULL: not yet */
} Abandon;

static gboolean
cleanup_enter (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  Abandon *abandon = data;

  abandon->batches = herd_solving_group (abandon->host, abandon->record->presented);
  for (guint i = 0; i < abandon->batches->len; i++) {
    HerdBatch *batch = abandon->batches->pdata[i];

    herd_solver_cleanup_async (batch->solver, batch->challenges, herd_run_ready,
                               herd_run_slot (run));
  }
  return TRUE;
}

static gboolean
cleanup_leave (HerdRun *run, gpointer data, GError **error)
{
  Abandon *abandon = data;
  gboolean ok = TRUE;

  for (guint i = 0; i < abandon->batches->len; i++) {
    HerdBatch *batch = abandon->batches->pdata[i];

    ok &= herd_solver_cleanup_finish (batch->solver, herd_run_get_result (run, i),
                                      ok ? error : NULL);
  }
  return ok;
}

static const HerdStep steps[] = {
  { "cleanup", cleanup_enter, cleanup_leave, HERD_COMMIT_NONE },
};

static void
on_finished (gpointer data, const GError *error)
{
  Abandon *abandon = data;

  if (error != NULL)
    g_task_return_error (abandon->task, g_error_copy (error));
  else
    g_task_return_boolean (abandon->task, TRUE);
  herd_run_unref (abandon->run);
  g_object_unref (abandon->host);
  g_object_unref (abandon->task);
  herd_record_free (abandon->record);
  g_clear_pointer (&abandon->batches, g_ptr_array_unref);
  g_free (abandon);
}

static const HerdRunOps ops = { .finished = on_finished };

void
herd_acme_abandon_async (HerdAcmeSession *session, GBytes *resume, HerdIssuerHost *host,
                         GAsyncReadyCallback callback, gpointer data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, data);
  GError *error = NULL;
  HerdRecord *record = herd_record_new_from_bytes (resume, &error);
  Abandon *abandon;

  if (record == NULL) {
    g_task_return_error (task, error);
    return;
  }
  abandon = g_new0 (Abandon, 1);
  abandon->host = g_object_ref (host);
  abandon->task = g_steal_pointer (&task);
  abandon->record = record;
  abandon->run = herd_run_new ("abandon", steps, G_N_ELEMENTS (steps), &ops, abandon,
                               session->clock, session->crash);
  herd_run_start (abandon->run, NULL);
}

gboolean
herd_acme_abandon_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
