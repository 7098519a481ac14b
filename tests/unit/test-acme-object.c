// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a CA says, as values: directories, problem documents, orders, authorizations.
 */
#include <string.h>

#include "acme/directory.h"
#include "acme/json.h"
#include "acme/object.h"
#include "acme/problem.h"
#include "plugin/error.h"

#define BASE "https://ca.example:14000"
#define SITE (&(const HerdSite){ BASE "/dir", NULL })
#define URLS "\"newNonce\":\"" BASE "/n\",\"newAccount\":\"" BASE "/a\",\"newOrder\":\"" BASE "/o\""
#define URN "urn:ietf:params:acme:error:"

static GBytes *
bytes_of (const char *text)
{
  return g_bytes_new (text, strlen (text));
}

static void
assert_refused (GError *error, const char *words)
{
  g_assert_error (error, HERD_ERROR, HERD_ERROR_REFUSED);
  if (strstr (error->message, words) == NULL)
    g_error ("\"%s\" does not say \"%s\"", error->message, words);
}

/* --- directories --- */

static HerdDirectory *
read_directory (const char *text, GError **error)
{
  g_autoptr (GBytes) bytes = bytes_of (text);

  return herd_directory_new (bytes, SITE, 1234, error);
}

static void
test_directory (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HerdDirectory) least = read_directory ("{" URLS "}", &error);
  g_autoptr (HerdDirectory) most = NULL;
  g_autoptr (HerdDirectory) again = NULL;
  g_autoptr (GBytes) record = NULL;
  g_autoptr (GBytes) cut = NULL;
  g_autoptr (GBytes) record_again = NULL;

  g_assert_no_error (error);
  g_assert_cmpstr (least->terms, ==, "");
  g_assert_cmpuint (g_strv_length (least->capabilities), ==, 0);
  most = read_directory (
      "{" URLS ",\"XYrandom\":\"unknown keys are let pass\",\"keyChange\":\"" BASE "/k\","
      "\"renewalInfo\":\"" BASE "/r\",\"meta\":{\"termsOfService\":\"data:text/plain,x\\u001b\","
      "\"externalAccountRequired\":true,\"caaIdentities\":[\"bad; name\",\"ca.example\"],"
      "\"profiles\":{\"classic\":\"usual\",\"b\\nad\":\"never shown\",\"odd\":5}}}",
      &error);
  g_assert_no_error (error);
  g_assert_cmpstr (most->terms, ==, "data:text/plain,x\\x1b");
  g_assert_true (most->eab_required);
  g_assert_cmpstr (most->caa_identity, ==, "ca.example");
  g_assert_cmpuint (g_strv_length (most->capabilities), ==, 4);
  g_assert_cmpuint (g_variant_n_children (most->profiles), ==, 1);

  record = herd_directory_to_bytes (most);
  again = herd_directory_new_from_bytes (record);
  g_assert_cmpstr (again->new_order, ==, BASE "/o");
  g_assert_cmpint (again->fetched, ==, 1234);
  record_again = herd_directory_to_bytes (again);
  g_assert_true (g_bytes_equal (record, record_again));
  cut = g_bytes_new_from_bytes (record, 0, g_bytes_get_size (record) / 2);
  g_assert_null (herd_directory_new_from_bytes (cut));
}

