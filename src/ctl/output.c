// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Text, times and tables for people. Owned by certherdctl; one thread.
 */
#include "ctl/output.h"

#include <glib/gi18n.h>

/* ---- text ---------------------------------------------------------------------------------- */

static gboolean
is_unsafe (gunichar character)
{
  GUnicodeType type = g_unichar_type (character);
  return type == G_UNICODE_CONTROL || type == G_UNICODE_FORMAT || type == G_UNICODE_LINE_SEPARATOR
         || type == G_UNICODE_PARAGRAPH_SEPARATOR || type == G_UNICODE_SURROGATE
         || type == G_UNICODE_PRIVATE_USE;
}

char *
herd_ctl_clean (const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text != NULL ? text : "", -1);
  GString *clean = g_string_new (NULL);
  for (const char *next = valid; *next != '\0'; next = g_utf8_next_char (next)) {
    gunichar character = g_utf8_get_char (next);
    if (is_unsafe (character))
      g_string_append_printf (clean, "\\u%04x", character);
    else
      g_string_append_unichar (clean, character);
  }
  return g_string_free (clean, FALSE);
}

/* ---- times --------------------------------------------------------------------------------- */

static char *
format_span (gint64 seconds)
{
  gulong minutes = (gulong) (seconds / 60), hours = minutes / 60, days = hours / 24;
  if (seconds < 120)
    return g_strdup_printf (ngettext ("%lu second", "%lu seconds", (gulong) seconds),
                            (gulong) seconds);
  if (minutes < 120)
    return g_strdup_printf (ngettext ("%lu minute", "%lu minutes", minutes), minutes);
  if (hours < 48)
    return g_strdup_printf (ngettext ("%lu hour", "%lu hours", hours), hours);
  if (days < 730)
    return g_strdup_printf (ngettext ("%lu day", "%lu days", days), days);
  return g_strdup_printf (ngettext ("%lu year", "%lu years", days / 365), days / 365);
}

char *
herd_ctl_format_relative (gint64 now, gint64 when)
{
  if (when == now)
    return g_strdup (_ ("now"));
  g_autofree char *span = format_span (when > now ? when - now : now - when);
  if (when > now)
    /* Translators: "in 59 days". */
    return g_strdup_printf (_ ("in %s"), span);
  /* Translators: "3 hours ago". */
  return g_strdup_printf (_ ("%s ago"), span);
}

char *
herd_ctl_format_time (HerdCtl *ctl, gint64 when)
{
  g_autoptr (GDateTime) time = when != 0 ? g_date_time_new_from_unix_local (when) : NULL;
  if (time == NULL)
    return g_strdup ("-");
  g_autofree char *absolute = g_date_time_format (time, "%Y-%m-%d %H:%M");
  g_autofree char *relative = herd_ctl_format_relative (ctl->now, when);
  return g_strdup_printf ("%s (%s)", absolute, relative);
}

/* ---- colour -------------------------------------------------------------------------------- */

HerdCtlColour
herd_ctl_state_colour (const char *state)
{
  static const struct {
    const char *state;
    HerdCtlColour colour;
  } colours[] = {
    { "valid", HERD_CTL_GOOD },       { "applied", HERD_CTL_GOOD },
    { "done", HERD_CTL_GOOD },        { "loaded", HERD_CTL_GOOD },
    { "issuing", HERD_CTL_BUSY },     { "delivering", HERD_CTL_BUSY },
    { "waiting", HERD_CTL_BUSY },     { "running", HERD_CTL_BUSY },
    { "pending", HERD_CTL_BUSY },     { "installing", HERD_CTL_BUSY },
    { "placeholder", HERD_CTL_BUSY }, { "registering", HERD_CTL_BUSY },
    { "none", HERD_CTL_BUSY },        { "unregistered", HERD_CTL_BUSY },
    { "expired", HERD_CTL_BAD },      { "revoked", HERD_CTL_BAD },
    { "blocked", HERD_CTL_BAD },      { "rejected", HERD_CTL_BAD },
    { "held", HERD_CTL_BAD },         { "failed", HERD_CTL_BAD },
    { "cancelled", HERD_CTL_BAD },    { "disabled", HERD_CTL_BAD },
    { "deactivated", HERD_CTL_BAD },
  };
  for (gsize i = 0; i < G_N_ELEMENTS (colours); i++) {
    if (g_strcmp0 (colours[i].state, state) == 0)
      return colours[i].colour;
  }
  return HERD_CTL_PLAIN;
}

