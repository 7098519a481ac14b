// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What is in a batch: statements to be run in order, each with the values that it is bound to,
 * copied. Made on the main thread, handed to the state's thread. Private to src/state.
 */
#pragma once

#include "state/database.h"
#include "state/state.h"

G_BEGIN_DECLS

typedef enum {
  HERD_VALUE_INTEGER,
  HERD_VALUE_REAL,
  HERD_VALUE_TEXT,
  HERD_VALUE_BYTES,
  HERD_VALUE_SEALED, /* bytes that the state's thread seals */
} HerdValueKind;

typedef struct {
  HerdValueKind kind;
  gint64 integer;
  double real;
  char *text;    /* of SEALED: the additional data */
  GBytes *bytes; /* of SEALED: the plaintext */
} HerdValue;

typedef struct {
  HerdStatement statement;
  guint first; /* of the batch's values */
} HerdChange;

struct HerdBatch {
  GArray *changes;          /* HerdChange */
  GArray *values;           /* HerdValue */
  gboolean deletes_numbers; /* a certificate goes: its name's last number has to be remembered */
  gboolean undone;          /* where it fails, memory goes back to what is on disk */
};

/* Runs all of BATCH within the transaction that is open. Errors: HERD_ERROR_LOCKED, or SQLite's,
 * naming the row; the caller rolls back. REMOVED gets name → last number (guint64 *) of the
 * certificates that BATCH deletes. */
gboolean herd_batch_apply (HerdBatch *batch, HerdDatabase *database, GHashTable *removed,
                           GError **error);

/* The ids of the rows, of those that memory has too, that BATCH writes or deletes, each once, in
 * ascending order. (transfer full) */
GArray *herd_batch_list_rows (const HerdBatch *batch);

/* The additional data of what is sealed: what it is, so that rows cannot be swapped. */
char *herd_seal_describe (const char *kind, guint64 id, guint64 generation, const char *field);

G_END_DECLS
