// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The abandonment's table of steps. Owned by itself until its end.
 */
#include "core/abandonment.h"

#include "plugin/error.h"
#include "util/steps.h"

typedef struct {
  HerdIssuers *issuers;
  guint64 operation;
  GBytes *checkpoint; /* as it was saved; NULL: not read yet, or there is none */
  HerdIssuer *engine;
  HerdRun *run;
  GTask *task;
} Abandonment;

static gboolean
load_enter (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  Abandonment *abandonment = data;

  if (abandonment->checkpoint == NULL)
    herd_state_read_operation_async (herd_issuers_get_services (abandonment->issuers)->state,
                                     abandonment->operation, FALSE, herd_run_ready,
                                     herd_run_slot (run));
  return TRUE;
}

static gboolean
load_leave (HerdRun *run, gpointer data, GError **error)
{
  Abandonment *abandonment = data;
  HerdState *state = herd_issuers_get_services (abandonment->issuers)->state;
  g_autoptr (GError) local = NULL;

  if (herd_run_get_n_results (run) == 0
      || herd_state_read_operation_finish (state, herd_run_get_result (run, 0),
                                           &abandonment->checkpoint, NULL, &local)
      || g_error_matches (local, HERD_ERROR, HERD_ERROR_NOT_FOUND))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

/* The engine is that of the issuer as it is now: it can read what it wrote for another directory. */
static gboolean
abandon_enter (HerdRun *run, gpointer data, GError **error)
{
  Abandonment *abandonment = data;
  g_autoptr (HerdIssuerHost) host = NULL;
  g_autoptr (GBytes) resume = NULL;
  HerdIssuer *engine;
  guint64 authority;

  if (abandonment->checkpoint == NULL)
    return TRUE;
  resume = herd_issuers_unwrap_checkpoint (abandonment->checkpoint, &authority);
  engine = herd_issuers_get (abandonment->issuers, authority, error);
  if (engine == NULL)
    return FALSE;
  abandonment->engine = g_object_ref (engine);
  /* The wish may name other solvers by now: any may be the one that has presented something. */
  host = herd_issuers_new_host (abandonment->issuers, authority, 0, NULL);
  herd_issuer_abandon_async (engine, resume, host, herd_run_ready, herd_run_slot (run));
  return TRUE;
}

static gboolean
abandon_leave (HerdRun *run, gpointer data, GError **error)
{
  return herd_run_get_n_results (run) == 0
         || herd_issuer_abandon_finish (((Abandonment *) data)->engine,
                                        herd_run_get_result (run, 0), error);
}

static const HerdStep steps[] = {
  { "load", load_enter, load_leave, HERD_COMMIT_NONE },
  { "abandon", abandon_enter, abandon_leave, HERD_COMMIT_NONE },
  { "end", NULL, NULL, HERD_COMMIT_NONE },
};

static void
on_finished (gpointer data, const GError *error)
{
  Abandonment *abandonment = data;

  if (error != NULL)
    g_task_return_error (abandonment->task, g_error_copy (error));
  else
    g_task_return_boolean (abandonment->task, TRUE);
  herd_run_unref (abandonment->run);
  g_clear_pointer (&abandonment->checkpoint, g_bytes_unref);
  g_clear_object (&abandonment->engine);
  g_object_unref (abandonment->task);
  g_free (abandonment);
}

static const HerdRunOps ops = { .finished = on_finished };

void
herd_abandonment_run_async (HerdIssuers *issuers, guint64 operation, GBytes *checkpoint,
                            GAsyncReadyCallback callback, gpointer data)
{
  HerdServices *services = herd_issuers_get_services (issuers);
  Abandonment *abandonment = g_new0 (Abandonment, 1);

  abandonment->issuers = issuers;
  abandonment->operation = operation;
  abandonment->checkpoint = checkpoint != NULL ? g_bytes_ref (checkpoint) : NULL;
  abandonment->task = g_task_new (NULL, NULL, callback, data);
  abandonment->run = herd_run_new ("abandonment", steps, G_N_ELEMENTS (steps), &ops, abandonment,
                                   services->clock, services->crash);
  herd_run_start (abandonment->run, NULL);
}

void
herd_abandonment_run_finish (GAsyncResult *result)
{
  g_autoptr (GError) error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error))
    g_message ("an order that nobody goes on with: a challenge was not taken away: %s",
               error->message);
}
