// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Chains: read with suspicion, checked, written anew.
 */
#include "chain-fixture.h"

static HerdChain *
parse_whole (ChainFixture *fixture)
{
  return chain_parse (&fixture->leaf, &fixture->intermediate, &fixture->root);
}

static void
assert_accepted (HerdChain *chain, GBytes *key, const char *const *names, gint64 now)
{
  g_autoptr (GError) error = NULL;
  gboolean accepted = herd_chain_check (chain, key, names, now, &error);

  g_assert_no_error (error);
  g_assert_true (accepted);
}

static void
assert_refused (HerdChain *chain, GBytes *key, const char *const *names, gint64 now,
                const char *says)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (herd_chain_check (chain, key, names, now, &error));
  g_assert_error (error, HERD_ERROR, HERD_ERROR_REFUSED);
  g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message, says));
}

static void
accepts_what_was_asked_for (ChainFixture *fixture, gconstpointer data)
{
  static const char *const swapped[] = { "192.0.2.7", "www.example.org", NULL };
  g_autoptr (HerdChain) whole = parse_whole (fixture);
  g_autoptr (HerdChain) pair = chain_parse (&fixture->leaf, &fixture->intermediate, NULL);
  g_autoptr (HerdChain) alone = chain_parse (&fixture->leaf, NULL, NULL);

  g_assert_cmpuint (herd_chain_get_length (whole), ==, 3);
  assert_accepted (whole, fixture->public_key, chain_default_names, NOW);
  assert_accepted (pair, fixture->public_key, swapped, NOW);
  assert_accepted (alone, fixture->public_key, chain_default_names, NOW);
}

static void
refuses_other_key (ChainFixture *fixture, gconstpointer data)
{
  g_autoptr (HerdChain) chain = parse_whole (fixture);
  gsize size = g_bytes_get_size (fixture->public_key);
  guint8 *other = g_memdup2 (g_bytes_get_data (fixture->public_key, NULL), size);
  g_autoptr (GBytes) key = g_bytes_new_take (other, size);
  g_autoptr (GBytes) none = g_bytes_new (NULL, 0);

  other[size - 1] ^= 1;
  assert_refused (chain, key, chain_default_names, NOW, "another key");
  assert_refused (chain, none, chain_default_names, NOW, "another key");
}

static void
refuses_other_names (ChainFixture *fixture, gconstpointer data)
{
  static const char *const fewer[] = { "www.example.org", NULL };
  static const char *const more[] = { "www.example.org", "192.0.2.7", "example.org", NULL };
  static const char *const other[] = { "www.example.com", "192.0.2.7", NULL };
  static const char *const none[] = { NULL };
  static const char *const like_text[] = { "www.example.org", "192.0.2.8", NULL };
  g_autoptr (HerdChain) chain = parse_whole (fixture);

  assert_refused (chain, fixture->public_key, fewer, NOW, "192.0.2.7 www.example.org");
  assert_refused (chain, fixture->public_key, more, NOW, "not for");
  assert_refused (chain, fixture->public_key, other, NOW, "www.example.com");
  assert_refused (chain, fixture->public_key, none, NOW, "not for");
  assert_refused (chain, fixture->public_key, like_text, NOW, "192.0.2.8");
}

static const char *const mixed_names[] = { "WWW.Example.ORG", "*.example.org",
                                           "2001:DB8:0:0:0:0:0:1", "www.example.org", NULL };
static const Bend mixed = { .names = mixed_names };

static void
normalises_names (ChainFixture *fixture, gconstpointer data)
{
  static const char *const names[] = { "2001:db8::1", "*.example.org", "www.example.org",
                                       "*.example.org", NULL };
  static const char *const expected[] = { "*.example.org", "2001:db8::1", "www.example.org", NULL };
  g_autoptr (HerdChain) chain = parse_whole (fixture);
  g_autoptr (HerdFacts) facts = herd_chain_get_facts (chain);

  assert_accepted (chain, fixture->public_key, names, NOW);
  g_assert_true (g_strv_equal ((const char *const *) facts->identifiers, expected));
}

static const Bend with_email = { .email = "root@example.org" };

static void
refuses_other_kinds_of_name (ChainFixture *fixture, gconstpointer data)
{
  g_autoptr (HerdChain) chain = parse_whole (fixture);

  assert_refused (chain, fixture->public_key, chain_default_names, NOW, "neither a DNS name");
}

