// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Chains, made for each test with GnuTLS.
 */
#include "chain-fixture.h"

const char *const chain_default_names[] = { "www.example.org", "192.0.2.7", NULL };

/* NAME is a common name, or "O=" and an organization. */
static void
set_name (gnutls_x509_crt_t certificate, const char *name)
{
  const gboolean organization = g_str_has_prefix (name, "O=");
  const char *value = organization ? name + 2 : name;

  g_assert_cmpint (gnutls_x509_crt_set_dn_by_oid (certificate,
                                                  organization ? GNUTLS_OID_X520_ORGANIZATION_NAME
                                                               : GNUTLS_OID_X520_COMMON_NAME,
                                                  0, value, (guint) strlen (value)),
                   ==, 0);
}

static void
begin (Made *made, gint64 not_before, gint64 not_after, const char *serial, gsize serial_size)
{
  g_assert_cmpint (gnutls_x509_crt_init (&made->certificate), ==, 0);
  g_assert_cmpint (gnutls_x509_privkey_init (&made->key), ==, 0);
  g_assert_cmpint (gnutls_x509_privkey_generate (made->key, GNUTLS_PK_ECDSA,
                                                 GNUTLS_CURVE_TO_BITS (GNUTLS_ECC_CURVE_SECP256R1),
                                                 0),
                   ==, 0);
  gnutls_x509_crt_set_version (made->certificate, 3);
  gnutls_x509_crt_set_key (made->certificate, made->key);
  gnutls_x509_crt_set_activation_time (made->certificate, not_before);
  gnutls_x509_crt_set_expiration_time (made->certificate, not_after);
  gnutls_x509_crt_set_serial (made->certificate, serial, serial_size);
}

void
chain_make_authority (Made *made, const Made *issuer, const char *name)
{
  /* Long expired: the dates above the leaf are not looked at. */
  begin (made, NOW - 1000 * DAY, NOW - 100 * DAY, "\x01", 1);
  set_name (made->certificate, name);
  gnutls_x509_crt_set_basic_constraints (made->certificate, 1, -1);
  gnutls_x509_crt_set_key_usage (made->certificate, GNUTLS_KEY_KEY_CERT_SIGN);
  g_assert_cmpint (gnutls_x509_crt_sign2 (
                       made->certificate, issuer != NULL ? issuer->certificate : made->certificate,
                       issuer != NULL ? issuer->key : made->key, GNUTLS_DIG_SHA256, 0),
                   ==, 0);
}

static void
add_name (gnutls_x509_crt_t certificate, const char *name)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (name);
  int result;

  if (address == NULL)
    result = gnutls_x509_crt_set_subject_alt_name (certificate, GNUTLS_SAN_DNSNAME, name,
                                                   (guint) strlen (name), GNUTLS_FSAN_APPEND);
  else
    result = gnutls_x509_crt_set_subject_alt_name (
        certificate, GNUTLS_SAN_IPADDRESS, g_inet_address_to_bytes (address),
        (guint) g_inet_address_get_native_size (address), GNUTLS_FSAN_APPEND);
  g_assert_cmpint (result, ==, 0);
}

/* SEQUENCE { [2] IA5String }, all of it short. */
static void
add_raw_name (gnutls_x509_crt_t certificate, const char *name, gsize size)
{
  guint8 der[64] = { 0x30, (guint8) (size + 2), 0x82, (guint8) size };

  g_assert_cmpuint (size + 4, <=, sizeof der);
  memcpy (der + 4, name, size);
  g_assert_cmpint (
      gnutls_x509_crt_set_extension_by_oid (certificate, "2.5.29.17", der, (guint) size + 4, 0), ==,
      0);
}

