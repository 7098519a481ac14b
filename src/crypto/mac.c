// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * JWS with a shared key. Pure functions, any thread.
 */
#include "crypto/mac.h"

#include <gnutls/crypto.h>
#include <string.h>

#include "crypto/glue.h"
#include "util/base64url.h"

static const struct {
  const char *name;
  gnutls_mac_algorithm_t mac;
} algorithms[] = {
  { "HS256", GNUTLS_MAC_SHA256 },
  { "HS384", GNUTLS_MAC_SHA384 },
  { "HS512", GNUTLS_MAC_SHA512 },
};

static gnutls_mac_algorithm_t
find_mac (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (algorithms); i++) {
    if (g_str_equal (algorithms[i].name, name))
      return algorithms[i].mac;
  }
  return GNUTLS_MAC_UNKNOWN;
}

char *
herd_jws_new_mac (const char *algorithm, const char *protected_header, const char *payload,
                  GBytes *key, GError **error)
{
  g_autofree char *encoded = herd_base64url_encode (payload, strlen (payload));
  g_autofree char *input = g_strconcat (protected_header, ".", encoded, NULL);
  g_autofree char *signature = NULL;
  gnutls_mac_algorithm_t mac = find_mac (algorithm);
  gnutls_datum_t secret = herd_datum_peek (key);
  guint8 code[64];

  if (mac == GNUTLS_MAC_UNKNOWN || secret.size == 0) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT, "%s",
                 secret.size == 0 ? "The MAC key is empty"
                                  : "The MAC algorithm is none of HS256, HS384 and HS512");
    return NULL;
  }
  if (!herd_gnutls_check (
          gnutls_hmac_fast (mac, secret.data, secret.size, input, strlen (input), code),
          HERD_ERROR_FAILED, "Cannot compute the MAC", error))
    return NULL;
  signature = herd_base64url_encode (code, gnutls_hmac_get_len (mac));
  return g_strdup_printf ("{\"protected\":\"%s\",\"payload\":\"%s\",\"signature\":\"%s\"}",
                          protected_header, encoded, signature);
}
