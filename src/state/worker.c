// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The thread, its queue, and group commit.
 */
#include "state/worker.h"

#include "state/load.h"

/* How many batches wait for one sync at most: bounds what a kill can take back. */
#define GROUP_LIMIT 256

struct HerdWorker {
  HerdDatabase *database; /* the thread's */
  GHashTable *closed; /* likewise: ids of rows (&guint64 → GError) that failed and may be other in
                             memory than on disk */
  GThread *thread;
  GAsyncQueue *jobs;
  GMutex mutex; /* for what follows */
  GCond done;
  GHashTable *removed;
  guint n_deletions; /* batches that are asked for and not done, and will change REMOVED */
};

/* Either a batch, or work, or (neither) the end. */
typedef struct {
  HerdBatch *batch;
  GTask *task;
  GError *error;      /* of the batch */
  GArray *rows;       /* ids that the batch is about */
  HerdUndone *undone; /* what it closed; NULL: nothing */
  HerdWork work;
  gpointer data;
  gboolean *finished; /* somebody waits for the work; under the mutex */
} Job;

static void
job_free (Job *job)
{
  herd_batch_free (job->batch);
  g_clear_object (&job->task);
  g_clear_error (&job->error);
  g_clear_pointer (&job->rows, g_array_unref);
  herd_undone_free (job->undone);
  g_free (job);
}

void
herd_undone_free (HerdUndone *undone)
{
  if (undone == NULL)
    return;
  g_array_unref (undone->ids);
  herd_state_contents_free (undone->contents);
  g_free (undone);
}

/* --- closed rows --- */

/* What was asked for after a change that failed was made from rows with that change in them. */
static gboolean
check_open (HerdWorker *worker, const Job *job, GError **error)
{
  for (guint i = 0; i < job->rows->len; i++) {
    const GError *cause = g_hash_table_lookup (worker->closed,
                                               &g_array_index (job->rows, guint64, i));

    if (cause != NULL) {
      g_propagate_error (error, g_error_copy (cause));
      return FALSE;
    }
  }
  return TRUE;
}

/* JOB has failed: those of its rows that are open are closed. */
static void
close_rows (HerdWorker *worker, Job *job)
{
  if (!job->batch->undone || job->undone != NULL)
    return;
  job->undone = g_new0 (HerdUndone, 1);
  job->undone->ids = g_array_new (FALSE, FALSE, sizeof (guint64));
  for (guint i = 0; i < job->rows->len; i++) {
    guint64 id = g_array_index (job->rows, guint64, i);

    if (g_hash_table_contains (worker->closed, &id))
      continue;
    g_hash_table_insert (worker->closed, g_memdup2 (&id, sizeof id), g_error_copy (job->error));
    g_array_append_val (job->undone->ids, id);
  }
}

static void
open_rows (HerdWorker *worker, const GArray *ids)
{
  for (guint i = 0; i < ids->len; i++)
    g_hash_table_remove (worker->closed, &g_array_index (ids, guint64, i));
}

/* JOB is to be tried once more. */
static void
forgive (HerdWorker *worker, Job *job)
{
  g_clear_error (&job->error);
  if (job->undone != NULL)
    open_rows (worker, job->undone->ids);
  g_clear_pointer (&job->undone, herd_undone_free);
}

/* Closed rows stay as they are on disk, so that what is read now is right when it is told. */
static void
read_undone (HerdWorker *worker, Job *job)
{
  g_autoptr (GError) error = NULL;
  HerdUndone *undone = g_steal_pointer (&job->undone);

  if (undone == NULL)
    return;
  undone->contents = herd_contents_load_rows (worker->database, undone->ids, &error);
  if (undone->contents == NULL)
    g_warning ("What could not be saved cannot be read either: %s", error->message);
  g_task_set_task_data (job->task, undone, (GDestroyNotify) herd_undone_free);
}

/* --- transactions --- */

/* One batch within the group's transaction; its failure is its own. ALONE: the transaction is its own
 * too, and ends with it. */