const char *
herd_ctl_colour_on (const HerdCtl *ctl, HerdCtlColour colour)
{
  if (!ctl->colour)
    return "";
  switch (colour) {
  case HERD_CTL_PLAIN:
    return "";
  case HERD_CTL_GOOD:
    return "\033[32m";
  case HERD_CTL_BUSY:
    return "\033[33m";
  case HERD_CTL_BAD:
    return "\033[31m";
  case HERD_CTL_STRONG:
    return "\033[1m";
  }
  return "";
}

const char *
herd_ctl_colour_off (const HerdCtl *ctl, HerdCtlColour colour)
{
  return ctl->colour && colour != HERD_CTL_PLAIN ? "\033[0m" : "";
}

/* ---- tables -------------------------------------------------------------------------------- */

typedef struct {
  HerdCtlColour colour;
  char *text;
} Cell;

struct HerdCtlTable {
  guint columns;
  GArray *cells; /* Cell */
};

static void
clear_cell (gpointer data)
{
  Cell *cell = data;
  g_free (cell->text);
}

HerdCtlTable *
herd_ctl_table_new (guint columns, const char *const *headings)
{
  HerdCtlTable *table = g_new0 (HerdCtlTable, 1);
  table->columns = columns;
  table->cells = g_array_new (FALSE, FALSE, sizeof (Cell));
  g_array_set_clear_func (table->cells, clear_cell);
  for (guint i = 0; headings != NULL && i < columns; i++)
    herd_ctl_table_add (table, HERD_CTL_STRONG, headings[i]);
  return table;
}

void
herd_ctl_table_add (HerdCtlTable *table, HerdCtlColour colour, const char *text)
{
  Cell cell = { colour, herd_ctl_clean (text) };
  g_array_append_val (table->cells, cell);
}

void
herd_ctl_table_add_pair (HerdCtlTable *table, const char *label, HerdCtlColour colour,
                         const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  g_autofree char *text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  herd_ctl_table_add (table, HERD_CTL_STRONG, label);
  herd_ctl_table_add (table, colour, text);
}

/* How many columns of a terminal TEXT takes. */
static guint
measure (const char *text)
{
  guint width = 0;
  for (; *text != '\0'; text = g_utf8_next_char (text)) {
    gunichar character = g_utf8_get_char (text);
    if (!g_unichar_iszerowidth (character))
      width += g_unichar_iswide (character) ? 2 : 1;
  }
  return width;
}

static guint
measure_column (const HerdCtlTable *table, guint column)
{
  guint width = 0;
  for (guint i = column; i < table->cells->len; i += table->columns)
    width = MAX (width, measure (g_array_index (table->cells, Cell, i).text));
  return width;
}

void
herd_ctl_table_print (HerdCtlTable *table, const HerdCtl *ctl, guint indent)
{
  g_autofree guint *widths = g_new0 (guint, table->columns);
  for (guint column = 0; column < table->columns; column++)
    widths[column] = measure_column (table, column);
  for (guint i = 0; i < table->cells->len; i++) {
    const Cell *cell = &g_array_index (table->cells, Cell, i);
    guint column = i % table->columns;
    gboolean last = column == table->columns - 1;
    g_print ("%*s%s%s%s", column == 0 ? (int) indent : 0, "",
             herd_ctl_colour_on (ctl, cell->colour), cell->text,
             herd_ctl_colour_off (ctl, cell->colour));
    /* Nothing is padded at the end of a line. */
    if (last)
      g_print ("\n");
    else
      g_print ("%*s", (int) (widths[column] - measure (cell->text) + 2), "");
  }
}

void
herd_ctl_table_free (HerdCtlTable *table)
{
  if (table == NULL)
    return;
  g_array_unref (table->cells);
  g_free (table);
}
