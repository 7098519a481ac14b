// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Reading what is not kept in memory: chains, keys, checkpoints, records. Asked for on the main
 * thread, done on the state's.
 */
#include "plugin/error.h"
#include "state/private.h"
#include "state/row.h"

typedef struct {
  HerdWork work; /* which of the reads it is */
  guint64 id;
  guint64 number;
  gboolean key; /* is the key wanted too? */
  char *name;
  GBytes *first; /* the answers */
  GBytes *second;
} Read;

static void
read_free (Read *read)
{
  g_clear_pointer (&read->first, g_bytes_unref);
  g_clear_pointer (&read->second, g_bytes_unref);
  g_free (read->name);
  g_free (read);
}

/* Opens SEALED, which is a column of "WHAT". */
static GBytes *
unseal (HerdDatabase *database, GBytes *sealed, const char *additional, const char *what,
        GError **error)
{
  g_autoptr (GError) cause = NULL;
  GBytes *plain;

  if (database->seal == NULL) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_LOCKED,
                 "%s in %s is locked: the key-encryption key is not to be had; unlock or restore "
                 "the keystore",
                 what, database->path);
    return NULL;
  }
  plain = herd_seal_unwrap (database->seal, sealed, additional, &cause);
  if (plain == NULL)
    herd_database_set_damaged (database, what, cause->message, error);
  return plain;
}

/* Steps to the one row; FALSE with an error if there is none. */
static gboolean
step_to (HerdDatabase *database, sqlite3_stmt *statement, const char *what, GError **error)
{
  int code = herd_database_step (database, statement, what, error);

  if (code == SQLITE_DONE)
    g_set_error (error, HERD_ERROR, HERD_ERROR_NOT_FOUND, "%s is not in %s", what, database->path);
  return code == SQLITE_ROW;
}

/* Ends a read: its task returns what it found. */
static void
finish (GTask *task, sqlite3_stmt *statement, GError *error)
{
  sqlite3_reset (statement);
  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
  g_object_unref (task);
}

static void
start (HerdState *state, HerdWork work, Read *read, GAsyncReadyCallback callback, gpointer data)
{
  GTask *task = g_task_new (NULL, NULL, callback, data);

  read->work = work;
  g_task_set_task_data (task, read, (GDestroyNotify) read_free);
  herd_worker_push (state->worker, work, task);
}

/* --- a generation --- */

static gboolean
take_generation (HerdDatabase *database, sqlite3_stmt *statement, Read *read, const char *what,
                 GError **error)
{
  g_autofree char *additional = herd_seal_describe ("certificate", read->id, read->number, "key");
  HerdRow row = { .database = database, .statement = statement };
  g_autoptr (GBytes) sealed = NULL;

  read->first = herd_row_take_bytes (&row);
  sealed = herd_row_take_bytes (&row);
  if (read->first == NULL || sealed == NULL)
    herd_row_set_fault (&row, "missing");
  if (!herd_row_check (&row, "The key and chain of the certificate", read->id, error))
    return FALSE;
  if (!read->key)
    return TRUE;
  read->second = unseal (database, sealed, additional, what, error);
  return read->second != NULL;
}

static void
read_generation (HerdDatabase *database, gpointer data)
{
  GTask *task = data;
  Read *read = g_task_get_task_data (task);
  g_autofree char *what = g_strdup_printf ("Generation %" G_GUINT64_FORMAT
                                           " of the certificate %" G_GUINT64_FORMAT,
                                           read->number, read->id);
  GError *error = NULL;
  sqlite3_stmt *statement = herd_database_prepare (database, HERD_STATEMENT_GET_MATERIAL, &error);

  if (statement != NULL) {
    sqlite3_bind_int64 (statement, 1, (gint64) read->id);
    sqlite3_bind_int64 (statement, 2, (gint64) read->number);
    if (step_to (database, statement, what, &error))
      take_generation (database, statement, read, what, &error);
  }
  finish (task, statement, error);
}

