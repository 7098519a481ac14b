// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Presets: that every shipped file loads and is whole, what is read of one, and that every mistake is told
 * with its file and line and costs its own preset only.
 */
#include "config/preset.h"

#include <glib/gstdio.h>

#include "plugin/error.h"

#define WHOLE                                                                                      \
  "# a comment\n"                                                                                  \
  "[preset]\n"                                                                                     \
  "description = Example CA\n"                                                                     \
  "directory-url = https://CA.example.org:443/directory\n"                                         \
  "replaces-urls = https://old.example.org/a https://old.example.org/b\n"                          \
  "hosts = files.example.org:443 [2001:db8::1]:8443\n"                                             \
  "eab = required\n"                                                                               \
  "eab-hint = the shop\n"                                                                          \
  "contact = required\n"                                                                           \
  "caa-identities = example.org\n"                                                                 \
  "profiles = short long\n"                                                                        \
  "account-key-types = rsa-2048\n"                                                                 \
  "key-types = ecdsa-p256\n"                                                                       \
  "identifiers = dns ip\n"                                                                         \
  "lacks = lifetime key-change\n"                                                                  \
  "lifetime-minimum = 1d\n"                                                                        \
  "lifetime-maximum = 90d\n"                                                                       \
  "staging = test\n"                                                                               \
  "[limit new]\n"                                                                                  \
  "scope = orders\n"                                                                               \
  "count = 300\n"                                                                                  \
  "refill = 36s\n"                                                                                 \
  "exempt = renewals\n"                                                                            \
  "[limit same]\n"                                                                                 \
  "scope = failures-in-a-row\n"                                                                    \
  "count = 5\n"                                                                                    \
  "refill = 34h\n"                                                                                 \
  "exempt = renewal-info\n"
#define LEAST                                                                                      \
  "[preset]\ndescription = Test\ndirectory-url = https://test.example.org/directory\neab = none\n"

typedef struct {
  char *folder;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  fixture->folder = g_dir_make_tmp ("certherd-preset-XXXXXX", NULL);
  g_assert_nonnull (fixture->folder);
}

static void
tear_down (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GDir) dir = g_dir_open (fixture->folder, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL) {
    g_autofree char *path = g_build_filename (fixture->folder, name, NULL);

    g_assert_cmpint (g_remove (path), ==, 0);
  }
  g_assert_cmpint (g_rmdir (fixture->folder), ==, 0);
  g_free (fixture->folder);
}

