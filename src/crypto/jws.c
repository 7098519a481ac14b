// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * JSON Web Keys and Signatures by string: what is signed and hashed has to be exact to the byte, and
 * there is no JSON library here to have opinions. Pure functions, any thread.
 */
#include "crypto/jws.h"

#include <string.h>

#include "crypto/glue.h"
#include "util/base64url.h"

typedef struct {
  const char *name; /* "alg", RFC 7518 section 3.1 */
  GChecksumType digest;
  guint field_size; /* of r and of s, in bytes; 0: the signature is taken as it is */
} Algorithm;

static const Algorithm algorithms[] = {
  { "ES256", G_CHECKSUM_SHA256, 32 },
  { "ES384", G_CHECKSUM_SHA384, 48 },
  { "RS256", G_CHECKSUM_SHA256, 0 },
};

static const Algorithm *
find_algorithm (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (algorithms); i++) {
    if (g_str_equal (algorithms[i].name, name))
      return &algorithms[i];
  }
  return NULL;
}

static char *
encode_padded (const gnutls_datum_t *number, gsize size)
{
  g_autofree guint8 *field = g_malloc0 (size);

  return herd_datum_write_padded (number, field, size) ? herd_base64url_encode (field, size) : NULL;
}

static gboolean
import_public (GBytes *der, gnutls_pubkey_t *public_key, GError **error)
{
  gnutls_datum_t datum = herd_datum_peek (der);
  int result = gnutls_pubkey_init (public_key);

  if (result >= 0)
    result = gnutls_pubkey_import (*public_key, &datum, GNUTLS_X509_FMT_DER);
  return herd_gnutls_check (result, HERD_ERROR_INVALID_ARGUMENT, "This is no public key", error);
}

static void
refuse_key (GError **error)
{
  g_set_error_literal (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
                       "Only P-256, P-384, RSA and Ed25519 keys can be written as a JWK");
}

static char *
new_rsa (gnutls_pubkey_t public_key, GError **error)
{
  g_auto (gnutls_datum_t) modulus = { NULL, 0 };
  g_auto (gnutls_datum_t) exponent = { NULL, 0 };
  g_autofree char *n = NULL;
  g_autofree char *e = NULL;
  int result = gnutls_pubkey_export_rsa_raw2 (public_key, &modulus, &exponent,
                                              GNUTLS_EXPORT_FLAG_NO_LZ);

  if (!herd_gnutls_check (result, HERD_ERROR_FAILED, "Cannot read the RSA key", error))
    return NULL;
  n = herd_base64url_encode (modulus.data, modulus.size);
  e = herd_base64url_encode (exponent.data, exponent.size);
  return g_strdup_printf ("{\"e\":\"%s\",\"kty\":\"RSA\",\"n\":\"%s\"}", e, n);
}

static char *
new_ec (gnutls_pubkey_t public_key, GError **error)
{
  g_auto (gnutls_datum_t) point_x = { NULL, 0 };
  g_auto (gnutls_datum_t) point_y = { NULL, 0 };
  g_autofree char *x = NULL;
  g_autofree char *y = NULL;
  gnutls_ecc_curve_t curve;
  int result = gnutls_pubkey_export_ecc_raw2 (public_key, &curve, &point_x, &point_y, 0);
  gsize size;

  if (!herd_gnutls_check (result, HERD_ERROR_FAILED, "Cannot read the EC key", error))
    return NULL;
  if (curve == GNUTLS_ECC_CURVE_ED25519) {
    x = herd_base64url_encode (point_x.data, point_x.size);
    return g_strdup_printf ("{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"%s\"}", x);
  }
  size = curve == GNUTLS_ECC_CURVE_SECP256R1 ? 32 : curve == GNUTLS_ECC_CURVE_SECP384R1 ? 48 : 0;
  x = encode_padded (&point_x, size);
  y = encode_padded (&point_y, size);
  if (x == NULL || y == NULL) {
    refuse_key (error);
    return NULL;
  }
  return g_strdup_printf ("{\"crv\":\"P-%u\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}",
                          size == 32 ? 256u : 384u, x, y);
}

char *
herd_jwk_new (GBytes *public_key, GError **error)
{
  g_auto (gnutls_pubkey_t) key = NULL;
  int algorithm;

  if (!import_public (public_key, &key, error))
    return NULL;
  algorithm = gnutls_pubkey_get_pk_algorithm (key, NULL);
  if (algorithm == GNUTLS_PK_RSA)
    return new_rsa (key, error);
  if (algorithm == GNUTLS_PK_ECDSA || algorithm == GNUTLS_PK_EDDSA_ED25519)
    return new_ec (key, error);
  refuse_key (error);
  return NULL;
}

static GBytes *
compute_digest (GChecksumType type, const char *text)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (type);
  gsize size = (gsize) g_checksum_type_get_length (type);
  g_autofree guint8 *digest = g_malloc (size);

  g_checksum_update (checksum, (const guchar *) text, -1);
  g_checksum_get_digest (checksum, digest, &size);
  return g_bytes_new_take (g_steal_pointer (&digest), size);
}

