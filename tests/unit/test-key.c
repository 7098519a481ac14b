// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Keys and CSRs, checked with GnuTLS itself. The fixed EC keys were searched for a coordinate or a
 * private value that begins with a zero byte (one in 256 does), and written by another library, so
 * that writing them again must give the same bytes.
 */
#include <gnutls/abstract.h>
#include <gnutls/x509.h>
#include <string.h>

#include "crypto/glue.h"
#include "crypto/key.h"
#include "fixed-keys.h"

static void
on_generated (GObject *source, GAsyncResult *result, gpointer data)
{
  GAsyncResult **out = data;

  *out = g_object_ref (result);
}

static HerdKey *
generate (const char *type, GCancellable *cancellable, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  herd_key_generate_async (type, cancellable, on_generated, &result);
  g_assert_null (result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return herd_key_generate_finish (result, error);
}

static void
assert_verifies (HerdKey *key, gnutls_sign_algorithm_t algorithm, GBytes *digest)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) signature = herd_key_sign_digest (key, digest, &error);
  g_autoptr (GBytes) public_key = herd_key_get_public (key, NULL);
  g_auto (gnutls_pubkey_t) verifier = NULL;
  gnutls_datum_t hash = herd_datum_peek (digest), der = herd_datum_peek (public_key), signed_hash;

  g_assert_no_error (error);
  signed_hash = herd_datum_peek (signature);
  g_assert_cmpint (gnutls_pubkey_init (&verifier), ==, 0);
  g_assert_cmpint (gnutls_pubkey_import (verifier, &der, GNUTLS_X509_FMT_DER), ==, 0);
  g_assert_cmpint (gnutls_pubkey_verify_hash2 (verifier, algorithm, 0, &hash, &signed_hash), >=, 0);
  hash.data = (unsigned char *) "another digest, of the same size, but not of the same content ";
  g_assert_cmpint (gnutls_pubkey_verify_hash2 (verifier, algorithm, 0, &hash, &signed_hash), <, 0);
}

static void
sign_refused (HerdKey *key, gsize size)
{
  g_autofree guint8 *zeros = g_malloc0 (size);
  g_autoptr (GBytes) digest = g_bytes_new (zeros, size);
  g_autoptr (GError) error = NULL;

  g_assert_null (herd_key_sign_digest (key, digest, &error));
  g_assert_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT);
}

static void
makes_each_type (gconstpointer data)
{
  const char *type = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (HerdKey) key = generate (type, NULL, &error);
  g_autoptr (HerdKey) again = NULL;
  g_autoptr (GBytes) der = NULL, der_again = NULL, public_key = NULL, public_again = NULL,
                     pem = NULL;
  g_autoptr (GBytes) digest = g_bytes_new_static ("0123456789abcdef0123456789abcdef", 32);
  g_autoptr (GBytes)
      long_digest = g_bytes_new_static ("0123456789abcdef0123456789abcdef0123456789abcdef", 48);

  g_assert_no_error (error);
  g_assert_true (herd_key_type_is_known (type));
  g_assert_cmpstr (herd_key_get_type_name (key), ==, type);
  der = herd_key_to_pkcs8 (key, &error);
  g_assert_no_error (error);
  again = herd_key_new_from_pkcs8 (der, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (herd_key_get_type_name (again), ==, type);
  der_again = herd_key_to_pkcs8 (again, NULL);
  g_assert_true (g_bytes_equal (der, der_again));
  public_key = herd_key_get_public (key, NULL);
  public_again = herd_key_get_public (again, NULL);
  g_assert_true (g_bytes_equal (public_key, public_again));
  pem = herd_key_to_pem (key, NULL);
  g_assert_true (g_str_has_prefix (g_bytes_get_data (pem, NULL), "-----BEGIN PRIVATE KEY-----\n"));
  g_assert_cmpint (((const char *) g_bytes_get_data (pem, NULL))[g_bytes_get_size (pem) - 1], ==,
                   '\n');
  sign_refused (again, 31);
  sign_refused (again, 0);
  if (g_str_has_prefix (type, "ecdsa")) {
    assert_verifies (again, GNUTLS_SIGN_ECDSA_SHA256, digest);
    assert_verifies (again, GNUTLS_SIGN_ECDSA_SHA384, long_digest);
  } else if (g_str_has_prefix (type, "rsa")) {
    assert_verifies (again, GNUTLS_SIGN_RSA_SHA256, digest);
    assert_verifies (again, GNUTLS_SIGN_RSA_SHA384, long_digest);
  } else {
    sign_refused (again, 32);
  }
}

/* GnuTLS by itself writes 137 to 139 bytes for P-256. */
static void
ec_keys_have_one_size (void)
{
  for (guint i = 0; i < 200; i++) {
    g_autoptr (HerdKey) key = generate (i % 2 == 0 ? "ecdsa-p256" : "ecdsa-p384", NULL, NULL);
    g_autoptr (GBytes) der = herd_key_to_pkcs8 (key, NULL);

    g_assert_cmpuint (g_bytes_get_size (der), ==, i % 2 == 0 ? 138 : 185);
  }
}

static void
makes_no_other (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (generate ("rsa-1024", NULL, &error));
  g_assert_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, "rsa-1024"));
  g_assert_false (herd_key_type_is_known ("rsa-1024"));
  g_assert_false (herd_key_type_is_known (""));
  g_assert_false (herd_key_type_is_known (NULL));
}

