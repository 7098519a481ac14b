// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Private keys and CSRs. A key is immutable and shared by reference; it lives in the agent, and
 * leaves it sealed (state) or in a sealed memfd. Main loop, but for RSA generation.
 */
#include "crypto/key.h"

#include <string.h>

#include "crypto/glue.h"
#include "plugin/identifier.h"
#include "util/secret.h"

typedef struct {
  const char *name;
  gnutls_pk_algorithm_t algorithm;
  gnutls_ecc_curve_t curve; /* GNUTLS_ECC_CURVE_INVALID: RSA, by SIZE */
  guint size;
  gnutls_digest_algorithm_t csr_digest;
} KeyType;

/* GnuTLS wants SHA-512 named for Ed25519, which hashes by itself (RFC 8410 has no other). */
static const KeyType key_types[] = {
  { "ecdsa-p256", GNUTLS_PK_ECDSA, GNUTLS_ECC_CURVE_SECP256R1, 256, GNUTLS_DIG_SHA256 },
  { "ecdsa-p384", GNUTLS_PK_ECDSA, GNUTLS_ECC_CURVE_SECP384R1, 384, GNUTLS_DIG_SHA384 },
  { "rsa-2048", GNUTLS_PK_RSA, GNUTLS_ECC_CURVE_INVALID, 2048, GNUTLS_DIG_SHA256 },
  { "rsa-3072", GNUTLS_PK_RSA, GNUTLS_ECC_CURVE_INVALID, 3072, GNUTLS_DIG_SHA256 },
  { "rsa-4096", GNUTLS_PK_RSA, GNUTLS_ECC_CURVE_INVALID, 4096, GNUTLS_DIG_SHA256 },
  { "ed25519", GNUTLS_PK_EDDSA_ED25519, GNUTLS_ECC_CURVE_ED25519, 256, GNUTLS_DIG_SHA512 },
};

static const char *const key_type_names[] = { "ecdsa-p256", "ecdsa-p384", "rsa-2048", "rsa-3072",
                                              "rsa-4096",   "ed25519",    NULL };

struct HerdKey {
  int references;
  const KeyType *type;
  gnutls_x509_privkey_t x509;
  gnutls_privkey_t abstract; /* of X509 */
};

const char *const *
herd_key_get_types (void)
{
  return key_type_names;
}

static const KeyType *
find_type (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (key_types); i++) {
    if (g_strcmp0 (key_types[i].name, name) == 0)
      return &key_types[i];
  }
  return NULL;
}

gboolean
herd_key_type_is_known (const char *type)
{
  return find_type (type) != NULL;
}

static HerdKey *
key_new (void)
{
  HerdKey *key = g_new0 (HerdKey, 1);

  key->references = 1;
  gnutls_x509_privkey_init (&key->x509);
  gnutls_privkey_init (&key->abstract);
  return key;
}

/* Lets GnuTLS's abstract functions use the key, once it has a value. */
static gboolean
connect (HerdKey *key, GError **error)
{
  return herd_gnutls_check (gnutls_privkey_import_x509 (key->abstract, key->x509, 0),
                            HERD_ERROR_FAILED, "Cannot use the key", error);
}

static HerdKey *
generate (const KeyType *type, GError **error)
{
  g_autoptr (HerdKey) key = key_new ();
  guint size = type->curve == GNUTLS_ECC_CURVE_INVALID ? type->size
                                                       : (guint) GNUTLS_CURVE_TO_BITS (type->curve);
  int result = gnutls_x509_privkey_generate (key->x509, type->algorithm, size, 0);

  key->type = type;
  if (!herd_gnutls_check (result, HERD_ERROR_FAILED, "Cannot make a key", error)
      || !connect (key, error))
    return NULL;
  return g_steal_pointer (&key);
}

static void
generate_for_task (GTask *task, const KeyType *type)
{
  GError *error = NULL;
  HerdKey *key = generate (type, &error);

  if (key != NULL)
    g_task_return_pointer (task, key, (GDestroyNotify) herd_key_unref);
  else
    g_task_return_error (task, error);
}

static void
generate_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const KeyType *type = data;

  generate_for_task (task, type);
}

void
herd_key_generate_async (const char *type, GCancellable *cancellable, GAsyncReadyCallback callback,
                         gpointer data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, data);
  const KeyType *found = find_type (type);

  if (found == NULL) {
    g_task_return_new_error (task, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
                             "There is no key type “%s”", type);
  } else if (found->algorithm == GNUTLS_PK_RSA) {
    g_task_set_task_data (task, (gpointer) found, NULL);
    g_task_set_return_on_cancel (task, TRUE);
    g_task_run_in_thread (task, generate_in_thread);
  } else {
    generate_for_task (task, found);
  }
}

