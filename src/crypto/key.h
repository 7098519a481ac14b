// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Private keys and CSRs. Key types are strings everywhere ("ecdsa-p256"), so that new ones need no
 * new bus value. src/crypto is the only place in the agent with <gnutls/…>.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct HerdKey HerdKey;

/* "ecdsa-p256", "ecdsa-p384", "rsa-2048", "rsa-3072", "rsa-4096", "ed25519", NULL-terminated. */
const char *const *herd_key_get_types (void);
gboolean herd_key_type_is_known (const char *type);

/* RSA keys are made on a worker thread (seconds of CPU), the others at once (0.2 ms). */
void herd_key_generate_async (const char *type, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer data);
HerdKey *herd_key_generate_finish (GAsyncResult *result, GError **error);

/* PKCS#8, unencrypted, DER. Errors: HERD_ERROR_INVALID_ARGUMENT (no such key, or a type that is
 * not in the list). */
HerdKey *herd_key_new_from_pkcs8 (GBytes *der, GError **error);
HerdKey *herd_key_ref (HerdKey *key);
void herd_key_unref (HerdKey *key);

const char *herd_key_get_type_name (HerdKey *key);
/* Secret: wiped when they go. */
GBytes *herd_key_to_pkcs8 (HerdKey *key, GError **error);
GBytes *herd_key_to_pem (HerdKey *key, GError **error); /* PKCS#8 PEM, "\n" at the end */
/* SubjectPublicKeyInfo, DER. */
GBytes *herd_key_get_public (HerdKey *key, GError **error);

/* Signs a digest (SHA-256: 32 bytes, SHA-384: 48) as X.509 does: DER for EC, PKCS#1 v1.5 for RSA.
 * Ed25519 signs no digests: HERD_ERROR_INVALID_ARGUMENT. */
GBytes *herd_key_sign_digest (HerdKey *key, GBytes *digest, GError **error);

/* Subject fields of a CSR; each may be NULL or empty. */
typedef struct {
  const char *country; /* two letters */
  const char *state;
  const char *locality;
  const char *organization;
  const char *common_name;
} HerdSubject;

/* A signed PKCS#10 request, DER: IDENTIFIERS (normal form; DNS and IP) as SAN, SUBJECT (may be
 * NULL: an empty one, as the Baseline Requirements recommend). MUST_STAPLE: with the TLS feature
 * status_request (RFC 7633). */
GBytes *herd_csr_new (HerdKey *key, const char *const *identifiers, const HerdSubject *subject,
                      gboolean must_staple, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdKey, herd_key_unref)

G_END_DECLS
