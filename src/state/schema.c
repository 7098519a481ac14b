// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The schema, and the machinery that makes, checks and upgrades a database.
 *
 * What is needed at the start (facts, states) stands apart from what is large or secret (chains,
 * keys, checkpoints at the end of a row): SQLite reads neither then.
 */
#include "state/schema.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugin/error.h"

/* Of version 3. */
#define RENEWAL_INFO_TABLE                                                                         \
  "CREATE TABLE renewal_info ("                                                                    \
  " certificate INTEGER PRIMARY KEY REFERENCES certificates ON DELETE CASCADE,"                    \
  " generation INTEGER NOT NULL, window_start INTEGER NOT NULL, window_end INTEGER NOT NULL,"      \
  " pick INTEGER NOT NULL, floor INTEGER NOT NULL, asked_at INTEGER NOT NULL,"                     \
  " ask_at INTEGER NOT NULL, account TEXT NOT NULL, explanation_url TEXT NOT NULL,"                \
  " problem TEXT NOT NULL) STRICT;"
#define BACKOFFS_TABLE                                                                             \
  "CREATE TABLE backoffs ("                                                                        \
  " certificate INTEGER NOT NULL REFERENCES certificates ON DELETE CASCADE,"                       \
  " issuer INTEGER NOT NULL, failures INTEGER NOT NULL, retry_at INTEGER NOT NULL,"                \
  " rehearse INTEGER NOT NULL, error TEXT NOT NULL, message TEXT NOT NULL,"                        \
  " PRIMARY KEY (certificate, issuer)) STRICT, WITHOUT ROWID;"
#define LEDGER_TABLE                                                                               \
  "CREATE TABLE ledger (authority INTEGER NOT NULL, directory TEXT NOT NULL, name TEXT NOT NULL,"  \
  " subject TEXT NOT NULL, full_at INTEGER NOT NULL,"                                              \
  " PRIMARY KEY (authority, directory, name, subject)) STRICT, WITHOUT ROWID;"
#define ATTEMPTS_TABLE                                                                             \
  "CREATE TABLE attempts ("                                                                        \
  " certificate INTEGER NOT NULL REFERENCES certificates ON DELETE CASCADE,"                       \
  " issuer INTEGER NOT NULL, operation INTEGER NOT NULL, wish TEXT NOT NULL,"                      \
  " checkpoint BLOB NOT NULL, pending_key BLOB NOT NULL,"                                          \
  " PRIMARY KEY (certificate, issuer)) STRICT, WITHOUT ROWID;"

