// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * JSON Web Keys and Signatures, as far as ACME uses them (RFC 7515, 7517, 7518, 7638; RFC 8555
 * section 6.2): flattened serialisation, one signature, ES256, ES384, RS256.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The JWK of a public key (SubjectPublicKeyInfo, DER): only the required members, in lexical
 * order, without white space, coordinates padded to full size; so it is the thumbprint's input
 * too. EC P-256, P-384, RSA, Ed25519. */
char *herd_jwk_new (GBytes *public_key, GError **error);
/* RFC 7638: base64url of SHA-256 of such a JWK. */
char *herd_jwk_get_thumbprint (const char *jwk);
/* The "alg" for a public key: "ES256", "ES384", "RS256"; NULL with HERD_ERROR_INVALID_ARGUMENT
 * for Ed25519, which no packaged CA accepts for accounts. */
const char *herd_jws_get_algorithm (GBytes *public_key, GError **error);

/* The base64url of the protected header. KID: the account's URL; NULL: JWK goes in. */
char *herd_jws_new_protected (const char *algorithm, const char *jwk, const char *kid,
                              const char *nonce, const char *url);
/* What is to be signed: the digest of ASCII (PROTECTED "." base64url (PAYLOAD)). PAYLOAD "" is
 * POST-as-GET. */
GBytes *herd_jws_get_digest (const char *algorithm, const char *protected_header,
                             const char *payload);
/* The flattened JWS. SIGNATURE as herd_key_sign_digest() gives it; EC ones become r || s, padded.
 * Errors: HERD_ERROR_FAILED if it is not such a signature. */
GBytes *herd_jws_new (const char *algorithm, const char *protected_header, const char *payload,
                      GBytes *signature, GError **error);

G_END_DECLS
