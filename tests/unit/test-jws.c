// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * JWKs against the vectors of RFC 7638 and RFC 8037 and against fixed keys with short coordinates;
 * signatures verified back with GnuTLS, and short or long r and s made by hand.
 */
#include <string.h>

#include "crypto/glue.h"
#include "crypto/jws.h"
#include "crypto/key.h"
#include "crypto/mac.h"
#include "fixed-keys.h"
#include "util/base64url.h"

#define RFC_7638_N                                                                                 \
  "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_"        \
  "BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-"                \
  "65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-"     \
  "bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
#define RFC_8037_X "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"

static GBytes *
export_public (gnutls_pubkey_t key)
{
  g_auto (gnutls_datum_t) der = { NULL, 0 };

  g_assert_cmpint (gnutls_pubkey_export2 (key, GNUTLS_X509_FMT_DER, &der), ==, 0);
  return herd_datum_steal (&der);
}

static void
jwk_rsa_vector (void)
{
  g_autoptr (GBytes) n = herd_base64url_decode (RFC_7638_N);
  g_autoptr (GBytes) e = herd_base64url_decode ("AQAB");
  gnutls_datum_t modulus = herd_datum_peek (n), exponent = herd_datum_peek (e);
  g_auto (gnutls_pubkey_t) key = NULL;
  g_autoptr (GBytes) der = NULL;
  g_autofree char *jwk = NULL;
  g_autofree char *thumbprint = NULL;

  g_assert_cmpint (gnutls_pubkey_init (&key), ==, 0);
  g_assert_cmpint (gnutls_pubkey_import_rsa_raw (key, &modulus, &exponent), ==, 0);
  der = export_public (key);
  jwk = herd_jwk_new (der, NULL);
  g_assert_cmpstr (jwk, ==, "{\"e\":\"AQAB\",\"kty\":\"RSA\",\"n\":\"" RFC_7638_N "\"}");
  thumbprint = herd_jwk_get_thumbprint (jwk);
  g_assert_cmpstr (thumbprint, ==, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
  g_assert_cmpstr (herd_jws_get_algorithm (der, NULL), ==, "RS256");
}

static void
jwk_ed25519_vector (void)
{
  g_autoptr (GBytes) x = herd_base64url_decode (RFC_8037_X);
  gnutls_datum_t point = herd_datum_peek (x);
  g_auto (gnutls_pubkey_t) key = NULL;
  g_autoptr (GBytes) der = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *jwk = NULL;
  g_autofree char *thumbprint = NULL;

  g_assert_cmpint (gnutls_pubkey_init (&key), ==, 0);
  g_assert_cmpint (gnutls_pubkey_import_ecc_raw (key, GNUTLS_ECC_CURVE_ED25519, &point, NULL), ==,
                   0);
  der = export_public (key);
  jwk = herd_jwk_new (der, NULL);
  g_assert_cmpstr (jwk, ==, "{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"" RFC_8037_X "\"}");
  thumbprint = herd_jwk_get_thumbprint (jwk);
  g_assert_cmpstr (thumbprint, ==, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
  g_assert_null (herd_jws_get_algorithm (der, &error));
  g_assert_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT);
}

static HerdKey *
load (const FixedKey *fixed)
{
  gsize size;
  guint8 *raw = g_base64_decode (fixed->pkcs8, &size);
  g_autoptr (GBytes) der = g_bytes_new_take (raw, size);
  HerdKey *key = herd_key_new_from_pkcs8 (der, NULL);

  g_assert_nonnull (key);
  return key;
}

static void
jwk_is_padded (gconstpointer data)
{
  const FixedKey *fixed = data;
  g_autoptr (HerdKey) key = load (fixed);
  g_autoptr (GBytes) der = herd_key_get_public (key, NULL);
  g_autofree char *jwk = herd_jwk_new (der, NULL);
  const char *size = fixed->type + strlen ("ecdsa-p");
  g_autofree char *expected = g_strdup_printf (
      "{\"crv\":\"P-%s\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}", size, fixed->x, fixed->y);
  g_autofree char *algorithm = g_strdup_printf ("ES%s", size);

  g_assert_cmpstr (jwk, ==, expected);
  g_assert_cmpstr (herd_jws_get_algorithm (der, NULL), ==, algorithm);
}

static void
jwk_refuses (void)
{
  g_autoptr (GBytes) nonsense = g_bytes_new_static ("no key", 6);
  g_autoptr (GBytes) empty = g_bytes_new (NULL, 0);
  g_auto (gnutls_x509_privkey_t) private = NULL;
  g_auto (gnutls_privkey_t) abstract = NULL;
  g_auto (gnutls_pubkey_t) p521 = NULL;
  g_autoptr (GBytes) p521_der = NULL;

  gnutls_x509_privkey_init (&private);
  gnutls_privkey_init (&abstract);
  gnutls_pubkey_init (&p521);
  g_assert_cmpint (gnutls_x509_privkey_generate (private, GNUTLS_PK_ECDSA,
                                                 GNUTLS_CURVE_TO_BITS (GNUTLS_ECC_CURVE_SECP521R1),
                                                 0),
                   ==, 0);
  g_assert_cmpint (gnutls_privkey_import_x509 (abstract, private, 0), ==, 0);
  g_assert_cmpint (gnutls_pubkey_import_privkey (p521, abstract, 0, 0), ==, 0);
  p521_der = export_public (p521);
  for (guint i = 0; i < 3; i++) {
    GBytes *der = i == 0 ? nonsense : i == 1 ? empty : p521_der;
    g_autoptr (GError) error = NULL;
    g_autoptr (GError) other = NULL;

    g_assert_null (herd_jwk_new (der, &error));
    g_assert_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT);
    g_assert_null (herd_jws_get_algorithm (der, &other));
    g_assert_error (other, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT);
  }
}

