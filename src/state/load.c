// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Loading, one table after the other, each in the order of its key. A row that is not as it was written
 * is an error: an agent that went on without it would issue, or forget, on its own.
 */
#include "state/load.h"

#include "plugin/error.h"
#include "state/row.h"

/* Reads one row into CONTENTS. */
typedef gboolean (*LoadRow) (HerdRow *row, HerdStateContents *contents, GError **error);

typedef struct {
  const char *noun;
  const char *select;
  const char *filter; /* of the rows of some ids: a condition with their list in place of %s */
  const char *order;
  LoadRow load;
} Table;

/* Ids in one statement: far below SQLite's limit of a megabyte of SQL. */
#define IDS_AT_ONCE 1000

HerdWithdrawal *
herd_withdrawal_new (guint64 certificate, const char *name, const char *target)
{
  HerdWithdrawal *withdrawal = g_new0 (HerdWithdrawal, 1);

  withdrawal->certificate = certificate;
  withdrawal->name = g_strdup (name);
  withdrawal->target = g_strdup (target);
  return withdrawal;
}

void
herd_withdrawal_free (HerdWithdrawal *withdrawal)
{
  if (withdrawal == NULL)
    return;
  g_free (withdrawal->name);
  g_free (withdrawal->target);
  g_free (withdrawal);
}

HerdLedgerRow *
herd_ledger_row_new (guint64 authority, const char *directory, const char *limit,
                     const char *subject, gint64 full_at)
{
  HerdLedgerRow *row = g_new0 (HerdLedgerRow, 1);

  row->authority = authority;
  row->directory = g_strdup (directory);
  row->limit = g_strdup (limit);
  row->subject = g_strdup (subject);
  row->full_at = full_at;
  return row;
}

void
herd_ledger_row_free (HerdLedgerRow *row)
{
  if (row == NULL)
    return;
  g_free (row->directory);
  g_free (row->limit);
  g_free (row->subject);
  g_free (row);
}

static HerdStateContents *
contents_new (void)
{
  HerdStateContents *contents = g_new0 (HerdStateContents, 1);

  contents->authorities = g_ptr_array_new_with_free_func ((GDestroyNotify) herd_authority_free);
  contents->certificates = g_ptr_array_new_with_free_func ((GDestroyNotify) herd_certificate_free);
  contents->operations = g_ptr_array_new_with_free_func ((GDestroyNotify) herd_operation_free);
  contents->withdrawals = g_ptr_array_new_with_free_func ((GDestroyNotify) herd_withdrawal_free);
  contents->ledger = g_ptr_array_new_with_free_func ((GDestroyNotify) herd_ledger_row_free);
  return contents;
}

void
herd_state_contents_free (HerdStateContents *contents)
{
  if (contents == NULL)
    return;
  g_clear_pointer (&contents->authorities, g_ptr_array_unref);
  g_clear_pointer (&contents->certificates, g_ptr_array_unref);
  g_clear_pointer (&contents->operations, g_ptr_array_unref);
  g_clear_pointer (&contents->withdrawals, g_ptr_array_unref);
  g_clear_pointer (&contents->ledger, g_ptr_array_unref);
  g_free (contents);
}

static void
set_text (char **field, char *text)
{
  g_free (*field);
  *field = text;
}

static gboolean
load_authority (HerdRow *row, HerdStateContents *contents, GError **error)
{
  guint64 id = herd_row_take_id (row);
  g_autofree char *name = herd_row_take_text (row);
  g_autofree char *kind = herd_row_take_text (row);
  gboolean from_file = herd_row_take_integer (row, 0, 1) != 0;
  gboolean retired = herd_row_take_integer (row, 0, 1) != 0;
  g_autoptr (GVariant) settings = herd_row_take_variant (row, G_VARIANT_TYPE_VARDICT);
  HerdAuthority *authority = herd_authority_new (id, name, kind, settings);

  authority->from_file = from_file;
  authority->retired = retired;
  authority->created = herd_row_take_time (row);
  g_ptr_array_add (contents->authorities, authority);
  return herd_row_check (row, "The issuer", id, error);
}