static void
apply_one (HerdWorker *worker, Job *job, gboolean alone, GHashTable *removed)
{
  HerdDatabase *database = worker->database;

  if (!check_open (worker, job, &job->error))
    return;
  if (alone) {
    herd_batch_apply (job->batch, database, removed, &job->error);
    return;
  }
  if (!herd_database_execute (database, "SAVEPOINT batch", "A change", &job->error))
    return;
  if (herd_batch_apply (job->batch, database, removed, &job->error)) {
    herd_database_execute (database, "RELEASE batch", "A change", &job->error);
    return;
  }
  if (herd_database_in_transaction (database))
    herd_database_execute (database, "ROLLBACK TO batch; RELEASE batch", "A change", NULL);
}

/* Does JOBS as one transaction. FALSE if nothing of them was done because of an error that is not
 * one batch's alone (a full disk, I/O): it is every job's then. */
static gboolean
try_group (HerdWorker *worker, Job **jobs, guint n_jobs, GHashTable *removed)
{
  HerdDatabase *database = worker->database;
  g_autoptr (GError) error = NULL;
  guint n_applied = 0;
  gboolean ok = herd_database_begin (database, &error);

  for (guint i = 0; ok && i < n_jobs; i++) {
    apply_one (worker, jobs[i], n_jobs == 1, removed);
    if (jobs[i]->error != NULL)
      close_rows (worker, jobs[i]);
    n_applied += jobs[i]->error == NULL;
    if (!herd_database_in_transaction (database)) {
      error = g_error_copy (jobs[i]->error);
      ok = FALSE;
    }
  }
  if (ok && n_applied == 0) {
    herd_database_rollback (database);
    return TRUE;
  }
  if (ok && herd_database_commit (database, &error))
    return TRUE;
  for (guint i = 0; i < n_jobs; i++) {
    if (jobs[i]->error == NULL)
      jobs[i]->error = g_error_copy (error);
    close_rows (worker, jobs[i]);
  }
  return FALSE;
}

static void
publish_removed (HerdWorker *worker, GHashTable *removed)
{
  GHashTableIter iter;
  gpointer name, last;

  g_hash_table_iter_init (&iter, removed);
  while (g_hash_table_iter_next (&iter, &name, &last)) {
    g_hash_table_iter_steal (&iter);
    g_hash_table_insert (worker->removed, name, last);
  }
}

static void
finish_group (HerdWorker *worker, Job **jobs, guint n_jobs, GHashTable *removed)
{
  g_mutex_lock (&worker->mutex);
  publish_removed (worker, removed);
  for (guint i = 0; i < n_jobs; i++)
    worker->n_deletions -= jobs[i]->batch->deletes_numbers;
  g_mutex_unlock (&worker->mutex);
  for (guint i = 0; i < n_jobs; i++) {
    if (jobs[i]->error != NULL)
      g_task_return_error (jobs[i]->task, g_steal_pointer (&jobs[i]->error));
    else
      g_task_return_boolean (jobs[i]->task, TRUE);
  }
}

/* What cannot be done together may be possible one by one: a small change still fits where a large
 * one fills the disk. */
static void
do_group (HerdWorker *worker, GPtrArray *group)
{
  g_autoptr (GHashTable) removed = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  Job **jobs = (Job **) group->pdata;

  if (!try_group (worker, jobs, group->len, removed) && group->len > 1) {
    for (guint i = 0; i < group->len; i++)
      forgive (worker, jobs[i]);
    for (guint i = 0; i < group->len; i++)
      try_group (worker, &jobs[i], 1, removed);
  }
  for (guint i = 0; i < group->len; i++)
    read_undone (worker, jobs[i]);
  finish_group (worker, jobs, group->len, removed);
}

/* --- the thread --- */

/* FIRST and the batches that wait behind it. What comes after them is given back in NEXT. */
static void
take_group (HerdWorker *worker, Job *first, Job **next)
{
  g_autoptr (GPtrArray) group = g_ptr_array_new_with_free_func ((GDestroyNotify) job_free);
  Job *job = first;

  while (job != NULL && job->batch != NULL && group->len < GROUP_LIMIT) {
    g_ptr_array_add (group, job);
    job = g_async_queue_try_pop (worker->jobs);
  }
  *next = job;
  do_group (worker, group);
}

static void
do_work (HerdWorker *worker, Job *job)
{
  job->work (worker->database, job->data);
  if (job->finished != NULL) {
    g_mutex_lock (&worker->mutex);
    *job->finished = TRUE;
    g_cond_broadcast (&worker->done);
    g_mutex_unlock (&worker->mutex);
  }
  job_free (job);
}