static void
assert_protected (const char *encoded, const char *expected)
{
  g_autoptr (GBytes) decoded = herd_base64url_decode (encoded);
  gsize size;
  const char *text = g_bytes_get_data (decoded, &size);
  g_autofree char *copy = g_strndup (text, size);

  g_assert_cmpstr (copy, ==, expected);
}

static void
protected_headers (void)
{
  g_autofree char *with_jwk = herd_jws_new_protected ("ES256", "{\"kty\":\"EC\"}", NULL, "n0nce",
                                                      "https://ca.example/a");
  g_autofree char *with_kid = herd_jws_new_protected (
      "RS256", "{\"kty\":\"RSA\"}", "https://ca.example/acct/1", "n0nce", "https://ca.example/b");
  g_autofree char *inner = herd_jws_new_protected ("ES384", "{\"kty\":\"EC\"}", NULL, NULL,
                                                   "https://ca.example/c");
  g_autofree char *hostile = herd_jws_new_protected ("ES256", NULL, "k\",\"alg\":\"none",
                                                     "\\\n\001", "https://ca.example/ä?\"=%22");

  assert_protected (with_jwk, "{\"alg\":\"ES256\",\"jwk\":{\"kty\":\"EC\"},\"nonce\":\"n0nce\","
                              "\"url\":\"https://ca.example/a\"}");
  assert_protected (with_kid, "{\"alg\":\"RS256\",\"kid\":\"https://ca.example/acct/1\","
                              "\"nonce\":\"n0nce\",\"url\":\"https://ca.example/b\"}");
  assert_protected (inner, "{\"alg\":\"ES384\",\"jwk\":{\"kty\":\"EC\"},"
                           "\"url\":\"https://ca.example/c\"}");
  assert_protected (hostile, "{\"alg\":\"ES256\",\"kid\":\"k\\\",\\\"alg\\\":\\\"none\","
                             "\"nonce\":\"\\\\\\u000a\\u0001\","
                             "\"url\":\"https://ca.example/ä?\\\"=%22\"}");
}

/* The text of the member NAME of a flattened JWS. */
static char *
get_member (GBytes *jws, const char *name)
{
  gsize size;
  const char *data = g_bytes_get_data (jws, &size);
  g_autofree char *text = g_strndup (data, size);
  g_autofree char *start = g_strdup_printf ("\"%s\":\"", name);
  const char *value = strstr (text, start);

  g_assert_nonnull (value);
  value += strlen (start);
  return g_strndup (value, strcspn (value, "\""));
}

