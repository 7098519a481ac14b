// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Certificate chains from a CA. Nothing of the text that came is kept: what goes on is written anew
 * from the certificates that were parsed, so nothing can hide between them. Main loop; a chain
 * belongs to whoever made it.
 */
#include "crypto/chain.h"

#include <gio/gio.h>
#include <string.h>

#include "crypto/glue.h"
#include "util/base64url.h"
#include "util/text.h"

#define BEGIN "-----BEGIN"
#define MAX_SIZE (1024 * 1024)
#define ALLOWED_SKEW (60 * 60) /* seconds */
#define OID_SUBJECT_ALT_NAME "2.5.29.17"
#define OCTETS_MAX 64 /* of a serial number (RFC 5280: 20) or a key identifier */

struct HerdChain {
  gnutls_x509_crt_t *certificates; /* gnutls_malloc()ed, the leaf first */
  guint length;
};

static gboolean refuse (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);

static gboolean
refuse (GError **error, const char *format, ...)
{
  g_autofree char *what = NULL;
  va_list arguments;

  va_start (arguments, format);
  what = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_set_error (error, HERD_ERROR, HERD_ERROR_REFUSED, "The chain is not to be trusted: %s", what);
  return FALSE;
}

/* How many certificates PEM announces; 0 with ERROR if that is none, too many, or anything else is
 * announced too (a private key, say, which a careless server would go on to use). */
static guint
count_certificates (const gnutls_datum_t *pem, GError **error)
{
  static const char certificate[] = BEGIN " CERTIFICATE-----";
  const guint8 *end = pem->data + pem->size;
  guint count = 0;

  for (const guint8 *p = pem->data; (p = memmem (p, (gsize) (end - p), BEGIN, strlen (BEGIN)));
       p++) {
    if ((gsize) (end - p) < strlen (certificate)
        || memcmp (p, certificate, strlen (certificate)) != 0)
      return refuse (error, "it has something else than certificates in it");
    count++;
  }
  if (count == 0)
    return refuse (error, "there is no certificate in it");
  if (count > HERD_CHAIN_MAX)
    return refuse (error, "it has %u certificates, more than %d", count, HERD_CHAIN_MAX);
  return count;
}

HerdChain *
herd_chain_new (GBytes *pem, GError **error)
{
  g_autoptr (HerdChain) chain = g_new0 (HerdChain, 1);
  gnutls_datum_t datum = herd_datum_peek (pem);
  guint count;
  int result;

  if (g_bytes_get_size (pem) > MAX_SIZE) {
    refuse (error, "it has more than %d bytes", MAX_SIZE);
    return NULL;
  }
  if (datum.size == 0 || (count = count_certificates (&datum, error)) == 0) {
    if (datum.size == 0)
      refuse (error, "it is empty");
    return NULL;
  }
  result = gnutls_x509_crt_list_import2 (&chain->certificates, &chain->length, &datum,
                                         GNUTLS_X509_FMT_PEM, 0);
  if (!herd_gnutls_check (result, HERD_ERROR_REFUSED, "Cannot read the chain", error)) {
    chain->certificates = NULL;
    chain->length = 0;
    return NULL;
  }
  if (chain->length != count) {
    refuse (error, "%u of its %u certificates cannot be read", count - chain->length, count);
    return NULL;
  }
  return g_steal_pointer (&chain);
}

void
herd_chain_free (HerdChain *chain)
{
  if (chain == NULL)
    return;
  for (guint i = 0; i < chain->length; i++)
    gnutls_x509_crt_deinit (chain->certificates[i]);
  gnutls_free (chain->certificates);
  g_free (chain);
}

GBytes *
herd_chain_to_pem (HerdChain *chain)
{
  GByteArray *pem = g_byte_array_new ();

  for (guint i = 0; i < chain->length; i++) {
    g_auto (gnutls_datum_t) one = { NULL, 0 };
    int result = gnutls_x509_crt_export2 (chain->certificates[i], GNUTLS_X509_FMT_PEM, &one);

    /* It was parsed before, so only memory can be lacking. */
    g_assert (result >= 0);
    g_byte_array_append (pem, one.data, one.size);
  }
  return g_byte_array_free_to_bytes (pem);
}