HerdKey *
herd_key_generate_finish (GAsyncResult *result, GError **error)
{
  HerdKey *key = g_task_propagate_pointer (G_TASK (result), error);

  if (key == NULL)
    herd_error_translate (error, HERD_ERROR_FAILED, "Cannot make a key");
  return key;
}

/* The type of what KEY holds, or NULL if it is none of ours. */
static const KeyType *
recognise (HerdKey *key)
{
  g_auto (gnutls_pubkey_t) public_key = NULL;
  gnutls_ecc_curve_t curve = GNUTLS_ECC_CURVE_INVALID;
  guint size = 0;
  int algorithm = gnutls_privkey_get_pk_algorithm (key->abstract, &size);

  if (algorithm != GNUTLS_PK_RSA) {
    if (gnutls_pubkey_init (&public_key) < 0
        || gnutls_pubkey_import_privkey (public_key, key->abstract, 0, 0) < 0
        || gnutls_pubkey_export_ecc_raw2 (public_key, &curve, NULL, NULL, 0) < 0)
      return NULL;
  }
  for (guint i = 0; i < G_N_ELEMENTS (key_types); i++) {
    const KeyType *type = &key_types[i];

    if ((int) type->algorithm == algorithm && type->curve == curve && type->size == size)
      return type;
  }
  return NULL;
}

HerdKey *
herd_key_new_from_pkcs8 (GBytes *der, GError **error)
{
  g_autoptr (HerdKey) key = key_new ();
  gnutls_datum_t datum = herd_datum_peek (der);
  int result = gnutls_x509_privkey_import_pkcs8 (key->x509, &datum, GNUTLS_X509_FMT_DER, NULL,
                                                 GNUTLS_PKCS_PLAIN);

  if (!herd_gnutls_check (result, HERD_ERROR_INVALID_ARGUMENT, "This is no PKCS#8 key", error)
      || !connect (key, error))
    return NULL;
  key->type = recognise (key);
  if (key->type == NULL) {
    g_set_error_literal (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
                         "The key is of a type that is not supported; use P-256, P-384, RSA of "
                         "2048, 3072 or 4096 bits, or Ed25519");
    return NULL;
  }
  return g_steal_pointer (&key);
}

HerdKey *
herd_key_ref (HerdKey *key)
{
  g_atomic_int_inc (&key->references);
  return key;
}

void
herd_key_unref (HerdKey *key)
{
  if (key == NULL || !g_atomic_int_dec_and_test (&key->references))
    return;
  gnutls_privkey_deinit (key->abstract);
  gnutls_x509_privkey_deinit (key->x509);
  g_free (key);
}

const char *
herd_key_get_type_name (HerdKey *key)
{
  return key->type->name;
}

/* The DER of a PKCS#8 EC key of a curve (RFC 5208, RFC 5915) is the same for all keys but for three
 * numbers of fixed size: HEADER, private value, MIDDLE, x, y. */
typedef struct {
  gnutls_ecc_curve_t curve;
  guint field_size;
  const char *header;
  guint header_size;
  const char *middle;
} EcForm;

#define EC_MIDDLE_SIZE 6

static const EcForm ec_forms[] = {
  { GNUTLS_ECC_CURVE_SECP256R1, 32,
    "\x30\x81\x87\x02\x01\x00\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01"
    "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x04\x6d\x30\x6b\x02\x01\x01\x04\x20",
    36, "\xa1\x44\x03\x42\x00\x04" },
  { GNUTLS_ECC_CURVE_SECP384R1, 48,
    "\x30\x81\xb6\x02\x01\x00\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01"
    "\x06\x05\x2b\x81\x04\x00\x22\x04\x81\x9e\x30\x81\x9b\x02\x01\x01\x04\x30",
    35, "\xa1\x64\x03\x62\x00\x04" },
};

/* RFC 5915 section 3 pads the private value to the size of the field. GnuTLS writes a signed integer
 * instead, 33 bytes for every other P-256 key it makes, which strict readers refuse. */