static void
test_urls (void)
{
  const HerdSite plain = { "https://ca.example/", NULL };
  static const struct {
    const char *url;
    const char *words; /* NULL: good */
  } cases[] = {
    { BASE "/x?y=%2F", NULL },
    { "https://CA.example:14000/x", NULL },
    { "https://ca.example/x", "not on the host" },
    { "https://ca.example:443/x", "not on the host" },
    { "https://ca.example.evil.example:14000/x", "not on the host" },
    { "http://ca.example:14000/x", "not an https URL" },
    { "https://user@ca.example:14000/x", "user name" },
    { BASE "/x#y", "fragment" },
    { BASE "/\xe2\x80\xae", "characters that no URL has" },
    { BASE "/a b", "characters that no URL has" },
    { BASE "/\r\nx: y", "characters that no URL has" },
    { "/x", "not a URL" },
    { "https://ca.example:14000\\@evil.example/", "" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    gboolean good = herd_directory_check_url (SITE, cases[i].url, "thing", &error);

    g_assert_true (good == (cases[i].words == NULL));
    if (cases[i].words != NULL)
      assert_refused (error, cases[i].words);
  }
  /* The default port is the same, written or not. */
  g_assert_true (herd_directory_check_url (&plain, "https://ca.example:443/x", "x", NULL));
}

/* Others than the directory's own: only those that are known, with their ports. */
static void
test_hosts (void)
{
  static const char *const hosts[] = { "files.example:443", "[2001:db8::1]:8443", NULL };
  static const struct {
    const char *url;
    gboolean good;
  } cases[] = {
    { BASE "/x", TRUE },
    { "https://files.example/x", TRUE },
    { "https://FILES.example:443/x", TRUE },
    { "https://[2001:db8::1]:8443/x", TRUE },
    { "https://files.example:8443/x", FALSE },
    { "https://[2001:db8::1]/x", FALSE },
    { "https://files.example.evil.example/x", FALSE },
    { "http://files.example:443/x", FALSE },
    { "https://ca.example/x", FALSE },
  };
  const HerdSite site = { BASE "/dir", hosts };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_true (herd_directory_check_url (&site, cases[i].url, "x", &error) == cases[i].good);
    if (!cases[i].good)
      g_assert_error (error, HERD_ERROR, HERD_ERROR_REFUSED);
  }
}

/* --- problems --- */

static GError *
read_problem (const char *text, gboolean of_challenge)
{
  g_autoptr (GBytes) bytes = bytes_of (text);
  g_autoptr (JsonObject) object = herd_json_parse (bytes, "problem", NULL);

  return of_challenge ? herd_problem_from_challenge (object, "what", "a.example")
                      : herd_problem_from_object (object, "what", NULL);
}