static void
can_be_cancelled (void)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  herd_key_generate_async ("rsa-4096", cancellable, on_generated, &result);
  g_cancellable_cancel (cancellable);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  g_assert_null (herd_key_generate_finish (result, &error));
  g_assert_error (error, HERD_ERROR, HERD_ERROR_CANCELLED);
}

static void
fixed_keys_are_written_alike (gconstpointer data)
{
  const FixedKey *fixed = data;
  gsize size;
  guint8 *raw = g_base64_decode (fixed->pkcs8, &size);
  g_autoptr (GBytes) der = g_bytes_new_take (raw, size);
  g_autoptr (GError) error = NULL;
  g_autoptr (HerdKey) key = herd_key_new_from_pkcs8 (der, &error);
  g_autoptr (GBytes) written = NULL, public_key = NULL;
  g_autoptr (GBytes) digest = g_bytes_new_static ("0123456789abcdef0123456789abcdef", 32);

  g_assert_no_error (error);
  g_assert_cmpstr (herd_key_get_type_name (key), ==, fixed->type);
  written = herd_key_to_pkcs8 (key, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (g_bytes_get_data (written, NULL), g_bytes_get_size (written), raw, size);
  /* The point of an EC key ends both forms. */
  public_key = herd_key_get_public (key, NULL);
  g_assert_cmpmem ((const guint8 *) g_bytes_get_data (public_key, NULL)
                       + g_bytes_get_size (public_key) - 64,
                   64, raw + size - 64, 64);
  assert_verifies (key, GNUTLS_SIGN_ECDSA_SHA256, digest);
}

static void
import_refuses (void)
{
  static const struct {
    const char *what;
    const char *pkcs8;
  } refused[] = {
    { "nothing", "" },
    { "text", "bm8ga2V5" },
    { "P-521", FIXED_KEY_P521 },
    { "RSA of 1024 bits", FIXED_KEY_RSA_1024 },
    { "Ed448", FIXED_KEY_ED448 },
    { "encrypted", FIXED_KEY_ENCRYPTED },
    { "not PKCS#8 but RFC 5915", FIXED_KEY_SEC1 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (refused); i++) {
    gsize size;
    guint8 *raw = g_base64_decode (refused[i].pkcs8, &size);
    g_autoptr (GBytes) der = g_bytes_new_take (raw, size);
    g_autoptr (GError) error = NULL;

    g_test_message ("%s", refused[i].what);
    g_assert_null (herd_key_new_from_pkcs8 (der, &error));
    g_assert_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT);
  }
}

static void
assert_san (gnutls_x509_crq_t request, guint index, int type, gconstpointer value, gsize value_size)
{
  char buffer[300];
  gsize size = sizeof buffer;
  guint found = 0, critical = 0;

  g_assert_cmpint (
      gnutls_x509_crq_get_subject_alt_name (request, index, buffer, &size, &found, &critical), ==,
      type);
  g_assert_cmpmem (buffer, size, value, value_size);
}

static gnutls_x509_crq_t
parse_request (GBytes *der)
{
  gnutls_datum_t datum = herd_datum_peek (der);
  gnutls_x509_crq_t request;

  g_assert_cmpint (gnutls_x509_crq_init (&request), ==, 0);
  g_assert_cmpint (gnutls_x509_crq_import (request, &datum, GNUTLS_X509_FMT_DER), ==, 0);
  g_assert_cmpint (gnutls_x509_crq_verify (request, 0), ==, 0);
  return request;
}

static void
csr_of_each_type (gconstpointer data)
{
  static const char *const identifiers[] = { "example.org", "*.example.org",         "192.0.2.7",
                                             "2001:db8::1", "xn--bcher-kva.example", NULL };
  g_autoptr (HerdKey) key = generate (data, NULL, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) der = herd_csr_new (key, identifiers, NULL, FALSE, &error);
  g_autoptr (GBytes) public_key = herd_key_get_public (key, NULL);
  g_auto (gnutls_x509_crq_t) request = NULL;
  g_auto (gnutls_pubkey_t) requested = NULL;
  g_auto (gnutls_datum_t) requested_der = { NULL, 0 };
  char buffer[300];
  gsize size = sizeof buffer;

  g_assert_no_error (error);
  request = parse_request (der);
  g_assert_cmpint (gnutls_x509_crq_get_version (request), ==, 1);
  assert_san (request, 0, GNUTLS_SAN_DNSNAME, "example.org", 11);
  assert_san (request, 1, GNUTLS_SAN_DNSNAME, "*.example.org", 13);
  assert_san (request, 2, GNUTLS_SAN_IPADDRESS, "\xc0\x00\x02\x07", 4);
  assert_san (request, 3, GNUTLS_SAN_IPADDRESS,
              "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01", 16);
  assert_san (request, 4, GNUTLS_SAN_DNSNAME, "xn--bcher-kva.example", 21);
  g_assert_cmpint (gnutls_x509_crq_get_subject_alt_name (request, 5, buffer, &size, NULL, NULL), ==,
                   GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE);
  size = sizeof buffer;
  g_assert_cmpint (gnutls_x509_crq_get_dn (request, buffer, &size), <=, 0);
  g_assert_cmpint (gnutls_pubkey_init (&requested), ==, 0);
  g_assert_cmpint (gnutls_pubkey_import_x509_crq (requested, request, 0), ==, 0);
  g_assert_cmpint (gnutls_pubkey_export2 (requested, GNUTLS_X509_FMT_DER, &requested_der), ==, 0);
  g_assert_cmpmem (requested_der.data, requested_der.size, g_bytes_get_data (public_key, NULL),
                   g_bytes_get_size (public_key));
}

/* Names go into the request byte for byte, also those that IDNA 2008 does not like. */
static void
csr_keeps_names (void)
{
  static const char *const identifiers[] = {
    "xn--ls8h.example",
    "_service._tcp.example.org",
    "a--b.example.org",
    "xn--zzzzzzzzzz.example.org",
    "a23456789-a23456789-a23456789-a23456789-a23456789-a23456789-123.example.org",
    NULL
  };
  g_autoptr (HerdKey) key = generate ("ecdsa-p256", NULL, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) der = herd_csr_new (key, identifiers, NULL, FALSE, &error);
  g_auto (gnutls_x509_crq_t) request = NULL;

  g_assert_no_error (error);
  request = parse_request (der);
  for (guint i = 0; identifiers[i] != NULL; i++)
    assert_san (request, i, GNUTLS_SAN_DNSNAME, identifiers[i], strlen (identifiers[i]));
}

static void
csr_with_subject (void)
{
  static const char *const identifiers[] = { "example.org", NULL };
  const HerdSubject subject = { "AT", "Wien", "", "Bäckerei, Söhne", "example.org" };
  g_autoptr (HerdKey) key = generate ("ecdsa-p256", NULL, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) der = herd_csr_new (key, identifiers, &subject, FALSE, &error);
  g_auto (gnutls_x509_crq_t) request = NULL;
  g_auto (gnutls_datum_t) name = { NULL, 0 };

  g_assert_no_error (error);
  request = parse_request (der);
  g_assert_cmpint (gnutls_x509_crq_get_dn3 (request, &name, GNUTLS_X509_DN_FLAG_COMPAT), ==, 0);
  g_assert_cmpstr ((const char *) name.data, ==, "C=AT,ST=Wien,O=Bäckerei\\, Söhne,CN=example.org");
}

static void
csr_with_must_staple (void)
{
  static const char *const identifiers[] = { "example.org", NULL };
  g_autoptr (HerdKey) key = generate ("ecdsa-p256", NULL, NULL);

  for (guint wanted = 0; wanted < 2; wanted++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (GBytes) der = herd_csr_new (key, identifiers, NULL, wanted != 0, &error);
    g_auto (gnutls_x509_crq_t) request = NULL;
    g_auto (gnutls_x509_tlsfeatures_t) features = NULL;
    guint feature = 0;

    g_assert_no_error (error);
    request = parse_request (der);
    g_assert_cmpint (gnutls_x509_tlsfeatures_init (&features), ==, 0);
    g_assert_cmpint (gnutls_x509_crq_get_tlsfeatures (request, features, 0, NULL) >= 0, ==,
                     wanted != 0);
    if (wanted != 0)
      g_assert_cmpint (gnutls_x509_tlsfeatures_get (features, 0, &feature), ==, 0);
    g_assert_cmpuint (feature, ==, wanted != 0 ? 5 : 0);
  }
}

static void
csr_refused (void)
{
  static const char *const none[] = { NULL };
  static const char *const broken[] = { "example.org", "\377.example.org", NULL };
  static const char *const identifiers[] = { "example.org", NULL };
  const HerdSubject subject = { .country = "Austria" };
  g_autoptr (HerdKey) key = generate ("ecdsa-p256", NULL, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_null (herd_csr_new (key, none, NULL, FALSE, &error));
  g_assert_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT);
  g_assert_null (herd_csr_new (key, broken, NULL, FALSE, NULL));
  g_clear_error (&error);
  g_assert_null (herd_csr_new (key, identifiers, &subject, FALSE, &error));
  g_assert_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, "Austria"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (const char *const *type = herd_key_get_types (); *type != NULL; type++) {
    g_autofree char *key_path = g_strconcat ("/key/makes/", *type, NULL);
    g_autofree char *csr_path = g_strconcat ("/csr/of/", *type, NULL);

    g_test_add_data_func (key_path, *type, makes_each_type);
    g_test_add_data_func (csr_path, *type, csr_of_each_type);
  }
  for (guint i = 0; i < G_N_ELEMENTS (fixed_keys); i++) {
    g_autofree char *path = g_strconcat ("/key/written-alike/", fixed_keys[i].type, "-",
                                         fixed_keys[i].trait, NULL);

    g_test_add_data_func (path, &fixed_keys[i], fixed_keys_are_written_alike);
  }
  g_test_add_func ("/key/ec-keys-have-one-size", ec_keys_have_one_size);
  g_test_add_func ("/key/makes/no-other", makes_no_other);
  g_test_add_func ("/key/can-be-cancelled", can_be_cancelled);
  g_test_add_func ("/key/import-refuses", import_refuses);
  g_test_add_func ("/csr/keeps-names", csr_keeps_names);
  g_test_add_func ("/csr/with-subject", csr_with_subject);
  g_test_add_func ("/csr/with-must-staple", csr_with_must_staple);
  g_test_add_func ("/csr/refused", csr_refused);
  return g_test_run ();
}
