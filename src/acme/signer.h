// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Who signs a request: a key in one of the host's records, and what is said of it in the JWS. A plain
 * value; its owner keeps it for as long as a request with it is under way. Main loop only.
 */
#pragma once

#include "plugin/issuer.h"

G_BEGIN_DECLS

typedef struct {
  char *record; /* what herd_issuer_host_sign() is told */
  char *jwk;
  const char *algorithm;
} HerdSigner;

/* PUBLIC_KEY: SubjectPublicKeyInfo, DER, of the key in RECORD. Errors: HERD_ERROR_INVALID_ARGUMENT (a
 * key that no account can have). */
HerdSigner *herd_signer_new (const char *record, GBytes *public_key, GError **error);
void herd_signer_free (HerdSigner *signer);

/* The flattened JWS (RFC 8555 section 6.2) of PAYLOAD for URL. KID NULL: the key itself is in it. NONCE
 * NULL: without one, as in the inner JWS of section 7.3.5. */
GBytes *herd_signer_sign (const HerdSigner *signer, HerdIssuerHost *host, const char *kid,
                          const char *nonce, const char *url, const char *payload, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdSigner, herd_signer_free)

G_END_DECLS
