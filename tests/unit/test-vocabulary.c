// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The vocabulary: names, identifiers, durations, and every key of every section against good
 * values, values of its own that are bad, and values that are bad for every key.
 */
#include "config/vocabulary.h"

#include <string.h>

#include "config/probe.h"
#include "plugin/error.h"

#define HUGE (100 * 1000)

static void
assert_refused (const GError *error)
{
  g_assert_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT);
  /* Whatever came in, what goes out is fit for a terminal, and short. */
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
  g_assert_cmpuint (strlen (error->message), <, 2048);
  for (const char *c = error->message; *c != '\0'; c++)
    g_assert_false (g_ascii_iscntrl (*c));
  g_assert_null (strstr (error->message, "\u202e"));
}

/* --- names --- */

static void
test_names (void)
{
  static const char *const good[] = { "a", "0", "www.example.org", "a_b-c.d", "live", "http-01" };
  static const char *const bad[] = { "",  ".",   "..",   ".a",  "-a",  "_a", "a.",    "a..",
                                     "A", "a/b", "../x", "a b", "a\n", "ä",  "a\x7f", "a\u202e" };
  g_autofree char *longest = g_strnfill (64, 'a');
  g_autofree char *longer = g_strnfill (65, 'a');

  for (guint i = 0; i < G_N_ELEMENTS (good); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_true (herd_name_check ("target", good[i], &error));
    g_assert_no_error (error);
  }
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_false (herd_name_check ("target", bad[i], &error));
    assert_refused (error);
    g_assert_nonnull (strstr (error->message, "target"));
  }
  g_assert_true (herd_name_check ("target", longest, NULL));
  g_assert_false (herd_name_check ("target", longer, NULL));
}

/* --- identifiers --- */

