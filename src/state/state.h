// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The state: one SQLite file (DIRECTORY/state.db, 0600), WAL, synchronous=FULL, secure_delete, an
 * exclusive lock. Opened and loaded synchronously at the start; from then on all access is on the
 * state's own thread, in the order in which it was asked for, changes that wait together being one
 * transaction (group commit). The functions here are for the main loop. src/state is the only place
 * with <sqlite3.h>.
 */
#pragma once

#include <gio/gio.h>

#include "model/authority.h"
#include "model/certificate.h"
#include "model/operation.h"
#include "util/crash.h"

G_BEGIN_DECLS

typedef struct HerdState HerdState;

/* Creates DIRECTORY (0711) and the file if they are missing. An older schema is upgraded after a
 * copy of the file was made beside it (state.db.vN). Errors, each naming the path and the next
 * step: HERD_ERROR_BUSY (another agent has it), HERD_ERROR_REFUSED (a newer schema; names the
 * copy that was made before the upgrade, if it is there), HERD_ERROR_FAILED (damaged, not
 * writable, disk full). CRASH: points "state:before-commit", "state:committed", reached on the
 * state's thread; may be NULL. */
HerdState *herd_state_open (const char *directory, const HerdCrash *crash, GError **error);
/* Finishes what was asked for, then closes. */
void herd_state_close (HerdState *state);

/* --- the key-encryption key --- */

/* Has this state ever had a KEK? Then no new one must be made for it. */
gboolean herd_state_has_kek (HerdState *state);
/* Verifies KEK against the check record (writes it, durably, where there is none) and unlocks.
 * Errors: HERD_ERROR_REFUSED (a wrong KEK: another one sealed this state; says so). Blocking,
 * main thread. */
gboolean herd_state_unlock (HerdState *state, GBytes *kek, GError **error);
gboolean herd_state_is_locked (HerdState *state);

/* --- loading, once, after opening --- */

typedef struct {
  GPtrArray *authorities;  /* HerdAuthority */
  GPtrArray *certificates; /* HerdCertificate, with generations and deliveries */
  GPtrArray *operations;   /* HerdOperation */
  GPtrArray *withdrawals;  /* HerdWithdrawal */
  GPtrArray *ledger;       /* HerdLedgerRow */
} HerdStateContents;

HerdStateContents *herd_state_load (HerdState *state, GError **error);
void herd_state_contents_free (HerdStateContents *contents); /* with what is still in it */

/* What a removed certificate has left with a target, to be taken away there. */
typedef struct {
  guint64 certificate; /* the id it had */
  char *name;
  char *target;
} HerdWithdrawal;

HerdWithdrawal *herd_withdrawal_new (guint64 certificate, const char *name, const char *target);
void herd_withdrawal_free (HerdWithdrawal *withdrawal);

/* What was spent of a limit that a CA sets: the bucket is full again at a time. */
typedef struct {
  guint64 authority; /* whose account it is; 0: it is of all accounts at the CA */
  char *directory;   /* the CA */
  char *limit;       /* its name; "": the CA has to be left alone until then */
  char *subject;     /* of what: a name, a set of names; "": there is only one */
  gint64 full_at;    /* seconds since the epoch */
} HerdLedgerRow;

HerdLedgerRow *herd_ledger_row_new (guint64 authority, const char *directory, const char *limit,
                                    const char *subject, gint64 full_at);
void herd_ledger_row_free (HerdLedgerRow *row);

/* A new id for any noun: never given before, not by an earlier process either. */
guint64 herd_state_new_id (HerdState *state);

/* --- changes --- */

/* Memory and disk. A batch is one change, done as a whole or not at all; what is put in is copied at
 * once. Batches reach the disk in the order in which they were asked for, and a row is always written
 * whole. So memory is changed first, in the same turn of the main loop in which the batch is made
 * from it: whoever writes the row next writes this change too, and no batch can take back what an
 * earlier one did. Where a batch fails there are two cases:
 *
 *   commit  writes down what has happened (a target has answered, a run has ended). That cannot be
 *           taken back: memory keeps it, and it is written again until it is on disk.
 *   change  does what somebody asked for (Modify, Remove, a new generation). That did not happen:
 *           the rows in memory are set to what the disk has. Whatever was asked for in between
 *           about the same rows was made from what never was, and fails too, with the same error.
 *
 * What follows from a change outside (withdrawing, cancelling, telling) waits for its end. */
typedef struct HerdBatch HerdBatch;

HerdBatch *herd_batch_new (void);
void herd_batch_free (HerdBatch *batch);

void herd_batch_put_authority (HerdBatch *batch, const HerdAuthority *authority);
void herd_batch_delete_authority (HerdBatch *batch, guint64 id); /* with its records */
/* The row, its suggestion and its deliveries, not its generations. */
void herd_batch_put_certificate (HerdBatch *batch, const HerdCertificate *certificate);
/* The suggestion alone, which CERTIFICATE has. */
void herd_batch_put_suggestion (HerdBatch *batch, const HerdCertificate *certificate);
/* With generations, deliveries, operations. The name's generation counter stays. */
void herd_batch_delete_certificate (HerdBatch *batch, guint64 id);
/* KEY (PKCS#8 DER) is sealed. CHAIN and KEY NULL: those that it has stay, only the row changes. */
void herd_batch_put_generation (HerdBatch *batch, guint64 certificate,
                                const HerdGeneration *generation, GBytes *chain, GBytes *key);
