// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Where the key-encryption key is kept: a systemd credential, one item of the Secret Service, or a
 * file. "Absent", "locked" and "unavailable" are three answers, and only the first, for a state
 * that never had a KEK, may lead to a new one.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef enum {
  HERD_KEYSTORE_CREDENTIAL,     /* $CREDENTIALS_DIRECTORY/certherd.kek, 32 bytes, never made here */
  HERD_KEYSTORE_SECRET_SERVICE, /* one item, attribute state-directory */
  HERD_KEYSTORE_FILE,           /* DIRECTORY/kek, 0600: protects a copied database, nothing else */
} HerdKeystore;

gboolean herd_keystore_parse (const char *text, HerdKeystore *keystore, GError **error);
/* What the bus says in AtRest: "credential", "secret-service", "none" (for the file). */
const char *herd_keystore_get_at_rest (HerdKeystore keystore);

/* Gets the KEK (32 bytes, wiped when it goes). CREATE: where there is none, make one and store it
 * durably first; the caller says so only for a state that never had one. Asynchronous, because
 * the Secret Service is another process. Errors: HERD_ERROR_NOT_FOUND (absent, and CREATE not
 * said), HERD_ERROR_LOCKED (the keyring is locked), HERD_ERROR_UNREACHABLE (no service, no
 * credential), HERD_ERROR_REFUSED (not 32 bytes, readable by others). Each names the place and
 * the next step. */
void herd_kek_load_async (HerdKeystore keystore, const char *directory, gboolean create,
                          GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
GBytes *herd_kek_load_finish (GAsyncResult *result, GError **error);

G_END_DECLS