static void
test_identifiers (void)
{
  static const struct {
    const char *text;
    const char *normal;
  } good[] = {
    { "www.example.org", "www.example.org" },
    { "WWW.Example.ORG.", "www.example.org" },
    { "*.Example.ORG.", "*.example.org" },
    { "MÜNCHEN.example.", "xn--mnchen-3ya.example" },
    { "faß.example", "xn--fa-hia.example" }, /* nontransitional: not "fass" */
    { "xn--mnchen-3ya.example", "xn--mnchen-3ya.example" },
    { "XN--MNCHEN-3YA.example", "xn--mnchen-3ya.example" },
    { "*.münchen.example", "*.xn--mnchen-3ya.example" },
    { "例え。テスト", "xn--r8jz45g.xn--zckzah" },
    { "1.example.org", "1.example.org" },
    { "a-b.c--d.example.org", NULL }, /* below: "--" is at the second place, so it is fine */
    { "192.0.2.7", "192.0.2.7" },
    { "2001:DB8::1", "2001:db8::1" },
    { "2001:0db8:0:0:0:0:0:1", "2001:db8::1" },
    { "::1", "::1" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (good); i++) {
    g_autoptr (GError) error = NULL;
    g_autofree char *normal = herd_identifier_normalize (good[i].text, &error);
    g_autofree char *again = NULL;

    g_assert_no_error (error);
    g_assert_cmpstr (normal, ==, good[i].normal != NULL ? good[i].normal : good[i].text);
    again = herd_identifier_normalize (normal, &error);
    g_assert_cmpstr (again, ==, normal);
  }
}

static void
test_bad_identifiers (void)
{
  static const struct {
    const char *text;
    const char *cause;
  } bad[] = {
    { "", "empty" },
    { ".", "empty label" },
    { "*.", "empty" },
    { "*", "\"*\"" },
    { "a..b", "empty label" },
    { "A..B", "empty label" },
    { ".example.org", "empty label" },
    { "example.org..", "empty label" },
    { "-a.example", "\"-\"" },
    { "a-.example", "\"-\"" },
    { "ab--c.example", "reserved" },
    { "a_b.example", "character" },
    { "a b.example", "character" },
    { "a\nb.example", "character" },
    { "*.*.example", "\"*\"" },
    { "foo.*", "\"*\"" },
    { "f*.example.org", "\"*\"" },
    { "**.example.org", "\"*\"" },
    { "localhost", "single label" },
    { "*.org", "single label" },
    { "192.0.2", "number" },
    { "192.0.2.256", "number" },
    { "192.0.2.07", "number" },
    { "example.123", "number" },
    { "*.192.0.2.7", "wildcard of an IP" },
    { "*.2001:db8::1", "wildcard of an IP" },
    { "fe80::1%eth0", "zone" },
    { "[2001:db8::1]", "brackets" },
    { "example.org:443", "port" },
    { "https://example.org/", "scheme" },
    { "../x", "path" },
    { "a@example.org", "bare name" },
    { "xn--a.example", "internationalised" },
    { "xn--.example", "" },
    { "a\u202eb.example", "" },
    { "a\u200bb\a.example", "" },
    { "\xff\xfe.example", "UTF-8" },
    { "℀.example", "" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;
    g_autofree char *normal = herd_identifier_normalize (bad[i].text, &error);

    g_assert_cmpstr (normal, ==, NULL);
    assert_refused (error);
    if (strstr (error->message, bad[i].cause) == NULL)
      g_error ("%s: \"%s\" is not in \"%s\"", bad[i].text, bad[i].cause, error->message);
  }
}

static void
test_long_identifiers (void)
{
  g_autofree char *label63 = g_strnfill (63, 'a');
  g_autofree char *label61 = g_strnfill (61, 'a');
  g_autofree char *label59 = g_strnfill (59, 'a');
  g_autofree char *huge = g_strnfill (HUGE, 'a');
  g_autofree char *longest = g_strjoin (".", label63, label63, label63, label61,
                                        NULL); /* 253 bytes */
  g_autofree char *wildcard = g_strjoin (".", "*", label63, label63, label63, label59, NULL);
  struct {
    char *text;
    const char *cause;
  } bad[] = {
    { g_strdup_printf ("a%s", longest), "253 bytes" },
    { g_strdup_printf ("*.%s", longest), "253 bytes" },
    { g_strdup_printf ("a%s.example", label63), "63 bytes" },
    { g_strdup (huge), "too long" },
  };
  g_autofree char *normal = NULL;
  g_autofree char *normal_wildcard = NULL;

  g_assert_cmpuint (strlen (longest), ==, 253);
  g_assert_cmpuint (strlen (wildcard), ==, 253);
  normal = herd_identifier_normalize (longest, NULL);
  g_assert_cmpstr (normal, ==, longest);
  normal_wildcard = herd_identifier_normalize (wildcard, NULL);
  g_assert_cmpstr (normal_wildcard, ==, wildcard);
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_null (herd_identifier_normalize (bad[i].text, &error));
    assert_refused (error);
    g_assert_nonnull (strstr (error->message, bad[i].cause));
    g_free (bad[i].text);
  }
}

/* --- durations --- */

static void
test_durations (void)
{
  static const struct {
    const char *text;
    gint64 seconds;
  } good[] = {
    { "90s", 90 }, { "15m", 900 }, { "12h", 43200 }, { "14d", 1209600 }, { "2w", 1209600 }
  };
  static const char *const bad[] = { "",
                                     "s",
                                     "0s",
                                     "-1s",
                                     "+1s",
                                     "1",
                                     "1y",
                                     "1 d",
                                     " 1d",
                                     "1d ",
                                     "1.5d",
                                     "99999999999999999999d",
                                     "4294967296s",
                                     "0x1s",
                                     "1D" };
  static const char *const bad_percentages[] = { "",     "%",    "0%",
                                                 "100%", "-1%",  "33",
                                                 "33 %", "3.3%", "999999999999999999999%" };
  double fraction = 7.0;
  gint64 seconds = 7;

  for (guint i = 0; i < G_N_ELEMENTS (good); i++) {
    g_assert_true (herd_duration_parse (good[i].text, &seconds, NULL));
    g_assert_cmpint (seconds, ==, good[i].seconds);
  }
  seconds = 7;
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_false (herd_duration_parse (bad[i], &seconds, &error));
    assert_refused (error);
    g_assert_cmpint (seconds, ==, 7);
  }
  g_assert_true (herd_percentage_parse ("33%", &fraction, NULL));
  g_assert_cmpfloat_with_epsilon (fraction, 0.33, 1e-9);
  for (guint i = 0; i < G_N_ELEMENTS (bad_percentages); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_false (herd_percentage_parse (bad_percentages[i], &fraction, &error));
    assert_refused (error);
  }
  g_assert_cmpfloat_with_epsilon (fraction, 0.33, 1e-9);
}

