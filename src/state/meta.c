// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Ids and the check record. The check record is a known text, sealed: it opens with the right
 * key-encryption key only, so that a wrong one is told from a damaged row. Where the check record
 * itself is gone or damaged, any sealed row that opens proves the key as well.
 */
#include "state/meta.h"

#include <string.h>

#include "plugin/error.h"
#include "state/batch.h"
#include "state/row.h"

#define IDS "ids"
#define CHECK "kek-check"
#define CHECK_TEXT "certherd"

/* The statement that reads NAME, at its row; NULL without an error if there is none. */
static sqlite3_stmt *
find (HerdDatabase *database, const char *name, GError **error)
{
  sqlite3_stmt *statement = herd_database_prepare (database, HERD_STATEMENT_GET_META, error);

  if (statement == NULL)
    return NULL;
  sqlite3_bind_text (statement, 1, name, -1, SQLITE_STATIC);
  if (herd_database_step (database, statement, "The state", error) == SQLITE_ROW)
    return statement;
  sqlite3_reset (statement);
  return NULL;
}

/* Writes the value that is bound already, in a transaction of its own. */
static gboolean
put (HerdDatabase *database, sqlite3_stmt *statement, const char *name, GError **error)
{
  gboolean ok = herd_database_begin (database, error);

  if (ok) {
    sqlite3_bind_text (statement, 1, name, -1, SQLITE_STATIC);
    ok = herd_database_step (database, statement, "The state", error) == SQLITE_DONE;
  }
  sqlite3_reset (statement);
  sqlite3_clear_bindings (statement);
  if (ok)
    return herd_database_commit (database, error);
  herd_database_rollback (database);
  return FALSE;
}

gboolean
herd_meta_get_ids (HerdDatabase *database, guint64 *bound, GError **error)
{
  g_autoptr (GError) failure = NULL;
  sqlite3_stmt *statement = find (database, IDS, &failure);
  HerdRow row = { .database = database, .statement = statement };
  gboolean ok;

  if (statement == NULL) {
    if (failure == NULL)
      *bound = 1;
    else
      g_propagate_error (error, g_steal_pointer (&failure));
    return failure == NULL && *bound == 1;
  }
  *bound = (guint64) herd_row_take_integer (&row, 1, G_MAXINT64);
  ok = herd_row_check (&row, "The reserve of ids", *bound, error);
  sqlite3_reset (statement);
  return ok;
}

gboolean
herd_meta_put_ids (HerdDatabase *database, guint64 bound, GError **error)
{
  sqlite3_stmt *statement = herd_database_prepare (database, HERD_STATEMENT_PUT_META, error);

  if (statement == NULL)
    return FALSE;
  sqlite3_bind_int64 (statement, 2, (gint64) bound);
  return put (database, statement, IDS, error);
}

/* --- the key-encryption key --- */

typedef enum {
  WITNESS_NONE, /* there is nothing that could tell */
  WITNESS_FOR,  /* something opens */
  WITNESS_AGAINST,
} Witness;

static Witness
ask_check (HerdDatabase *database, HerdSeal *seal, GError **error)
{
  g_autofree char *additional = herd_seal_describe ("meta", 0, 0, CHECK);
  g_autoptr (GBytes) sealed = NULL;
  g_autoptr (GBytes) plain = NULL;
  sqlite3_stmt *statement = find (database, CHECK, error);
  HerdRow row = { .database = database, .statement = statement };

  if (statement == NULL)
    return WITNESS_NONE;
  sealed = herd_row_take_bytes (&row);
  sqlite3_reset (statement);
  plain = sealed != NULL ? herd_seal_unwrap (seal, sealed, additional, NULL) : NULL;
  return plain != NULL ? WITNESS_FOR : WITNESS_AGAINST;
}

