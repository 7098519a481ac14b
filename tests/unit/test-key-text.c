// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Keys as other programs write them: whatever the dialect, it is the same key; whatever is wrong, it is
 * refused without a word of the key.
 */
#include <gnutls/x509.h>
#include <string.h>

#include "crypto/glue.h"
#include "crypto/jws.h"
#include "crypto/key-text.h"
#include "util/base64url.h"

#define LIBWEBSOCKETS "../lib/libwebsockets"

typedef struct {
  gnutls_x509_privkey_t key;
  char *jwk; /* the public one, as our own accounts have it */
} Made;

static Made
make (gnutls_pk_algorithm_t algorithm, guint size)
{
  Made made = { NULL, NULL };
  g_auto (gnutls_datum_t) der = { NULL, 0 };
  g_autoptr (GBytes) pkcs8 = NULL;
  g_autoptr (HerdKey) key = NULL;
  g_autoptr (GBytes) public_key = NULL;

  gnutls_x509_privkey_init (&made.key);
  g_assert_cmpint (gnutls_x509_privkey_generate (made.key, algorithm, size, 0), ==, 0);
  gnutls_x509_privkey_export2_pkcs8 (made.key, GNUTLS_X509_FMT_DER, NULL, GNUTLS_PKCS_PLAIN, &der);
  pkcs8 = g_bytes_new (der.data, der.size);
  key = herd_key_new_from_pkcs8 (pkcs8, NULL);
  public_key = herd_key_get_public (key, NULL);
  made.jwk = herd_jwk_new (public_key, NULL);
  return made;
}

static void
made_clear (Made *made)
{
  gnutls_x509_privkey_deinit (made->key);
  g_free (made->jwk);
}

static HerdKey *
read_text (const char *text, GError **error)
{
  g_autoptr (GBytes) bytes = g_bytes_new (text, strlen (text));

  return herd_key_new_from_text (bytes, error);
}

static void
assert_reads (const Made *made, const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HerdKey) key = read_text (text, &error);
  g_autoptr (GBytes) public_key = NULL;
  g_autofree char *jwk = NULL;

  g_assert_no_error (error);
  public_key = herd_key_get_public (key, &error);
  jwk = herd_jwk_new (public_key, &error);
  g_assert_cmpstr (jwk, ==, made->jwk);
}

static void
assert_refused (const char *text, const char *words)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (read_text (text, &error));
  g_assert_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT);
  if (strstr (error->message, words) == NULL)
    g_error ("\"%s\" does not say \"%s\"", error->message, words);
}

/* base64url of NUMBER; with a zero before it, and with padding, if WIDE. */
static char *
encode (const gnutls_datum_t *number, gboolean wide)
{
  const guint8 *data = number->data;
  gsize size = number->size;
  g_autofree guint8 *zeros = g_malloc0 (size + 3);
  g_autofree char *text = NULL;

  for (; !wide && size > 0 && *data == 0; size--)
    data++;
  memcpy (zeros + (wide ? 3 : 0), data, size);
  text = herd_base64url_encode (zeros, size + (wide ? 3 : 0));
  return g_strconcat (text, wide ? "==" : "", NULL);
}

static char *
new_rsa_jwk (const Made *made, gboolean wide, const char *before, const char *after)
{
  gnutls_datum_t numbers[8] = { { NULL, 0 } };
  char *texts[8];
  char *jwk;

  gnutls_x509_privkey_export_rsa_raw2 (made->key, &numbers[0], &numbers[1], &numbers[2],
                                       &numbers[3], &numbers[4], &numbers[5], &numbers[6],
                                       &numbers[7]);
  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++)
    texts[i] = encode (&numbers[i], wide);
  jwk = g_strdup_printf ("{%s\"n\":\"%s\",\"e\":\"%s\",\"d\":\"%s\",\"p\":\"%s\",\"q\":\"%s\"%s}",
                         before, texts[0], texts[1], texts[2], texts[3], texts[4], after);
  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++) {
    herd_datum_clear (&numbers[i]);
    g_free (texts[i]);
  }
  return jwk;
}

static void
reads_rsa_jwk (void)
{
  Made made = make (GNUTLS_PK_RSA, 2048);
  g_autofree char *plain = new_rsa_jwk (&made, FALSE, "\"kty\":\"RSA\",", "");
  g_autofree char *wide = new_rsa_jwk (&made, TRUE, " \n\"kty\" : \"RSA\" ,", "\n");
  g_autofree char *more = new_rsa_jwk (
      &made, FALSE, "\"key_ops\":[\"sign\",{\"x\":[]}],\"kty\":\"RSA\",\"ext\":true,",
      ",\"dp\":\"AA\",\"kid\":\"a\\\"}b\",\"use\":null,\"iat\":-1.5e3");
  g_autofree char *no_type = new_rsa_jwk (&made, FALSE, "", "");
  g_autofree char *twice = new_rsa_jwk (&made, FALSE, "\"kty\":\"RSA\",", ",\"d\":\"AA\"");
  g_autofree char *followed = g_strconcat (plain, "x", NULL);
  g_autofree char *cut = g_strndup (plain, strlen (plain) - 2);

  assert_reads (&made, plain);
  assert_reads (&made, wide);
  assert_reads (&made, more);
  assert_refused (no_type, "type RSA or EC");
  assert_refused (twice, "twice");
  assert_refused (followed, "follows");
  assert_refused (cut, "");
  assert_refused (made.jwk, "private key");
  made_clear (&made);
}

