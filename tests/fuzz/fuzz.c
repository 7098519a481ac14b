// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What all fuzz targets share.
 */
#include "fuzz.h"

#include <stdlib.h>

#include "plugin/error.h"

/* What comes from outside makes no library complain of how it was called. (G_DEBUG ends a process by a trap,
 * of which libFuzzer knows nothing, and the input would be lost.) */
static GLogWriterOutput
on_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
  g_log_writer_default (level, fields, n_fields, data);
  if ((level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL | G_LOG_LEVEL_WARNING)) != 0)
    abort ();
  return G_LOG_WRITER_HANDLED;
}

__attribute__ ((constructor)) static void
watch_log (void)
{
  g_log_set_writer_func (on_log, NULL, NULL);
}

char *
fuzz_dup_text (const guint8 *data, gsize size)
{
  return g_strndup ((const char *) data, size);
}

void
fuzz_assert_clean (const char *text)
{
  if (text == NULL)
    return;
  g_assert_true (g_utf8_validate (text, -1, NULL));
  for (const char *at = text; *at != '\0'; at = g_utf8_next_char (at))
    g_assert_false (g_unichar_iscntrl (g_utf8_get_char (at)));
}

void
fuzz_assert_outcome (gboolean succeeded, const GError *error)
{
  g_assert_true (succeeded == (error == NULL));
  if (error == NULL)
    return;
  g_assert_true (error->domain == HERD_ERROR);
  g_assert_cmpstr (error->message, !=, "");
  fuzz_assert_clean (error->message);
}
