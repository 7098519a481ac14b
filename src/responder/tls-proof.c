// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Certificates as proofs.
 */
#include "responder/tls-proof.h"

#include <gnutls/crypto.h>
#include <string.h>

#include "plugin/error.h"
#include "responder/server-name.h"

#define ACME_IDENTIFIER "1.3.6.1.5.5.7.1.31" /* RFC 8737 section 6.1 */
#define DIGEST_SIZE 32
#define DAY ((gint64) 24 * 60 * 60)
/* Some validators take no empty issuer. */
#define COMMON_NAME "ACME challenge"

static gboolean
check (int code, GError **error)
{
  if (code >= 0)
    return TRUE;
  g_set_error (error, HERD_ERROR, HERD_ERROR_FAILED, "no certificate for a TLS challenge: %s",
               gnutls_strerror (code));
  return FALSE;
}

gnutls_privkey_t
herd_tls_proof_new_key (GError **error)
{
  gnutls_privkey_t key = NULL;
  int code = gnutls_privkey_init (&key);

  if (code >= 0)
    code = gnutls_privkey_generate (key, GNUTLS_PK_ECDSA,
                                    GNUTLS_CURVE_TO_BITS (GNUTLS_ECC_CURVE_SECP256R1), 0);
  if (check (code, error))
    return key;
  gnutls_privkey_deinit (key);
  return NULL;
}

/* The one name that the certificate is for. */
static int
add_name (gnutls_x509_crt_t crt, const HerdChallenge *challenge)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (challenge->identifier);
  g_autofree char *server_name = NULL;
  const char *name = challenge->identifier;

  if (address != NULL)
    return gnutls_x509_crt_set_subject_alt_name (
        crt, GNUTLS_SAN_IPADDRESS, g_inet_address_to_bytes (address),
        (guint) g_inet_address_get_native_size (address), GNUTLS_FSAN_SET);
  if (!g_str_equal (challenge->type, "tls-alpn-01"))
    name = server_name = herd_server_name_of (challenge);
  return gnutls_x509_crt_set_subject_alt_name (crt, GNUTLS_SAN_DNSNAME, name, (guint) strlen (name),
                                               GNUTLS_FSAN_SET);
}

/* RFC 8737 section 3: an OCTET STRING with SHA-256 of the key authorization. */
static int
add_digest (gnutls_x509_crt_t crt, const HerdChallenge *challenge)
{
  guint8 value[2 + DIGEST_SIZE] = { 0x04, DIGEST_SIZE };
  int code;

  if (!g_str_equal (challenge->type, "tls-alpn-01"))
    return GNUTLS_E_SUCCESS;
  code = gnutls_hash_fast (GNUTLS_DIG_SHA256, challenge->key_authorization,
                           strlen (challenge->key_authorization), value + 2);
  return code < 0
             ? code
             : gnutls_x509_crt_set_extension_by_oid (crt, ACME_IDENTIFIER, value, sizeof value, 1);
}

static int
add_serial (gnutls_x509_crt_t crt)
{
  guint8 serial[16];
  int code = gnutls_rnd (GNUTLS_RND_NONCE, serial, sizeof serial);

  /* Positive, and of the same length always (RFC 5280 section 4.1.2.2). */
  serial[0] = (serial[0] & 0x3f) | 0x40;
  return code < 0 ? code : gnutls_x509_crt_set_serial (crt, serial, sizeof serial);
}

/* The validity is free; a day before helps against a clock that goes wrong. */
static int
add_facts (gnutls_x509_crt_t crt, gint64 now)
{
  int codes[] = {
    gnutls_x509_crt_set_version (crt, 3),
    add_serial (crt),
    gnutls_x509_crt_set_dn_by_oid (crt, GNUTLS_OID_X520_COMMON_NAME, 0, COMMON_NAME,
                                   strlen (COMMON_NAME)),
    gnutls_x509_crt_set_activation_time (crt, (time_t) MAX (now - DAY, 0)),
    gnutls_x509_crt_set_expiration_time (crt, (time_t) (now + 7 * DAY)),
  };

  for (gsize i = 0; i < G_N_ELEMENTS (codes); i++) {
    if (codes[i] < 0)
      return codes[i];
  }
  return GNUTLS_E_SUCCESS;
}

static int
sign (gnutls_x509_crt_t crt, gnutls_privkey_t key)
{
  gnutls_pubkey_t public_key = NULL;
  int code = gnutls_pubkey_init (&public_key);

  if (code >= 0)
    code = gnutls_pubkey_import_privkey (public_key, key, 0, 0);
  if (code >= 0)
    code = gnutls_x509_crt_set_pubkey (crt, public_key);
  if (code >= 0)
    code = gnutls_x509_crt_privkey_sign (crt, crt, key, GNUTLS_DIG_SHA256, 0);
  gnutls_pubkey_deinit (public_key);
  return code;
}

gboolean
herd_tls_proof_make (const HerdChallenge *challenge, gnutls_privkey_t key, gint64 now,
                     gnutls_pcert_st *certificate, GError **error)
{
  gnutls_x509_crt_t crt = NULL;
  int code = gnutls_x509_crt_init (&crt);

  if (code >= 0)
    code = add_facts (crt, now);
  if (code >= 0)
    code = add_name (crt, challenge);
  if (code >= 0)
    code = add_digest (crt, challenge);
  if (code >= 0)
    code = sign (crt, key);
  if (code >= 0)
    code = gnutls_pcert_import_x509 (certificate, crt, 0);
  gnutls_x509_crt_deinit (crt);
  return check (code, error);
}
