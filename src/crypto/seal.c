// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Sealing with AES-256-GCM. A seal belongs to whoever holds the KEK, and is used by one thread at a
 * time. A random nonce of 96 bits is good for 2^32 sealings under one KEK (NIST SP 800-38D section
 * 8.3), which no agent comes near.
 */
#include "crypto/seal.h"

#include <string.h>

#include "crypto/glue.h"
#include "util/secret.h"

#define VERSION 1
#define NONCE_SIZE 12
#define TAG_SIZE 16
#define HEADER_SIZE (1 + NONCE_SIZE)

struct HerdSeal {
  gnutls_aead_cipher_hd_t cipher;
};

GBytes *
herd_kek_new (GError **error)
{
  guint8 *kek = g_malloc0 (HERD_KEK_SIZE);
  g_autoptr (GBytes) bytes = herd_secret_new_take (kek, HERD_KEK_SIZE);
  int result = gnutls_rnd (GNUTLS_RND_KEY, kek, HERD_KEK_SIZE);

  if (!herd_gnutls_check (result, HERD_ERROR_FAILED, "Cannot make a key-encryption key", error))
    return NULL;
  return g_steal_pointer (&bytes);
}

HerdSeal *
herd_seal_new (GBytes *kek, GError **error)
{
  g_autoptr (HerdSeal) seal = g_new0 (HerdSeal, 1);
  gnutls_datum_t key = herd_datum_peek (kek);
  int result;

  if (key.size != HERD_KEK_SIZE) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
                 "A key-encryption key has %d bytes, not %u", HERD_KEK_SIZE, key.size);
    return NULL;
  }
  result = gnutls_aead_cipher_init (&seal->cipher, GNUTLS_CIPHER_AES_256_GCM, &key);
  if (!herd_gnutls_check (result, HERD_ERROR_FAILED, "Cannot use the key-encryption key", error))
    return NULL;
  return g_steal_pointer (&seal);
}

void
herd_seal_free (HerdSeal *seal)
{
  if (seal == NULL)
    return;
  if (seal->cipher != NULL)
    gnutls_aead_cipher_deinit (seal->cipher);
  g_free (seal);
}

GBytes *
herd_seal_wrap (HerdSeal *seal, GBytes *plain, const char *additional, GError **error)
{
  gnutls_datum_t in = herd_datum_peek (plain);
  gsize size = HEADER_SIZE + (gsize) in.size + TAG_SIZE;
  gsize cipher_size = size - HEADER_SIZE;
  g_autofree guint8 *sealed = g_malloc (size);
  int result = gnutls_rnd (GNUTLS_RND_NONCE, sealed + 1, NONCE_SIZE);

  sealed[0] = VERSION;
  if (result >= 0)
    result = gnutls_aead_cipher_encrypt (seal->cipher, sealed + 1, NONCE_SIZE, additional,
                                         strlen (additional), TAG_SIZE, in.data, in.size,
                                         sealed + HEADER_SIZE, &cipher_size);
  if (!herd_gnutls_check (result, HERD_ERROR_FAILED, "Cannot seal", error))
    return NULL;
  g_assert (cipher_size == size - HEADER_SIZE);
  return g_bytes_new_take (g_steal_pointer (&sealed), size);
}

GBytes *
herd_seal_unwrap (HerdSeal *seal, GBytes *sealed, const char *additional, GError **error)
{
  gnutls_datum_t in = herd_datum_peek (sealed);
  g_autoptr (GBytes) plain = NULL;
  gsize size;
  guint8 *data;
  int result;

  if (in.size < HEADER_SIZE + TAG_SIZE) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_FAILED, "Cannot unseal %s: it is cut short",
                 additional);
    return NULL;
  }
  if (in.data[0] != VERSION) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_FAILED,
                 "Cannot unseal %s: it is of version %u, this agent knows %d", additional,
                 in.data[0], VERSION);
    return NULL;
  }
  size = in.size - HEADER_SIZE - TAG_SIZE;
  data = g_malloc (size + 1);
  plain = herd_secret_new_take (data, size);
  result = gnutls_aead_cipher_decrypt (seal->cipher, in.data + 1, NONCE_SIZE, additional,
                                       strlen (additional), TAG_SIZE, in.data + HEADER_SIZE,
                                       in.size - HEADER_SIZE, data, &size);
  if (result < 0) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_FAILED,
                 "Cannot unseal %s: it is damaged, or sealed under another key", additional);
    return NULL;
  }
  return g_steal_pointer (&plain);
}
