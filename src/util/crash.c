// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Names the instants at which a kill would matter. The hook belongs to whoever composed the
 * process; this file only formats, and only if there is a hook. Any thread.
 */
#include "util/crash.h"

void
herd_crash_point (const HerdCrash *crash, const char *format, ...)
{
  g_autofree char *point = NULL;
  va_list arguments;

  if (crash == NULL)
    return;
  va_start (arguments, format);
  point = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  crash->reached (point, crash->data);
}
