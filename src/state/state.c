// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Opening and closing the state, its ids, its lock, and the way of a batch to the thread.
 */
#include "state/state.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugin/error.h"
#include "state/batch.h"
#include "state/folder.h"
#include "state/load.h"
#include "state/meta.h"
#include "state/private.h"
#include "state/schema.h"

/* Ids are reserved on disk in blocks, so that giving one costs no commit. */
#define ID_BLOCK 256

/* --- opening --- */

/* The smallest page that SQLite knows: what is shorter it takes for an empty database. */
#define SMALLEST 512

/* A whole file is made under another name, so an empty one was never ours; and a journal without
 * its file is what is left of a state. Neither may lead to a new state, and so to new keys. */
static gboolean
check_file (const char *path, gboolean *exists, GError **error)
{
  g_autofree char *journal = g_strconcat (path, "-wal", NULL);
  struct stat status;

  if (stat (path, &status) == 0) {
    *exists = TRUE;
    if (!S_ISREG (status.st_mode) || status.st_size < SMALLEST) {
      g_set_error (error, HERD_ERROR, HERD_ERROR_FAILED,
                   "%s is damaged (it is %s); put a backup of the file in its place", path,
                   S_ISREG (status.st_mode) ? "cut short" : "not a file");
      return FALSE;
    }
    return TRUE;
  }
  if (errno != ENOENT) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_FAILED,
                 "Cannot look at %s: %s; let the agent's user read it", path, g_strerror (errno));
    return FALSE;
  }
  *exists = FALSE;
  if (stat (journal, &status) == 0 && status.st_size > 0) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_FAILED,
                 "%s is missing, but its journal is there; put a backup of the file in its place, "
                 "or take %s away to start anew",
                 path, journal);
    return FALSE;
  }
  return TRUE;
}

/* Everything in it is for the agent's user alone, whatever somebody did to the file. */
static gboolean
tighten (const char *path, GError **error)
{
  struct stat status;

  if (stat (path, &status) == 0 && (status.st_mode & 0077) == 0)
    return TRUE;
  if (chmod (path, 0600) == 0)
    return TRUE;
  g_set_error (error, HERD_ERROR, HERD_ERROR_FAILED,
               "Others may read %s, and that cannot be changed: %s; give it to the agent's user",
               path, g_strerror (errno));
  return FALSE;
}

/* Finds a table or a column that is missing now, and not in the middle of an issuance. */
static gboolean
prepare_all (HerdDatabase *database, GError **error)
{
  for (HerdStatement i = 0; i < HERD_N_STATEMENTS; i++) {
    if (herd_database_prepare (database, i, error) == NULL)
      return FALSE;
  }
  return TRUE;
}

static HerdDatabase *
open_database (const char *directory, const HerdSchema *schema, const HerdCrash *crash,
               GError **error)
{
  g_autofree char *path = g_build_filename (directory, "state.db", NULL);
  g_autoptr (HerdDatabase) database = NULL;
  gboolean exists;

  if (!check_file (path, &exists, error))
    return NULL;
  if (!exists && !herd_schema_create (schema, path, error))
    return NULL;
  if (!tighten (path, error))
    return NULL;
  database = herd_database_open (path, crash, error);
  if (database == NULL || !herd_schema_prepare (schema, database, error)
      || !prepare_all (database, error))
    return NULL;
  return g_steal_pointer (&database);
}

/* What the main thread has to know of the file. */
static gboolean
look_around (HerdState *state, HerdDatabase *database, GHashTable *removed, GError **error)
{
  if (!herd_meta_get_ids (database, &state->next_id, error)
      || !herd_meta_has_sealed (database, &state->has_kek, error)
      || !herd_numbers_load (database, removed, error))
    return FALSE;
  state->bound = state->next_id + ID_BLOCK;
  return herd_meta_put_ids (database, state->bound, error);
}

HerdState *
herd_state_open_schema (const char *directory, const HerdSchema *schema, const HerdCrash *crash,
                        GError **error)
{
  g_autoptr (HerdState) state = g_new0 (HerdState, 1);
  g_autoptr (HerdDatabase) database = NULL;
  g_autoptr (GHashTable) removed = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);

  state->lock = -1;
  if (!herd_folder_create (directory, error))
    return NULL;
  state->lock = herd_folder_lock (directory, error);
  if (state->lock < 0)
    return NULL;
  database = open_database (directory, schema, crash, error);
  if (database == NULL || !look_around (state, database, removed, error))
    return NULL;
  state->worker = herd_worker_new (g_steal_pointer (&database), g_steal_pointer (&removed));
  return g_steal_pointer (&state);
}

HerdState *
herd_state_open (const char *directory, const HerdCrash *crash, GError **error)
{
  return herd_state_open_schema (directory, herd_schema_get (), crash, error);
}

