// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Chains: which one is preferred, and the identifier in renewal information.
 */
#include "chain-fixture.h"

static const Bend without_key_id = { .without_key_id = TRUE };

/* DATA: without; else the example of RFC 9773, Appendix A. */
static void
tells_renewal_id (ChainFixture *fixture, gconstpointer data)
{
  g_autoptr (HerdChain) chain = chain_parse (&fixture->leaf, &fixture->intermediate, NULL);
  g_autofree char *id = herd_chain_get_renewal_id (chain);

  g_assert_cmpstr (id, ==, data != NULL ? NULL : "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE");
}

/* PREFIX and the SHA-256 of CERTIFICATE, or of its key. */
static char *
dup_preference (const char *prefix, gnutls_x509_crt_t certificate)
{
  g_autoptr (GString) text = g_string_new (prefix);
  guint8 digest[32];
  gsize size = sizeof digest;

  if (g_str_equal (prefix, "spki:"))
    gnutls_x509_crt_get_key_id (certificate, GNUTLS_KEYID_USE_SHA256, digest, &size);
  else
    gnutls_x509_crt_get_fingerprint (certificate, GNUTLS_DIG_SHA256, digest, &size);
  for (gsize i = 0; i < size; i++)
    g_string_append_printf (text, "%02X", digest[i]);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
knows_what_is_preferred (ChainFixture *fixture, gconstpointer data)
{
  g_autoptr (HerdChain) chain = chain_parse (&fixture->leaf, &fixture->intermediate, NULL);
  g_autoptr (HerdChain) leaf = chain_parse (&fixture->leaf, NULL, NULL);
  g_autofree char *key = dup_preference ("spki:", fixture->intermediate.certificate);
  g_autofree char *whole = dup_preference ("sha256:", fixture->intermediate.certificate);
  g_autofree char *root = dup_preference ("sha256:", fixture->root.certificate);
  g_autofree char *of_leaf = dup_preference ("sha256:", fixture->leaf.certificate);

  g_assert_true (herd_chain_is_preferred (chain, "Test Root"));
  g_assert_true (herd_chain_is_preferred (chain, whole));
  g_assert_true (herd_chain_is_preferred (chain, key));
  g_assert_false (herd_chain_is_preferred (chain, "Test Intermediate"));
  g_assert_false (herd_chain_is_preferred (chain, root));
  g_assert_false (herd_chain_is_preferred (chain, of_leaf));
  g_assert_false (herd_chain_is_preferred (leaf, whole));
  g_assert_true (herd_chain_has_same_leaf (chain, leaf));
}

#define ADD(path, bend, test)                                                                      \
  g_test_add ("/chain/" path, ChainFixture, bend, chain_set_up, test, chain_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("renewal-id/example", NULL, tells_renewal_id);
  ADD ("renewal-id/none", &without_key_id, tells_renewal_id);
  ADD ("preferred", NULL, knows_what_is_preferred);
  return g_test_run ();
}