static gboolean
load_certificate (HerdRow *row, HerdStateContents *contents, GError **error)
{
  guint64 id = herd_row_take_id (row);
  g_autofree char *name = herd_row_take_text (row);
  guint32 owner = (guint32) herd_row_take_integer (row, 0, G_MAXUINT32);
  HerdOrigin origin = (HerdOrigin) herd_row_take_integer (row, HERD_ORIGIN_BUS, HERD_ORIGIN_FILE);
  gboolean retired = herd_row_take_integer (row, 0, 1) != 0;
  g_autoptr (GVariant) spec = herd_row_take_variant (row, G_VARIANT_TYPE_VARDICT);
  HerdCertificate *certificate = herd_certificate_new (id, name, owner, origin, spec);
  g_autofree char *reason = NULL;
  g_autofree char *last_error = NULL;
  g_autofree char *last_error_message = NULL;
  HerdAction action;
  gint64 action_time;

  g_ptr_array_add (contents->certificates, certificate);
  certificate->retired = retired;
  certificate->created = herd_row_take_time (row);
  certificate->current = herd_row_take_id (row);
  certificate->renew_at = herd_row_take_time (row);
  action = (HerdAction) herd_row_take_integer (row, HERD_ACTION_NONE, HERD_ACTION_DELIVER);
  action_time = herd_row_take_time (row);
  reason = herd_row_take_text (row);
  herd_certificate_set_action (certificate, action, action_time, reason);
  certificate->failures = (guint) herd_row_take_integer (row, 0, G_MAXUINT32);
  certificate->retry_at = herd_row_take_time (row);
  last_error = herd_row_take_text (row);
  last_error_message = herd_row_take_text (row);
  herd_certificate_set_error (certificate, last_error, last_error_message,
                              herd_row_take_time (row));
  certificate->last_number = herd_row_take_id (row);
  return herd_row_check (row, "The certificate", id, error);
}

/* The certificate that a row is for, by bisection: they were loaded in the order of their ids. */
static HerdCertificate *
find_certificate (HerdStateContents *contents, guint64 id)
{
  guint low = 0;
  guint high = contents->certificates->len;

  while (low < high) {
    guint middle = low + (high - low) / 2;
    HerdCertificate *certificate = g_ptr_array_index (contents->certificates, middle);

    if (certificate->id == id)
      return certificate;
    if (certificate->id < id)
      low = middle + 1;
    else
      high = middle;
  }
  return NULL;
}

static gboolean
load_generation (HerdRow *row, HerdStateContents *contents, GError **error)
{
  guint64 id = herd_row_take_id (row);
  HerdCertificate *certificate = find_certificate (contents, id);
  guint64 number = herd_row_take_id (row);
  guint64 issuer = herd_row_take_id (row);
  gint64 created = herd_row_take_time (row);
  gboolean rejected = herd_row_take_integer (row, 0, 1) != 0;
  g_autoptr (HerdFacts) facts = g_new0 (HerdFacts, 1);
  g_autofree char *identifiers = NULL;
  HerdGeneration *generation;
  HerdRevocation revoked;

  facts->not_before = herd_row_take_time (row);
  facts->not_after = herd_row_take_time (row);
  facts->serial = herd_row_take_text (row);
  facts->fingerprint = herd_row_take_text (row);
  facts->issued_by = herd_row_take_text (row);
  identifiers = herd_row_take_text (row);
  revoked = (HerdRevocation) herd_row_take_integer (row, HERD_REVOCATION_NONE,
                                                    HERD_REVOCATION_CESSATION_OF_OPERATION);
  facts->identifiers = g_strsplit (identifiers, " ", -1);
  if (certificate == NULL) {
    herd_row_set_fault (row, "of no certificate");
  } else if (!herd_generation_can_have (facts)) {
    herd_row_set_fault (row, "of a serial or fingerprint that is not hexadecimal");
  } else {
    generation = herd_generation_new (number, issuer, created, g_steal_pointer (&facts));
    generation->rejected = rejected;
    generation->revoked = revoked;
    herd_certificate_add_generation (certificate, generation);
  }
  return herd_row_check (row, "A generation of the certificate", id, error);
}

