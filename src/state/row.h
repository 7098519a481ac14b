// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Reading a row whose bytes nobody vouches for: every getter gives something that is safe to use,
 * and the row remembers the first column that was not as it was written. Private to src/state.
 */
#pragma once

#include "state/database.h"

G_BEGIN_DECLS

typedef struct {
  HerdDatabase *database;
  sqlite3_stmt *statement;
  int column;        /* the next one to be read */
  const char *fault; /* why the row is damaged, or NULL */
  int fault_column;
} HerdRow;

/* The next column. Text is valid UTF-8 (transfer full); an integer is from MINIMUM to MAXIMUM; an
 * id is any integer but a negative one; a variant is of TYPE, in normal form, not floating. */
char *herd_row_take_text (HerdRow *row);
gint64 herd_row_take_integer (HerdRow *row, gint64 minimum, gint64 maximum);
guint64 herd_row_take_id (HerdRow *row);
gint64 herd_row_take_time (HerdRow *row);
double herd_row_take_real (HerdRow *row, double minimum, double maximum);
GVariant *herd_row_take_variant (HerdRow *row, const GVariantType *type);
/* NULL where the column is NULL. */
GBytes *herd_row_take_bytes (HerdRow *row);
/* The column means something that is not there. */
void herd_row_set_fault (HerdRow *row, const char *fault);

/* Is all that was read as it was written? Else an error that names the row, "WHAT ID". */
gboolean herd_row_check (const HerdRow *row, const char *what, guint64 id, GError **error);

G_END_DECLS