static const char *const no_names[] = { NULL };
static const Bend nameless = { .names = no_names };

static void
refuses_no_names (ChainFixture *fixture, gconstpointer data)
{
  g_autoptr (HerdChain) chain = parse_whole (fixture);
  g_autoptr (HerdFacts) facts = herd_chain_get_facts (chain);

  assert_refused (chain, fixture->public_key, chain_default_names, NOW, "“”");
  assert_refused (chain, fixture->public_key, no_names, NOW, "“”");
  g_assert_null (facts->identifiers[0]);
}

static const Bend hostile = { .names = no_names,
                              .issuer_name = "Evil\n\342\200\256CA\302\205",
                              .raw_name = "www.example.org\0\033[2J",
                              .raw_size = 20 };

static void
cleans_what_it_shows (ChainFixture *fixture, gconstpointer data)
{
  static const char *const names[] = { "www.example.org", NULL };
  g_autoptr (HerdChain) chain = parse_whole (fixture);
  g_autoptr (HerdFacts) facts = herd_chain_get_facts (chain);

  g_assert_cmpstr (facts->issued_by, ==, "Evil\\n\\u{202e}CA\\u{0085}");
  g_assert_cmpstr (facts->identifiers[0], ==, "www.example.org\\x00\\x1b[2j");
  assert_refused (chain, fixture->public_key, names, NOW, "www.example.org\\x00\\x1b[2j");
}

static void
judges_dates (ChainFixture *fixture, gconstpointer data)
{
  g_autoptr (HerdChain) chain = parse_whole (fixture);
  const gint64 from = NOW - DAY, to = NOW + 89 * DAY;

  assert_accepted (chain, fixture->public_key, chain_default_names, from - 3600);
  assert_refused (chain, fixture->public_key, chain_default_names, from - 3601, "not valid before");
  assert_accepted (chain, fixture->public_key, chain_default_names, to);
  assert_refused (chain, fixture->public_key, chain_default_names, to + 1, "expired at 2026-03-31");
  assert_refused (chain, fixture->public_key, chain_default_names, 0, "clock");
  assert_refused (chain, fixture->public_key, chain_default_names, G_MAXINT64, "expired");
}

static void
refuses_wrong_order (ChainFixture *fixture, gconstpointer data)
{
  g_autoptr (HerdChain) gap = chain_parse (&fixture->leaf, &fixture->root, NULL);
  g_autoptr (HerdChain)
      swapped = chain_parse (&fixture->leaf, &fixture->root, &fixture->intermediate);
  g_autoptr (HerdChain) twice = chain_parse (&fixture->leaf, &fixture->leaf, NULL);
  g_autoptr (HerdChain) upside_down = chain_parse (&fixture->intermediate, &fixture->leaf, NULL);

  assert_refused (gap, fixture->public_key, chain_default_names, NOW, "certificate 1 of 2");
  assert_refused (swapped, fixture->public_key, chain_default_names, NOW, "certificate 1 of 3");
  assert_refused (twice, fixture->public_key, chain_default_names, NOW, "certificate 1 of 2");
  assert_refused (upside_down, fixture->public_key, chain_default_names, NOW, "another key");
}

/* An issuer of the right name and another key: only the signature tells. */
static void
refuses_wrong_signature (ChainFixture *fixture, gconstpointer data)
{
  Made impostor;
  g_autoptr (HerdChain) chain = NULL;

  chain_make_authority (&impostor, &fixture->root, "Test Intermediate");
  chain = chain_parse (&fixture->leaf, &impostor, &fixture->root);
  assert_refused (chain, fixture->public_key, chain_default_names, NOW, "not signed by the next");
  chain_clear (&impostor);
}

/* The leaf's key signs another leaf: signed it is, but by nobody who may. */
static void
refuses_issuer_that_is_no_authority (ChainFixture *fixture, gconstpointer data)
{
  ChainFixture below = { 0 };
  static const Bend straight = { 0 };
  g_autoptr (HerdChain) chain = NULL;

  below.intermediate = fixture->leaf;
  chain_make_leaf (&below, &straight);
  chain = chain_parse (&below.leaf, &fixture->leaf, &fixture->intermediate);
  assert_refused (chain, below.public_key, chain_default_names, NOW, "certificate 1 of 3");
  chain_clear (&below.leaf);
  g_bytes_unref (below.public_key);
}