static gboolean
load_delivery (HerdRow *row, HerdStateContents *contents, GError **error)
{
  guint64 id = herd_row_take_id (row);
  HerdCertificate *certificate = find_certificate (contents, id);
  g_autofree char *target = herd_row_take_text (row);
  HerdDelivery *delivery = herd_delivery_new (target);
  g_autofree char *message = NULL;

  delivery->state = (HerdDeliveryState) herd_row_take_integer (row, HERD_DELIVERY_PENDING,
                                                               HERD_DELIVERY_GONE);
  delivery->wanted = herd_row_take_id (row);
  delivery->applied = herd_row_take_id (row);
  delivery->proved = herd_row_take_id (row);
  delivery->since = herd_row_take_time (row);
  delivery->attempts = (guint) herd_row_take_integer (row, 0, G_MAXUINT32);
  delivery->retry_at = herd_row_take_time (row);
  message = herd_row_take_text (row);
  herd_delivery_set_message (delivery, message);
  if (certificate == NULL)
    herd_row_set_fault (row, "of no certificate");
  else
    herd_certificate_add_delivery (certificate, g_steal_pointer (&delivery));
  herd_delivery_free (delivery);
  return herd_row_check (row, "A delivery of the certificate", id, error);
}

static gboolean
load_suggestion (HerdRow *row, HerdStateContents *contents, GError **error)
{
  guint64 id = herd_row_take_id (row);
  HerdCertificate *certificate = find_certificate (contents, id);
  g_autoptr (HerdSuggestion) suggestion = herd_suggestion_new (herd_row_take_id (row));
  g_autofree char *account = NULL;
  g_autofree char *explanation_url = NULL;
  g_autofree char *problem = NULL;

  suggestion->start = herd_row_take_time (row);
  suggestion->end = herd_row_take_time (row);
  suggestion->pick = herd_row_take_time (row);
  suggestion->floor = herd_row_take_time (row);
  suggestion->asked_at = herd_row_take_time (row);
  suggestion->ask_at = herd_row_take_time (row);
  account = herd_row_take_text (row);
  explanation_url = herd_row_take_text (row);
  problem = herd_row_take_text (row);
  herd_suggestion_set_account (suggestion, account);
  herd_suggestion_set_explanation_url (suggestion, explanation_url);
  herd_suggestion_set_problem (suggestion, problem);
  if (certificate == NULL)
    herd_row_set_fault (row, "of no certificate");
  else
    certificate->suggestion = g_steal_pointer (&suggestion);
  return herd_row_check (row, "The renewal information of the certificate", id, error);
}

static gboolean
load_backoff (HerdRow *row, HerdStateContents *contents, GError **error)
{
  guint64 id = herd_row_take_id (row);
  HerdCertificate *certificate = find_certificate (contents, id);
  g_autoptr (HerdBackoff) backoff = herd_backoff_new (herd_row_take_id (row));
  g_autofree char *name = NULL;
  g_autofree char *message = NULL;

  backoff->failures = (guint) herd_row_take_integer (row, 0, G_MAXUINT32);
  backoff->retry_at = herd_row_take_time (row);
  backoff->rehearse = herd_row_take_integer (row, 0, 1) != 0;
  name = herd_row_take_text (row);
  message = herd_row_take_text (row);
  herd_backoff_set_error (backoff, name, message);
  if (certificate == NULL)
    herd_row_set_fault (row, "of no certificate");
  else
    herd_backoffs_add (&certificate->backoffs, g_steal_pointer (&backoff));
  return herd_row_check (row, "A back-off of the certificate", id, error);
}

