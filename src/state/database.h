// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The database: one connection, its prepared statements and the seal, with SQLite's results turned
 * into errors of ours. Private to src/state, which is the only place with <sqlite3.h>. Made on the
 * main thread, from then on used by the state's thread only.
 */
#pragma once

#include <glib.h>
#include <sqlite3.h>

#include "crypto/seal.h"
#include "state/statements.h"
#include "util/crash.h"

G_BEGIN_DECLS

typedef struct {
  sqlite3 *connection;
  char *path; /* of the file, for messages */
  sqlite3_stmt *statements[HERD_N_STATEMENTS];
  HerdSeal *seal; /* NULL: locked */
  const HerdCrash *crash;
  guint64 n_commits; /* atomic: read by the main thread */
} HerdDatabase;

/* Opens the file PATH, which is there, for this process only. Errors: HERD_ERROR_FAILED (damaged,
 * not a database, not readable or writable), HERD_ERROR_BUSY. */
HerdDatabase *herd_database_open (const char *path, const HerdCrash *crash, GError **error);
void herd_database_close (HerdDatabase *database);

/* Runs SQL without results. WHAT is the thing that errors name. */
gboolean herd_database_execute (HerdDatabase *database, const char *sql, const char *what,
                                GError **error);
/* The integer that SQL gives, or FALSE. */
gboolean herd_database_query (HerdDatabase *database, const char *sql, gint64 *value,
                              GError **error);

/* The prepared statement, without bindings. It is to be reset after its use. */
sqlite3_stmt *herd_database_prepare (HerdDatabase *database, HerdStatement statement,
                                     GError **error);
/* One step: SQLITE_ROW, SQLITE_DONE, or anything else with ERROR. */
int herd_database_step (HerdDatabase *database, sqlite3_stmt *statement, const char *what,
                        GError **error);

/* A transaction. commit rolls back where it fails, and counts where it does not. */
gboolean herd_database_begin (HerdDatabase *database, GError **error);
gboolean herd_database_commit (HerdDatabase *database, GError **error);
void herd_database_rollback (HerdDatabase *database);
/* SQLite ends the whole transaction by itself after some errors (a full disk). */
gboolean herd_database_in_transaction (HerdDatabase *database);

/* An error from what SQLite says now: what it was about, the file, the cause, the next step. */
void herd_database_set_error (HerdDatabase *database, const char *what, GError **error);
/* The one for a row that is not as it was written. */
void herd_database_set_damaged (HerdDatabase *database, const char *what, const char *cause,
                                GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdDatabase, herd_database_close)

G_END_DECLS
