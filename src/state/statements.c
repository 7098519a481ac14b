// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The statements' SQL. A put is an upsert, never a REPLACE, which would delete what refers to the
 * row. It sets nothing that never changes: of a column with an index that would write the index anew.
 */
#include "state/statements.h"

static const struct {
  const char *noun;
  const char *sql;
  gboolean must_change;
  gboolean is_row;
} statements[HERD_N_STATEMENTS] = {
  [HERD_STATEMENT_PUT_AUTHORITY] = { "The issuer",
                                     "INSERT INTO authorities (id, name, kind, from_file, retired, "
                                     "settings, created)"
                                     " VALUES (?, ?, ?, ?, ?, ?, ?)"
                                     " ON CONFLICT (id) DO UPDATE SET name = excluded.name, kind = "
                                     "excluded.kind,"
                                     " from_file = excluded.from_file, retired = excluded.retired,"
                                     " settings = excluded.settings, created = excluded.created",
                                     .is_row = TRUE },
  [HERD_STATEMENT_DELETE_AUTHORITY] = { "The issuer", "DELETE FROM authorities WHERE id = ?",
                                        .is_row = TRUE },

  [HERD_STATEMENT_PUT_CERTIFICATE] = { "The certificate",
                                       "INSERT INTO certificates (id, name, owner, origin, "
                                       "retired, spec, created, current,"
                                       " renew_at, action, action_time, action_reason, failures, "
                                       "retry_at, last_error,"
                                       " last_error_message, last_error_time)"
                                       " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                                       " ON CONFLICT (id) DO UPDATE SET owner = excluded.owner,"
                                       " origin = excluded.origin, retired = excluded.retired, "
                                       "spec = excluded.spec,"
                                       " created = excluded.created, current = excluded.current, "
                                       "renew_at = excluded.renew_at,"
                                       " action = excluded.action, action_time = "
                                       "excluded.action_time,"
                                       " action_reason = excluded.action_reason, failures = "
                                       "excluded.failures,"
                                       " retry_at = excluded.retry_at, last_error = "
                                       "excluded.last_error,"
                                       " last_error_message = excluded.last_error_message,"
                                       " last_error_time = excluded.last_error_time",
                                       .is_row = TRUE },
  [HERD_STATEMENT_DELETE_CERTIFICATE] = { "The certificate",
                                          "DELETE FROM certificates WHERE id = ?", .is_row = TRUE },
  [HERD_STATEMENT_DELETE_CERTIFICATE_OPERATIONS] = { "The operations of the certificate",
                                                     "DELETE FROM operations WHERE certificate = "
                                                     "?" },

  [HERD_STATEMENT_PUT_DELIVERY] = { "A delivery of the certificate",
                                    "INSERT INTO deliveries (certificate, target, state, wanted, "
                                    "applied, proved, since,"
                                    " attempts, retry_at, message) VALUES (?, ?, ?, ?, ?, ?, ?, ?, "
                                    "?, ?)" },
  [HERD_STATEMENT_DELETE_DELIVERIES] = { "The deliveries of the certificate",
                                         "DELETE FROM deliveries WHERE certificate = ?" },

  [HERD_STATEMENT_PUT_SUGGESTION] = { "The renewal information of the certificate",
                                      "INSERT INTO renewal_info (certificate, generation, "
                                      "window_start, window_end, pick, floor,"
                                      " asked_at, ask_at, account, explanation_url, problem)"
                                      " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                                      " ON CONFLICT (certificate) DO UPDATE SET generation = "
                                      "excluded.generation,"
                                      " window_start = excluded.window_start, window_end = "
                                      "excluded.window_end,"
                                      " pick = excluded.pick, floor = excluded.floor, asked_at = "
                                      "excluded.asked_at,"
                                      " ask_at = excluded.ask_at, account = excluded.account, "
                                      "explanation_url = "
                                      "excluded.explanation_url,"
                                      " problem = excluded.problem",
                                      .is_row = TRUE },
  [HERD_STATEMENT_DELETE_SUGGESTION] = { "The renewal information of the certificate",
                                         "DELETE FROM renewal_info WHERE certificate = ?",
                                         .is_row = TRUE },

  [HERD_STATEMENT_PUT_BACKOFF] = { "A back-off of the certificate",
                                   "INSERT INTO backoffs (certificate, issuer, failures, retry_at,"
                                   " rehearse, error, message) VALUES (?, ?, ?, ?, ?, ?, ?)" },
  [HERD_STATEMENT_DELETE_BACKOFFS] = { "The back-offs of the certificate",
                                       "DELETE FROM backoffs WHERE certificate = ?" },

  [HERD_STATEMENT_PUT_GENERATION] = { "A generation of the certificate",
                                      "INSERT INTO generations (certificate, number, issuer, "
                                      "created, rejected, not_before,"
                                      " not_after, serial, fingerprint, issued_by, identifiers, "
                                      "revoked)"
                                      " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                                      " ON CONFLICT (certificate, number) DO UPDATE SET issuer = "
                                      "excluded.issuer,"
                                      " created = excluded.created, rejected = excluded.rejected,"
                                      " not_before = excluded.not_before, not_after = "
                                      "excluded.not_after,"
                                      " serial = excluded.serial, fingerprint = "
                                      "excluded.fingerprint,"
                                      " issued_by = excluded.issued_by, identifiers = "
                                      "excluded.identifiers, revoked = excluded.revoked",
                                      .is_row = TRUE },
  [HERD_STATEMENT_PUT_MATERIAL] = { "A generation of the certificate",
                                    "INSERT INTO materials (certificate, number, chain, key) "
                                    "VALUES (?, ?, ?, ?)"
                                    " ON CONFLICT (certificate, number) DO UPDATE SET chain = "
                                    "excluded.chain,"
                                    " key = excluded.key" },
  [HERD_STATEMENT_PUT_NUMBER] = { "The last number of the certificate",
                                  "INSERT INTO numbers (name, last) SELECT name, ?2 FROM "
                                  "certificates WHERE id = ?1"
                                  " ON CONFLICT (name) DO UPDATE SET last = max (last, "
                                  "excluded.last)",
                                  .must_change = TRUE },
  [HERD_STATEMENT_DELETE_GENERATION] = { "A generation of the certificate",
                                         "DELETE FROM generations WHERE certificate = ? AND number "
                                         "= ?",
                                         .is_row = TRUE },

  [HERD_STATEMENT_PUT_OPERATION] = { "The operation",
                                     "INSERT INTO operations (id, kind, certificate, issuer, "
                                     "starter, state, step, progress,"
                                     " steps, error, error_message, generation, options, started, "
                                     "ended, findings)"
                                     " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                                     " ON CONFLICT (id) DO UPDATE SET issuer = excluded.issuer,"
                                     " state = excluded.state, step = excluded.step,"
                                     " progress = excluded.progress, steps = excluded.steps, error "
                                     "= excluded.error,"
                                     " error_message = excluded.error_message, generation = "
                                     "excluded.generation,"
                                     " options = excluded.options, ended = excluded.ended,"
                                     " findings = excluded.findings",
                                     .is_row = TRUE },
  [HERD_STATEMENT_PUT_CHECKPOINT] = { "The checkpoint of the operation",
                                      "UPDATE operations SET checkpoint = ?2 WHERE id = ?1",
                                      .must_change = TRUE },
  [HERD_STATEMENT_CLEAR_CHECKPOINT] = { "The checkpoint of the operation",
                                        "UPDATE operations SET checkpoint = NULL WHERE id = ?" },
  [HERD_STATEMENT_PUT_PENDING_KEY] = { "The key of the operation",
                                       "UPDATE operations SET pending_key = ?2 WHERE id = ?1",
                                       .must_change = TRUE },
  [HERD_STATEMENT_CLEAR_PENDING_KEY] = { "The key of the operation",
                                         "UPDATE operations SET pending_key = NULL WHERE id = ?" },
  [HERD_STATEMENT_KEEP_ATTEMPT] = { "The order of the operation",
                                    "INSERT INTO attempts (certificate, issuer, operation, wish, "
                                    "checkpoint, pending_key)"
                                    " SELECT certificates.id, ?2, operations.id, ?3, checkpoint, "
                                    "pending_key FROM operations"
                                    " JOIN certificates ON certificates.id = "
                                    "operations.certificate"
                                    " WHERE operations.id = ?1 AND checkpoint IS NOT NULL"
                                    " AND pending_key IS NOT NULL"
                                    " ON CONFLICT (certificate, issuer) DO UPDATE SET operation = "
                                    "excluded.operation, wish = excluded.wish,"
                                    " checkpoint = excluded.checkpoint, pending_key = "
                                    "excluded.pending_key" },
  [HERD_STATEMENT_DELETE_ATTEMPT] = { "An order of the certificate",
                                      "DELETE FROM attempts WHERE certificate = ? AND issuer = "
                                      "?" },
  [HERD_STATEMENT_DELETE_ATTEMPTS] = { "The orders of the certificate",
                                       "DELETE FROM attempts WHERE certificate = ?" },
  [HERD_STATEMENT_DELETE_OPERATION] = { "The operation", "DELETE FROM operations WHERE id = ?",
                                        .is_row = TRUE },

  [HERD_STATEMENT_PUT_RECORD] = { "A record of the issuer", "INSERT INTO records (authority, name, "
                                                            "sealed, bytes) VALUES (?, ?, ?, ?)"
                                                            " ON CONFLICT (authority, name) DO "
                                                            "UPDATE SET sealed = excluded.sealed,"
                                                            " bytes = excluded.bytes" },
  [HERD_STATEMENT_DELETE_RECORD] = { "A record of the issuer",
                                     "DELETE FROM records WHERE authority = ? AND name = ?" },

  [HERD_STATEMENT_PUT_WITHDRAWAL] = { "A withdrawal of the certificate",
                                      "INSERT INTO withdrawals (certificate, name, target) VALUES "
                                      "(?, ?, ?)"
                                      " ON CONFLICT (certificate, target) DO UPDATE SET name = "
                                      "excluded.name",
                                      .is_row = TRUE },
  [HERD_STATEMENT_DELETE_WITHDRAWAL] = { "A withdrawal of the certificate",
                                         "DELETE FROM withdrawals WHERE certificate = ? AND target "
                                         "= ?",
                                         .is_row = TRUE },

  [HERD_STATEMENT_PUT_LEDGER] = { "A row of the ledger of the issuer",
                                  "INSERT INTO ledger (authority, directory, name, subject, "
                                  "full_at) VALUES (?, ?, ?, ?, ?)"
                                  " ON CONFLICT (authority, directory, name, subject) DO UPDATE"
                                  " SET full_at = excluded.full_at" },
  [HERD_STATEMENT_PRUNE_LEDGER] = { "The ledger by", "DELETE FROM ledger WHERE full_at <= ?" },

  [HERD_STATEMENT_PUT_META] = { "The state",
                                "INSERT INTO meta (name, value) VALUES (?, ?)"
                                " ON CONFLICT (name) DO UPDATE SET value = excluded.value" },
  [HERD_STATEMENT_GET_META] = { "The state", "SELECT value FROM meta WHERE name = ?" },

  [HERD_STATEMENT_GET_MATERIAL] = { "A generation of the certificate",
                                    "SELECT chain, key FROM materials WHERE certificate = ? AND "
                                    "number = ?" },
  [HERD_STATEMENT_GET_OPERATION] = { "The operation", "SELECT checkpoint, pending_key FROM "
                                                      "operations WHERE id = ?" },
  [HERD_STATEMENT_GET_ATTEMPT] = { "An order of the certificate",
                                   "SELECT operation, wish, checkpoint, pending_key FROM attempts "
                                   "WHERE certificate = ? AND issuer = ?" },
  [HERD_STATEMENT_GET_RECORD] = { "A record of the issuer", "SELECT sealed, bytes FROM records "
                                                            "WHERE authority = ? AND name = ?" },
  [HERD_STATEMENT_GET_NUMBER] = { "The last number of the certificate",
                                  "SELECT certificates.name, last FROM certificates JOIN numbers "
                                  "USING (name) WHERE id = ?" },

  /* Whatever is sealed: id, generation, field, bytes. Damaged rows are possible, so a few. */
  [HERD_STATEMENT_SAMPLE_RECORDS] = { "A record of an issuer",
                                      "SELECT authority, 0, name, bytes FROM records WHERE sealed "
                                      "LIMIT 8" },
  [HERD_STATEMENT_SAMPLE_MATERIALS] = { "A generation of a certificate",
                                        "SELECT certificate, number, 'key', key FROM materials "
                                        "LIMIT 8" },
  [HERD_STATEMENT_SAMPLE_OPERATIONS] = { "The key of an operation",
                                         "SELECT id, 0, 'pending-key', pending_key FROM operations"
                                         " WHERE pending_key IS NOT NULL LIMIT 8" },
  [HERD_STATEMENT_SAMPLE_ATTEMPTS] = { "The key of an operation",
                                       "SELECT operation, 0, 'pending-key', pending_key FROM "
                                       "attempts LIMIT 8" },
};

const char *
herd_statement_get_sql (HerdStatement statement)
{
  return statements[statement].sql;
}

const char *
herd_statement_get_noun (HerdStatement statement)
{
  return statements[statement].noun;
}

gboolean
herd_statement_must_change (HerdStatement statement)
{
  return statements[statement].must_change;
}

gboolean
herd_statement_is_row (HerdStatement statement)
{
  return statements[statement].is_row;
}
