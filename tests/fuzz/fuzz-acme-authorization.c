// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Authorizations as a CA sends them, with their challenges.
 */
#include "acme/directory.h"
#include "acme/object.h"
#include "ca.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (GBytes) body = g_bytes_new (data, size);
  g_autoptr (GError) error = NULL;
  g_autoptr (HerdAuthorization)
      authorization = herd_authorization_new (body, FUZZ_SITE, fuzz_identifiers, &error);

  fuzz_assert_outcome (authorization != NULL, error);
  if (authorization == NULL)
    return 0;
  g_assert_true (g_strv_contains (fuzz_identifiers, authorization->wish));
  for (guint i = 0; i < authorization->offers->len; i++) {
    const HerdOffer *offer = authorization->offers->pdata[i];

    g_assert_true (herd_directory_check_url (FUZZ_SITE, offer->url, "challenge", NULL));
  }
  fuzz_assert_outcome (authorization->error == NULL, authorization->error);
  return 0;
}
