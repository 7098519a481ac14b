// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The words that people write in the configuration: names, identifiers, durations, percentages,
 * probes.
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
  g_test_add_func ("/words/names", test_names);
  g_test_add_func ("/words/identifiers", test_identifiers);
  g_test_add_func ("/words/identifiers/bad", test_bad_identifiers);
  g_test_add_func ("/words/identifiers/long", test_long_identifiers);
  g_test_add_func ("/words/durations", test_durations);
  g_test_add_func ("/words/probe", test_probe);
  return g_test_run ();
}