static const char schema_sql[] =
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE authorities (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
    " kind TEXT NOT NULL, from_file INTEGER NOT NULL, retired INTEGER NOT NULL,"
    " settings BLOB NOT NULL, created INTEGER NOT NULL) STRICT;"
    "CREATE TABLE records (authority INTEGER NOT NULL REFERENCES authorities ON DELETE CASCADE,"
    " name TEXT NOT NULL, sealed INTEGER NOT NULL, bytes BLOB NOT NULL,"
    " PRIMARY KEY (authority, name)) STRICT;"
    "CREATE TABLE certificates (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
    " owner INTEGER NOT NULL, origin INTEGER NOT NULL, retired INTEGER NOT NULL,"
    " spec BLOB NOT NULL, created INTEGER NOT NULL, current INTEGER NOT NULL,"
    " renew_at INTEGER NOT NULL, action INTEGER NOT NULL, action_time INTEGER NOT NULL,"
    " action_reason TEXT NOT NULL, failures INTEGER NOT NULL, retry_at INTEGER NOT NULL,"
    " last_error TEXT NOT NULL, last_error_message TEXT NOT NULL,"
    " last_error_time INTEGER NOT NULL) STRICT;"
    "CREATE TABLE numbers (name TEXT PRIMARY KEY, last INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE generations ("
    " certificate INTEGER NOT NULL REFERENCES certificates ON DELETE CASCADE,"
    " number INTEGER NOT NULL, issuer INTEGER NOT NULL, created INTEGER NOT NULL,"
    " rejected INTEGER NOT NULL, not_before INTEGER NOT NULL, not_after INTEGER NOT NULL,"
    " serial TEXT NOT NULL, fingerprint TEXT NOT NULL, issued_by TEXT NOT NULL,"
    " identifiers TEXT NOT NULL, revoked INTEGER NOT NULL DEFAULT 0,"
    " PRIMARY KEY (certificate, number)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE materials (certificate INTEGER NOT NULL, number INTEGER NOT NULL,"
    " chain BLOB NOT NULL, key BLOB NOT NULL, PRIMARY KEY (certificate, number),"
    " FOREIGN KEY (certificate, number) REFERENCES generations ON DELETE CASCADE) STRICT;"
    "CREATE TABLE deliveries ("
    " certificate INTEGER NOT NULL REFERENCES certificates ON DELETE CASCADE,"
    " target TEXT NOT NULL, state INTEGER NOT NULL, wanted INTEGER NOT NULL,"
    " applied INTEGER NOT NULL, proved INTEGER NOT NULL, since INTEGER NOT NULL,"
    " attempts INTEGER NOT NULL, retry_at INTEGER NOT NULL, message TEXT NOT NULL,"
    " PRIMARY KEY (certificate, target)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE operations (id INTEGER PRIMARY KEY, kind TEXT NOT NULL,"
    " certificate INTEGER NOT NULL, issuer INTEGER NOT NULL, starter INTEGER NOT NULL,"
    " state INTEGER NOT NULL, step TEXT NOT NULL, progress REAL NOT NULL,"
    " steps BLOB NOT NULL, error TEXT NOT NULL, error_message TEXT NOT NULL,"
    " generation INTEGER NOT NULL, options BLOB NOT NULL, started INTEGER NOT NULL,"
    " ended INTEGER NOT NULL, findings BLOB NOT NULL DEFAULT x'', checkpoint BLOB,"
    " pending_key BLOB) STRICT;"
    "CREATE INDEX operations_certificate ON operations (certificate);"
    "CREATE TABLE withdrawals (certificate INTEGER NOT NULL, name TEXT NOT NULL,"
    " target TEXT NOT NULL, PRIMARY KEY (certificate, target)) STRICT, WITHOUT "
    "ROWID;" RENEWAL_INFO_TABLE BACKOFFS_TABLE LEDGER_TABLE ATTEMPTS_TABLE;

/* No version before the first one was ever released. */
static const HerdUpgrade upgrades[] = {
  { 1, "ALTER TABLE operations ADD COLUMN findings BLOB NOT NULL DEFAULT x''" },
  { 2, ("ALTER TABLE generations ADD COLUMN revoked INTEGER NOT NULL DEFAULT 0;" RENEWAL_INFO_TABLE
            BACKOFFS_TABLE LEDGER_TABLE ATTEMPTS_TABLE) },
  { 0, NULL },
};

const HerdSchema *
herd_schema_get (void)
{
  static const HerdSchema schema = { 3, schema_sql, upgrades };

  return &schema;
}

static gboolean
fail (const char *what, const char *path, GError **error)
{
  int saved = errno;

  g_set_error (error, HERD_ERROR, HERD_ERROR_FAILED,
               "Cannot %s %s: %s; let the agent's user write there, and see that there is room",
               what, path, g_strerror (saved));
  return FALSE;
}

/* An empty file that nobody else may read, whatever the umask. */
static gboolean
create_file (const char *path, GError **error)
{
  int fd;

  if (unlink (path) < 0 && errno != ENOENT)
    return fail ("replace", path, error);
  fd = open (path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0)
    return fail ("create", path, error);
  close (fd);
  return TRUE;
}

/* Makes PATH and its name in the folder lasting. */
static gboolean
sync_path (const char *path, int flags, GError **error)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC | flags);
  gboolean ok = fd >= 0 && fsync (fd) == 0;

  if (!ok)
    fail ("write", path, error);
  if (fd >= 0)
    close (fd);
  return ok;
}

static gboolean
rename_lasting (const char *from, const char *to, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (to);

  if (!sync_path (from, 0, error))
    return FALSE;
  if (rename (from, to) < 0)
    return fail ("create", to, error);
  return sync_path (folder, O_DIRECTORY, error);
}