static void
reads_ec_jwk (void)
{
  static const struct {
    gnutls_ecc_curve_t curve;
    const char *name;
  } curves[] = { { GNUTLS_ECC_CURVE_SECP256R1, "P-256" }, { GNUTLS_ECC_CURVE_SECP384R1, "P-384" } };

  for (guint i = 0; i < G_N_ELEMENTS (curves); i++) {
    Made made = make (GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS (curves[i].curve));
    Made other = make (GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS (curves[i].curve));
    g_auto (gnutls_datum_t) x = { NULL, 0 }, y = { NULL, 0 }, d = { NULL, 0 }, wrong = { NULL, 0 };
    g_auto (gnutls_datum_t) other_x = { NULL, 0 }, other_y = { NULL, 0 };
    gnutls_ecc_curve_t curve;
    g_autofree char *text_x = NULL, *text_y = NULL, *text_d = NULL, *text_wrong = NULL;
    g_autofree char *good = NULL, *bad = NULL;

    gnutls_x509_privkey_export_ecc_raw (made.key, &curve, &x, &y, &d);
    gnutls_x509_privkey_export_ecc_raw (other.key, &curve, &other_x, &other_y, &wrong);
    text_x = encode (&x, FALSE);
    text_y = encode (&y, TRUE);
    text_d = encode (&d, FALSE);
    text_wrong = encode (&wrong, FALSE);
    good = g_strdup_printf (
        "{\"crv\":\"%s\",\"d\":\"%s\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}", curves[i].name,
        text_d, text_x, text_y);
    bad = g_strdup_printf ("{\"crv\":\"%s\",\"d\":\"%s\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}",
                           curves[i].name, text_wrong, text_x, text_y);
    assert_reads (&made, good);
    assert_refused (bad, "fit together");
    made_clear (&made);
    made_clear (&other);
  }
}

static void
reads_pem (void)
{
  static const struct {
    gnutls_pk_algorithm_t algorithm;
    guint size;
  } kinds[] = { { GNUTLS_PK_RSA, 2048 },
                { GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS (GNUTLS_ECC_CURVE_SECP256R1) } };

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++) {
    Made made = make (kinds[i].algorithm, kinds[i].size);
    g_auto (gnutls_datum_t) own = { NULL, 0 }, pkcs8 = { NULL, 0 }, locked = { NULL, 0 };

    gnutls_x509_privkey_export2 (made.key, GNUTLS_X509_FMT_PEM, &own); /* PKCS#1, SEC1 */
    gnutls_x509_privkey_export2_pkcs8 (made.key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN,
                                       &pkcs8);
    gnutls_x509_privkey_export2_pkcs8 (made.key, GNUTLS_X509_FMT_PEM, "password",
                                       GNUTLS_PKCS_PBES2_AES_256, &locked);
    assert_reads (&made, (char *) own.data);
    assert_reads (&made, (char *) pkcs8.data);
    assert_refused ((char *) locked.data, "");
    made_clear (&made);
  }
}

/* What libwebsockets wrote: lib/libwebsockets/README.md. The PEM beside each is what OpenSSL says of the key. */
static void
reads_libwebsockets (gconstpointer data)
{
  const char *name = data;
  g_autofree char *jwk_path = g_test_build_filename (G_TEST_DIST, LIBWEBSOCKETS, name, NULL);
  g_autofree char *pem_path = g_strconcat (jwk_path, ".pub", NULL);
  g_autofree char *text = NULL;
  g_autofree char *pem = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (HerdKey) key = NULL;
  g_autoptr (GBytes) public_key = NULL;
  g_auto (gnutls_datum_t) der = { NULL, 0 };
  gnutls_datum_t datum;

  g_file_get_contents (jwk_path, &text, NULL, &error);
  g_assert_no_error (error);
  g_file_get_contents (pem_path, &pem, NULL, &error);
  g_assert_no_error (error);
  key = read_text (text, &error);
  g_assert_no_error (error);
  public_key = herd_key_get_public (key, &error);
  g_assert_no_error (error);
  datum = (gnutls_datum_t){ (guint8 *) pem, (guint) strlen (pem) };
  g_assert_cmpint (gnutls_pem_base64_decode2 ("PUBLIC KEY", &datum, &der), ==, 0);
  g_assert_cmpmem (g_bytes_get_data (public_key, NULL), g_bytes_get_size (public_key), der.data,
                   der.size);
}

static void
refuses (void)
{
  static const char *const texts[] = {
    "",
    "{",
    "{}",
    "[]",
    "{\"kty\":\"RSA\"",
    "{\"kty\":7}",
    "{\"kty\":\"EC\",\"crv\":\"P-521\",\"x\":\"AA\",\"y\":\"AA\",\"d\":\"AA\"}",
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\",\"d\":\"AA\"}",
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"!!\",\"y\":\"AA\",\"d\":\"AA\"}",
    "{\"kty\":\"oct\",\"k\":\"AA\"}",
    "{\"kty\":\"RSA\",\"n\":[[[[[[[[[[[[[[[[[[[[[[",
    "{\"a\":\"\\",
    "-----BEGIN RSA PRIVATE KEY-----\nAA==\n-----END RSA PRIVATE KEY-----\n",
    "{\"body\":{\"status\":\"valid\"},\"uri\":\"https://ca.test/1\"}",
  };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    assert_refused (texts[i], "");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/key-text/rsa-jwk", reads_rsa_jwk);
  g_test_add_func ("/key-text/ec-jwk", reads_ec_jwk);
  g_test_add_func ("/key-text/pem", reads_pem);
  g_test_add_data_func ("/key-text/libwebsockets/openssl", "openssl.jwk", reads_libwebsockets);
  g_test_add_data_func ("/key-text/libwebsockets/mbedtls", "mbedtls.jwk", reads_libwebsockets);
  g_test_add_func ("/key-text/refuses", refuses);
  return g_test_run ();
}