/* --- every key --- */

#define PEM "-----BEGIN CERTIFICATE-----\nMAo=\n-----END CERTIFICATE-----\n"

/* A key, what it takes, and what it must not take. Lists are written with "|" between entries. */
typedef struct {
  HerdSection section;
  const char *key;
  gboolean list;
  gboolean file_only;
  const char *good;
  const char *normal; /* of GOOD; NULL: as it is */
  const char *bad[12];
} Case;

static const Case cases[] = {
  { HERD_SECTION_AGENT,
    "generations",
    FALSE,
    TRUE,
    "3",
    NULL,
    { "0", "101", "-1", "+3", "3 ", "x" } },
  { HERD_SECTION_AGENT, "keystore", FALSE, TRUE, "secret-service", NULL, { "tpm", "File" } },
  { HERD_SECTION_AGENT, "operations", FALSE, TRUE, "0500", "500", { "0", "501", "1e2" } },
  { HERD_SECTION_AGENT, "operations-per-user", FALSE, TRUE, "10", NULL, { "0", "10001" } },
  { HERD_SECTION_AGENT, "subscriptions-per-user", FALSE, TRUE, "20", NULL, { "0", "10001" } },
  { HERD_SECTION_CERTIFICATE,
    "challenge",
    TRUE,
    FALSE,
    "http-01|http-01",
    "http-01",
    { "", "HTTP", "/bin/sh" } },
  { HERD_SECTION_CERTIFICATE,
    "common-name",
    FALSE,
    FALSE,
    "Www.Example.org",
    "www.example.org",
    { "localhost", "a b.example.org" } },
  { HERD_SECTION_CERTIFICATE, "country", FALSE, FALSE, "de", "DE", { "deu", "d", "d1" } },
  { HERD_SECTION_CERTIFICATE,
    "deliver",
    TRUE,
    FALSE,
    "live|nginx|live",
    "live|nginx",
    { "Nginx", "a|", "a b", "/etc/x" } },
  { HERD_SECTION_CERTIFICATE,
    "identifiers",
    TRUE,
    FALSE,
    "A.example|a.example.|*.b.example|2001:DB8::1",
    "a.example|*.b.example|2001:db8::1",
    { "localhost", "a.example|", "a.example|b_.example" } },
  { HERD_SECTION_CERTIFICATE,
    "issuer",
    TRUE,
    FALSE,
    "letsencrypt",
    NULL,
    { "a|b", "A", "https://ca.example/" } },
  { HERD_SECTION_CERTIFICATE,
    "key-type",
    FALSE,
    FALSE,
    "rsa-2048",
    NULL,
    { "rsa-1024", "RSA-2048", "ecdsa" } },
  { HERD_SECTION_CERTIFICATE, "locality", FALSE, FALSE, " Köln ", "Köln", { "   " } },
  { HERD_SECTION_CERTIFICATE,
    "organization",
    FALSE,
    FALSE,
    "Example, Inc. & Söhne",
    NULL,
    { " " } },
  { HERD_SECTION_CERTIFICATE,
    "readers",
    TRUE,
    FALSE,
    "www-data|0033|33",
    "www-data|33",
    { "-x", "4294967295", "99999999999", "a b", "a:b", "-1" } },
  { HERD_SECTION_CERTIFICATE,
    "renew",
    FALSE,
    FALSE,
    "33%",
    NULL,
    { "never", "0%", "100%", "14", "0d", "3651d" } },
  { HERD_SECTION_CERTIFICATE, "state", FALSE, FALSE, "NRW", NULL, { "\t" } },
  { HERD_SECTION_ISSUER, "account-key-type", FALSE, FALSE, "ecdsa-p384", NULL, { "ed25519", "" } },
  { HERD_SECTION_ISSUER,
    "agree-terms",
    FALSE,
    FALSE,
    "data:text/plain,Do%20what%20thou%20wilt",
    NULL,
    { "no", "YES", "terms", "https://a b/" } },
  { HERD_SECTION_ISSUER,
    "contact",
    TRUE,
    FALSE,
    "admin@EXAMPLE.org|MAILTO:a@b.example",
    "mailto:admin@example.org|mailto:a@b.example",
    { "admin", "a@", "@b.example", "a@b@c.example", "mailto:a@b.example?subject=x",
      "mailto:a@b.example,c@d.example", "tel:+1", "a b@c.example" } },
  { HERD_SECTION_ISSUER,
    "directory-url",
    FALSE,
    FALSE,
    "HTTPS://CA.Example:443/dir",
    "https://ca.example/dir",
    { "http://ca.example/dir", "ca.example/dir", "https://u:p@ca.example/", "https://ca.example/#x",
      "https:///dir", "https://ca.example:0/", "https://ca.example:99999/", "https://ca example/",
      "file:///etc/passwd", "https://ca.example/\\x", "https://-a.example/",
      "https://[fe80::1%25eth0]/" } },
  { HERD_SECTION_ISSUER, "kind", FALSE, FALSE, "acme", NULL, { "local", "ACME" } },
  { HERD_SECTION_ISSUER,
    "trust",
    FALSE,
    FALSE,
    PEM,
    NULL,
    { "/etc/ssl/ca.pem", "-----BEGIN CERTIFICATE-----", "-----BEGIN CERTIFICATE-----\n" PEM,
      PEM "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n" } },
  { HERD_SECTION_SOLVER,
    "listen",
    TRUE,
    TRUE,
    "[::]:80|127.0.0.1:05002|[::]:080",
    "[::]:80|127.0.0.1:5002",
    { ":80", "80", "a:b", "a:0", "a:65536", "::80", "[::1]", "[::1]80", "[1.2.3.4]:80", "a:+80",
      "a: 80" } },
  { HERD_SECTION_TARGET, "action", FALSE, TRUE, "reload-or-restart", NULL, { "stop", "kill" } },
  { HERD_SECTION_TARGET, "adapter", FALSE, TRUE, "files", NULL, { "../files", "files.so/" } },
  { HERD_SECTION_TARGET, "allow-users", TRUE, TRUE, "haproxy|33", NULL, { "*", "a|" } },
  { HERD_SECTION_TARGET,
    "command",
    TRUE,
    TRUE,
    "/usr//bin/./true|--x|--x",
    "/usr/bin/true|--x|--x",
    { "true", "./true", "/usr/../bin/true", "/bin/true|", "/bin/true|a\x1b[1m" } },
  { HERD_SECTION_TARGET, "group", FALSE, TRUE, "ssl-cert", NULL, { "a b", "-1" } },
  { HERD_SECTION_TARGET,
    "identifiers",
    TRUE,
    TRUE,
    "*.Example.org|2001:db8:*",
    "*.example.org|2001:db8:*",
    { "münchen.example", "a b", "[a]", "a/b" } },
  { HERD_SECTION_TARGET, "layout", FALSE, TRUE, "single", NULL, { "double" } },
  { HERD_SECTION_TARGET,
    "mode",
    FALSE,
    TRUE,
    "640",
    "0640",
    { "0642", "4755", "1777", "0999", "-1", "0x1ff", "rw", "0040" } },
  { HERD_SECTION_TARGET, "owner", FALSE, TRUE, "root", NULL, { "ro ot", "root:root" } },
  { HERD_SECTION_TARGET,
    "path",
    FALSE,
    TRUE,
    "/etc//nginx/./tls/",
    "/etc/nginx/tls",
    { "etc", "/", "//", "/a/../b", "../x", "~/x", "/a\u202eb" } },
  { HERD_SECTION_TARGET,
    "probe",
    FALSE,
    TRUE,
    "tls:[::1]:443?sni=WWW.example.org",
    "tls:[::1]:443?sni=www.example.org",
    { "a:443", "tls:a", "tls::443", "tls:a:0", "tls:a:443?starttls=smtp", "tls:a:443?sni=",
      "tls:a:443?sni=a.b&sni=c.d", "tls:::1:443", "http:a:80", "tls:a:443?x=y", "tls:a/b:443" } },
  { HERD_SECTION_TARGET, "timeout", FALSE, TRUE, "90s", NULL, { "0s", "2h", "90", "1d" } },
  { HERD_SECTION_TARGET,
    "unit",
    FALSE,
    TRUE,
    "nginx",
    "nginx.service",
    { "a b", "../x", "a/b.service", "foo@.service", "foo@", ".service", "-x", "a\nb" } },
};