static void
write_file (Fixture *fixture, const char *name, const char *text)
{
  g_autofree char *path = g_build_filename (fixture->folder, name, NULL);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

static void
assert_vector (const char *const *actual, const char *const *expected)
{
  g_assert_true (g_strv_equal (actual, expected));
}

/* --- what is shipped --- */

static HerdPresets *
load_shipped (void)
{
  g_autofree char *folder = g_test_build_filename (G_TEST_DIST, "..", "..", "data", "issuers",
                                                   NULL);

  return herd_presets_load (folder);
}

static void
test_shipped (void)
{
  static const char *const names[] = {
    "actalis",        "digicert",    "dogtag",
    "ejbca",          "globalsign",  "google",
    "google-staging", "letsencrypt", "letsencrypt-staging",
    "openbao",        "sectigo-dv",  "sectigo-ev",
    "sectigo-ov",     "sslcom-ecc",  "sslcom-rsa",
    "step-ca",        "vault",       "zerossl",
  };
  g_autoptr (HerdPresets) presets = load_shipped ();
  GPtrArray *all = herd_presets_get_all (presets);

  g_assert_cmpuint (herd_presets_get_problems (presets)->len, ==, 0);
  g_assert_cmpuint (all->len, ==, G_N_ELEMENTS (names));
  for (guint i = 0; i < all->len; i++) {
    const HerdPreset *preset = g_ptr_array_index (all, i);

    g_test_message ("%s", preset->name);
    g_assert_cmpstr (preset->name, ==, names[i]);
    g_assert_true ((preset->directory_url == NULL) != (preset->directory_hint == NULL));
    g_assert_true ((preset->eab == HERD_PRESET_EAB_NONE) == (preset->eab_hint == NULL));
    if (preset->directory_url == NULL)
      continue;
    g_assert_true (preset == herd_presets_find_by_url (presets, preset->directory_url));
    g_assert_nonnull (preset->caa_identities[0]);
  }
}

/* The table of Let's Encrypt's page: what is counted, how many, and when one comes back. */
static void
test_shipped_limits (void)
{
  static const HerdLimit expected[] = {
    { "accounts", HERD_LIMIT_ACCOUNTS, 10, 18 * 60, FALSE, FALSE },
    { "orders", HERD_LIMIT_ACCOUNT, 300, 36, TRUE, TRUE },
    { "domain", HERD_LIMIT_REGISTERED_DOMAIN, 50, 202 * 60, TRUE, TRUE },
    { "identifiers", HERD_LIMIT_IDENTIFIER_SET, 5, 34 * 3600, FALSE, TRUE },
    { "failures", HERD_LIMIT_IDENTIFIER_FAILURES, 5, 12 * 60, FALSE, TRUE },
    { "failures-in-a-row", HERD_LIMIT_FAILURES_IN_A_ROW, 1152, 86400, FALSE, TRUE },
  };
  g_autoptr (HerdPresets) presets = load_shipped ();
  const HerdPreset *preset = herd_presets_find (presets, "letsencrypt");

  g_assert_nonnull (preset);
  g_assert_cmpstr (preset->staging, ==, "letsencrypt-staging");
  g_assert_cmpuint (preset->limits->len, ==, G_N_ELEMENTS (expected));
  for (guint i = 0; i < preset->limits->len; i++) {
    const HerdLimit *limit = g_ptr_array_index (preset->limits, i);

    g_assert_cmpstr (limit->name, ==, expected[i].name);
    g_assert_cmpint (limit->scope, ==, expected[i].scope);
    g_assert_cmpuint (limit->count, ==, expected[i].count);
    g_assert_cmpint (limit->refill, ==, expected[i].refill);
    g_assert_cmpint (limit->renewals_exempt, ==, expected[i].renewals_exempt);
    g_assert_cmpint (limit->renewal_info_exempt, ==, expected[i].renewal_info_exempt);
  }
}

/* What configurations of the time of ACME v1 name. */
static void
test_shipped_retired (void)
{
  static const char *const urls[][2] = {
    { "https://acme-v01.api.letsencrypt.org/directory", "letsencrypt" },
    { "https://acme-v01.api.letsencrypt.org/", "letsencrypt" },
    { "https://acme-staging.api.letsencrypt.org/directory", "letsencrypt-staging" },
    { "https://acme-staging.api.letsencrypt.org/", "letsencrypt-staging" },
  };
  g_autoptr (HerdPresets) presets = load_shipped ();

  for (guint i = 0; i < G_N_ELEMENTS (urls); i++) {
    const HerdPreset *preset = herd_presets_find_successor (presets, urls[i][0]);

    g_assert_nonnull (preset);
    g_assert_cmpstr (preset->name, ==, urls[i][1]);
    g_assert_null (herd_presets_find_by_url (presets, urls[i][0]));
  }
  g_assert_null (herd_presets_find_successor (presets, "https://acme.example.org/directory"));
}

/* --- reading --- */

static void
test_whole (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (HerdPresets) presets = NULL;
  const HerdPreset *preset;
  const HerdLimit *limit;

  write_file (fixture, "example.conf", WHOLE);
  write_file (fixture, "test.conf", LEAST);
  write_file (fixture, "README", "not a preset");
  presets = herd_presets_load (fixture->folder);
  g_assert_cmpuint (herd_presets_get_problems (presets)->len, ==, 0);
  g_assert_cmpuint (herd_presets_get_all (presets)->len, ==, 2);
  preset = herd_presets_find_by_url (presets, "https://ca.example.org/directory");
  g_assert_nonnull (preset);
  g_assert_cmpstr (preset->name, ==, "example");
  g_assert_cmpstr (preset->description, ==, "Example CA");
  g_assert_cmpstr (preset->staging, ==, "test");
  g_assert_cmpint (preset->eab, ==, HERD_PRESET_EAB_REQUIRED);
  g_assert_cmpstr (preset->eab_hint, ==, "the shop");
  g_assert_true (preset->contact_required);
  g_assert_cmpint (preset->lifetime_minimum, ==, 86400);
  g_assert_cmpint (preset->lifetime_maximum, ==, 90 * 86400);
  assert_vector (preset->hosts,
                 (const char *[]){ "files.example.org:443", "[2001:db8::1]:8443", NULL });
  assert_vector (preset->caa_identities, (const char *[]){ "example.org", NULL });
  assert_vector (preset->profiles, (const char *[]){ "short", "long", NULL });
  assert_vector (preset->account_key_types, (const char *[]){ "rsa-2048", NULL });
  assert_vector (preset->key_types, (const char *[]){ "ecdsa-p256", NULL });
  assert_vector (preset->identifiers, (const char *[]){ "dns", "ip", NULL });
  assert_vector (preset->lacks, (const char *[]){ "lifetime", "key-change", NULL });
  g_assert_cmpuint (preset->limits->len, ==, 2);
  limit = g_ptr_array_index (preset->limits, 0);
  g_assert_cmpint (limit->scope, ==, HERD_LIMIT_ACCOUNT);
  g_assert_true (limit->renewals_exempt && !limit->renewal_info_exempt);
  limit = g_ptr_array_index (preset->limits, 1);
  g_assert_cmpint (limit->scope, ==, HERD_LIMIT_FAILURES_IN_A_ROW);
  g_assert_cmpint (limit->refill, ==, 34 * 3600);
  g_assert_true (!limit->renewals_exempt && limit->renewal_info_exempt);
  preset = herd_presets_find (presets, "test");
  assert_vector (preset->hosts, (const char *[]){ NULL });
  g_assert_cmpuint (preset->limits->len, ==, 0);
}

static void
test_unknown (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (HerdPresets) presets = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) none = NULL;

  write_file (fixture, "a.conf", LEAST);
  presets = herd_presets_load (fixture->folder);
  g_assert_null (herd_presets_require (presets, "b\033[2J", &error));
  g_assert_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT);
  g_assert_cmpstr (error->message, ==, "preset: there is no preset “b\\x1b[2J”; known are a");
  g_assert_nonnull (herd_presets_require (presets, "a", NULL));
  g_assert_null (herd_presets_require (NULL, "a", &none));
  g_assert_nonnull (strstr (none->message, "known are none"));
}

