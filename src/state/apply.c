// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Doing what a batch says. State's thread.
 */
#include "plugin/error.h"
#include "state/batch.h"

static gboolean
bind_bytes (sqlite3_stmt *statement, int index, GBytes *bytes)
{
  gsize size;
  gconstpointer data = g_bytes_get_data (bytes, &size);

  /* No bytes are a blob of length 0, not NULL. */
  return sqlite3_bind_blob64 (statement, index, data != NULL ? data : "", size, SQLITE_TRANSIENT)
         == SQLITE_OK;
}

static gboolean
bind_sealed (HerdDatabase *database, sqlite3_stmt *statement, int index, const HerdValue *value,
             GError **error)
{
  g_autoptr (GBytes) sealed = NULL;

  if (database->seal == NULL) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_LOCKED,
                 "%s is locked, and a key was to be saved: the key-encryption key is not to be had",
                 database->path);
    return FALSE;
  }
  sealed = herd_seal_wrap (database->seal, value->bytes, value->text, error);
  return sealed != NULL && bind_bytes (statement, index, sealed);
}

static gboolean
bind_value (HerdDatabase *database, sqlite3_stmt *statement, int index, const HerdValue *value,
            GError **error)
{
  switch (value->kind) {
  case HERD_VALUE_INTEGER:
    return sqlite3_bind_int64 (statement, index, value->integer) == SQLITE_OK;
  case HERD_VALUE_REAL:
    return sqlite3_bind_double (statement, index, value->real) == SQLITE_OK;
  case HERD_VALUE_TEXT:
    return sqlite3_bind_text (statement, index, value->text, -1, SQLITE_STATIC) == SQLITE_OK;
  case HERD_VALUE_BYTES:
    return bind_bytes (statement, index, value->bytes);
  case HERD_VALUE_SEALED:
    return bind_sealed (database, statement, index, value, error);
  }
  return FALSE;
}

/* "The certificate 17": the first value of every change is an id. */
static char *
describe (HerdStatement statement, const HerdValue *values, guint n_values)
{
  const char *noun = herd_statement_get_noun (statement);

  if (n_values > 0 && values[0].kind == HERD_VALUE_INTEGER)
    return g_strdup_printf ("%s %" G_GINT64_FORMAT, noun, values[0].integer);
  return g_strdup (noun);
}

static gboolean
run (HerdDatabase *database, HerdStatement number, const HerdValue *values, guint n_values,
     GError **error)
{
  sqlite3_stmt *statement = herd_database_prepare (database, number, error);
  g_autofree char *what = describe (number, values, n_values);
  GError *bound = NULL;
  gboolean ok = statement != NULL;

  for (guint i = 0; ok && i < n_values; i++)
    ok = bind_value (database, statement, (int) i + 1, &values[i], &bound);
  if (ok)
    ok = herd_database_step (database, statement, what, error) == SQLITE_DONE;
  else if (bound != NULL)
    g_propagate_error (error, bound);
  else if (statement != NULL)
    herd_database_set_error (database, what, error);
  if (ok && herd_statement_must_change (number) && sqlite3_changes (database->connection) == 0) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_NOT_FOUND, "%s is not in %s", what, database->path);
    ok = FALSE;
  }
  if (statement != NULL) {
    sqlite3_reset (statement);
    /* What was bound may be a key. */
    sqlite3_clear_bindings (statement);
  }
  return ok;
}

/* Before a certificate goes, what its name's last number is. */
static gboolean
note_number (HerdDatabase *database, gint64 id, GHashTable *removed, GError **error)
{
  sqlite3_stmt *statement = herd_database_prepare (database, HERD_STATEMENT_GET_NUMBER, error);
  int code;

  if (statement == NULL)
    return FALSE;
  sqlite3_bind_int64 (statement, 1, id);
  code = herd_database_step (database, statement, "The last number of the certificate", error);
  if (code == SQLITE_ROW) {
    const char *name = (const char *) sqlite3_column_text (statement, 0);
    gint64 last = sqlite3_column_int64 (statement, 1);

    if (name != NULL)
      g_hash_table_insert (removed, g_strdup (name), g_memdup2 (&last, sizeof last));
  }
  sqlite3_reset (statement);
  return code == SQLITE_ROW || code == SQLITE_DONE;
}

gboolean
herd_batch_apply (HerdBatch *batch, HerdDatabase *database, GHashTable *removed, GError **error)
{
  const HerdValue *values = (const HerdValue *) (gpointer) batch->values->data;

  for (guint i = 0; i < batch->changes->len; i++) {
    const HerdChange *change = &g_array_index (batch->changes, HerdChange, i);
    guint end = i + 1 < batch->changes->len
                    ? g_array_index (batch->changes, HerdChange, i + 1).first
                    : batch->values->len;

    if (change->statement == HERD_STATEMENT_DELETE_CERTIFICATE
        && !note_number (database, values[change->first].integer, removed, error))
      return FALSE;
    if (!run (database, change->statement, values + change->first, end - change->first, error))
      return FALSE;
  }
  return TRUE;
}