/* No key takes these. */
static const char *const hostile[] = { "",         "\n",          "a\nb",
                                       "a\rb",     "\x1b[31mred", "\x7f",
                                       "a\u202eb", "a\u2066b",    "a\u200eb",
                                       "a\u2028b", "a\xc2\x80z" };

static GVariant *
make_value (gboolean list, const char *text)
{
  g_auto (GStrv) entries = NULL;

  if (!list)
    return g_variant_new_string (text);
  /* "" is a list with an empty entry here; empty lists have a test of their own. */
  if (*text == '\0')
    return g_variant_new_strv ((const char *const[]){ "" }, 1);
  entries = g_strsplit (text, "|", -1);
  return g_variant_new_strv ((const char *const *) entries, -1);
}

/* Takes VALUE. */
static GVariant *
check (HerdSection section, HerdSource source, const char *key, GVariant *value, GError **error)
{
  g_autoptr (GVariant)
      dictionary = g_variant_ref_sink (g_variant_new_parsed ("{%s: %v}", key, value));

  return herd_vocabulary_check (section, source, dictionary, error);
}

static void
assert_check_refused (const Case *c, HerdSource source, GVariant *value)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) normal = check (c->section, source, c->key, value, &error);

  if (normal != NULL) {
    g_autofree char *text = g_variant_print (normal, FALSE);

    g_error ("%s: taken, as %.200s", c->key, text);
  }
  assert_refused (error);
  g_assert_true (g_str_has_prefix (error->message, c->key));
}