static GBytes *
encode_rs (const guint8 *r, gsize r_size, const guint8 *s, gsize s_size)
{
  gnutls_datum_t r_datum = { (unsigned char *) r, (guint) r_size };
  gnutls_datum_t s_datum = { (unsigned char *) s, (guint) s_size };
  g_auto (gnutls_datum_t) der = { NULL, 0 };

  g_assert_cmpint (gnutls_encode_rs_value (&der, &r_datum, &s_datum), ==, 0);
  return herd_datum_steal (&der);
}

static const struct {
  const char *algorithm;
  const char *type;
  gnutls_sign_algorithm_t sign;
  gsize size; /* of a signature */
  guint rounds;
} algorithms[] = {
  { "ES256", "ecdsa-p256", GNUTLS_SIGN_ECDSA_SHA256, 64, 600 },
  { "ES384", "ecdsa-p384", GNUTLS_SIGN_ECDSA_SHA384, 96, 200 },
  { "RS256", "rsa-2048", GNUTLS_SIGN_RSA_SHA256, 256, 5 },
};

static void
on_generated (GObject *source, GAsyncResult *result, gpointer data)
{
  *(HerdKey **) data = herd_key_generate_finish (result, NULL);
}

static void
assert_verifies (guint which, gnutls_pubkey_t verifier, GBytes *jws, const char *payload)
{
  g_autofree char *header = get_member (jws, "protected");
  g_autofree char *body = get_member (jws, "payload");
  g_autofree char *signature = get_member (jws, "signature");
  g_autofree char *input = g_strconcat (header, ".", body, NULL);
  g_autofree char *encoded_payload = herd_base64url_encode (payload, strlen (payload));
  g_autoptr (GBytes) raw = herd_base64url_decode (signature);
  g_autoptr (GBytes) der = NULL;
  gsize half = algorithms[which].size / 2;
  const guint8 *data = g_bytes_get_data (raw, NULL);
  gnutls_datum_t text = { (unsigned char *) input, (guint) strlen (input) }, datum;

  g_assert_cmpuint (g_bytes_get_size (raw), ==, algorithms[which].size);
  g_assert_cmpstr (body, ==, encoded_payload);
  der = algorithms[which].sign == GNUTLS_SIGN_RSA_SHA256
            ? g_bytes_ref (raw)
            : encode_rs (data, half, data + half, half);
  datum = herd_datum_peek (der);
  g_assert_cmpint (gnutls_pubkey_verify_data2 (verifier, algorithms[which].sign, 0, &text, &datum),
                   >=, 0);
}

static void
signs (gconstpointer index)
{
  guint which = GPOINTER_TO_UINT (index);
  const char *algorithm = algorithms[which].algorithm;
  g_auto (gnutls_pubkey_t) verifier = NULL;
  g_autoptr (HerdKey) key = NULL;
  g_autoptr (GBytes) der = NULL;
  gnutls_datum_t datum;

  herd_key_generate_async (algorithms[which].type, NULL, on_generated, &key);
  while (key == NULL)
    g_main_context_iteration (NULL, TRUE);
  der = herd_key_get_public (key, NULL);
  datum = herd_datum_peek (der);
  g_assert_cmpint (gnutls_pubkey_init (&verifier), ==, 0);
  g_assert_cmpint (gnutls_pubkey_import (verifier, &datum, GNUTLS_X509_FMT_DER), ==, 0);
  for (guint i = 0; i < algorithms[which].rounds; i++) {
    g_autofree char *payload = i == 0   ? g_strdup ("")
                               : i == 1 ? g_strdup ("{}")
                                        : g_strdup_printf ("{\"n\":%u}", i);
    g_autofree char *header = herd_jws_new_protected (algorithm, NULL, "https://ca.example/1",
                                                      "nonce", "https://ca.example/new-order");
    g_autoptr (GBytes) digest = herd_jws_get_digest (algorithm, header, payload);
    g_autoptr (GBytes) signature = herd_key_sign_digest (key, digest, NULL);
    g_autoptr (GError) error = NULL;
    g_autoptr (GBytes) jws = herd_jws_new (algorithm, header, payload, signature, &error);

    g_assert_no_error (error);
    assert_verifies (which, verifier, jws, payload);
  }
}

