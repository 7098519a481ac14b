// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Key authorizations as files of a web server: WEBROOT/.well-known/acme-challenge/TOKEN (RFC 8555
 * section 8.3). Whoever may write in the web root cannot lead us out of it: nothing below it is reached
 * through a symbolic link. Blocking, on small files only.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Writes a file for each of CHALLENGES (HerdChallenge), 0644, and makes the two directories (0755) where
 * they are missing. What stands there with the same bytes, from before a restart, is left; with others it
 * is not ours: HERD_ERROR_EXISTS. Errors of the directories: HERD_ERROR_NOT_FOUND,
 * HERD_ERROR_NOT_AUTHORIZED, HERD_ERROR_REFUSED (a symbolic link), naming path, cause and next step. */
gboolean herd_webroot_write (const char *webroot, GPtrArray *challenges, GError **error);

/* Removes those files that hold what we wrote, and the two directories if they are empty then, belong to
 * the agent's user, and may be removed. What is not there is a success. */
gboolean herd_webroot_remove (const char *webroot, GPtrArray *challenges, GError **error);

G_END_DECLS
