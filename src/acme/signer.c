// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Signing by a key that only the host sees.
 */
#include "acme/signer.h"

#include "crypto/jws.h"

HerdSigner *
herd_signer_new (const char *record, GBytes *public_key, GError **error)
{
  const char *algorithm = herd_jws_get_algorithm (public_key, error);
  g_autofree char *jwk = algorithm != NULL ? herd_jwk_new (public_key, error) : NULL;
  HerdSigner *signer;

  if (jwk == NULL)
    return NULL;
  signer = g_new0 (HerdSigner, 1);
  signer->record = g_strdup (record);
  signer->jwk = g_steal_pointer (&jwk);
  signer->algorithm = algorithm;
  return signer;
}

void
herd_signer_free (HerdSigner *signer)
{
  if (signer == NULL)
    return;
  g_free (signer->record);
  g_free (signer->jwk);
  g_free (signer);
}

GBytes *
herd_signer_sign (const HerdSigner *signer, HerdIssuerHost *host, const char *kid,
                  const char *nonce, const char *url, const char *payload, GError **error)
{
  g_autofree char *protected_header = herd_jws_new_protected (signer->algorithm, signer->jwk, kid,
                                                              nonce, url);
  g_autoptr (GBytes) digest = herd_jws_get_digest (signer->algorithm, protected_header, payload);
  g_autoptr (GBytes) signature = herd_issuer_host_sign (host, signer->record, digest, error);

  if (signature == NULL)
    return NULL;
  return herd_jws_new (signer->algorithm, protected_header, payload, signature, error);
}
