// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The file with a solver's secret that the configuration names. Its text is wiped before it is freed.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define HERD_SECRET_FILE_LIMIT 4096 /* bytes */

/* The text of PATH, which the setting KEY names, without NUL. Blocking; the file is small. Errors:
 * HERD_ERROR_ACTION_REQUIRED (it cannot be read; everybody can read or write it; it is no regular file,
 * or no text of that size); they name key and file, and show nothing of what is in it. */
char *herd_secret_file_read (const char *key, const char *path, GError **error);

/* Wipes TEXT (may be NULL) and frees it. */
void herd_secret_text_free (char *text);

G_END_DECLS