/* --- mistakes --- */

typedef struct {
  const char *name;
  const char *file;
  const char *text;
  guint line;
  const char *cause;
} Mistake;

static const Mistake mistakes[] = {
  { "no-section", "x.conf", "# nothing\n", 0, "has no [preset]" },
  { "other-section", "x.conf", "[issuer x]\n" LEAST, 1,
    "[issuer x]: no such section; known are [preset] and [limit NAME]" },
  { "named", "x.conf", "[preset x]\neab = none\n", 1, "[preset] has no name" },
  { "twice", "x.conf", LEAST "[preset]\neab = none\n", 5, "is there already" },
  { "unknown-key", "x.conf", LEAST "command = /bin/true\n", 5,
    "\"command\": no such key of [preset]" },
  { "not-https", "x.conf", "[preset]\ndirectory-url = http://ca.example.org/\n", 2,
    "is not https" },
  { "control", "x.conf", "[preset]\ndescription = a\033[2Jb\n", 2, "description" },
  { "no-eab", "x.conf", "[preset]\ndescription = a\n", 1, "[preset] has no eab" },
  { "eab-word", "x.conf", "[preset]\neab = maybe\n", 2, "is not one of none, optional, required" },
  { "no-url", "x.conf", "[preset]\ndescription = a\neab = none\n", 1,
    "neither directory-url nor directory-hint" },
  { "replaces-nothing", "x.conf",
    "[preset]\ndescription = a\ndirectory-hint = https://HOST/\neab = none\n"
    "replaces-urls = https://a.example.org/\n",
    1, "replaces-urls" },
  { "no-hint", "x.conf",
    "[preset]\ndescription = a\ndirectory-url = https://a.example.org/\neab = required\n", 1,
    "eab-hint" },
  { "lifetimes", "x.conf", LEAST "lifetime-minimum = 9d\nlifetime-maximum = 1d\n", 1,
    "lifetime-maximum below" },
  { "staging", "x.conf", LEAST "staging = nowhere\n", 1, "there is no preset nowhere" },
  { "host", "x.conf", LEAST "hosts = files.example.org\n", 5, "hosts" },
  { "limit-scope", "x.conf", LEAST "[limit a]\nscope = moon\n", 6, "is not one of accounts" },
  { "limit-count", "x.conf", LEAST "[limit a]\nscope = orders\ncount = 0\n", 7, "count" },
  { "limit-refill", "x.conf", LEAST "[limit a]\nscope = orders\ncount = 1\nrefill = 0s\n", 8,
    "refill" },
  { "limit-whole", "x.conf", LEAST "[limit a]\nscope = orders\ncount = 1\n", 5,
    "[limit a] has no refill" },
  { "limit-twice", "x.conf",
    LEAST "[limit a]\nscope = orders\ncount = 1\nrefill = 1s\n[limit a]\nscope = orders\n", 9,
    "is there already" },
  { "binary", "x.conf", LEAST "\xff\xfe\n", 5, "not UTF-8" },
  { "name", "X y.conf", LEAST, 0, "preset" },
  { "same-url", "z.conf",
    "[preset]\ndescription = a\ndirectory-url = https://good.example.org/directory\neab = none\n",
    1, "the preset good has the URL https://good.example.org/directory, too" },
  { "same-old-url", "z.conf", LEAST "replaces-urls = https://good.example.org/directory\n", 1,
    "the preset good has the URL" },
};