static GBytes *
write_ec (HerdKey *key, const EcForm *form, GError **error)
{
  g_auto (gnutls_datum_t) x = { NULL, 0 };
  g_auto (gnutls_datum_t) y = { NULL, 0 };
  g_auto (gnutls_datum_t) k = { NULL, 0 };
  gsize size = form->header_size + EC_MIDDLE_SIZE + 3 * (gsize) form->field_size;
  guint8 *der = g_malloc0 (size);
  g_autoptr (GBytes) bytes = herd_secret_new_take (der, size);
  guint8 *middle = der + form->header_size + form->field_size;
  guint8 *point = middle + EC_MIDDLE_SIZE;
  int result = gnutls_privkey_export_ecc_raw2 (key->abstract, NULL, &x, &y, &k, 0);

  if (result >= 0) {
    memcpy (der, form->header, form->header_size);
    memcpy (middle, form->middle, EC_MIDDLE_SIZE);
    if (!herd_datum_write_padded (&k, der + form->header_size, form->field_size)
        || !herd_datum_write_padded (&x, point, form->field_size)
        || !herd_datum_write_padded (&y, point + form->field_size, form->field_size))
      result = GNUTLS_E_INTERNAL_ERROR;
  }
  if (!herd_gnutls_check (result, HERD_ERROR_FAILED, "Cannot write the key", error))
    return NULL;
  return g_steal_pointer (&bytes);
}

GBytes *
herd_key_to_pkcs8 (HerdKey *key, GError **error)
{
  g_auto (gnutls_datum_t) datum = { NULL, 0 };
  int result;

  for (guint i = 0; i < G_N_ELEMENTS (ec_forms); i++) {
    if (ec_forms[i].curve == key->type->curve)
      return write_ec (key, &ec_forms[i], error);
  }
  result = gnutls_x509_privkey_export2_pkcs8 (key->x509, GNUTLS_X509_FMT_DER, NULL,
                                              GNUTLS_PKCS_PLAIN, &datum);
  if (!herd_gnutls_check (result, HERD_ERROR_FAILED, "Cannot write the key", error))
    return NULL;
  return herd_datum_steal (&datum);
}

GBytes *
herd_key_to_pem (HerdKey *key, GError **error)
{
  g_autoptr (GBytes) der = herd_key_to_pkcs8 (key, error);
  g_auto (gnutls_datum_t) pem = { NULL, 0 };
  gnutls_datum_t datum;
  int result;

  if (der == NULL)
    return NULL;
  datum = herd_datum_peek (der);
  result = gnutls_pem_base64_encode2 ("PRIVATE KEY", &datum, &pem);
  if (!herd_gnutls_check (result, HERD_ERROR_FAILED, "Cannot write the key", error))
    return NULL;
  return herd_datum_steal (&pem);
}

GBytes *
herd_key_get_public (HerdKey *key, GError **error)
{
  g_auto (gnutls_pubkey_t) public_key = NULL;
  g_auto (gnutls_datum_t) datum = { NULL, 0 };
  int result = gnutls_pubkey_init (&public_key);

  if (result >= 0)
    result = gnutls_pubkey_import_privkey (public_key, key->abstract, 0, 0);
  if (result >= 0)
    result = gnutls_pubkey_export2 (public_key, GNUTLS_X509_FMT_DER, &datum);
  if (!herd_gnutls_check (result, HERD_ERROR_FAILED, "Cannot write the public key", error))
    return NULL;
  return herd_datum_steal (&datum);
}

GBytes *
herd_key_sign_digest (HerdKey *key, GBytes *digest, GError **error)
{
  g_auto (gnutls_datum_t) signature = { NULL, 0 };
  gnutls_datum_t hash = herd_datum_peek (digest);
  gnutls_digest_algorithm_t algorithm = hash.size == 32   ? GNUTLS_DIG_SHA256
                                        : hash.size == 48 ? GNUTLS_DIG_SHA384
                                                          : GNUTLS_DIG_UNKNOWN;
  int result;

  if (key->type->algorithm == GNUTLS_PK_EDDSA_ED25519 || algorithm == GNUTLS_DIG_UNKNOWN) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
                 "A key of type %s cannot sign a digest of %u bytes", key->type->name, hash.size);
    return NULL;
  }
  result = gnutls_privkey_sign_hash2 (
      key->abstract, gnutls_pk_to_sign (key->type->algorithm, algorithm), 0, &hash, &signature);
  if (!herd_gnutls_check (result, HERD_ERROR_FAILED, "Cannot sign", error))
    return NULL;
  return herd_datum_steal (&signature);
}

