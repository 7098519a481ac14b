// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Sealing: AES-256-GCM under the key-encryption key (KEK), with what the plaintext is (kind, id,
 * generation, field) as additional data, so that sealed rows cannot be swapped for each other.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define HERD_KEK_SIZE 32

typedef struct HerdSeal HerdSeal;

/* A new random KEK; wiped when it goes. */
GBytes *herd_kek_new (GError **error);

/* KEK: HERD_KEK_SIZE bytes, else HERD_ERROR_INVALID_ARGUMENT. */
HerdSeal *herd_seal_new (GBytes *kek, GError **error);
void herd_seal_free (HerdSeal *seal);

/* Version byte, 96-bit random nonce, ciphertext, 128-bit tag. */
GBytes *herd_seal_wrap (HerdSeal *seal, GBytes *plain, const char *additional, GError **error);
/* Wiped when it goes. HERD_ERROR_FAILED if it was damaged, is not for ADDITIONAL, or is under
 * another KEK: the caller's check record tells which. */
GBytes *herd_seal_unwrap (HerdSeal *seal, GBytes *sealed, const char *additional, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdSeal, herd_seal_free)

G_END_DECLS
