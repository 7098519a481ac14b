// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Certificate chains (PEM) as a CA sends them.
 */
#include <gio/gio.h>

#include "ca.h"
#include "crypto/chain.h"
#include "fuzz.h"

static void
check_facts (HerdChain *chain)
{
  g_autoptr (HerdFacts) facts = herd_chain_get_facts (chain);
  g_autoptr (GBytes) leaf = herd_chain_get_leaf (chain);
  g_autofree char *id G_GNUC_UNUSED = herd_chain_get_renewal_id (chain);
  g_autoptr (GBytes) key = g_bytes_new_static ("key", 3);
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (facts);
  g_assert_cmpuint (g_bytes_get_size (leaf), >, 0);
  herd_chain_is_preferred (chain, "Test Root");
  herd_chain_is_preferred (chain, "spki:00");
  g_assert_false (herd_chain_check (chain, key, fuzz_identifiers, FUZZ_NOW, &error));
  fuzz_assert_outcome (FALSE, error);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (GBytes) pem = g_bytes_new (data, size);
  g_autoptr (GError) error = NULL;
  g_autoptr (HerdChain) chain = herd_chain_new (pem, &error);
  g_autoptr (HerdChain) again = NULL;
  g_autoptr (GBytes) kept = NULL;
  g_autoptr (GBytes) kept_again = NULL;

  fuzz_assert_outcome (chain != NULL, error);
  if (chain == NULL)
    return 0;
  check_facts (chain);
  kept = herd_chain_to_pem (chain);
  again = herd_chain_new (kept, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (herd_chain_get_length (chain), ==, herd_chain_get_length (again));
  g_assert_true (herd_chain_has_same_leaf (chain, again));
  kept_again = herd_chain_to_pem (again);
  g_assert_true (g_bytes_equal (kept, kept_again));
  return 0;
}
