// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Renewal information (RFC 9773).
 */
#include "acme/renewal-info.h"
#include "ca.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (GBytes) body = g_bytes_new (data, size);
  g_autoptr (GError) error = NULL;
  g_autoptr (HerdRenewalInfo) info = herd_acme_renewal_info_read (body, 0, FUZZ_NOW, &error);

  fuzz_assert_outcome (info != NULL, error);
  if (info == NULL)
    return 0;
  g_assert_cmpint (info->start, <, info->end);
  g_assert_cmpint (info->retry_at, >, FUZZ_NOW);
  g_assert_cmpint (info->retry_at, <=, FUZZ_NOW + 86400);
  fuzz_assert_clean (info->explanation_url);
  return 0;
}