static void
test_mistake (Fixture *fixture, gconstpointer data)
{
  const Mistake *mistake = data;
  g_autofree char *path = g_build_filename (fixture->folder, mistake->file, NULL);
  g_autoptr (HerdPresets) presets = NULL;
  const HerdConfigProblem *problem;
  GPtrArray *problems;

  write_file (fixture, "good.conf",
              "[preset]\ndescription = Good\ndirectory-url = https://good.example.org/directory\n"
              "eab = none\n");
  write_file (fixture, mistake->file, mistake->text);
  presets = herd_presets_load (fixture->folder);
  problems = herd_presets_get_problems (presets);
  g_assert_cmpuint (problems->len, >=, 1);
  problem = g_ptr_array_index (problems, 0);
  g_test_message ("%s", problem->message);
  g_assert_cmpstr (problem->file, ==, path);
  g_assert_cmpuint (problem->line, ==, mistake->line);
  g_assert_nonnull (strstr (problem->message, mistake->cause));
  g_assert_cmpuint (herd_presets_get_all (presets)->len, ==, 1);
  g_assert_nonnull (herd_presets_find (presets, "good"));
}

/* What stands on a preset that is left out is left out, too, in whichever order they come. */
static void
test_chain (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (HerdPresets) presets = NULL;

  write_file (fixture, "a.conf",
              "[preset]\ndescription = A\ndirectory-url = https://a.example.org/\neab = none\n"
              "staging = b\n");
  write_file (fixture, "b.conf",
              "[preset]\ndescription = B\ndirectory-url = https://b.example.org/\neab = none\n"
              "staging = c\n");
  presets = herd_presets_load (fixture->folder);
  g_assert_cmpuint (herd_presets_get_all (presets)->len, ==, 0);
  g_assert_cmpuint (herd_presets_get_problems (presets)->len, ==, 2);
}

static void
test_missing_folder (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autofree char *folder = g_build_filename (fixture->folder, "none", NULL);
  g_autoptr (HerdPresets) presets = herd_presets_load (folder);
  const HerdConfigProblem *problem;

  g_assert_cmpuint (herd_presets_get_all (presets)->len, ==, 0);
  g_assert_cmpuint (herd_presets_get_problems (presets)->len, ==, 1);
  problem = g_ptr_array_index (herd_presets_get_problems (presets), 0);
  g_assert_cmpstr (problem->file, ==, folder);
}

/* --- what an issuer means --- */

typedef struct {
  const char *settings;
  const char *preset; /* NULL: none */
  const char *url;    /* NULL: a mistake */
  const char *words;  /* of the mistake, or the URL that ended, or NULL */
} Meaning;

