// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Text from elsewhere, made fit for a log, the bus or a terminal: what a reader cannot see, or what
 * would move what he sees, is spelled out. Pure, any thread.
 */
#include "util/text.h"

#include <string.h>

#define CUT "…"

static gboolean
is_unseen (gunichar character)
{
  GUnicodeType type = g_unichar_type (character);

  return type == G_UNICODE_CONTROL || type == G_UNICODE_FORMAT || type == G_UNICODE_LINE_SEPARATOR
         || type == G_UNICODE_PARAGRAPH_SEPARATOR;
}

static void
append_escaped (GString *out, gunichar character)
{
  if (character == '\n')
    g_string_append (out, "\\n");
  else if (character == '\t')
    g_string_append (out, "\\t");
  else if (character < 0x80)
    g_string_append_printf (out, "\\x%02x", character);
  else
    g_string_append_printf (out, "\\u{%04x}", character);
}

/* Appends what stands at TEXT (SIZE bytes, at least one); how many bytes of it that were. */
static gsize
append_one (GString *out, const char *text, gsize size)
{
  gunichar character = g_utf8_get_char_validated (text, (gssize) size);
  gsize length;

  /* A NUL inside counted text is reported as an incomplete sequence, so ask before. */
  if (*text == '\0')
    character = 0;
  if (character == (gunichar) -1 || character == (gunichar) -2) {
    g_string_append_printf (out, "\\x%02x", (guint8) *text);
    return 1;
  }
  length = *text == '\0' ? 1 : (gsize) (g_utf8_next_char (text) - text);
  if (is_unseen (character))
    append_escaped (out, character);
  else
    g_string_append_len (out, text, (gssize) length);
  return length;
}

/* At most LIMIT bytes come out; with LINES, a newline and a tab stay what they are. */
static char *
clean (const char *text, gssize length, gsize limit, gboolean lines)
{
  GString *out = g_string_new (NULL);
  gsize size = text == NULL ? 0 : length < 0 ? strlen (text) : (gsize) length;
  gsize fits = 0; /* how much of OUT leaves room for the mark of a cut */

  for (gsize used = 0; used < size && out->len <= limit;) {
    if (lines && (text[used] == '\n' || text[used] == '\t'))
      g_string_append_c (out, text[used++]);
    else
      used += append_one (out, text + used, size - used);
    if (out->len <= limit - strlen (CUT))
      fits = out->len;
  }
  if (out->len > limit) {
    g_string_truncate (out, fits);
    g_string_append (out, CUT);
  }
  return g_string_free (out, FALSE);
}

char *
herd_text_from_remote (const char *text, gssize length)
{
  return clean (text, length, HERD_TEXT_LIMIT, FALSE);
}

char *
herd_text_lines_from_remote (const char *text, gssize length, gsize limit)
{
  return clean (text, length, limit, TRUE);
}

char *
herd_text_from_time (gint64 seconds)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_utc (seconds);

  return time != NULL ? g_date_time_format_iso8601 (time) : g_strdup ("the end of time");
}