void
herd_state_read_generation_async (HerdState *state, guint64 certificate, guint64 number,
                                  gboolean key, GAsyncReadyCallback callback, gpointer data)
{
  Read *read = g_new0 (Read, 1);

  read->id = certificate;
  read->number = number;
  read->key = key;
  start (state, read_generation, read, callback, data);
}

gboolean
herd_state_read_generation_finish (HerdState *state, GAsyncResult *result, GBytes **chain,
                                   GBytes **key, GError **error)
{
  Read *read = g_task_get_task_data (G_TASK (result));

  g_return_val_if_fail (read->work == read_generation, FALSE);
  if (!g_task_propagate_boolean (G_TASK (result), error))
    return FALSE;
  if (chain != NULL)
    *chain = g_steal_pointer (&read->first);
  if (key != NULL)
    *key = g_steal_pointer (&read->second);
  return TRUE;
}

/* --- an operation --- */

static void
read_operation (HerdDatabase *database, gpointer data)
{
  GTask *task = data;
  Read *read = g_task_get_task_data (task);
  g_autofree char *what = g_strdup_printf ("The operation %" G_GUINT64_FORMAT, read->id);
  g_autofree char *additional = herd_seal_describe ("operation", read->id, 0, "pending-key");
  g_autoptr (GBytes) sealed = NULL;
  GError *error = NULL;
  sqlite3_stmt *statement = herd_database_prepare (database, HERD_STATEMENT_GET_OPERATION, &error);
  HerdRow row = { .database = database, .statement = statement };

  if (statement != NULL) {
    sqlite3_bind_int64 (statement, 1, (gint64) read->id);
    if (step_to (database, statement, what, &error)) {
      read->first = herd_row_take_bytes (&row);
      sealed = herd_row_take_bytes (&row);
      if (herd_row_check (&row, "The operation", read->id, &error) && sealed != NULL && read->key)
        read->second = unseal (database, sealed, additional, what, &error);
    }
  }
  finish (task, statement, error);
}

void
herd_state_read_operation_async (HerdState *state, guint64 operation, gboolean key,
                                 GAsyncReadyCallback callback, gpointer data)
{
  Read *read = g_new0 (Read, 1);

  read->id = operation;
  read->key = key;
  start (state, read_operation, read, callback, data);
}

gboolean
herd_state_read_operation_finish (HerdState *state, GAsyncResult *result, GBytes **checkpoint,
                                  GBytes **key, GError **error)
{
  Read *read = g_task_get_task_data (G_TASK (result));

  g_return_val_if_fail (read->work == read_operation, FALSE);
  if (!g_task_propagate_boolean (G_TASK (result), error))
    return FALSE;
  if (checkpoint != NULL)
    *checkpoint = g_steal_pointer (&read->first);
  if (key != NULL)
    *key = g_steal_pointer (&read->second);
  return TRUE;
}

/* --- an attempt --- */

static gboolean
take_attempt (HerdDatabase *database, sqlite3_stmt *statement, Read *read, const char *what,
              GError **error)
{
  HerdRow row = { .database = database, .statement = statement };
  guint64 operation = herd_row_take_id (&row);
  /* As it was sealed: of the operation that has made it. */
  g_autofree char *additional = herd_seal_describe ("operation", operation, 0, "pending-key");
  g_autoptr (GBytes) sealed = NULL;

  read->name = herd_row_take_text (&row);
  read->first = herd_row_take_bytes (&row);
  sealed = herd_row_take_bytes (&row);
  if (read->first == NULL || sealed == NULL)
    herd_row_set_fault (&row, "missing");
  if (!herd_row_check (&row, "An order of the certificate", read->id, error))
    return FALSE;
  read->second = unseal (database, sealed, additional, what, error);
  return read->second != NULL;
}