/* Runs SQL and writes VERSION, as one transaction. */
static gboolean
apply (HerdDatabase *database, const char *sql, int version, GError **error)
{
  g_autofree char *pragma = g_strdup_printf ("PRAGMA user_version = %d", version);

  if (!herd_database_begin (database, error))
    return FALSE;
  if (herd_database_execute (database, sql, "The schema", error)
      && herd_database_execute (database, pragma, "The schema", error))
    return herd_database_commit (database, error);
  herd_database_rollback (database);
  return FALSE;
}

gboolean
herd_schema_create (const HerdSchema *schema, const char *path, GError **error)
{
  g_autofree char *temporary = g_strconcat (path, ".new", NULL);
  g_autofree char *journal = g_strconcat (temporary, "-wal", NULL);
  HerdDatabase *database;
  gboolean ok;

  if (unlink (journal) < 0 && errno != ENOENT)
    return fail ("replace", journal, error);
  if (!create_file (temporary, error))
    return FALSE;
  database = herd_database_open (temporary, NULL, error);
  if (database == NULL)
    return FALSE;
  ok = apply (database, schema->sql, schema->version, error);
  /* Closing moves what is in the journal into the file. */
  herd_database_close (database);
  return ok && rename_lasting (temporary, path, error);
}

static char *
get_copy_path (HerdDatabase *database, int version)
{
  return g_strdup_printf ("%s.v%d", database->path, version);
}

/* A whole copy; a half one never has the name. */
static gboolean
copy (HerdDatabase *database, int version, GError **error)
{
  g_autofree char *path = get_copy_path (database, version);
  g_autofree char *temporary = g_strconcat (path, ".new", NULL);
  char *sql;
  gboolean ok;

  if (!create_file (temporary, error))
    return FALSE;
  sql = sqlite3_mprintf ("VACUUM INTO %Q", temporary);
  ok = herd_database_execute (database, sql, "The copy of the state", error);
  sqlite3_free (sql);
  return ok && rename_lasting (temporary, path, error);
}

static const HerdUpgrade *
find_upgrade (const HerdSchema *schema, int version)
{
  for (const HerdUpgrade *step = schema->upgrades; step->sql != NULL; step++) {
    if (step->from == version)
      return step;
  }
  return NULL;
}

static gboolean
has_way (const HerdSchema *schema, HerdDatabase *database, int version, GError **error)
{
  for (int from = version; from < schema->version; from++) {
    if (find_upgrade (schema, from) != NULL)
      continue;
    g_set_error (error, HERD_ERROR, HERD_ERROR_REFUSED,
                 "%s has the schema of version %d, from which no way leads to version %d; put a "
                 "backup in its place, or move it away to start anew",
                 database->path, version, schema->version);
    return FALSE;
  }
  return TRUE;
}

/* Each step is a transaction with its version, so that one that was cut short goes on there. */
static gboolean
upgrade (const HerdSchema *schema, HerdDatabase *database, int version, GError **error)
{
  for (int from = version; from < schema->version; from++) {
    if (!apply (database, find_upgrade (schema, from)->sql, from + 1, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
refuse_newer (const HerdSchema *schema, HerdDatabase *database, int version, GError **error)
{
  for (int older = schema->version; older > 0; older--) {
    g_autofree char *path = get_copy_path (database, older);

    if (!g_file_test (path, G_FILE_TEST_IS_REGULAR))
      continue;
    g_set_error (error, HERD_ERROR, HERD_ERROR_REFUSED,
                 "%s was written by a newer certherd (schema version %d, this one knows %d); "
                 "install that one, or put the copy made before the upgrade in its place: %s",
                 database->path, version, schema->version, path);
    return FALSE;
  }
  g_set_error (error, HERD_ERROR, HERD_ERROR_REFUSED,
               "%s was written by a newer certherd (schema version %d, this one knows %d); "
               "install that one, or put a backup in its place",
               database->path, version, schema->version);
  return FALSE;
}

gboolean
herd_schema_prepare (const HerdSchema *schema, HerdDatabase *database, GError **error)
{
  gint64 version;

  if (!herd_database_query (database, "PRAGMA user_version", &version, error))
    return FALSE;
  if (version > schema->version)
    return refuse_newer (schema, database, (int) version, error);
  if (version == schema->version)
    return TRUE;
  return has_way (schema, database, (int) version, error) && copy (database, (int) version, error)
         && upgrade (schema, database, (int) version, error);
}