static gboolean
load_operation (HerdRow *row, HerdStateContents *contents, GError **error)
{
  guint64 id = herd_row_take_id (row);
  g_autofree char *kind = herd_row_take_text (row);
  HerdOperation *operation = herd_operation_new (id, kind, 0, 0);
  g_autoptr (GVariant) steps = NULL;
  g_autoptr (GVariant) findings = NULL;

  g_ptr_array_add (contents->operations, operation);
  operation->certificate = herd_row_take_id (row);
  operation->issuer = herd_row_take_id (row);
  operation->starter = (guint32) herd_row_take_integer (row, 0, G_MAXUINT32);
  operation->state = (HerdOperationState) herd_row_take_integer (row, HERD_OPERATION_RUNNING,
                                                                 HERD_OPERATION_CANCELLED);
  set_text (&operation->step, herd_row_take_text (row));
  operation->progress = herd_row_take_real (row, 0.0, 1.0);
  steps = herd_row_take_variant (row, G_VARIANT_TYPE ("aa{sv}"));
  herd_operation_steps_from_variant (operation, steps);
  set_text (&operation->error, herd_row_take_text (row));
  set_text (&operation->error_message, herd_row_take_text (row));
  operation->generation = herd_row_take_id (row);
  g_variant_unref (operation->options);
  operation->options = herd_row_take_variant (row, G_VARIANT_TYPE_VARDICT);
  operation->started = herd_row_take_time (row);
  operation->ended = herd_row_take_time (row);
  findings = herd_row_take_variant (row, G_VARIANT_TYPE ("aa{sv}"));
  if (g_variant_n_children (findings) > 0)
    herd_operation_set_findings (operation, findings);
  return herd_row_check (row, "The operation", id, error);
}

static gboolean
load_withdrawal (HerdRow *row, HerdStateContents *contents, GError **error)
{
  guint64 id = herd_row_take_id (row);
  g_autofree char *name = herd_row_take_text (row);
  g_autofree char *target = herd_row_take_text (row);

  g_ptr_array_add (contents->withdrawals, herd_withdrawal_new (id, name, target));
  return herd_row_check (row, "A withdrawal of the certificate", id, error);
}

static gboolean
load_ledger (HerdRow *row, HerdStateContents *contents, GError **error)
{
  guint64 id = herd_row_take_id (row);
  g_autofree char *directory = herd_row_take_text (row);
  g_autofree char *limit = herd_row_take_text (row);
  g_autofree char *subject = herd_row_take_text (row);
  gint64 full_at = herd_row_take_time (row);

  g_ptr_array_add (contents->ledger, herd_ledger_row_new (id, directory, limit, subject, full_at));
  return herd_row_check (row, "A row of the ledger of the issuer", id, error);
}

/* In this order: what is merged into certificates after them. */
static const Table tables[] = {
  { "The issuers", "SELECT id, name, kind, from_file, retired, settings, created FROM authorities",
    "id IN (%s)", "id", load_authority },
  { "The certificates",
    "SELECT id, certificates.name AS name, owner, origin, retired, spec, created, current,"
    " renew_at, action, action_time, action_reason, failures, retry_at, last_error,"
    " last_error_message, last_error_time, coalesce (last, 0) AS last_number"
    " FROM certificates LEFT JOIN numbers ON numbers.name = certificates.name",
    "id IN (%s)", "id", load_certificate },
  { "The generations",
    "SELECT certificate, number, issuer, created, rejected, not_before, not_after, serial,"
    " fingerprint, issued_by, identifiers, revoked FROM generations",
    "certificate IN (%s)", "certificate, number", load_generation },
  { "The deliveries",
    "SELECT certificate, target, state, wanted, applied, proved, since, attempts, retry_at,"
    " message FROM deliveries",
    "certificate IN (%s)", "certificate, target", load_delivery },
  { "The renewal information",
    "SELECT certificate, generation, window_start, window_end, pick, floor, asked_at, ask_at,"
    " account, explanation_url, problem FROM renewal_info",
    "certificate IN (%s)", "certificate", load_suggestion },
  { "The back-offs",
    "SELECT certificate, issuer, failures, retry_at, rehearse, error, message FROM backoffs",
    "certificate IN (%s)", "certificate, issuer", load_backoff },
  { "The operations",
    "SELECT id, kind, certificate, issuer, starter, state, step, progress, steps, error,"
    " error_message, generation, options, started, ended, findings FROM operations",
    "(id IN (%s) OR certificate IN (%s))", "id", load_operation },
  { "The withdrawals", "SELECT certificate, name, target FROM withdrawals", "certificate IN (%s)",
    "certificate, target", load_withdrawal },
  /* It only grows older: no change of other rows takes it back. */
  { "The ledger", "SELECT authority, directory, name, subject, full_at FROM ledger", "0",
    "authority, directory, name, subject", load_ledger },
};