char *
herd_jwk_get_thumbprint (const char *jwk)
{
  g_autoptr (GBytes) digest = compute_digest (G_CHECKSUM_SHA256, jwk);

  return herd_base64url_encode_bytes (digest);
}

const char *
herd_jws_get_algorithm (GBytes *public_key, GError **error)
{
  g_auto (gnutls_pubkey_t) key = NULL;
  gnutls_ecc_curve_t curve = GNUTLS_ECC_CURVE_INVALID;

  if (!import_public (public_key, &key, error))
    return NULL;
  if (gnutls_pubkey_get_pk_algorithm (key, NULL) == GNUTLS_PK_RSA)
    return "RS256";
  if (gnutls_pubkey_export_ecc_raw2 (key, &curve, NULL, NULL, 0) >= 0) {
    if (curve == GNUTLS_ECC_CURVE_SECP256R1)
      return "ES256";
    if (curve == GNUTLS_ECC_CURVE_SECP384R1)
      return "ES384";
  }
  g_set_error_literal (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
                       "CAs accept no such key for an account; use ecdsa-p256, ecdsa-p384 or RSA");
  return NULL;
}

/* Appends ,"NAME":"VALUE" (RFC 8259 section 7). What a CA gave as URL or nonce goes back byte for
 * byte, and must not be able to end the string. */
static void
append_member (GString *out, const char *name, const char *value)
{
  g_string_append_printf (out, ",\"%s\":\"", name);
  for (const char *p = value; *p != '\0'; p++) {
    if (*p == '"' || *p == '\\')
      g_string_append_c (out, '\\');
    if ((guchar) *p < 0x20)
      g_string_append_printf (out, "\\u%04x", (guint) *p);
    else
      g_string_append_c (out, *p);
  }
  g_string_append_c (out, '"');
}

char *
herd_jws_new_protected (const char *algorithm, const char *jwk, const char *kid, const char *nonce,
                        const char *url)
{
  g_autoptr (GString) header = g_string_new (NULL);

  g_string_append_printf (header, "{\"alg\":\"%s\"", algorithm);
  if (kid != NULL)
    append_member (header, "kid", kid);
  else
    g_string_append_printf (header, ",\"jwk\":%s", jwk);
  if (nonce != NULL)
    append_member (header, "nonce", nonce);
  append_member (header, "url", url);
  g_string_append_c (header, '}');
  return herd_base64url_encode (header->str, header->len);
}

GBytes *
herd_jws_get_digest (const char *algorithm, const char *protected_header, const char *payload)
{
  const Algorithm *found = find_algorithm (algorithm);
  g_autofree char *encoded = herd_base64url_encode (payload, strlen (payload));
  g_autofree char *input = g_strconcat (protected_header, ".", encoded, NULL);

  g_return_val_if_fail (found != NULL, NULL);
  return compute_digest (found->digest, input);
}

/* RFC 7518 section 3.4: r || s, each of the size of the field. */
static char *
encode_ec_signature (GBytes *signature, gsize size, GError **error)
{
  g_auto (gnutls_datum_t) r = { NULL, 0 };
  g_auto (gnutls_datum_t) s = { NULL, 0 };
  g_autofree guint8 *both = g_malloc0 (2 * size);
  gnutls_datum_t der = herd_datum_peek (signature);
  int result = gnutls_decode_rs_value (&der, &r, &s);

  if (!herd_gnutls_check (result, HERD_ERROR_FAILED, "This is no ECDSA signature", error))
    return NULL;
  if (!herd_datum_write_padded (&r, both, size)
      || !herd_datum_write_padded (&s, both + size, size)) {
    g_set_error_literal (error, HERD_ERROR, HERD_ERROR_FAILED,
                         "The signature is of another curve than its algorithm");
    return NULL;
  }
  return herd_base64url_encode (both, 2 * size);
}

GBytes *
herd_jws_new (const char *algorithm, const char *protected_header, const char *payload,
              GBytes *signature, GError **error)
{
  const Algorithm *found = find_algorithm (algorithm);
  g_autofree char *encoded_payload = herd_base64url_encode (payload, strlen (payload));
  g_autofree char *encoded_signature = NULL;
  char *jws;

  g_return_val_if_fail (found != NULL, NULL);
  encoded_signature = found->field_size == 0
                          ? herd_base64url_encode_bytes (signature)
                          : encode_ec_signature (signature, found->field_size, error);
  if (encoded_signature == NULL)
    return NULL;
  jws = g_strdup_printf ("{\"protected\":\"%s\",\"payload\":\"%s\",\"signature\":\"%s\"}",
                         protected_header, encoded_payload, encoded_signature);
  return g_bytes_new_take (jws, strlen (jws));
}
