// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * External account bindings.
 */
#include "acme/binding.h"

#include <string.h>

#include "crypto/jws.h"
#include "crypto/mac.h"
#include "plugin/error.h"
#include "util/base64url.h"
#include "util/secret.h"

/* Longer than any algorithm's block: what is longer is no MAC key. */
#define KEY_MAX 1024

/* The MAC key; wiped when it goes. */
static GBytes *
decode_key (const HerdBinding *binding, GError **error)
{
  gsize size;
  const char *data = g_bytes_get_data (binding->key, &size);
  g_autoptr (GBytes) copy = NULL;
  g_autoptr (GBytes) key = NULL;
  char *text;

  if (size > 0 && size <= KEY_MAX && memchr (data, '\0', size) == NULL) {
    text = g_strndup (data, size);
    copy = herd_secret_new_take (text, size);
    key = herd_base64url_decode_leniently (text);
  }
  if (key != NULL && g_bytes_get_size (key) > 0)
    return g_steal_pointer (&key);
  g_set_error_literal (
      error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
      "the MAC key of the external account binding is not base64url; copy it again "
      "from the CA, whole and alone");
  return NULL;
}

gboolean
herd_acme_binding_check (const HerdBinding *binding, GError **error)
{
  static const char *const algorithms[] = { "HS256", "HS384", "HS512", NULL };
  g_autoptr (GBytes) key = decode_key (binding, error);

  if (key == NULL)
    return FALSE;
  if (*binding->kid != '\0' && g_strv_contains (algorithms, binding->algorithm))
    return TRUE;
  g_set_error_literal (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
                       "the external account binding needs the CA's key id (eab-kid), and HS256, "
                       "HS384 or HS512 as its algorithm");
  return FALSE;
}

char *
herd_acme_binding_sign (const HerdBinding *binding, const HerdSigner *account, const char *url,
                        GError **error)
{
  g_autoptr (GBytes) key = decode_key (binding, error);
  g_autofree char *protected_header = NULL;

  if (key == NULL)
    return NULL;
  protected_header = herd_jws_new_protected (binding->algorithm, NULL, binding->kid, NULL, url);
  return herd_jws_new_mac (binding->algorithm, protected_header, account->jwk, key, error);
}

/* "kid", 0, "algorithm", 0, key: GVariant would copy the key into memory that is not wiped. */
GBytes *
herd_acme_binding_to_bytes (const HerdBinding *binding)
{
  gsize kid = strlen (binding->kid) + 1;
  gsize algorithm = strlen (binding->algorithm) + 1;
  gsize size;
  gconstpointer key = g_bytes_get_data (binding->key, &size);
  char *data = g_malloc (kid + algorithm + size);

  memcpy (data, binding->kid, kid);
  memcpy (data + kid, binding->algorithm, algorithm);
  if (size > 0)
    memcpy (data + kid + algorithm, key, size);
  return herd_secret_new_take (data, kid + algorithm + size);
}

HerdBinding *
herd_acme_binding_new_from_bytes (GBytes *bytes, GError **error)
{
  gsize size;
  const char *data = g_bytes_get_data (bytes, &size);
  const char *algorithm = size > 0 ? memchr (data, '\0', size) : NULL;
  const char *text = algorithm != NULL
                         ? memchr (algorithm + 1, '\0', size - (gsize) (algorithm + 1 - data))
                         : NULL;
  g_autoptr (GBytes) key = NULL;

  if (text == NULL) {
    g_set_error_literal (error, HERD_ERROR, HERD_ERROR_FAILED,
                         "the saved external account binding cannot be read; give it again");
    return NULL;
  }
  key = herd_secret_new (text + 1, size - (gsize) (text + 1 - data));
  return herd_binding_new (data, algorithm + 1, key);
}
