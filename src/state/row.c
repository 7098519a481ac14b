// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Columns, checked one by one. State's thread.
 */
#include "state/row.h"

#include <string.h>

void
herd_row_set_fault (HerdRow *row, const char *fault)
{
  if (row->fault != NULL)
    return;
  row->fault = fault;
  row->fault_column = row->column - 1;
}

char *
herd_row_take_text (HerdRow *row)
{
  int column = row->column++;
  const char *text = (const char *) sqlite3_column_text (row->statement, column);
  int size = sqlite3_column_bytes (row->statement, column);

  if (text != NULL && sqlite3_column_type (row->statement, column) == SQLITE_TEXT
      && strlen (text) == (gsize) size && g_utf8_validate (text, size, NULL))
    return g_strndup (text, (gsize) size);
  herd_row_set_fault (row, "not text");
  return g_strdup ("");
}

gint64
herd_row_take_integer (HerdRow *row, gint64 minimum, gint64 maximum)
{
  int column = row->column++;
  gint64 value = sqlite3_column_int64 (row->statement, column);

  if (sqlite3_column_type (row->statement, column) == SQLITE_INTEGER && value >= minimum
      && value <= maximum)
    return value;
  herd_row_set_fault (row, "not a number, or out of range");
  return minimum;
}

guint64
herd_row_take_id (HerdRow *row)
{
  return (guint64) herd_row_take_integer (row, 0, G_MAXINT64);
}

gint64
herd_row_take_time (HerdRow *row)
{
  return herd_row_take_integer (row, G_MININT64, G_MAXINT64);
}

double
herd_row_take_real (HerdRow *row, double minimum, double maximum)
{
  double value = sqlite3_column_double (row->statement, row->column++);

  /* Written so that a NaN is a fault too. */
  if (value >= minimum && value <= maximum)
    return value;
  herd_row_set_fault (row, "out of range");
  return minimum;
}

GBytes *
herd_row_take_bytes (HerdRow *row)
{
  int column = row->column++;
  gconstpointer data = sqlite3_column_blob (row->statement, column);
  int size = sqlite3_column_bytes (row->statement, column);
  int type = sqlite3_column_type (row->statement, column);

  if (type == SQLITE_NULL)
    return NULL;
  if (type != SQLITE_BLOB)
    herd_row_set_fault (row, "not bytes");
  return g_bytes_new (data, (gsize) size);
}

GVariant *
herd_row_take_variant (HerdRow *row, const GVariantType *type)
{
  g_autoptr (GBytes) bytes = herd_row_take_bytes (row);
  g_autoptr (GVariant) variant = NULL;

  if (bytes != NULL) {
    variant = g_variant_ref_sink (g_variant_new_from_bytes (type, bytes, FALSE));
    if (G_BYTE_ORDER == G_BIG_ENDIAN) {
      g_autoptr (GVariant) stored = g_steal_pointer (&variant);

      variant = g_variant_byteswap (stored);
    }
  }
  if (variant != NULL && g_variant_is_normal_form (variant))
    return g_steal_pointer (&variant);
  herd_row_set_fault (row, "not a value of its type");
  g_clear_pointer (&variant, g_variant_unref);
  return g_variant_ref_sink (g_variant_new_from_data (type, NULL, 0, TRUE, NULL, NULL));
}

gboolean
herd_row_check (const HerdRow *row, const char *what, guint64 id, GError **error)
{
  g_autofree char *name = NULL;
  g_autofree char *cause = NULL;

  if (row->fault == NULL)
    return TRUE;
  name = g_strdup_printf ("%s %" G_GUINT64_FORMAT, what, id);
  cause = g_strdup_printf ("its %s is %s", sqlite3_column_name (row->statement, row->fault_column),
                           row->fault);
  herd_database_set_damaged (row->database, name, cause, error);
  return FALSE;
}