static const Bend by_organization = { .issuer_name = "O=Little, Inc." };

static void
tells_issuer_without_common_name (ChainFixture *fixture, gconstpointer data)
{
  g_autoptr (HerdChain) chain = parse_whole (fixture);
  g_autoptr (HerdFacts) facts = herd_chain_get_facts (chain);

  g_assert_cmpstr (facts->issued_by, ==, "O=Little\\, Inc.");
}

static void
tells_facts (ChainFixture *fixture, gconstpointer data)
{
  g_autoptr (HerdChain) chain = parse_whole (fixture);
  g_autoptr (HerdFacts) facts = herd_chain_get_facts (chain);
  g_auto (gnutls_datum_t) der = { NULL, 0 };
  g_autofree char *fingerprint = NULL;

  gnutls_x509_crt_export2 (fixture->leaf.certificate, GNUTLS_X509_FMT_DER, &der);
  fingerprint = g_compute_checksum_for_data (G_CHECKSUM_SHA256, der.data, der.size);
  g_assert_cmpint (facts->not_before, ==, NOW - DAY);
  g_assert_cmpint (facts->not_after, ==, NOW + 89 * DAY);
  g_assert_cmpstr (facts->serial, ==, "0087654321");
  g_assert_cmpstr (facts->fingerprint, ==, fingerprint);
  g_assert_cmpstr (facts->issued_by, ==, "Test Intermediate");
  g_assert_true (g_strv_contains ((const char *const *) facts->identifiers, "www.example.org"));
  g_assert_true (g_strv_contains ((const char *const *) facts->identifiers, "192.0.2.7"));
  g_assert_cmpuint (g_strv_length (facts->identifiers), ==, 2);
}

static void
writes_certificates_only (ChainFixture *fixture, gconstpointer data)
{
  g_autoptr (GBytes) plain = chain_join (&fixture->leaf, &fixture->intermediate, NULL);
  GString *noisy = g_string_new ("subject=nobody\r\n\r\n");
  g_autoptr (GBytes) noisy_pem = NULL;
  g_autoptr (HerdChain) chain = NULL;
  g_autoptr (GBytes) written = NULL;
  g_autoptr (GError) error = NULL;

  chain_append_pem (noisy, &fixture->leaf);
  g_string_append_len (noisy, "# between\0them\n", 15);
  chain_append_pem (noisy, &fixture->intermediate);
  g_string_append (noisy, "behind them\n");
  noisy_pem = g_string_free_to_bytes (noisy);
  chain = herd_chain_new (noisy_pem, &error);
  g_assert_no_error (error);
  written = herd_chain_to_pem (chain);
  g_assert_true (g_bytes_equal (written, plain));
}

static void
assert_unreadable (GString *pem, const char *says)
{
  g_autoptr (GBytes) bytes = g_string_free_to_bytes (pem);
  g_autoptr (GError) error = NULL;

  g_assert_null (herd_chain_new (bytes, &error));
  g_assert_error (error, HERD_ERROR, HERD_ERROR_REFUSED);
  g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message, says));
}

static void
refuses_what_is_no_chain (ChainFixture *fixture, gconstpointer data)
{
  static const char *const intruders[] = {
    "-----BEGIN PRIVATE KEY-----\nMC4=\n-----END PRIVATE KEY-----\n",
    "-----BEGIN EC PRIVATE KEY-----\n",
    "-----BEGIN CERTIFICATE REQUEST-----\n",
    "-----BEGIN TRUSTED CERTIFICATE-----\n",
    "-----BEGIN X509 CERTIFICATE-----\n",
    "-----BEGIN certificate-----\n",
    "-----BEGIN",
    "-----BEGIN CERTIFICATE--\n",
  };

  for (guint i = 0; i < 2 * G_N_ELEMENTS (intruders); i++) {
    GString *pem = g_string_new (NULL);

    chain_append_pem (pem, &fixture->leaf);
    if (i % 2 == 0)
      g_string_append (pem, intruders[i / 2]);
    else
      g_string_prepend (pem, intruders[i / 2]);
    assert_unreadable (pem, "something else than certificates");
  }
  assert_unreadable (g_string_new (""), "empty");
  assert_unreadable (g_string_new ("<html>not here</html>"), "no certificate");
  assert_unreadable (g_string_new ("-----BEGIN CERTIFICATE-----\n"), "read");
  assert_unreadable (
      g_string_new ("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"), "read");
}

