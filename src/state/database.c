// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Opening the database, and the few ways in which SQLite is spoken to.
 */
#include "state/database.h"

#include "plugin/error.h"

/* What to do about an error, and whose fault it is. */
static const struct {
  int code;
  HerdError error;
  const char *next_step;
} causes[] = {
  { SQLITE_FULL, HERD_ERROR_FAILED, "make room on its file system" },
  { SQLITE_READONLY, HERD_ERROR_FAILED, "let the agent's user write there" },
  { SQLITE_CANTOPEN, HERD_ERROR_FAILED, "let the agent's user read and write there" },
  { SQLITE_PERM, HERD_ERROR_FAILED, "let the agent's user read and write there" },
  { SQLITE_IOERR, HERD_ERROR_FAILED, "check the file system and its free space" },
  { SQLITE_CORRUPT, HERD_ERROR_FAILED, "the file is damaged: put a backup of it in its place" },
  { SQLITE_NOTADB, HERD_ERROR_FAILED, "the file is damaged: put a backup of it in its place" },
  { SQLITE_BUSY, HERD_ERROR_BUSY, "another process has it open: end that first" },
  { SQLITE_LOCKED, HERD_ERROR_BUSY, "another process has it open: end that first" },
};

void
herd_database_set_error (HerdDatabase *database, const char *what, GError **error)
{
  int code = sqlite3_errcode (database->connection);

  for (guint i = 0; i < G_N_ELEMENTS (causes); i++) {
    if ((code & 0xff) != causes[i].code)
      continue;
    g_set_error (error, HERD_ERROR, causes[i].error, "%s in %s: %s; %s", what, database->path,
                 sqlite3_errmsg (database->connection), causes[i].next_step);
    return;
  }
  g_set_error (error, HERD_ERROR, HERD_ERROR_FAILED, "%s in %s: %s", what, database->path,
               sqlite3_errmsg (database->connection));
}

void
herd_database_set_damaged (HerdDatabase *database, const char *what, const char *cause,
                           GError **error)
{
  g_set_error (error, HERD_ERROR, HERD_ERROR_FAILED,
               "%s in %s is damaged (%s); put a backup of the file in its place", what,
               database->path, cause);
}

gboolean
herd_database_execute (HerdDatabase *database, const char *sql, const char *what, GError **error)
{
  if (sqlite3_exec (database->connection, sql, NULL, NULL, NULL) == SQLITE_OK)
    return TRUE;
  herd_database_set_error (database, what, error);
  return FALSE;
}

gboolean
herd_database_query (HerdDatabase *database, const char *sql, gint64 *value, GError **error)
{
  sqlite3_stmt *statement = NULL;
  gboolean found = sqlite3_prepare_v2 (database->connection, sql, -1, &statement, NULL) == SQLITE_OK
                   && sqlite3_step (statement) == SQLITE_ROW;

  if (found)
    *value = sqlite3_column_int64 (statement, 0);
  else
    herd_database_set_error (database, "The state", error);
  sqlite3_finalize (statement);
  return found;
}

/* WAL with an exclusive lock needs no shared memory file, and FULL lets no commit be lost. */
static const char settings[] = "PRAGMA locking_mode = EXCLUSIVE;"
                               "PRAGMA journal_mode = WAL;"
                               "PRAGMA synchronous = FULL;"
                               "PRAGMA secure_delete = ON;"
                               "PRAGMA foreign_keys = ON;"
                               "PRAGMA trusted_schema = OFF;"
                               "PRAGMA cell_size_check = ON;"
                               "PRAGMA temp_store = MEMORY;";

HerdDatabase *
herd_database_open (const char *path, const HerdCrash *crash, GError **error)
{
  g_autoptr (HerdDatabase) database = g_new0 (HerdDatabase, 1);
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;

  database->path = g_strdup (path);
  database->crash = crash;
  if (sqlite3_open_v2 (path, &database->connection, flags, NULL) != SQLITE_OK) {
    herd_database_set_error (database, "The state", error);
    return NULL;
  }
  sqlite3_extended_result_codes (database->connection, 1);
  sqlite3_busy_timeout (database->connection, 0);
  sqlite3_db_config (database->connection, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  if (!herd_database_execute (database, settings, "The state", error))
    return NULL;
  return g_steal_pointer (&database);
}

void
herd_database_close (HerdDatabase *database)
{
  if (database == NULL)
    return;
  for (guint i = 0; i < G_N_ELEMENTS (database->statements); i++)
    sqlite3_finalize (database->statements[i]);
  sqlite3_close (database->connection);
  herd_seal_free (database->seal);
  g_free (database->path);
  g_free (database);
}

sqlite3_stmt *
herd_database_prepare (HerdDatabase *database, HerdStatement statement, GError **error)
{
  sqlite3_stmt **prepared = &database->statements[statement];
  const char *sql = herd_statement_get_sql (statement);

  if (*prepared == NULL
      && sqlite3_prepare_v3 (database->connection, sql, -1, SQLITE_PREPARE_PERSISTENT, prepared,
                             NULL)
             != SQLITE_OK) {
    herd_database_set_error (database, herd_statement_get_noun (statement), error);
    return NULL;
  }
  return *prepared;
}

int
herd_database_step (HerdDatabase *database, sqlite3_stmt *statement, const char *what,
                    GError **error)
{
  int code = sqlite3_step (statement);

  if (code != SQLITE_ROW && code != SQLITE_DONE)
    herd_database_set_error (database, what, error);
  return code;
}

gboolean
herd_database_begin (HerdDatabase *database, GError **error)
{
  return herd_database_execute (database, "BEGIN IMMEDIATE", "A change", error);
}

gboolean
herd_database_commit (HerdDatabase *database, GError **error)
{
  herd_crash_point (database->crash, "state:before-commit");
  if (!herd_database_execute (database, "COMMIT", "A change", error)) {
    herd_database_rollback (database);
    return FALSE;
  }
  __atomic_add_fetch (&database->n_commits, 1, __ATOMIC_RELAXED);
  herd_crash_point (database->crash, "state:committed");
  return TRUE;
}

void
herd_database_rollback (HerdDatabase *database)
{
  if (herd_database_in_transaction (database))
    sqlite3_exec (database->connection, "ROLLBACK", NULL, NULL, NULL);
}

gboolean
herd_database_in_transaction (HerdDatabase *database)
{
  return !sqlite3_get_autocommit (database->connection);
}