static gpointer
run (gpointer data)
{
  HerdWorker *worker = data;
  Job *next = NULL;

  while (TRUE) {
    Job *job = next != NULL ? g_steal_pointer (&next) : g_async_queue_pop (worker->jobs);

    if (job->batch != NULL) {
      take_group (worker, job, &next);
    } else if (job->work != NULL) {
      do_work (worker, job);
    } else {
      job_free (job);
      return NULL;
    }
  }
}

/* --- the main thread --- */

HerdWorker *
herd_worker_new (HerdDatabase *database, GHashTable *removed)
{
  HerdWorker *worker = g_new0 (HerdWorker, 1);

  worker->database = database;
  worker->removed = removed;
  worker->jobs = g_async_queue_new ();
  worker->closed = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free,
                                          (GDestroyNotify) g_error_free);
  g_mutex_init (&worker->mutex);
  g_cond_init (&worker->done);
  worker->thread = g_thread_new ("state", run, worker);
  return worker;
}

void
herd_worker_free (HerdWorker *worker)
{
  if (worker == NULL)
    return;
  g_async_queue_push (worker->jobs, g_new0 (Job, 1));
  g_thread_join (worker->thread);
  herd_database_close (worker->database);
  g_hash_table_unref (worker->removed);
  g_hash_table_unref (worker->closed);
  g_async_queue_unref (worker->jobs);
  g_mutex_clear (&worker->mutex);
  g_cond_clear (&worker->done);
  g_free (worker);
}

void
herd_worker_commit (HerdWorker *worker, HerdBatch *batch, GTask *task)
{
  Job *job = g_new0 (Job, 1);

  job->batch = batch;
  job->task = task;
  job->rows = herd_batch_list_rows (batch);
  if (batch->deletes_numbers) {
    g_mutex_lock (&worker->mutex);
    worker->n_deletions++;
    g_mutex_unlock (&worker->mutex);
  }
  g_async_queue_push (worker->jobs, job);
}

void
herd_worker_push (HerdWorker *worker, HerdWork work, gpointer data)
{
  Job *job = g_new0 (Job, 1);

  job->work = work;
  job->data = data;
  g_async_queue_push (worker->jobs, job);
}

void
herd_worker_call (HerdWorker *worker, HerdWork work, gpointer data)
{
  Job *job = g_new0 (Job, 1);
  gboolean finished = FALSE;

  job->work = work;
  job->data = data;
  job->finished = &finished;
  g_async_queue_push (worker->jobs, job);
  g_mutex_lock (&worker->mutex);
  while (!finished)
    g_cond_wait (&worker->done, &worker->mutex);
  g_mutex_unlock (&worker->mutex);
}

typedef struct {
  HerdWorker *worker;
  GArray *ids;
} Reopening;

static void
reopen (HerdDatabase *database, gpointer data)
{
  g_autofree Reopening *reopening = data;

  open_rows (reopening->worker, reopening->ids);
  g_array_unref (reopening->ids);
}

void
herd_worker_reopen (HerdWorker *worker, GArray *ids)
{
  Reopening *reopening = g_new0 (Reopening, 1);

  reopening->worker = worker;
  reopening->ids = ids;
  herd_worker_push (worker, reopen, reopening);
}

static void
do_nothing (HerdDatabase *database, gpointer data)
{}

guint64
herd_worker_get_removed (HerdWorker *worker, const char *name)
{
  const guint64 *last;
  guint64 result;
  gboolean pending;

  g_mutex_lock (&worker->mutex);
  pending = worker->n_deletions > 0;
  g_mutex_unlock (&worker->mutex);
  /* Rare: a removal that nobody waited for is still on its way. */
  if (pending)
    herd_worker_call (worker, do_nothing, NULL);
  g_mutex_lock (&worker->mutex);
  last = g_hash_table_lookup (worker->removed, name);
  result = last != NULL ? *last : 0;
  g_mutex_unlock (&worker->mutex);
  return result;
}

guint64
herd_worker_get_n_commits (HerdWorker *worker)
{
  return __atomic_load_n (&worker->database->n_commits, __ATOMIC_RELAXED);
}
