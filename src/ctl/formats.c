// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Other forms of what the agent gives as PEM. This is the user's program, which has no other source of
 * PKCS#12 than a library. Pure functions.
 */
#include <glib/gi18n.h>
#include <gnutls/pkcs12.h>
#include <gnutls/x509.h>

#include "ctl/export.h"

G_DEFINE_AUTO_CLEANUP_FREE_FUNC (gnutls_x509_privkey_t, gnutls_x509_privkey_deinit, NULL)
G_DEFINE_AUTO_CLEANUP_FREE_FUNC (gnutls_pkcs12_t, gnutls_pkcs12_deinit, NULL)
G_DEFINE_AUTO_CLEANUP_FREE_FUNC (gnutls_pkcs12_bag_t, gnutls_pkcs12_bag_deinit, NULL)

typedef struct {
  gnutls_x509_crt_t *certificates;
  guint count;
} Chain;

static void
chain_clear (Chain *chain)
{
  for (guint i = 0; i < chain->count; i++)
    gnutls_x509_crt_deinit (chain->certificates[i]);
  gnutls_free (chain->certificates);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Chain, chain_clear)

/* How a PKCS#12 file is protected. */
typedef struct {
  guint encryption; /* gnutls_pkcs_encrypt_flags_t */
  gnutls_mac_algorithm_t mac;
} Protection;

static const Protection modern = { GNUTLS_PKCS_PBES2_AES_256, GNUTLS_MAC_SHA256 };
static const Protection legacy_protection = { GNUTLS_PKCS_PKCS12_3DES, GNUTLS_MAC_SHA1 };

static gboolean
check (int result, GError **error)
{
  if (result >= 0)
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
               _ ("certificate or key cannot be put into another form: %s"),
               gnutls_strerror (result));
  return FALSE;
}

static gnutls_datum_t
peek (GBytes *bytes)
{
  gsize size;
  const void *data = g_bytes_get_data (bytes, &size);

  return (gnutls_datum_t){ (guchar *) data, (guint) size };
}

/* Takes DATUM's memory. */
static GBytes *
take (gnutls_datum_t *datum)
{
  gpointer copy = g_memdup2 (datum->data, datum->size);

  explicit_bzero (datum->data, datum->size);
  gnutls_free (datum->data);
  return herd_ctl_secret_new_take (copy, datum->size);
}

static GBytes *
decode (GBytes *pem, const char *head, GError **error)
{
  gnutls_datum_t from = peek (pem);
  gnutls_datum_t der = { NULL, 0 };

  return check (gnutls_pem_base64_decode2 (head, &from, &der), error) ? take (&der) : NULL;
}

GBytes *
herd_ctl_certificate_to_der (GBytes *chain, GError **error)
{
  return decode (chain, "CERTIFICATE", error);
}

GBytes *
herd_ctl_key_to_der (GBytes *key, GError **error)
{
  return decode (key, "PRIVATE KEY", error);
}

/* ---- PKCS#12 ------------------------------------------------------------------------------- */

/* What tells programs that the entry INDEX of BAG is about the same key as the other one. */
static int
name_entry (gnutls_pkcs12_bag_t bag, int index, const char *name, gnutls_x509_privkey_t key)
{
  guchar id[64];
  gsize size = sizeof id;
  int result = index;

  if (result >= 0)
    result = gnutls_pkcs12_bag_set_friendly_name (bag, (guint) index, name);
  if (result >= 0)
    result = gnutls_x509_privkey_get_key_id (key, GNUTLS_KEYID_USE_SHA1, id, &size);
  if (result < 0)
    return result;
  return gnutls_pkcs12_bag_set_key_id (bag, (guint) index, &(gnutls_datum_t){ id, (guint) size });
}

static int
add_chain (gnutls_pkcs12_t pkcs12, const Chain *chain, const char *name, gnutls_x509_privkey_t key,
           const char *password, const Protection *protection)
{
  g_auto (gnutls_pkcs12_bag_t) bag = NULL;
  int result = gnutls_pkcs12_bag_init (&bag);

  for (guint i = 0; i < chain->count && result >= 0; i++) {
    result = gnutls_pkcs12_bag_set_crt (bag, chain->certificates[i]);
    if (i == 0)
      result = name_entry (bag, result, name, key);
  }
  if (result >= 0)
    result = gnutls_pkcs12_bag_encrypt (bag, password, protection->encryption);
  return result >= 0 ? gnutls_pkcs12_set_bag (pkcs12, bag) : result;
}

static int
add_key (gnutls_pkcs12_t pkcs12, const char *name, gnutls_x509_privkey_t key, const char *password,
         const Protection *protection)
{
  g_auto (gnutls_pkcs12_bag_t) bag = NULL;
  gnutls_datum_t der = { NULL, 0 };
  int result = gnutls_pkcs12_bag_init (&bag);

  if (result >= 0)
    result = gnutls_x509_privkey_export2_pkcs8 (key, GNUTLS_X509_FMT_DER, password,
                                                protection->encryption, &der);
  if (result >= 0)
    result = gnutls_pkcs12_bag_set_data (bag, GNUTLS_BAG_PKCS8_ENCRYPTED_KEY, &der);
  gnutls_free (der.data);
  result = name_entry (bag, result, name, key);
  return result >= 0 ? gnutls_pkcs12_set_bag (pkcs12, bag) : result;
}

GBytes *
herd_ctl_to_pkcs12 (GBytes *chain, GBytes *key, const char *name, const char *password,
                    gboolean legacy, GError **error)
{
  const Protection *protection = legacy ? &legacy_protection : &modern;
  g_auto (gnutls_pkcs12_t) pkcs12 = NULL;
  g_auto (gnutls_x509_privkey_t) private_key = NULL;
  g_auto (Chain) certificates = { 0 };
  gnutls_datum_t chain_pem = peek (chain);
  gnutls_datum_t key_pem = peek (key);
  gnutls_datum_t result = { NULL, 0 };

  if (!check (gnutls_x509_crt_list_import2 (&certificates.certificates, &certificates.count,
                                            &chain_pem, GNUTLS_X509_FMT_PEM, 0),
              error)
      || !check (gnutls_x509_privkey_init (&private_key), error)
      || !check (gnutls_x509_privkey_import2 (private_key, &key_pem, GNUTLS_X509_FMT_PEM, NULL, 0),
                 error)
      || !check (gnutls_pkcs12_init (&pkcs12), error)
      || !check (add_chain (pkcs12, &certificates, name, private_key, password, protection), error)
      || !check (add_key (pkcs12, name, private_key, password, protection), error)
      || !check (gnutls_pkcs12_generate_mac2 (pkcs12, protection->mac, password), error)
      || !check (gnutls_pkcs12_export2 (pkcs12, GNUTLS_X509_FMT_DER, &result), error))
    return NULL;
  return take (&result);
}
