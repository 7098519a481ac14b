// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Whole small files, written so that a crash leaves the old or the new one. Blocking.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Writes PATH anew with MODE: a temporary file beside it (O_EXCL, O_NOFOLLOW), fsync, rename,
 * fsync of the directory. Errors name the path (G_FILE_ERROR / G_IO_ERROR). */
gboolean herd_file_write (const char *path, GBytes *bytes, int mode, GError **error);

/* Reads PATH whole into bytes that are wiped when they go; larger than LIMIT, or not a regular
 * file, is an error. O_NOFOLLOW is not used: administrators link files. */
GBytes *herd_file_read (const char *path, gsize limit, GError **error);

G_END_DECLS