/* Wherever the text is cut, what is read of it is whole certificates or nothing. */
static void
survives_torn_pem (ChainFixture *fixture, gconstpointer data)
{
  g_autoptr (GBytes) pair = chain_join (&fixture->leaf, &fixture->intermediate, NULL);
  g_autoptr (GBytes) leaf = chain_join (&fixture->leaf, NULL, NULL);
  guint n_read[3] = { 0 };

  for (gsize length = 0; length < g_bytes_get_size (pair); length++) {
    g_autoptr (GBytes) part = g_bytes_new_from_bytes (pair, 0, length);
    g_autoptr (GError) error = NULL;
    g_autoptr (HerdChain) chain = herd_chain_new (part, &error);
    g_autoptr (GBytes) written = NULL;

    if (chain == NULL) {
      g_assert_error (error, HERD_ERROR, HERD_ERROR_REFUSED);
      n_read[0]++;
      continue;
    }
    written = herd_chain_to_pem (chain);
    n_read[herd_chain_get_length (chain)]++;
    g_assert_true (g_bytes_equal (written, herd_chain_get_length (chain) == 1 ? leaf : pair));
  }
  g_assert_cmpuint (n_read[0], >, 800);
  g_assert_cmpuint (n_read[1], <, 40);
  g_assert_cmpuint (n_read[2], <, 40);
}

static void
limits_size_and_count (ChainFixture *fixture, gconstpointer data)
{
  GString *many = g_string_new (NULL);
  GString *too_many = g_string_new (NULL);
  GString *large = g_string_new (NULL);
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (HerdChain) chain = NULL;
  g_autoptr (GBytes) largest_bytes = NULL;
  g_autoptr (HerdChain) largest = NULL;

  for (guint i = 0; i <= HERD_CHAIN_MAX; i++) {
    if (i > 0)
      chain_append_pem (many, &fixture->intermediate);
    chain_append_pem (too_many, &fixture->intermediate);
  }
  bytes = g_string_free_to_bytes (many);
  chain = herd_chain_new (bytes, NULL);
  g_assert_cmpuint (herd_chain_get_length (chain), ==, HERD_CHAIN_MAX);
  assert_unreadable (too_many, "17 certificates");
  chain_append_pem (large, &fixture->leaf);
  while (large->len < 1024 * 1024)
    g_string_append_c (large, '\n');
  largest_bytes = g_bytes_new (large->str, large->len);
  largest = herd_chain_new (largest_bytes, NULL);
  g_assert_nonnull (largest);
  g_string_append_c (large, '\n');
  assert_unreadable (large, "bytes");
}

#define ADD(path, bend, test)                                                                      \
  g_test_add ("/chain/" path, ChainFixture, bend, chain_set_up, test, chain_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("accepts", NULL, accepts_what_was_asked_for);
  ADD ("key/other", NULL, refuses_other_key);
  ADD ("names/other", NULL, refuses_other_names);
  ADD ("names/normalised", &mixed, normalises_names);
  ADD ("names/other-kind", &with_email, refuses_other_kinds_of_name);
  ADD ("names/none", &nameless, refuses_no_names);
  ADD ("names/hostile", &hostile, cleans_what_it_shows);
  ADD ("dates", NULL, judges_dates);
  ADD ("order", NULL, refuses_wrong_order);
  ADD ("signature", NULL, refuses_wrong_signature);
  ADD ("authority", NULL, refuses_issuer_that_is_no_authority);
  ADD ("facts/all", NULL, tells_facts);
  ADD ("facts/no-common-name", &by_organization, tells_issuer_without_common_name);
  ADD ("pem/written-anew", NULL, writes_certificates_only);
  ADD ("pem/no-chain", NULL, refuses_what_is_no_chain);
  ADD ("pem/torn", NULL, survives_torn_pem);
  ADD ("pem/limits", NULL, limits_size_and_count);
  return g_test_run ();
}