static void
test_match (void)
{
  static const Meaning meanings[] = {
    { "{'preset': <'zerossl'>}", "zerossl", "https://acme.zerossl.com/v2/DV90", NULL },
    { "{'directory-url': <'https://acme.zerossl.com/v2/DV90'>}", "zerossl",
      "https://acme.zerossl.com/v2/DV90", NULL },
    { "{'directory-url': <'https://ca.test/dir'>}", NULL, "https://ca.test/dir", NULL },
    { "{'preset': <'vault'>, 'directory-url': <'https://ca.test/dir'>}", "vault",
      "https://ca.test/dir", NULL },
    { "{'directory-url': <'https://acme-v01.api.letsencrypt.org/directory'>}", "letsencrypt",
      "https://acme-v02.api.letsencrypt.org/directory",
      "https://acme-v01.api.letsencrypt.org/directory" },
    { "{'preset': <'vault'>}", NULL, NULL, "add a directory-url, such as https://HOST:8200/" },
    { "{'preset': <'nowhere'>}", NULL, NULL, "there is no preset" },
    { "{'preset': <'zerossl'>, 'directory-url': <'https://ca.test/dir'>}", NULL, NULL,
      "leave one" },
    { "@a{sv} {}", NULL, NULL, "neither preset nor directory-url" },
  };
  g_autoptr (HerdPresets) presets = load_shipped ();

  for (guint i = 0; i < G_N_ELEMENTS (meanings); i++) {
    const Meaning *meaning = &meanings[i];
    g_autoptr (GVariant) settings = g_variant_new_parsed (meaning->settings);
    g_autoptr (GError) error = NULL;
    HerdPresetMatch match, again;

    if (meaning->url == NULL) {
      g_assert_false (herd_presets_match (presets, settings, &match, &error));
      g_assert_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT);
      g_assert_nonnull (strstr (error->message, meaning->words));
      continue;
    }
    g_assert_true (herd_presets_match (presets, settings, &match, &error));
    g_assert_cmpstr (match.preset != NULL ? match.preset->name : NULL, ==, meaning->preset);
    g_assert_cmpstr (match.directory_url, ==, meaning->url);
    g_assert_cmpstr (match.ended, ==, meaning->words);
    /* What it was asked last is at hand, and outlives the settings' other forms. */
    g_free (g_variant_print (settings, TRUE));
    g_assert_true (herd_presets_match (presets, settings, &again, &error));
    g_assert_true (again.preset == match.preset);
    g_assert_cmpstr (again.directory_url, ==, meaning->url);
    g_assert_cmpstr (again.ended, ==, meaning->words);
  }
}

/* A section that is rejected is no entry any more, and why is found by its name. */
static void
test_check (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autofree char *path = g_build_filename (fixture->folder, "certherd.conf", NULL);
  g_autoptr (HerdPresets) presets = load_shipped ();
  g_autoptr (HerdConfig) config = NULL;
  const HerdConfigProblem *problem;

  write_file (fixture, "certherd.conf",
              "[issuer a]\npreset = zerossl\n[issuer b]\npreset = nowhere\n"
              "[issuer c]\ndirectory-url = https://ca.test/\n[issuer d]\nkind = acme\n");
  config = herd_config_load (fixture->folder);
  g_assert_null (herd_config_find_problem (config, HERD_SECTION_ISSUER, "b"));
  herd_presets_check (presets, config);
  g_assert_cmpuint (herd_config_get_entries (config, HERD_SECTION_ISSUER)->len, ==, 2);
  g_assert_nonnull (herd_config_find (config, HERD_SECTION_ISSUER, "a"));
  g_assert_nonnull (herd_config_find (config, HERD_SECTION_ISSUER, "c"));
  g_assert_null (herd_config_find (config, HERD_SECTION_ISSUER, "b"));
  problem = herd_config_find_problem (config, HERD_SECTION_ISSUER, "b");
  g_assert_nonnull (problem);
  g_assert_cmpstr (problem->file, ==, path);
  g_assert_cmpuint (problem->line, ==, 3);
  g_assert_nonnull (strstr (problem->message, "[issuer b]: preset: there is no preset"));
  g_assert_cmpuint (herd_config_get_problems (config)->len, ==, 2);
  herd_presets_check (presets, config);
  g_assert_cmpuint (herd_config_get_problems (config)->len, ==, 2);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/preset/shipped", test_shipped);
  g_test_add_func ("/preset/shipped-limits", test_shipped_limits);
  g_test_add_func ("/preset/shipped-retired", test_shipped_retired);
  g_test_add_func ("/preset/match", test_match);
  g_test_add ("/preset/check", Fixture, NULL, set_up, test_check, tear_down);
  g_test_add ("/preset/whole", Fixture, NULL, set_up, test_whole, tear_down);
  g_test_add ("/preset/unknown", Fixture, NULL, set_up, test_unknown, tear_down);
  g_test_add ("/preset/chain", Fixture, NULL, set_up, test_chain, tear_down);
  g_test_add ("/preset/missing-folder", Fixture, NULL, set_up, test_missing_folder, tear_down);
  for (guint i = 0; i < G_N_ELEMENTS (mistakes); i++) {
    g_autofree char *path = g_strconcat ("/preset/mistake/", mistakes[i].name, NULL);

    g_test_add (path, Fixture, &mistakes[i], set_up, test_mistake, tear_down);
  }
  return g_test_run ();
}