void herd_batch_delete_generation (HerdBatch *batch, guint64 certificate, guint64 number);
void herd_batch_put_operation (HerdBatch *batch, const HerdOperation *operation);
/* The issuer's checkpoint of an operation; NULL clears. */
void herd_batch_put_checkpoint (HerdBatch *batch, guint64 operation, GBytes *bytes);
/* The private key of an issuance that runs, sealed; NULL clears. */
void herd_batch_put_pending_key (HerdBatch *batch, guint64 operation, GBytes *key);
/* What OPERATION has reached with ISSUER, its checkpoint and its pending key, is kept for a later attempt
 * of its certificate to go on with, if that has the same WISH (a digest). Nothing is kept where there is
 * no checkpoint; what was kept of the same issuer before goes. */
void herd_batch_keep_attempt (HerdBatch *batch, guint64 operation, guint64 issuer,
                              const char *wish);
void herd_batch_delete_attempt (HerdBatch *batch, guint64 certificate, guint64 issuer);
/* Of every issuer. */
void herd_batch_delete_attempts (HerdBatch *batch, guint64 certificate);
void herd_batch_delete_operation (HerdBatch *batch, guint64 id);
/* An issuer's record; BYTES NULL deletes. */
void herd_batch_put_record (HerdBatch *batch, guint64 authority, const char *name, GBytes *bytes,
                            gboolean sealed);
void herd_batch_put_withdrawal (HerdBatch *batch, const HerdWithdrawal *withdrawal);
void herd_batch_delete_withdrawal (HerdBatch *batch, guint64 certificate, const char *target);
void herd_batch_put_ledger (HerdBatch *batch, const HerdLedgerRow *row);
/* Those that are full by NOW. */
void herd_batch_prune_ledger (HerdBatch *batch, gint64 now);

/* Takes BATCH. Finishes when it is on disk. Errors: HERD_ERROR_LOCKED (something to seal, no
 * KEK), HERD_ERROR_FAILED (full disk, I/O; names the path); then nothing of it was done. */
void herd_state_commit_async (HerdState *state, HerdBatch *batch, GAsyncReadyCallback callback,
                              gpointer data);
gboolean herd_state_commit_finish (HerdState *state, GAsyncResult *result, GError **error);
/* Sets the rows IDS (guint64) in memory to CONTENTS, as they are on disk; rows that are not in it are
 * to go. It may take what it likes out of CONTENTS. */
typedef void (*HerdStateUndo) (const GArray *ids, HerdStateContents *contents, gpointer data);

/* Likewise, for a change: where it fails finish has UNDO called for the rows that are not being undone
 * already. Not where they cannot be read either (said in the journal): nothing more is written
 * about them before the next start. */
void herd_state_change_async (HerdState *state, HerdBatch *batch, GAsyncReadyCallback callback,
                              gpointer data);
gboolean herd_state_change_finish (HerdState *state, GAsyncResult *result, HerdStateUndo undo,
                                   gpointer data, GError **error);
/* Transactions committed so far, for tests and figures. */
guint64 herd_state_get_n_commits (HerdState *state);

/* --- what is too large, or too secret, to be kept in memory --- */

/* Chain (PEM) and, if KEY is asked for, private key (PKCS#8 DER). Errors: HERD_ERROR_NOT_FOUND,
 * HERD_ERROR_LOCKED, HERD_ERROR_FAILED (a damaged row; names it). */
void herd_state_read_generation_async (HerdState *state, guint64 certificate, guint64 number,
                                       gboolean key, GAsyncReadyCallback callback, gpointer data);
gboolean herd_state_read_generation_finish (HerdState *state, GAsyncResult *result, GBytes **chain,
                                            GBytes **key, GError **error);
/* The last checkpoint and, if KEY is asked for, the pending key of an operation; either may come back NULL.
 * Errors: HERD_ERROR_LOCKED for the key alone. */
void herd_state_read_operation_async (HerdState *state, guint64 operation, gboolean key,
                                      GAsyncReadyCallback callback, gpointer data);
gboolean herd_state_read_operation_finish (HerdState *state, GAsyncResult *result,
                                           GBytes **checkpoint, GBytes **key, GError **error);
/* What was kept with herd_batch_keep_attempt(). Errors: HERD_ERROR_NOT_FOUND (nothing), HERD_ERROR_LOCKED,
 * HERD_ERROR_FAILED (a damaged row; names it). */
void herd_state_read_attempt_async (HerdState *state, guint64 certificate, guint64 issuer,
                                    GAsyncReadyCallback callback, gpointer data);
gboolean herd_state_read_attempt_finish (HerdState *state, GAsyncResult *result, char **wish,
                                         GBytes **checkpoint, GBytes **key, GError **error);
void herd_state_read_record_async (HerdState *state, guint64 authority, const char *name,
                                   GAsyncReadyCallback callback, gpointer data);
GBytes *herd_state_read_record_finish (HerdState *state, GAsyncResult *result, GError **error);
/* The highest generation number ever given to NAME, which no certificate has (now: one that is
 * there knows its own last_number). Blocking in memory only, but for a removal of NAME that is on
 * its way to the disk. */
guint64 herd_state_get_last_number (HerdState *state, const char *name);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdState, herd_state_close)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdBatch, herd_batch_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdStateContents, herd_state_contents_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdWithdrawal, herd_withdrawal_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdLedgerRow, herd_ledger_row_free)

G_END_DECLS