static Witness
ask_rows (HerdDatabase *database, HerdSeal *seal, HerdStatement sample, const char *kind,
          GError **error)
{
  sqlite3_stmt *statement = herd_database_prepare (database, sample, error);
  const char *noun = herd_statement_get_noun (sample);
  Witness witness = WITNESS_NONE;

  while (statement != NULL && witness != WITNESS_FOR
         && herd_database_step (database, statement, noun, error) == SQLITE_ROW) {
    HerdRow row = { .database = database, .statement = statement };
    guint64 id = herd_row_take_id (&row);
    guint64 generation = herd_row_take_id (&row);
    g_autofree char *field = herd_row_take_text (&row);
    g_autoptr (GBytes) sealed = herd_row_take_bytes (&row);
    g_autofree char *additional = herd_seal_describe (kind, id, generation, field);
    g_autoptr (GBytes) plain = NULL;

    if (seal != NULL && sealed != NULL)
      plain = herd_seal_unwrap (seal, sealed, additional, NULL);
    witness = plain != NULL ? WITNESS_FOR : WITNESS_AGAINST;
  }
  sqlite3_reset (statement);
  return witness;
}

/* What sealed rows say. SEAL NULL: only whether there are any. */
static Witness
ask_all_rows (HerdDatabase *database, HerdSeal *seal, GError **error)
{
  static const struct {
    HerdStatement sample;
    const char *kind;
  } samples[] = {
    { HERD_STATEMENT_SAMPLE_RECORDS, "record" },
    { HERD_STATEMENT_SAMPLE_MATERIALS, "certificate" },
    { HERD_STATEMENT_SAMPLE_OPERATIONS, "operation" },
    { HERD_STATEMENT_SAMPLE_ATTEMPTS, "operation" },
  };
  Witness witness = WITNESS_NONE;

  for (guint i = 0; witness != WITNESS_FOR && i < G_N_ELEMENTS (samples); i++) {
    Witness answer = ask_rows (database, seal, samples[i].sample, samples[i].kind, error);

    if (answer != WITNESS_NONE)
      witness = answer;
  }
  return witness;
}

gboolean
herd_meta_has_sealed (HerdDatabase *database, gboolean *sealed, GError **error)
{
  GError *failure = NULL;
  sqlite3_stmt *statement = find (database, CHECK, &failure);
  gboolean found = statement != NULL;

  sqlite3_reset (statement);
  if (!found && failure == NULL)
    found = ask_all_rows (database, NULL, &failure) != WITNESS_NONE;
  if (failure != NULL) {
    g_propagate_error (error, failure);
    return FALSE;
  }
  *sealed = found;
  return TRUE;
}

static gboolean
write_check (HerdDatabase *database, HerdSeal *seal, GError **error)
{
  g_autofree char *additional = herd_seal_describe ("meta", 0, 0, CHECK);
  g_autoptr (GBytes) plain = g_bytes_new_static (CHECK_TEXT, strlen (CHECK_TEXT));
  g_autoptr (GBytes) sealed = herd_seal_wrap (seal, plain, additional, error);
  sqlite3_stmt *statement;

  if (sealed == NULL)
    return FALSE;
  statement = herd_database_prepare (database, HERD_STATEMENT_PUT_META, error);
  if (statement == NULL)
    return FALSE;
  sqlite3_bind_blob64 (statement, 2, g_bytes_get_data (sealed, NULL), g_bytes_get_size (sealed),
                       SQLITE_TRANSIENT);
  return put (database, statement, CHECK, error);
}

static void
refuse (HerdDatabase *database, GError **error)
{
  g_set_error (error, HERD_ERROR, HERD_ERROR_REFUSED,
               "%s was sealed under another key-encryption key: nothing in it opens with this one; "
               "put the right key back where the keystore has it, or put the backup in place that "
               "belongs to this one",
               database->path);
}

gboolean
herd_meta_unlock (HerdDatabase *database, GBytes *kek, GError **error)
{
  g_autoptr (HerdSeal) seal = herd_seal_new (kek, error);
  GError *failure = NULL;
  Witness check, rows = WITNESS_NONE;

  if (seal == NULL)
    return FALSE;
  check = ask_check (database, seal, &failure);
  if (failure == NULL && check != WITNESS_FOR)
    rows = ask_all_rows (database, seal, &failure);
  if (failure != NULL) {
    g_propagate_error (error, failure);
    return FALSE;
  }
  if (check != WITNESS_FOR && rows != WITNESS_FOR
      && (check == WITNESS_AGAINST || rows == WITNESS_AGAINST)) {
    refuse (database, error);
    return FALSE;
  }
  if (check != WITNESS_FOR && !write_check (database, seal, error))
    return FALSE;
  g_clear_pointer (&database->seal, herd_seal_free);
  database->seal = g_steal_pointer (&seal);
  return TRUE;
}
