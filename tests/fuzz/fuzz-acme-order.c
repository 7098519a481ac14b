// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Orders as a CA sends them.
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
  g_autoptr (HerdOrder) order = herd_order_new (body, FUZZ_SITE, fuzz_identifiers, &error);

  fuzz_assert_outcome (order != NULL, error);
  if (order == NULL)
    return 0;
  herd_order_waits_for (body, fuzz_identifiers);
  for (char **url = order->authorizations; *url != NULL; url++)
    g_assert_true (herd_directory_check_url (FUZZ_SITE, *url, "authorization", NULL));
  g_assert_true (herd_directory_check_url (FUZZ_SITE, order->finalize, "finalize", NULL));
  g_assert_true (order->status != HERD_ORDER_VALID || order->certificate != NULL);
  fuzz_assert_clean (order->profile);
  fuzz_assert_outcome (order->error == NULL, order->error);
  return 0;
}