static int
add_identifier (gnutls_x509_crq_t request, const char *identifier, guint flags)
{
  g_autoptr (GInetAddress) address = NULL;

  if (g_str_equal (herd_identifier_get_type_name (identifier), "ip"))
    address = g_inet_address_new_from_string (identifier);
  if (address == NULL)
    return gnutls_x509_crq_set_subject_alt_name (request, GNUTLS_SAN_DNSNAME, identifier,
                                                 (guint) strlen (identifier), flags);
  return gnutls_x509_crq_set_subject_alt_name (
      request, GNUTLS_SAN_IPADDRESS, g_inet_address_to_bytes (address),
      (guint) g_inet_address_get_native_size (address), flags);
}

static gboolean
add_identifiers (gnutls_x509_crq_t request, const char *const *identifiers, GError **error)
{
  if (identifiers[0] == NULL) {
    g_set_error_literal (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
                         "A certificate needs at least one identifier");
    return FALSE;
  }
  for (guint i = 0; identifiers[i] != NULL; i++) {
    int result = add_identifier (request, identifiers[i],
                                 i == 0 ? GNUTLS_FSAN_SET : GNUTLS_FSAN_APPEND);

    if (!herd_gnutls_check (result, HERD_ERROR_INVALID_ARGUMENT, identifiers[i], error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
is_country (const char *value)
{
  return strlen (value) == 2 && g_ascii_isalpha (value[0]) && g_ascii_isalpha (value[1]);
}

static gboolean
add_subject (gnutls_x509_crq_t request, const HerdSubject *subject, GError **error)
{
  const struct {
    const char *oid;
    const char *value;
    const char *name;
  } fields[] = {
    { GNUTLS_OID_X520_COUNTRY_NAME, subject->country, "country" },
    { GNUTLS_OID_X520_STATE_OR_PROVINCE_NAME, subject->state, "state" },
    { GNUTLS_OID_X520_LOCALITY_NAME, subject->locality, "locality" },
    { GNUTLS_OID_X520_ORGANIZATION_NAME, subject->organization, "organization" },
    { GNUTLS_OID_X520_COMMON_NAME, subject->common_name, "common-name" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (fields); i++) {
    const char *value = fields[i].value;
    int result;

    if (value == NULL || *value == '\0')
      continue;
    /* GnuTLS would write any text here, as a string type that only two letters fit. */
    if (value == subject->country && !is_country (value)) {
      g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
                   "The country “%s” is not a code of two letters such as AT", value);
      return FALSE;
    }
    result = gnutls_x509_crq_set_dn_by_oid (request, fields[i].oid, 0, value,
                                            (guint) strlen (value));
    if (!herd_gnutls_check (result, HERD_ERROR_INVALID_ARGUMENT, fields[i].name, error))
      return FALSE;
  }
  return TRUE;
}

#define STATUS_REQUEST 5 /* RFC 6066 section 1.1 */

static gboolean
add_must_staple (gnutls_x509_crq_t request, GError **error)
{
  g_auto (gnutls_x509_tlsfeatures_t) features = NULL;
  int result = gnutls_x509_tlsfeatures_init (&features);

  if (result >= 0)
    result = gnutls_x509_tlsfeatures_add (features, STATUS_REQUEST);
  if (result >= 0)
    result = gnutls_x509_crq_set_tlsfeatures (request, features);
  return herd_gnutls_check (result, HERD_ERROR_FAILED, "must-staple", error);
}

GBytes *
herd_csr_new (HerdKey *key, const char *const *identifiers, const HerdSubject *subject,
              gboolean must_staple, GError **error)
{
  g_auto (gnutls_x509_crq_t) request = NULL;
  g_auto (gnutls_datum_t) datum = { NULL, 0 };
  int result = gnutls_x509_crq_init (&request);

  if (result >= 0)
    result = gnutls_x509_crq_set_version (request, 1);
  if (result >= 0)
    result = gnutls_x509_crq_set_key (request, key->x509);
  if (!herd_gnutls_check (result, HERD_ERROR_FAILED, "Cannot make a request", error)
      || !add_identifiers (request, identifiers, error)
      || (subject != NULL && !add_subject (request, subject, error))
      || (must_staple && !add_must_staple (request, error)))
    return NULL;
  result = gnutls_x509_crq_privkey_sign (request, key->abstract, key->type->csr_digest, 0);
  if (result >= 0)
    result = gnutls_x509_crq_export2 (request, GNUTLS_X509_FMT_DER, &datum);
  if (!herd_gnutls_check (result, HERD_ERROR_FAILED, "Cannot sign the request", error))
    return NULL;
  return herd_datum_steal (&datum);
}