static void
test_good_values (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    const Case *c = &cases[i];
    g_autoptr (GError) error = NULL;
    g_autoptr (GVariant) normal = check (c->section, HERD_SOURCE_FILE, c->key,
                                         make_value (c->list, c->good), &error);
    g_autoptr (GVariant) expected = NULL;
    g_autoptr (GVariant) again = NULL;
    g_autoptr (GVariant) over_bus = NULL;

    g_assert_no_error (error);
    g_assert_false (g_variant_is_floating (normal));
    expected = g_variant_ref_sink (g_variant_new_parsed (
        "{%s: %v}", c->key, make_value (c->list, c->normal != NULL ? c->normal : c->good)));
    g_assert_cmpvariant (normal, expected);
    again = herd_vocabulary_check (c->section, HERD_SOURCE_FILE, normal, &error);
    g_assert_no_error (error);
    g_assert_cmpvariant (again, normal);

    over_bus = herd_vocabulary_check (c->section, HERD_SOURCE_BUS, normal, &error);
    if (c->file_only) {
      assert_refused (error);
      g_assert_nonnull (strstr (error->message, "configuration files only"));
    } else {
      g_assert_no_error (error);
      g_assert_cmpvariant (over_bus, normal);
    }
  }
}

static void
test_bad_values (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    const Case *c = &cases[i];
    g_autofree char *huge = g_strnfill (HUGE * 10, 'a');
    g_autofree char *huge_path = g_strconcat ("/", huge, NULL);

    for (guint j = 0; j < G_N_ELEMENTS (c->bad) && c->bad[j] != NULL; j++)
      assert_check_refused (c, HERD_SOURCE_FILE, make_value (c->list, c->bad[j]));
    for (guint j = 0; j < G_N_ELEMENTS (hostile); j++) {
      assert_check_refused (c, HERD_SOURCE_FILE, make_value (c->list, hostile[j]));
      assert_check_refused (c, HERD_SOURCE_BUS, make_value (c->list, hostile[j]));
    }
    assert_check_refused (c, HERD_SOURCE_FILE, make_value (c->list, huge));
    assert_check_refused (c, HERD_SOURCE_FILE, make_value (c->list, huge_path));
  }
}

static void
test_types (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    const Case *c = &cases[i];
    GVariant *right = make_value (c->list, c->good);
    const char *type = c->list ? "\"as\"" : "\"s\"";
    GVariant *wrong[] = {
      make_value (!c->list, c->good),    g_variant_new_variant (right),
      g_variant_new_int32 (3),           g_variant_new_boolean (TRUE),
      g_variant_new_bytestring ("/etc"), g_variant_new_object_path ("/etc"),
      g_variant_new ("a{sv}", NULL),     g_variant_new ("av", NULL),
      g_variant_new_tuple (NULL, 0),     g_variant_new_handle (0),
    };

    for (guint j = 0; j < G_N_ELEMENTS (wrong); j++) {
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) normal = check (c->section, HERD_SOURCE_FILE, c->key, wrong[j], &error);

      g_assert_null (normal);
      assert_refused (error);
      g_assert_nonnull (strstr (error->message, type));
    }
  }
}

