// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Sealed memfds: the only form in which a key or a chain crosses a process border.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A read-only descriptor (close-on-exec, mode 0400, position 0) of a memfd with BYTES and the
 * seals F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE. -1 with ERROR (G_IO_ERROR). */
int herd_memfd_new (const char *name, GBytes *bytes, GError **error);

/* Reads FD whole, from position 0, leaving FD open. Refused (G_IO_ERROR_INVALID_DATA): not a
 * memfd with all four seals, or larger than LIMIT. The bytes are wiped when they go. */
GBytes *herd_memfd_read (int fd, gsize limit, GError **error);

G_END_DECLS