static void
test_problems (void)
{
  static const struct {
    const char *text;
    gboolean of_challenge;
    HerdError code;
    HerdErrorClass error_class;
    const char *type;
    const char *identifier;
    const char *words;
  } cases[] = {
    { "{\"type\":\"" URN "rejectedIdentifier\",\"detail\":\"no\",\"subproblems\":[{\"type\":\"" URN
      "rejectedIdentifier\",\"detail\":\"never\",\"identifier\":{\"type\":\"dns\","
      "\"value\":\"b.example\"}},{\"detail\":\"nor this\",\"identifier\":{\"type\":\"dns\","
      "\"value\":\"c.example\"}}]}",
      FALSE, HERD_ERROR_REFUSED, HERD_ERROR_CLASS_PERMANENT, "rejectedIdentifier", "b.example",
      "what: b.example: no; b.example: never; c.example: nor this" },
    { "{\"type\":\"" URN "compound\",\"subproblems\":[{\"type\":\"" URN "caa\",\"detail\":\"x\"}]}",
      FALSE, HERD_ERROR_REFUSED, HERD_ERROR_CLASS_PERMANENT, "caa", NULL, "x (caa)" },
    { "{\"type\":\"" URN "unauthorized\",\"detail\":\"404\"}", FALSE, HERD_ERROR_REFUSED,
      HERD_ERROR_CLASS_PERMANENT, "unauthorized", NULL, "404 (unauthorized)" },
    { "{\"type\":\"" URN "unauthorized\",\"detail\":\"404\"}", TRUE, HERD_ERROR_CHALLENGE_FAILED,
      HERD_ERROR_CLASS_BACKOFF, "incorrectResponse", "a.example", "what: a.example: 404" },
    { "{\"type\":\"" URN "connection\",\"detail\":\"refused\"}", TRUE, HERD_ERROR_CHALLENGE_FAILED,
      HERD_ERROR_CLASS_BACKOFF, "connection", "a.example", "refused (connection)" },
    { "{\"type\":\"" URN "userActionRequired\",\"instance\":\"https://ca.example/act\"}", FALSE,
      HERD_ERROR_ACTION_REQUIRED, HERD_ERROR_CLASS_HUMAN, "userActionRequired", NULL,
      "https://ca.example/act" },
    { "{\"type\":5,\"detail\":{},\"subproblems\":\"x\",\"instance\":[]}", FALSE,
      HERD_ERROR_UNREACHABLE, HERD_ERROR_CLASS_BACKOFF, NULL, NULL, "what" },
    { "{\"type\":\"" URN "so\\u001b[31m\",\"detail\":\"a\\nb\\u202e\"}", FALSE,
      HERD_ERROR_UNREACHABLE, HERD_ERROR_CLASS_BACKOFF, NULL, NULL, "a\\nb\\u{202e}" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = read_problem (cases[i].text, cases[i].of_challenge);

    g_assert_error (error, HERD_ERROR, (int) cases[i].code);
    g_assert_cmpstr (herd_error_get_problem_type (error), ==, cases[i].type);
    g_assert_cmpstr (herd_error_get_identifier (error), ==, cases[i].identifier);
    if (cases[i].error_class != herd_error_class (error))
      g_error ("\"%s\" is %s", error->message,
               herd_error_class_to_string (herd_error_class (error)));
    if (strstr (error->message, cases[i].words) == NULL)
      g_error ("\"%s\" does not say \"%s\"", error->message, cases[i].words);
  }
}

/* --- orders --- */

static const char *const identifiers[] = { "a.example", "*.a.example", "192.0.2.1", NULL };

#define IDENTIFIERS                                                                                \
  "\"identifiers\":[{\"type\":\"ip\",\"value\":\"192.0.2.1\"},{\"type\":\"dns\",\"value\":"        \
  "\"*.A.example\"},{\"type\":\"dns\",\"value\":\"a.example\"}]"

static void
test_orders (void)
{
  static const struct {
    const char *text;
    const char *words; /* NULL: good */
  } cases[] = {
    { "{\"status\":\"pending\"," IDENTIFIERS ",\"finalize\":\"" BASE
      "/f\",\"authorizations\":[\"" BASE "/1\",\"" BASE "/2\",\"" BASE "/3\"],\"new\":[]}",
      NULL },
    { "{\"status\":\"valid\"," IDENTIFIERS ",\"finalize\":\"" BASE "/f\",\"certificate\":\"" BASE
      "/c\"}",
      NULL },
    { "{\"status\":\"invalid\"," IDENTIFIERS ",\"finalize\":\"" BASE "/f\",\"error\":{}}", NULL },
    { "{\"status\":\"valid\"," IDENTIFIERS ",\"finalize\":\"" BASE "/f\"}",
      "without a certificate" },
    { "{\"status\":\"VALID\"," IDENTIFIERS ",\"finalize\":\"" BASE "/f\"}", "unknown status" },
    { "{" IDENTIFIERS ",\"finalize\":\"" BASE "/f\"}", "\"status\" is missing" },
    { "{\"status\":\"ready\"," IDENTIFIERS "}", "\"finalize\" is missing" },
    { "{\"status\":\"ready\"," IDENTIFIERS ",\"finalize\":\"https://evil.example/f\"}", "host" },
    { "{\"status\":\"ready\",\"finalize\":\"" BASE "/f\"}", "is not for a.example" },
    { "{\"status\":\"ready\",\"identifiers\":[{\"type\":\"dns\",\"value\":\"a.example\"},"
      "{\"type\":\"dns\",\"value\":\"a.example\"},{\"type\":\"dns\",\"value\":\"a.example\"}],"
      "\"finalize\":\"" BASE "/f\"}",
      "is not for *.a.example" },
    { "{\"status\":\"ready\",\"identifiers\":[{\"type\":\"dns\",\"value\":\"192.0.2.1\"}],"
      "\"finalize\":\"" BASE "/f\"}",
      "no identifier of its type" },
    { "{\"status\":\"ready\"," IDENTIFIERS ",\"finalize\":\"" BASE
      "/f\",\"authorizations\":[\"" BASE "/1\",\"" BASE "/2\",\"" BASE "/3\",\"" BASE "/4\"]}",
      "more than 3" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GBytes) bytes = bytes_of (cases[i].text);
    g_autoptr (GError) error = NULL;
    g_autoptr (HerdOrder) order = herd_order_new (bytes, SITE, identifiers, &error);

    if (cases[i].words == NULL) {
      g_assert_no_error (error);
      g_assert_cmpstr (order->finalize, ==, BASE "/f");
    } else {
      g_assert_null (order);
      assert_refused (error, cases[i].words);
    }
  }
}

static void
test_waiting (void)
{
  static const struct {
    const char *text;
    gboolean waits;
  } cases[] = {
    { "{\"status\":\"pending\"," IDENTIFIERS "}", TRUE },
    { "{\"status\":\"ready\"," IDENTIFIERS "}", TRUE },
    { "{\"status\":\"processing\"," IDENTIFIERS "}", FALSE },
    { "{\"status\":\"valid\"," IDENTIFIERS "}", FALSE },
    { "{\"status\":\"pending\",\"identifiers\":[]}", FALSE },
    { "nonsense", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GBytes) bytes = bytes_of (cases[i].text);

    g_assert_true (herd_order_waits_for (bytes, identifiers) == cases[i].waits);
  }
}

/* --- authorizations --- */

static void
test_authorizations (void)
{
  g_autoptr (GBytes) bytes = bytes_of (
      "{\"status\":\"pending\",\"wildcard\":true,\"identifier\":{\"type\":\"dns\",\"value\":"
      "\"a.example\"},\"challenges\":[{\"type\":\"dns-01\",\"url\":\"" BASE "/1\",\"token\":\"t\"},"
      "{\"type\":\"new-01\",\"url\":5},{\"type\":\"http-01\",\"url\":\"https://evil.example/\"},"
      "{\"type\":\"tls-alpn-01\",\"url\":\"" BASE "/2\",\"status\":\"processing\"}]}");
  g_autoptr (GBytes) failed = bytes_of (
      "{\"status\":\"expired\",\"identifier\":{\"type\":\"dns\",\"value\":\"a.example\"}}");
  g_autoptr (GBytes) other = bytes_of (
      "{\"status\":\"valid\",\"identifier\":{\"type\":\"dns\",\"value\":\"b.example\"}}");
  g_autoptr (GError) error = NULL;
  g_autoptr (HerdAuthorization) pending = herd_authorization_new (bytes, SITE, identifiers, &error);
  g_autoptr (HerdAuthorization) over = NULL;
  HerdOffer *offer;

  g_assert_no_error (error);
  g_assert_cmpstr (pending->wish, ==, "*.a.example");
  g_assert_cmpstr (pending->identifier, ==, "a.example");
  g_assert_cmpuint (pending->offers->len, ==, 2);
  offer = pending->offers->pdata[0];
  g_assert_cmpstr (offer->type, ==, "dns-01");
  g_assert_false (offer->processing);
  offer = pending->offers->pdata[1];
  g_assert_cmpstr (offer->token, ==, "");
  g_assert_true (offer->processing);

  over = herd_authorization_new (failed, SITE, identifiers, &error);
  g_assert_no_error (error);
  g_assert_cmpint (over->status, ==, HERD_AUTHORIZATION_FAILED);
  g_assert_error (over->error, HERD_ERROR, HERD_ERROR_CHALLENGE_FAILED);
  g_assert_null (herd_authorization_new (other, SITE, identifiers, &error));
  assert_refused (error, "b.example, which was not asked for");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/acme/directory", test_directory);
  g_test_add_func ("/acme/urls", test_urls);
  g_test_add_func ("/acme/hosts", test_hosts);
  g_test_add_func ("/acme/problems", test_problems);
  g_test_add_func ("/acme/orders", test_orders);
  g_test_add_func ("/acme/orders-waiting", test_waiting);
  g_test_add_func ("/acme/authorizations", test_authorizations);
  return g_test_run ();
}
