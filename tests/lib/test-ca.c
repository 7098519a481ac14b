// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A small CA for tests, straight on GnuTLS so that it shares no code with what it tests.
 */
#include "test-ca.h"

#include <gnutls/abstract.h>
#include <gnutls/x509.h>
#include <time.h>

struct TestCa {
  gnutls_x509_privkey_t key;
  gnutls_x509_crt_t certificate;
  char *pem;
  guint8 serial;
};

static void
check (int result)
{
  if (result < 0)
    g_error ("GnuTLS: %s", gnutls_strerror (result));
}

static gnutls_x509_privkey_t
new_key (void)
{
  gnutls_x509_privkey_t key;

  check (gnutls_x509_privkey_init (&key));
  check (gnutls_x509_privkey_generate (key, GNUTLS_PK_ECDSA,
                                       GNUTLS_CURVE_TO_BITS (GNUTLS_ECC_CURVE_SECP256R1), 0));
  return key;
}

static gnutls_x509_crt_t
new_certificate (TestCa *ca)
{
  gnutls_x509_crt_t certificate;
  guint8 serial = ++ca->serial;

  check (gnutls_x509_crt_init (&certificate));
  check (gnutls_x509_crt_set_version (certificate, 3));
  check (gnutls_x509_crt_set_serial (certificate, &serial, 1));
  check (gnutls_x509_crt_set_activation_time (certificate, time (NULL) - 60));
  check (gnutls_x509_crt_set_expiration_time (certificate, time (NULL) + 86400));
  return certificate;
}

static char *
to_pem (gnutls_x509_crt_t certificate)
{
  gnutls_datum_t pem;
  char *text;

  check (gnutls_x509_crt_export2 (certificate, GNUTLS_X509_FMT_PEM, &pem));
  text = g_strndup ((const char *) pem.data, pem.size);
  gnutls_free (pem.data);
  return text;
}

TestCa *
test_ca_new (const char *name)
{
  TestCa *ca = g_new0 (TestCa, 1);
  g_autofree char *dn = g_strdup_printf ("CN=%s", name);

  ca->key = new_key ();
  ca->certificate = new_certificate (ca);
  check (gnutls_x509_crt_set_dn (ca->certificate, dn, NULL));
  check (gnutls_x509_crt_set_key (ca->certificate, ca->key));
  check (gnutls_x509_crt_set_basic_constraints (ca->certificate, 1, -1));
  check (gnutls_x509_crt_set_key_usage (ca->certificate, GNUTLS_KEY_KEY_CERT_SIGN));
  check (gnutls_x509_crt_sign2 (ca->certificate, ca->certificate, ca->key, GNUTLS_DIG_SHA256, 0));
  ca->pem = to_pem (ca->certificate);
  return ca;
}

void
test_ca_free (TestCa *ca)
{
  if (ca == NULL)
    return;
  gnutls_x509_privkey_deinit (ca->key);
  gnutls_x509_crt_deinit (ca->certificate);
  g_free (ca->pem);
  g_free (ca);
}

const char *
test_ca_get_pem (TestCa *ca)
{
  return ca->pem;
}

char *
test_ca_new_server_pem (TestCa *ca)
{
  gnutls_x509_privkey_t key = new_key ();
  gnutls_x509_crt_t certificate = new_certificate (ca);
  const guint8 loopback[] = { 127, 0, 0, 1 };
  g_autofree char *certificate_pem = NULL;
  gnutls_datum_t key_pem;
  char *both;

  check (gnutls_x509_crt_set_key (certificate, key));
  check (gnutls_x509_crt_set_subject_alt_name (certificate, GNUTLS_SAN_DNSNAME, "localhost", 9,
                                               GNUTLS_FSAN_SET));
  check (gnutls_x509_crt_set_subject_alt_name (certificate, GNUTLS_SAN_IPADDRESS, loopback, 4,
                                               GNUTLS_FSAN_APPEND));
  check (gnutls_x509_crt_sign2 (certificate, ca->certificate, ca->key, GNUTLS_DIG_SHA256, 0));
  certificate_pem = to_pem (certificate);
  check (gnutls_x509_privkey_export2_pkcs8 (key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN,
                                            &key_pem));
  both = g_strdup_printf ("%s%.*s", certificate_pem, (int) key_pem.size, key_pem.data);
  gnutls_free (key_pem.data);
  gnutls_x509_privkey_deinit (key);
  gnutls_x509_crt_deinit (certificate);
  return both;
}

GTlsCertificate *
test_ca_new_server (TestCa *ca)
{
  g_autofree char *pem = test_ca_new_server_pem (ca);
  g_autoptr (GError) error = NULL;
  GTlsCertificate *certificate = g_tls_certificate_new_from_pem (pem, -1, &error);

  g_assert_no_error (error);
  return certificate;
}

static void
copy_names (gnutls_x509_crq_t request, gnutls_x509_crt_t certificate)
{
  for (guint i = 0;; i++) {
    char name[256];
    size_t size = sizeof name;
    guint type;
    int result = gnutls_x509_crq_get_subject_alt_name (request, i, name, &size, &type, NULL);

    if (result == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
      return;
    check (result);
    check (gnutls_x509_crt_set_subject_alt_name (certificate, type, name, (guint) size,
                                                 GNUTLS_FSAN_APPEND));
  }
}

char *
test_ca_issue (TestCa *ca, GBytes *csr, gboolean other_key)
{
  gnutls_datum_t der = { (guint8 *) g_bytes_get_data (csr, NULL), (guint) g_bytes_get_size (csr) };
  gnutls_x509_crt_t certificate = new_certificate (ca);
  g_autofree char *leaf = NULL;
  gnutls_x509_crq_t request;
  guint8 key_id[20];
  gsize key_id_size = sizeof key_id;

  check (gnutls_x509_crq_init (&request));
  check (gnutls_x509_crq_import (request, &der, GNUTLS_X509_FMT_DER));
  if (other_key) {
    gnutls_x509_privkey_t key = new_key ();

    check (gnutls_x509_crt_set_key (certificate, key));
    gnutls_x509_privkey_deinit (key);
  } else {
    check (gnutls_x509_crt_set_crq (certificate, request));
  }
  copy_names (request, certificate);
  check (gnutls_x509_crt_get_key_id (ca->certificate, GNUTLS_KEYID_USE_SHA1, key_id, &key_id_size));
  check (gnutls_x509_crt_set_authority_key_id (certificate, key_id, key_id_size));
  check (gnutls_x509_crt_sign2 (certificate, ca->certificate, ca->key, GNUTLS_DIG_SHA256, 0));
  leaf = to_pem (certificate);
  gnutls_x509_crq_deinit (request);
  gnutls_x509_crt_deinit (certificate);
  return g_strconcat (leaf, ca->pem, NULL);
}
