// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The key that signs updates (TSIG, RFC 8945): where it is read, and where it is wiped.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  char *name;
  char *algorithm;
  char *secret; /* base64; wiped with the key */
} UpdateKey;

/* Reads PATH: what tsig-keygen and keymgr write (key "NAME" { algorithm …; secret "…"; };), or the secret
 * alone. NAME and ALGORITHM, where they are not NULL, win over the file's; an algorithm that is nowhere
 * is hmac-sha256. Blocking; the file is small. Errors: HERD_ERROR_ACTION_REQUIRED (cannot be read; others
 * can read it; not a key), HERD_ERROR_INVALID_ARGUMENT (no name anywhere, another algorithm); they name
 * the file and never show what is in it. */
UpdateKey *update_key_read (const char *path, const char *name, const char *algorithm,
                            GError **error);
void update_key_free (UpdateKey *key);

/* Letters, digits, "-", "_" and dots between labels of 1 to 63 bytes, at most 253: nothing that could
 * end a word or a line. */
gboolean update_name_is_plain (const char *name);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (UpdateKey, update_key_free)

G_END_DECLS