/* R and S of all lengths that occur, and one that must not. */
static void
signature_is_padded (void)
{
  guint8 number[34];

  memset (number, 0xee, sizeof number);
  for (gsize r_size = 1; r_size <= 32; r_size++) {
    gsize s_size = 33 - r_size;
    g_autoptr (GBytes) der = encode_rs (number, r_size, number, s_size);
    g_autoptr (GBytes) jws = herd_jws_new ("ES256", "e30", "", der, NULL);
    g_autofree char *signature = get_member (jws, "signature");
    g_autoptr (GBytes) raw = herd_base64url_decode (signature);
    const guint8 *data = g_bytes_get_data (raw, NULL);

    g_assert_cmpuint (g_bytes_get_size (raw), ==, 64);
    for (gsize i = 0; i < 32; i++) {
      g_assert_cmpuint (data[i], ==, i < 32 - r_size ? 0 : 0xee);
      g_assert_cmpuint (data[32 + i], ==, i < 32 - s_size ? 0 : 0xee);
    }
  }
}

static void
signature_refused (void)
{
  guint8 number[48];
  g_autoptr (GBytes) long_r = NULL;
  g_autoptr (GBytes) long_s = NULL;
  g_autoptr (GBytes) nonsense = g_bytes_new_static ("no signature", 12);

  memset (number, 0x77, sizeof number);
  long_r = encode_rs (number, 33, number, 32);
  long_s = encode_rs (number, 32, number, 48);
  for (guint i = 0; i < 3; i++) {
    GBytes *der = i == 0 ? long_r : i == 1 ? long_s : nonsense;
    g_autoptr (GError) error = NULL;

    g_assert_null (herd_jws_new ("ES256", "e30", "", der, &error));
    g_assert_error (error, HERD_ERROR, HERD_ERROR_FAILED);
  }
}

/* RFC 7515 appendix A.1, the key as a careless hand copies it. */
static void
computes_macs (void)
{
  static const char *const payload = "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n "
                                     "\"http://example.com/is_root\":true}";
  static const struct {
    const char *algorithm;
    guint size; /* of the signature in base64url */
  } macs[] = { { "HS256", 43 }, { "HS384", 64 }, { "HS512", 86 } };
  g_autoptr (GBytes)
      key = herd_base64url_decode_leniently (" AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ+EstJQLr/"
                                             "T+1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow==\n");
  g_autoptr (GBytes) empty = g_bytes_new (NULL, 0);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (macs); i++) {
    g_autofree char *jws = herd_jws_new_mac (
        macs[i].algorithm, "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9", payload, key, &error);
    const char *signature;

    g_assert_no_error (error);
    signature = strstr (jws, "\"signature\":\"") + strlen ("\"signature\":\"");
    g_assert_cmpuint (strcspn (signature, "\""), ==, macs[i].size);
    if (i == 0)
      g_assert_true (g_str_has_prefix (signature, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"));
  }
  g_assert_null (herd_jws_new_mac ("none", "e30", payload, key, &error));
  g_assert_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);
  g_assert_null (herd_jws_new_mac ("HS256", "e30", payload, empty, &error));
  g_assert_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/jwk/vector/rfc-7638-rsa", jwk_rsa_vector);
  g_test_add_func ("/jwk/vector/rfc-8037-ed25519", jwk_ed25519_vector);
  for (guint i = 0; i < G_N_ELEMENTS (fixed_keys); i++) {
    g_autofree char *path = g_strconcat ("/jwk/padded/", fixed_keys[i].type, "-",
                                         fixed_keys[i].trait, NULL);

    g_test_add_data_func (path, &fixed_keys[i], jwk_is_padded);
  }
  g_test_add_func ("/jwk/refuses", jwk_refuses);
  g_test_add_func ("/jws/protected-headers", protected_headers);
  for (guint i = 0; i < G_N_ELEMENTS (algorithms); i++) {
    g_autofree char *path = g_strconcat ("/jws/signs/", algorithms[i].algorithm, NULL);

    g_test_add_data_func (path, GUINT_TO_POINTER (i), signs);
  }
  g_test_add_func ("/jws/signature-is-padded", signature_is_padded);
  g_test_add_func ("/jws/signature-refused", signature_refused);
  g_test_add_func ("/jws/mac", computes_macs);
  return g_test_run ();
}