/* The statement of TABLE for IDS (NULL: every row), a list with commas. */
static char *
build_sql (const Table *table, const char *ids)
{
  g_auto (GStrv) parts = NULL;
  g_autofree char *filter = NULL;

  if (ids == NULL)
    return g_strdup_printf ("%s ORDER BY %s", table->select, table->order);
  parts = g_strsplit (table->filter, "%s", -1);
  filter = g_strjoinv (ids, parts);
  return g_strdup_printf ("%s WHERE %s ORDER BY %s", table->select, filter, table->order);
}

/* Runs the statement of TABLE, which is used once, and so not kept. */
static gboolean
load_table (HerdDatabase *database, const Table *table, const char *ids,
            HerdStateContents *contents, GError **error)
{
  g_autofree char *sql = build_sql (table, ids);
  sqlite3_stmt *statement = NULL;
  int code = SQLITE_ROW;

  if (sqlite3_prepare_v2 (database->connection, sql, -1, &statement, NULL) != SQLITE_OK) {
    herd_database_set_error (database, table->noun, error);
    return FALSE;
  }
  while (code == SQLITE_ROW) {
    HerdRow row = { .database = database, .statement = statement };

    code = herd_database_step (database, statement, table->noun, error);
    if (code == SQLITE_ROW && !table->load (&row, contents, error))
      code = SQLITE_CORRUPT;
  }
  sqlite3_finalize (statement);
  return code == SQLITE_DONE;
}

HerdStateContents *
herd_contents_load (HerdDatabase *database, GError **error)
{
  g_autoptr (HerdStateContents) contents = contents_new ();

  for (guint i = 0; i < G_N_ELEMENTS (tables); i++) {
    if (!load_table (database, &tables[i], NULL, contents, error))
      return NULL;
  }
  /* Nothing reads that many pages again. */
  sqlite3_db_release_memory (database->connection);
  return g_steal_pointer (&contents);
}

static char *
join_ids (const GArray *ids, guint first)
{
  GString *list = g_string_new (NULL);

  for (guint i = first; i < ids->len && i < first + IDS_AT_ONCE; i++)
    g_string_append_printf (list, "%s%" G_GUINT64_FORMAT, i > first ? "," : "",
                            g_array_index (ids, guint64, i));
  return g_string_free (list, FALSE);
}

HerdStateContents *
herd_contents_load_rows (HerdDatabase *database, const GArray *ids, GError **error)
{
  g_autoptr (HerdStateContents) contents = contents_new ();

  for (guint first = 0; first < ids->len; first += IDS_AT_ONCE) {
    g_autofree char *list = join_ids (ids, first);

    for (guint i = 0; i < G_N_ELEMENTS (tables); i++) {
      if (!load_table (database, &tables[i], list, contents, error))
        return NULL;
    }
  }
  return g_steal_pointer (&contents);
}

gboolean
herd_numbers_load (HerdDatabase *database, GHashTable *removed, GError **error)
{
  static const char sql[] = "SELECT name, last FROM numbers"
                            " WHERE name NOT IN (SELECT name FROM certificates)";
  sqlite3_stmt *statement = NULL;
  int code = SQLITE_ROW;

  if (sqlite3_prepare_v2 (database->connection, sql, -1, &statement, NULL) != SQLITE_OK) {
    herd_database_set_error (database, "The last numbers", error);
    return FALSE;
  }
  while (code == SQLITE_ROW) {
    HerdRow row = { .database = database, .statement = statement };

    code = herd_database_step (database, statement, "The last numbers", error);
    if (code == SQLITE_ROW) {
      g_autofree char *name = herd_row_take_text (&row);
      guint64 last = herd_row_take_id (&row);

      if (herd_row_check (&row, "The last number", last, error))
        g_hash_table_insert (removed, g_steal_pointer (&name), g_memdup2 (&last, sizeof last));
      else
        code = SQLITE_CORRUPT;
    }
  }
  sqlite3_finalize (statement);
  return code == SQLITE_DONE;
}