guint
herd_chain_get_length (HerdChain *chain)
{
  return chain->length;
}

static char *
name_from_san (gnutls_x509_subject_alt_name_t type, const gnutls_datum_t *value)
{
  if (type == GNUTLS_SAN_DNSNAME) {
    g_autofree char *text = herd_text_from_remote ((const char *) value->data, value->size);

    return g_ascii_strdown (text, -1);
  }
  if (type == GNUTLS_SAN_IPADDRESS && (value->size == 4 || value->size == 16)) {
    g_autoptr (GInetAddress) address = g_inet_address_new_from_bytes (
        value->data, value->size == 4 ? G_SOCKET_FAMILY_IPV4 : G_SOCKET_FAMILY_IPV6);

    return g_inet_address_to_string (address);
  }
  return NULL;
}

static int
compare_strings (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* NAMES (taken) sorted, each once, and ended by NULL. */
static char **
finish_names (GPtrArray *names)
{
  guint kept = 0;

  g_ptr_array_sort (names, compare_strings);
  for (guint i = 0; i < names->len; i++) {
    char *name = g_steal_pointer (&names->pdata[i]);

    if (kept > 0 && g_str_equal (names->pdata[kept - 1], name))
      g_free (name);
    else
      names->pdata[kept++] = name;
  }
  g_ptr_array_set_size (names, (int) kept);
  g_ptr_array_add (names, NULL);
  return (char **) g_ptr_array_free (names, FALSE);
}

/* The leaf's names; N_OTHERS says how many there are besides that are neither DNS nor IP. An
 * extension that cannot be read has none. */
static char **
get_names (HerdChain *chain, guint *n_others)
{
  g_auto (gnutls_subject_alt_names_t) sans = NULL;
  g_auto (gnutls_datum_t) extension = { NULL, 0 };
  GPtrArray *names = g_ptr_array_new_with_free_func (g_free);
  gnutls_datum_t value;
  guint type;

  *n_others = 0;
  if (gnutls_x509_crt_get_extension_by_oid2 (chain->certificates[0], OID_SUBJECT_ALT_NAME, 0,
                                             &extension, NULL)
          < 0
      || gnutls_subject_alt_names_init (&sans) < 0
      || gnutls_x509_ext_import_subject_alt_names (&extension, sans, 0) < 0)
    return finish_names (names);
  for (guint i = 0; gnutls_subject_alt_names_get (sans, i, &type, &value, NULL) >= 0; i++) {
    char *name = name_from_san ((gnutls_x509_subject_alt_name_t) type, &value);

    if (name != NULL)
      g_ptr_array_add (names, name);
    else
      ++*n_others;
  }
  return finish_names (names);
}

static gboolean
check_names (HerdChain *chain, const char *const *identifiers, GError **error)
{
  g_autoptr (GPtrArray) copy = g_ptr_array_new_with_free_func (g_free);
  g_auto (GStrv) wanted = NULL;
  g_auto (GStrv) names = NULL;
  g_autofree char *wanted_text = NULL;
  g_autofree char *names_text = NULL;
  g_autofree char *short_text = NULL;
  guint n_others;

  for (guint i = 0; identifiers[i] != NULL; i++)
    g_ptr_array_add (copy, g_strdup (identifiers[i]));
  wanted = finish_names (g_steal_pointer (&copy));
  names = get_names (chain, &n_others);
  if (n_others > 0)
    return refuse (error, "its certificate has a name that is neither a DNS name nor an address");
  if (names[0] != NULL && g_strv_equal ((const char *const *) wanted, (const char *const *) names))
    return TRUE;
  wanted_text = g_strjoinv (" ", wanted);
  names_text = g_strjoinv (" ", names);
  short_text = herd_text_from_remote (names_text, -1);
  return refuse (error, "its certificate is for “%s”, not for “%s”", short_text, wanted_text);
}

static gboolean
check_key (HerdChain *chain, GBytes *public_key, GError **error)
{
  g_auto (gnutls_pubkey_t) key = NULL;
  g_auto (gnutls_datum_t) datum = { NULL, 0 };
  g_autoptr (GBytes) found = NULL;
  int result = gnutls_pubkey_init (&key);

  if (result >= 0)
    result = gnutls_pubkey_import_x509 (key, chain->certificates[0], 0);
  if (result >= 0)
    result = gnutls_pubkey_export2 (key, GNUTLS_X509_FMT_DER, &datum);
  if (!herd_gnutls_check (result, HERD_ERROR_REFUSED, "Cannot read the certificate's key", error))
    return FALSE;
  found = herd_datum_steal (&datum);
  return g_bytes_equal (found, public_key) || refuse (error, "it is for another key");
}

static char *
format_time (gint64 seconds)
{
  g_autoptr (GDateTime) time = g_date_time_new_from_unix_utc (seconds);

  return time != NULL ? g_date_time_format (time, "%Y-%m-%d %H:%M:%S UTC") : g_strdup ("?");
}

static gboolean
check_dates (HerdChain *chain, gint64 now, GError **error)
{
  gint64 not_before = gnutls_x509_crt_get_activation_time (chain->certificates[0]);
  gint64 not_after = gnutls_x509_crt_get_expiration_time (chain->certificates[0]);
  g_autofree char *now_text = format_time (now);

  if (not_before == -1 || not_after == -1)
    return refuse (error, "its certificate has no dates");
  if (now < not_before - ALLOWED_SKEW) {
    g_autofree char *text = format_time (not_before);

    return refuse (error,
                   "its certificate is not valid before %s, and here it is %s; check the "
                   "clock",
                   text, now_text);
  }
  if (now > not_after) {
    g_autofree char *text = format_time (not_after);

    return refuse (error, "its certificate expired at %s, and here it is %s; check the clock", text,
                   now_text);
  }
  return TRUE;
}

/* Dates are not looked at here: CAs have had reasons to send an expired certificate above the leaf.
 */
static gboolean
check_signatures (HerdChain *chain, GError **error)
{
  /* Not the same: a certificate must not vouch for its own copy. */
  const guint flags = GNUTLS_VERIFY_DO_NOT_ALLOW_SAME | GNUTLS_VERIFY_DISABLE_TIME_CHECKS
                      | GNUTLS_VERIFY_DISABLE_TRUSTED_TIME_CHECKS;

  for (guint i = 0; i + 1 < chain->length; i++) {
    guint status = 0;
    int result = gnutls_x509_crt_verify (chain->certificates[i], &chain->certificates[i + 1], 1,
                                         flags, &status);

    if (result < 0 || status != 0)
      return refuse (error, "certificate %u of %u is not signed by the next one", i + 1,
                     chain->length);
  }
  return TRUE;
}

gboolean
herd_chain_check (HerdChain *chain, GBytes *public_key, const char *const *identifiers, gint64 now,
                  GError **error)
{
  return check_key (chain, public_key, error) && check_names (chain, identifiers, error)
         && check_dates (chain, now, error) && check_signatures (chain, error);
}

static char *
to_hex (const guint8 *data, gsize size)
{
  GString *hex = g_string_sized_new (2 * size);

  for (gsize i = 0; i < size; i++)
    g_string_append_printf (hex, "%02x", data[i]);
  return g_string_free (hex, FALSE);
}

static char *
get_serial (gnutls_x509_crt_t certificate)
{
  gsize size = 0;
  g_autofree guint8 *serial = NULL;

  if (gnutls_x509_crt_get_serial (certificate, NULL, &size) != GNUTLS_E_SHORT_MEMORY_BUFFER)
    return g_strdup ("");
  serial = g_malloc (size);
  return gnutls_x509_crt_get_serial (certificate, serial, &size) >= 0 ? to_hex (serial, size)
                                                                      : g_strdup ("");
}

static char *
get_fingerprint (gnutls_x509_crt_t certificate)
{
  guint8 digest[32];
  gsize size = sizeof digest;
  int result = gnutls_x509_crt_get_fingerprint (certificate, GNUTLS_DIG_SHA256, digest, &size);

  return result >= 0 ? to_hex (digest, size) : g_strdup ("");
}

static char *
get_issuer (gnutls_x509_crt_t certificate)
{
  g_auto (gnutls_datum_t) name = { NULL, 0 };
  char common_name[256];
  gsize size = sizeof common_name;

  if (gnutls_x509_crt_get_issuer_dn_by_oid (certificate, GNUTLS_OID_X520_COMMON_NAME, 0, 0,
                                            common_name, &size)
          >= 0
      && size > 0)
    return herd_text_from_remote (common_name, (gssize) size);
  if (gnutls_x509_crt_get_issuer_dn3 (certificate, &name, 0) < 0)
    return g_strdup ("");
  return herd_text_from_remote ((const char *) name.data, name.size);
}

HerdFacts *
herd_chain_get_facts (HerdChain *chain)
{
  gnutls_x509_crt_t leaf = chain->certificates[0];
  HerdFacts *facts = herd_facts_new ();
  guint n_others;

  facts->not_before = gnutls_x509_crt_get_activation_time (leaf);
  facts->not_after = gnutls_x509_crt_get_expiration_time (leaf);
  g_free (facts->serial);
  facts->serial = get_serial (leaf);
  g_free (facts->fingerprint);
  facts->fingerprint = get_fingerprint (leaf);
  g_free (facts->issued_by);
  facts->issued_by = get_issuer (leaf);
  g_strfreev (facts->identifiers);
  facts->identifiers = get_names (chain, &n_others);
  return facts;
}

GBytes *
herd_chain_get_leaf (HerdChain *chain)
{
  g_auto (gnutls_datum_t) der = { NULL, 0 };
  int result = gnutls_x509_crt_export2 (chain->certificates[0], GNUTLS_X509_FMT_DER, &der);

  /* It was parsed before, so only memory can be lacking. */
  g_assert (result >= 0);
  return herd_datum_steal (&der);
}

gboolean
herd_chain_has_same_leaf (HerdChain *chain, HerdChain *other)
{
  return gnutls_x509_crt_equals (chain->certificates[0], other->certificates[0]) != 0;
}

static char *
get_key_fingerprint (gnutls_x509_crt_t certificate)
{
  guint8 digest[32];
  gsize size = sizeof digest;
  int result = gnutls_x509_crt_get_key_id (certificate, GNUTLS_KEYID_USE_SHA256, digest, &size);

  return result >= 0 ? to_hex (digest, size) : g_strdup ("");
}

gboolean
herd_chain_is_preferred (HerdChain *chain, const char *preference)
{
  static const struct {
    const char *prefix;
    char *(*get) (gnutls_x509_crt_t certificate);
  } ways[] = { { "sha256:", get_fingerprint }, { "spki:", get_key_fingerprint } };
  g_autofree char *top = NULL;

  for (guint way = 0; way < G_N_ELEMENTS (ways); way++) {
    if (!g_str_has_prefix (preference, ways[way].prefix))
      continue;
    for (guint i = 1; i < chain->length; i++) {
      g_autofree char *found = ways[way].get (chain->certificates[i]);

      if (g_ascii_strcasecmp (found, preference + strlen (ways[way].prefix)) == 0)
        return TRUE;
    }
    return FALSE;
  }
  top = get_issuer (chain->certificates[chain->length - 1]);
  return g_str_equal (top, preference);
}

char *
herd_chain_get_renewal_id (HerdChain *chain)
{
  guint8 key_id[OCTETS_MAX];
  guint8 serial[OCTETS_MAX];
  gsize key_id_size = sizeof key_id;
  gsize serial_size = sizeof serial;
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;

  if (gnutls_x509_crt_get_authority_key_id (chain->certificates[0], key_id, &key_id_size, NULL) < 0
      || key_id_size == 0
      || gnutls_x509_crt_get_serial (chain->certificates[0], serial, &serial_size) < 0)
    return NULL;
  first = herd_base64url_encode (key_id, key_id_size);
  second = herd_base64url_encode (serial, serial_size);
  return g_strconcat (first, ".", second, NULL);
}
