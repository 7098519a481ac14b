// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A reader of keyfiles that knows the line of everything it saw, which GKeyFile does not tell.
 *
 *   # a comment, on a line of its own        [KIND NAME]        key = value
 *
 * Values are taken as they stand, without the white space around them: no quotes, no escapes, no
 * continued lines. Pure function; private to src/config.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* What is told, in the order of the file. The strings are valid for the call. */
typedef struct {
  void (*section) (const char *head, guint line,
                   gpointer data); /* without the brackets; NULL: unreadable, after it a problem */
  void (*pair) (const char *key, const char *value, guint line, gpointer data);
  void (*problem) (const char *message, guint line, gpointer data);
} HerdKeyfileFuncs;

void herd_keyfile_read (GBytes *bytes, const HerdKeyfileFuncs *funcs, gpointer data);

G_END_DECLS