static GVariant *
make_long_list (guint n)
{
  GVariantBuilder builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_STRING_ARRAY);

  for (guint i = 0; i < n; i++)
    g_variant_builder_add_value (&builder,
                                 g_variant_new_take_string (g_strdup_printf ("a%u.example", i)));
  return g_variant_builder_end (&builder);
}

static void
test_lists (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) hundred = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    const Case *c = &cases[i];
    gboolean may_be_empty = g_str_equal (c->key, "deliver") || g_str_equal (c->key, "readers")
                            || g_str_equal (c->key, "contact")
                            || g_str_equal (c->key, "allow-users");
    g_autoptr (GVariant) empty = NULL;

    if (!c->list)
      continue;
    assert_check_refused (c, HERD_SOURCE_FILE, make_long_list (10000));
    assert_check_refused (c, HERD_SOURCE_FILE, make_long_list (101));
    if (!g_str_equal (c->key, "identifiers"))
      assert_check_refused (c, HERD_SOURCE_FILE, make_long_list (65));
    empty = check (c->section, HERD_SOURCE_FILE, c->key, g_variant_new_strv (NULL, 0), NULL);
    g_assert_cmpint (empty != NULL, ==, may_be_empty);
  }
  hundred = check (HERD_SECTION_CERTIFICATE, HERD_SOURCE_BUS, "identifiers", make_long_list (100),
                   &error);
  g_assert_no_error (error);
}

/* --- dictionaries --- */

static GVariant *
check_parsed (HerdSection section, const char *text, GError **error)
{
  g_autoptr (GVariant) dictionary = g_variant_parse (NULL, text, NULL, NULL, error);

  g_assert_no_error (*error);
  return herd_vocabulary_check (section, HERD_SOURCE_BUS, dictionary, error);
}

static void
test_dictionaries (void)
{
  static const struct {
    const char *text;
    const char *cause;
  } bad[] = {
    { "{'dentifiers': <['a.example']>}", "known are challenge, common-name," },
    { "{'': <'x'>}", "no such key" },
    { "{'Identifiers': <['a.example']>}", "no such key" },
    { "{'directory-url': <'https://a.example/'>}", "[certificate]" },
    { "{'country': <'DE'>, 'country': <'FR'>}", "twice" },
    { "{'identifiers': <['a.example']>, 'common-name': <'b.example'>}", "not one of" },
    { "@a{ss} {}", "a{sv}" },
    { "[<'x'>]", "a{sv}" },
    { "'x'", "a{sv}" },
  };
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) sorted = NULL;
  g_autoptr (GVariant) expected = NULL;
  g_autoptr (GVariant) empty = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) cause = NULL;
    g_autoptr (GVariant) normal = check_parsed (HERD_SECTION_CERTIFICATE, bad[i].text, &cause);

    g_assert_null (normal);
    assert_refused (cause);
    g_assert_nonnull (strstr (cause->message, bad[i].cause));
  }
  sorted = check_parsed (HERD_SECTION_CERTIFICATE,
                         "{'renew': <'14d'>, 'common-name': <'B.example'>, "
                         "'identifiers': <['a.example', 'b.EXAMPLE']>}",
                         &error);
  g_assert_no_error (error);
  expected = g_variant_parse (NULL,
                              "{'common-name': <'b.example'>, "
                              "'identifiers': <['a.example', 'b.example']>, 'renew': <'14d'>}",
                              NULL, NULL, &error);
  g_assert_cmpvariant (sorted, expected);
  empty = check_parsed (HERD_SECTION_CERTIFICATE, "@a{sv} {}", &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_variant_n_children (empty), ==, 0);
}

/* Bytes that only claim to be an a{sv}, as a client may send them in a memfd or a broken client
 * over the bus: never a crash, and whatever is taken is in normal form. */
