// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What is known of a CA: what of a wish it would refuse, and what of its directory is not so.
 */
#include <string.h>

#include "acme/traits.h"
#include "plugin/error.h"

#define BASE "https://ca.example"

static const char *const few_identifiers[] = { "dns", "wildcard", NULL };
static const char *const only_dns[] = { "dns", NULL };
static const char *const key_types[] = { "ecdsa-p256", "rsa-2048", NULL };
static const char *const rsa[] = { "rsa-3072", "rsa-4096", NULL };
static const char *const lacks[] = { "key-change", "lifetime", "must-staple", "renewal-info",
                                     NULL };
static const char *const identities[] = { "known.example", "other.example", NULL };

typedef struct {
  const char *name;
  HerdAcmeTraits traits;
  const char *identifier;
  const char *key_type;
  gboolean must_staple;
  gint64 lifetime;
  const char *words; /* NULL: the CA would take it */
} Case;

static const Case cases[] = {
  { "nothing-known", { 0 }, "192.0.2.1", "ed25519", TRUE, 86400, NULL },
  { "name", { .identifiers = few_identifiers }, "a.example", NULL, FALSE, 0, NULL },
  { "wildcard", { .identifiers = few_identifiers }, "*.a.example", NULL, FALSE, 0, NULL },
  { "address",
    { .identifiers = few_identifiers },
    "2001:db8::1",
    NULL,
    FALSE,
    0,
    "www: the CA of issuer ca has no certificates for addresses such as 2001:db8::1; leave it "
    "out" },
  { "no-wildcard",
    { .identifiers = only_dns },
    "*.a.example",
    NULL,
    FALSE,
    0,
    "for wildcards such as *.a.example" },
  { "key", { .key_types = key_types }, "a.example", "rsa-2048", FALSE, 0, NULL },
  { "other-key",
    { .key_types = key_types },
    "a.example",
    "ed25519",
    FALSE,
    0,
    "takes no keys of type ed25519; set key-type to one of ecdsa-p256, rsa-2048" },
  { "key-not-said", { .key_types = key_types }, "a.example", NULL, FALSE, 0, NULL },
  { "staple", { .lacks = lacks }, "a.example", NULL, TRUE, 0, "no must-staple; leave it out" },
  { "lifetime",
    { .lacks = lacks },
    "a.example",
    NULL,
    FALSE,
    86400,
    "choose a lifetime; leave it out" },
  { "short",
    { .lifetime_minimum = 86400, .lifetime_maximum = 90 * 86400 },
    "a.example",
    NULL,
    FALSE,
    86399,
    "from 1d to 90d only" },
  { "shortest",
    { .lifetime_minimum = 86400, .lifetime_maximum = 90 * 86400 },
    "a.example",
    NULL,
    FALSE,
    86400,
    NULL },
  { "long",
    { .lifetime_minimum = 86400, .lifetime_maximum = 90 * 86400 },
    "a.example",
    NULL,
    FALSE,
    91 * 86400,
    "from 1d to 90d only" },
  { "no-wish", { .lifetime_minimum = 86400 }, "a.example", NULL, FALSE, 0, NULL },
};

static void
test_request (gconstpointer data)
{
  const Case *given = data;
  const char *const names[] = { "b.example", given->identifier, NULL };
  g_autoptr (GBytes) bytes = g_bytes_new_static ("x", 1);
  g_autoptr (HerdIssueRequest) request = herd_issue_request_new ("www", names, bytes, bytes, NULL);
  g_autoptr (HerdIssueRequest) copy = NULL;
  g_autoptr (GError) error = NULL;

  request->key_type = g_strdup (given->key_type);
  request->must_staple = given->must_staple;
  request->lifetime = given->lifetime;
  copy = herd_issue_request_copy (request);
  g_assert_true (herd_traits_check_request (&given->traits, "ca", copy, &error)
                 == (given->words == NULL));
  if (given->words == NULL)
    return;
  g_assert_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT);
  g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message, given->words));
}

static void
test_key_type (void)
{
  const HerdAcmeTraits nothing = { 0 };
  const HerdAcmeTraits traits = { .account_key_types = rsa };
  g_autoptr (GError) error = NULL;

  g_assert_cmpstr (herd_traits_choose_key_type (&nothing, "ca", NULL, NULL), ==, "ecdsa-p256");
  g_assert_cmpstr (herd_traits_choose_key_type (&nothing, "ca", "rsa-2048", NULL), ==, "rsa-2048");
  g_assert_cmpstr (herd_traits_choose_key_type (&traits, "ca", NULL, NULL), ==, "rsa-3072");
  g_assert_cmpstr (herd_traits_choose_key_type (&traits, "ca", "rsa-4096", NULL), ==, "rsa-4096");
  g_assert_null (herd_traits_choose_key_type (&traits, "ca", "ecdsa-p384", &error));
  g_assert_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT);
  g_assert_nonnull (strstr (error->message, "set it to one of rsa-3072, rsa-4096"));
}

static HerdDirectory *
read_directory (const char *meta)
{
  const HerdSite site = { BASE "/dir", NULL };
  g_autofree char *text = g_strdup_printf (
      "{\"newNonce\":\"" BASE "/n\",\"newAccount\":\"" BASE "/a\",\"newOrder\":\"" BASE "/o\","
      "\"keyChange\":\"" BASE "/k\",\"renewalInfo\":\"" BASE "/r\",\"meta\":{%s}}",
      meta);
  g_autoptr (GBytes) bytes = g_bytes_new (text, strlen (text));
  HerdDirectory *directory = herd_directory_new (bytes, &site, 1, NULL);

  g_assert_nonnull (directory);
  return directory;
}

static void
test_directory (void)
{
  const HerdAcmeTraits traits = { .lacks = lacks, .caa_identities = identities };
  const HerdAcmeTraits nothing = { 0 };
  g_autoptr (HerdDirectory) bare = read_directory ("");
  g_autoptr (HerdDirectory) named = read_directory ("\"caaIdentities\":[\"own.example\"]");
  g_autoptr (HerdDirectory) believed = read_directory ("");

  herd_traits_apply (&traits, bare);
  g_assert_cmpstr (bare->key_change, ==, "");
  g_assert_cmpstr (bare->renewal_info, ==, "");
  g_assert_cmpuint (g_strv_length (bare->capabilities), ==, 0);
  g_assert_cmpstr (bare->caa_identity, ==, "known.example");
  g_assert_cmpuint (g_strv_length (bare->caa_identities), ==, 2);
  /* The CA knows its names better. */
  herd_traits_apply (&traits, named);
  g_assert_cmpstr (named->caa_identity, ==, "own.example");
  g_assert_cmpuint (g_strv_length (named->caa_identities), ==, 1);
  herd_traits_apply (&nothing, believed);
  g_assert_cmpuint (g_strv_length (believed->capabilities), ==, 2);
  g_assert_cmpstr (believed->caa_identity, ==, "");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *path = g_strconcat ("/acme-traits/request/", cases[i].name, NULL);

    g_test_add_data_func (path, &cases[i], test_request);
  }
  g_test_add_func ("/acme-traits/key-type", test_key_type);
  g_test_add_func ("/acme-traits/directory", test_directory);
  return g_test_run ();
}