static void
read_attempt (HerdDatabase *database, gpointer data)
{
  GTask *task = data;
  Read *read = g_task_get_task_data (task);
  g_autofree char *what = g_strdup_printf ("The order of the issuer %" G_GUINT64_FORMAT
                                           " of the certificate %" G_GUINT64_FORMAT,
                                           read->number, read->id);
  GError *error = NULL;
  sqlite3_stmt *statement = herd_database_prepare (database, HERD_STATEMENT_GET_ATTEMPT, &error);

  if (statement != NULL) {
    sqlite3_bind_int64 (statement, 1, (gint64) read->id);
    sqlite3_bind_int64 (statement, 2, (gint64) read->number);
    if (step_to (database, statement, what, &error))
      take_attempt (database, statement, read, what, &error);
  }
  finish (task, statement, error);
}

void
herd_state_read_attempt_async (HerdState *state, guint64 certificate, guint64 issuer,
                               GAsyncReadyCallback callback, gpointer data)
{
  Read *read = g_new0 (Read, 1);

  read->id = certificate;
  read->number = issuer;
  start (state, read_attempt, read, callback, data);
}

gboolean
herd_state_read_attempt_finish (HerdState *state, GAsyncResult *result, char **wish,
                                GBytes **checkpoint, GBytes **key, GError **error)
{
  Read *read = g_task_get_task_data (G_TASK (result));

  g_return_val_if_fail (read->work == read_attempt, FALSE);
  if (!g_task_propagate_boolean (G_TASK (result), error))
    return FALSE;
  *wish = g_steal_pointer (&read->name);
  *checkpoint = g_steal_pointer (&read->first);
  *key = g_steal_pointer (&read->second);
  return TRUE;
}

/* --- a record --- */

static gboolean
take_record (HerdDatabase *database, sqlite3_stmt *statement, Read *read, const char *what,
             GError **error)
{
  g_autofree char *additional = herd_seal_describe ("record", read->id, 0, read->name);
  HerdRow row = { .database = database, .statement = statement };
  gboolean sealed = herd_row_take_integer (&row, 0, 1) != 0;
  g_autoptr (GBytes) bytes = herd_row_take_bytes (&row);

  if (bytes == NULL)
    herd_row_set_fault (&row, "missing");
  if (!herd_row_check (&row, "A record of the issuer", read->id, error))
    return FALSE;
  read->first = sealed ? unseal (database, bytes, additional, what, error)
                       : g_steal_pointer (&bytes);
  return read->first != NULL;
}

static void
read_record (HerdDatabase *database, gpointer data)
{
  GTask *task = data;
  Read *read = g_task_get_task_data (task);
  g_autofree char *what = g_strdup_printf ("The record \"%s\" of the issuer %" G_GUINT64_FORMAT,
                                           read->name, read->id);
  GError *error = NULL;
  sqlite3_stmt *statement = herd_database_prepare (database, HERD_STATEMENT_GET_RECORD, &error);

  if (statement != NULL) {
    sqlite3_bind_int64 (statement, 1, (gint64) read->id);
    sqlite3_bind_text (statement, 2, read->name, -1, SQLITE_STATIC);
    if (step_to (database, statement, what, &error))
      take_record (database, statement, read, what, &error);
    sqlite3_reset (statement);
    sqlite3_clear_bindings (statement);
  }
  finish (task, statement, error);
}

void
herd_state_read_record_async (HerdState *state, guint64 authority, const char *name,
                              GAsyncReadyCallback callback, gpointer data)
{
  Read *read = g_new0 (Read, 1);

  read->id = authority;
  read->name = g_strdup (name);
  start (state, read_record, read, callback, data);
}

GBytes *
herd_state_read_record_finish (HerdState *state, GAsyncResult *result, GError **error)
{
  Read *read = g_task_get_task_data (G_TASK (result));

  g_return_val_if_fail (read->work == read_record, NULL);
  if (!g_task_propagate_boolean (G_TASK (result), error))
    return NULL;
  return g_steal_pointer (&read->first);
}