static void
test_mangled_dictionaries (void)
{
  g_autoptr (GVariant) good = g_variant_ref_sink (g_variant_new_parsed (
      "{'identifiers': <['a.example', 'b.example']>, 'country': <'DE'>, 'deliver': <['live']>}"));
  gsize size = g_variant_get_size (good);

  for (gsize i = 0; i < size; i++) {
    for (guint bit = 0; bit < 8; bit++) {
      g_autofree guint8 *bytes = g_memdup2 (g_variant_get_data (good), size);
      g_autoptr (GVariant) mangled = NULL;
      g_autoptr (GVariant) normal = NULL;
      g_autoptr (GError) error = NULL;

      bytes[i] ^= (guint8) (1u << bit);
      mangled = g_variant_ref_sink (
          g_variant_new_from_data (G_VARIANT_TYPE_VARDICT, bytes, size, FALSE, NULL, NULL));
      normal = herd_vocabulary_check (HERD_SECTION_CERTIFICATE, HERD_SOURCE_BUS, mangled, &error);
      if (normal == NULL)
        assert_refused (error);
      else
        g_assert_true (g_variant_is_normal_form (normal));
    }
  }
}

static void
test_keys (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (
      herd_vocabulary_check_key (HERD_SECTION_CERTIFICATE, HERD_SOURCE_BUS, "renew", &error));
  g_assert_no_error (error);
  g_assert_false (
      herd_vocabulary_check_key (HERD_SECTION_CERTIFICATE, HERD_SOURCE_BUS, "path", &error));
  assert_refused (error);
  g_clear_error (&error);
  g_assert_false (herd_vocabulary_check_key (HERD_SECTION_TARGET, HERD_SOURCE_BUS, "path", &error));
  assert_refused (error);
  g_assert_true (herd_vocabulary_check_key (HERD_SECTION_TARGET, HERD_SOURCE_FILE, "path", NULL));
}

static void
test_parse (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) list = herd_vocabulary_parse (HERD_SECTION_CERTIFICATE, "identifiers",
                                                     " a.example;b.example\t c.example ; ", &error);
  g_autoptr (GVariant)
      text = herd_vocabulary_parse (HERD_SECTION_CERTIFICATE, "organization", "A; B C", &error);
  g_autoptr (GVariant) expected = g_variant_ref_sink (
      g_variant_new_parsed ("['a.example', 'b.example', 'c.example']"));

  g_assert_no_error (error);
  g_assert_cmpvariant (list, expected);
  g_assert_cmpstr (g_variant_get_string (text, NULL), ==, "A; B C");
  g_assert_null (herd_vocabulary_parse (HERD_SECTION_CERTIFICATE, "path", "/x", &error));
  assert_refused (error);
}

static void
test_probe (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HerdProbe) probe = herd_probe_parse ("tls:Localhost:8443?sni=A.example", &error);
  g_autoptr (HerdProbe) plain = herd_probe_parse ("tls:[::1]:443", &error);

  g_assert_no_error (error);
  g_assert_cmpstr (probe->host, ==, "localhost");
  g_assert_cmpuint (probe->port, ==, 8443);
  g_assert_cmpstr (probe->server_name, ==, "a.example");
  g_assert_cmpstr (plain->host, ==, "::1");
  g_assert_null (plain->server_name);
  g_assert_null (herd_probe_parse ("tls:a:443?starttls=smtp", &error));
  assert_refused (error);
  g_assert_nonnull (strstr (error->message, "sni"));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/vocabulary/names", test_names);
  g_test_add_func ("/vocabulary/identifiers", test_identifiers);
  g_test_add_func ("/vocabulary/identifiers/bad", test_bad_identifiers);
  g_test_add_func ("/vocabulary/identifiers/long", test_long_identifiers);
  g_test_add_func ("/vocabulary/durations", test_durations);
  g_test_add_func ("/vocabulary/values/good", test_good_values);
  g_test_add_func ("/vocabulary/values/bad", test_bad_values);
  g_test_add_func ("/vocabulary/values/types", test_types);
  g_test_add_func ("/vocabulary/lists", test_lists);
  g_test_add_func ("/vocabulary/dictionaries", test_dictionaries);
  g_test_add_func ("/vocabulary/dictionaries/mangled", test_mangled_dictionaries);
  g_test_add_func ("/vocabulary/keys", test_keys);
  g_test_add_func ("/vocabulary/parse", test_parse);
  g_test_add_func ("/vocabulary/probe", test_probe);
  return g_test_run ();
}
