// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The thread, its queue, and group commit.
 */
#include "state/worker.h"

/* How many batches wait for one sync at most: bounds what a kill can take back. */
#define GROUP_LIMIT 256

struct HerdWorker {
  HerdDatabase *database; /* the thread's */
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
  GError *error; /* of the batch */
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
  g_free (job);
}

/* --- transactions --- */

/* One batch within the group's transaction; its failure is its own. */
static void
apply_one (HerdWorker *worker, Job *job, GHashTable *removed)
{
  HerdDatabase *database = worker->database;

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
    apply_one (worker, jobs[i], removed);
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
    for (guint i = 0; i < group->len; i++) {
      g_clear_error (&jobs[i]->error);
      try_group (worker, &jobs[i], 1, removed);
    }
  }
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
