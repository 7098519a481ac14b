// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Chains: which one is preferred, and the identifier in renewal information.
 */
#include "chain-fixture.h"

#define SERIAL(text) .serial = text, .serial_size = sizeof text - 1
#define KEY_ID(text) .raw_key_id = text, .raw_key_id_size = sizeof text - 1
#define EXAMPLE_KEY_ID "aYhba4dGQEHhs3uEe6CuLN4ByNQ"

/* Certificates, and their identifiers: the octets that are in the DER, sign and all. */
static const struct {
  const char *name;
  Bend bend;
  const char *id; /* NULL: none */
} renewal_ids[] = {
  /* RFC 9773, Appendix A. */
  { "example", { 0 }, EXAMPLE_KEY_ID ".AIdlQyE" },
  { "serial-without-sign", { SERIAL ("\x7f") }, EXAMPLE_KEY_ID ".fw" },
  { "serial-of-one-octet", { SERIAL ("\x05") }, EXAMPLE_KEY_ID ".BQ" },
  { "serial-with-sign", { SERIAL ("\x00\x80") }, EXAMPLE_KEY_ID ".AIA" },
  { "serial-ends-in-zero", { SERIAL ("\x01\x00\x00") }, EXAMPLE_KEY_ID ".AQAA" },
  { "serial-of-21-octets",
    { SERIAL ("\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
              "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff") },
    EXAMPLE_KEY_ID ".AP__________________________" },
  { "no-key-id", { .without_key_id = TRUE }, NULL },
  { "key-id-begins-with-zero", { KEY_ID ("\x30\x06\x80\x04\x00\x01\x02\x03") }, "AAECAw.AIdlQyE" },
  { "key-id-of-one-octet", { KEY_ID ("\x30\x03\x80\x01\xff") }, "_w.AIdlQyE" },
  { "key-id-is-empty", { KEY_ID ("\x30\x02\x80\x00") }, NULL },
  { "issuer-beside-key-id",
    { KEY_ID ("\x30\x0f\x80\x04\x00\x01\x02\x03\xa1\x04\x82\x02\x63\x61\x82\x01\x05") },
    "AAECAw.AIdlQyE" },
  { "issuer-without-key-id", { KEY_ID ("\x30\x09\xa1\x04\x82\x02\x63\x61\x82\x01\x05") }, NULL },
};

/* DATA: a Bend of the table. */
static void
tells_renewal_id (ChainFixture *fixture, gconstpointer data)
{
  g_autoptr (HerdChain) chain = chain_parse (&fixture->leaf, &fixture->intermediate, NULL);
  g_autofree char *id = herd_chain_get_renewal_id (chain);

  for (guint i = 0; i < G_N_ELEMENTS (renewal_ids); i++) {
    if (data == &renewal_ids[i].bend)
      g_assert_cmpstr (id, ==, renewal_ids[i].id);
  }
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
  for (guint i = 0; i < G_N_ELEMENTS (renewal_ids); i++) {
    g_autofree char *path = g_strconcat ("/chain/renewal-id/", renewal_ids[i].name, NULL);

    g_test_add (path, ChainFixture, &renewal_ids[i].bend, chain_set_up, tells_renewal_id,
                chain_tear_down);
  }
  ADD ("preferred", NULL, knows_what_is_preferred);
  return g_test_run ();
}