void
chain_make_leaf (ChainFixture *fixture, const Bend *bend)
{
  static const char key_id[] = "\x69\x88\x5B\x6B\x87\x46\x40\x41\xE1\xB3\x7B\x84\x7B\xA0\xAE\x2C"
                               "\xDE\x01\xC8\xD4";
  const char *const *names = bend->names != NULL ? bend->names : chain_default_names;
  g_autoptr (GBytes) pkcs8 = NULL;
  g_autoptr (HerdKey) key = NULL;
  g_auto (gnutls_datum_t) der = { NULL, 0 };

  begin (&fixture->leaf, bend->not_before != 0 ? bend->not_before : NOW - DAY,
         bend->not_after != 0 ? bend->not_after : NOW + 89 * DAY,
         bend->serial != NULL ? bend->serial : "\x00\x87\x65\x43\x21",
         bend->serial != NULL ? bend->serial_size : 5);
  for (guint i = 0; names[i] != NULL; i++)
    add_name (fixture->leaf.certificate, names[i]);
  if (bend->raw_name != NULL)
    add_raw_name (fixture->leaf.certificate, bend->raw_name, bend->raw_size);
  if (bend->email != NULL)
    g_assert_cmpint (gnutls_x509_crt_set_subject_alt_name (
                         fixture->leaf.certificate, GNUTLS_SAN_RFC822NAME, bend->email,
                         (guint) strlen (bend->email), GNUTLS_FSAN_APPEND),
                     ==, 0);
  /* Not the intermediate's: RFC 9773's example's. */
  if (bend->raw_key_id != NULL)
    g_assert_cmpint (gnutls_x509_crt_set_extension_by_oid (fixture->leaf.certificate, "2.5.29.35",
                                                           bend->raw_key_id,
                                                           (guint) bend->raw_key_id_size, 0),
                     ==, 0);
  else if (!bend->without_key_id)
    g_assert_cmpint (
        gnutls_x509_crt_set_authority_key_id (fixture->leaf.certificate, key_id, sizeof key_id - 1),
        ==, 0);
  g_assert_cmpint (gnutls_x509_crt_sign2 (fixture->leaf.certificate,
                                          fixture->intermediate.certificate,
                                          fixture->intermediate.key, GNUTLS_DIG_SHA256, 0),
                   ==, 0);
  gnutls_x509_privkey_export2_pkcs8 (fixture->leaf.key, GNUTLS_X509_FMT_DER, NULL,
                                     GNUTLS_PKCS_PLAIN, &der);
  pkcs8 = herd_datum_steal (&der);
  key = herd_key_new_from_pkcs8 (pkcs8, NULL);
  fixture->public_key = herd_key_get_public (key, NULL);
}

void
chain_set_up (ChainFixture *fixture, gconstpointer data)
{
  static const Bend straight = { 0 };
  const Bend *bend = data != NULL ? data : &straight;

  chain_make_authority (&fixture->root, NULL, "Test Root");
  chain_make_authority (&fixture->intermediate, &fixture->root,
                        bend->issuer_name != NULL ? bend->issuer_name : "Test Intermediate");
  chain_make_leaf (fixture, bend);
}

void
chain_clear (Made *made)
{
  gnutls_x509_crt_deinit (made->certificate);
  gnutls_x509_privkey_deinit (made->key);
}

void
chain_tear_down (ChainFixture *fixture, gconstpointer data)
{
  chain_clear (&fixture->root);
  chain_clear (&fixture->intermediate);
  chain_clear (&fixture->leaf);
  g_bytes_unref (fixture->public_key);
}

void
chain_append_pem (GString *pem, const Made *made)
{
  g_auto (gnutls_datum_t) datum = { NULL, 0 };

  g_assert_cmpint (gnutls_x509_crt_export2 (made->certificate, GNUTLS_X509_FMT_PEM, &datum), ==, 0);
  g_string_append_len (pem, (const char *) datum.data, datum.size);
}

GBytes *
chain_join (const Made *first, const Made *second, const Made *third)
{
  GString *pem = g_string_new (NULL);

  chain_append_pem (pem, first);
  if (second != NULL)
    chain_append_pem (pem, second);
  if (second != NULL && third != NULL)
    chain_append_pem (pem, third);
  return g_string_free_to_bytes (pem);
}

HerdChain *
chain_parse (const Made *first, const Made *second, const Made *third)
{
  g_autoptr (GBytes) pem = chain_join (first, second, third);
  g_autoptr (GError) error = NULL;
  HerdChain *chain = herd_chain_new (pem, &error);

  g_assert_no_error (error);
  return chain;
}