/* Gives the rest of the block back: a restart leaves no gap. */
static void
release_ids (HerdDatabase *database, gpointer data)
{
  const guint64 *next = data;

  herd_meta_put_ids (database, *next, NULL);
}

void
herd_state_close (HerdState *state)
{
  if (state == NULL)
    return;
  if (state->worker != NULL)
    herd_worker_call (state->worker, release_ids, &state->next_id);
  herd_worker_free (state->worker);
  if (state->lock >= 0)
    close (state->lock);
  g_free (state);
}

/* --- loading --- */

typedef struct {
  HerdStateContents *contents;
  GError *error;
} Load;

static void
load (HerdDatabase *database, gpointer data)
{
  Load *answer = data;

  answer->contents = herd_contents_load (database, &answer->error);
}

HerdStateContents *
herd_state_load (HerdState *state, GError **error)
{
  Load answer = { NULL, NULL };

  herd_worker_call (state->worker, load, &answer);
  if (answer.contents == NULL)
    g_propagate_error (error, answer.error);
  return answer.contents;
}

/* --- the key-encryption key --- */

typedef struct {
  GBytes *kek;
  gboolean ok;
  GError *error;
} Unlock;

static void
unlock (HerdDatabase *database, gpointer data)
{
  Unlock *answer = data;

  answer->ok = herd_meta_unlock (database, answer->kek, &answer->error);
}

gboolean
herd_state_has_kek (HerdState *state)
{
  return state->has_kek;
}

gboolean
herd_state_unlock (HerdState *state, GBytes *kek, GError **error)
{
  Unlock answer = { kek, FALSE, NULL };

  herd_worker_call (state->worker, unlock, &answer);
  if (!answer.ok) {
    g_propagate_error (error, answer.error);
    return FALSE;
  }
  state->has_kek = TRUE;
  state->is_unlocked = TRUE;
  return TRUE;
}

gboolean
herd_state_is_locked (HerdState *state)
{
  return !state->is_unlocked;
}

/* --- ids --- */

static void
reserve (HerdDatabase *database, gpointer data)
{
  HerdState *state = data;
  guint64 bound = __atomic_load_n (&state->bound, __ATOMIC_ACQUIRE) + ID_BLOCK;
  g_autoptr (GError) error = NULL;

  if (herd_meta_put_ids (database, bound, &error))
    __atomic_store_n (&state->bound, bound, __ATOMIC_RELEASE);
  else
    g_warning ("No ids could be reserved: %s", error->message);
  __atomic_store_n (&state->is_reserving, FALSE, __ATOMIC_RELEASE);
}

guint64
herd_state_new_id (HerdState *state)
{
  guint64 bound = __atomic_load_n (&state->bound, __ATOMIC_ACQUIRE);

  /* In time, so that nobody has to wait. Where the disk is full ids go on without a reserve: what
   * they are for cannot be saved then either, and it is tried again with the next one. */
  if (state->next_id >= bound) {
    herd_worker_call (state->worker, reserve, state);
  } else if (state->next_id + ID_BLOCK / 2 >= bound
             && !__atomic_exchange_n (&state->is_reserving, TRUE, __ATOMIC_ACQ_REL)) {
    herd_worker_push (state->worker, reserve, state);
  }
  return state->next_id++;
}

guint64
herd_state_get_last_number (HerdState *state, const char *name)
{
  return herd_worker_get_removed (state->worker, name);
}

/* --- changes --- */

void
herd_state_commit_async (HerdState *state, HerdBatch *batch, GAsyncReadyCallback callback,
                         gpointer data)
{
  GTask *task = g_task_new (NULL, NULL, callback, data);

  herd_worker_commit (state->worker, batch, task);
}

gboolean
herd_state_commit_finish (HerdState *state, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

void
herd_state_change_async (HerdState *state, HerdBatch *batch, GAsyncReadyCallback callback,
                         gpointer data)
{
  batch->undone = TRUE;
  herd_state_commit_async (state, batch, callback, data);
}

gboolean
herd_state_change_finish (HerdState *state, GAsyncResult *result, HerdStateUndo undo, gpointer data,
                          GError **error)
{
  HerdUndone *undone = g_task_get_task_data (G_TASK (result));

  if (g_task_propagate_boolean (G_TASK (result), error))
    return TRUE;
  /* Rows that nobody knows stay closed: nothing may be built on them before the next start. */
  if (undone == NULL || undone->contents == NULL)
    return FALSE;
  undo (undone->ids, undone->contents, data);
  herd_worker_reopen (state->worker, g_array_ref (undone->ids));
  return FALSE;
}

guint64
herd_state_get_n_commits (HerdState *state)
{
  return herd_worker_get_n_commits (state->worker);
}
