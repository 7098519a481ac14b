// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A CA that says what it should not, and one that says more than we know: a real Pebble whose answers
 * the proxy alters. What is wrong is refused in words that are fit for a terminal; what is only new is
 * passed over. With the bugs by which other clients were hit, by name.
 */
#include <string.h>

#include "manual-clock.h"
#include "net/http.h"
#include "plugin/error.h"
#include "proxy-fixture.h"

#define NAME "www.example.org"

/* --- answers that are no answers --- */

static void
assert_clean (const GError *error)
{
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
  g_assert_cmpuint (strlen (error->message), <, 2048);
  for (const char *at = error->message; *at != '\0'; at++)
    g_assert_false (g_ascii_iscntrl (*at));
  g_assert_null (strstr (error->message, "\u202e"));
}

typedef struct {
  const char *words;
  guint status;
  const char *fields;
  const char *body;
} Nonsense;

/* Whatever the endpoint: an error, one request, and no trace of the account's key. */
static void
test_nonsense (ProxyFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const char *const endpoints[] = { "newOrder", "authorization", "challenge",
                                           "order",    "finalize",      "certificate" };
  static const Nonsense cases[] = {
    { "redirect to https://elsewhere.example/x", 307, "Location: https://elsewhere.example/x\r\n",
      "" },
    { "redirect to \\u{202e}gpj.exe", 302, "Location: \u202egpj.exe\r\n", "" },
    { "", 200, "Content-Type: text/html\r\n", "<!DOCTYPE html><html>\x1b[2J</html>" },
    { "", 200, "Content-Type: application/json\r\n", "" },
    { "", 200, "", "[]" },
    { "", 200, "", "\xff\xfe{}" },
    { "", 200, "Location: $BASE/my-order/x\r\n", "{\"status\":7}" },
    { "", 200, "", "{\"status\":null,\"identifiers\":null,\"finalize\":null}" },
    { "", 200, "", "{\"status\":\"pending\",\"identifiers\":{}}" },
    { "", 200, "", "{\"status\":\"\\u202e\\u0007pending\"}" },
    { "", 418, "", "{\"type\":[],\"detail\":\"\\u202e\\u001b]0;x\\u0007\",\"status\":\"x\"}" },
  };

  acme_must_register (&fixture->acme);
  for (guint i = 0; i < G_N_ELEMENTS (endpoints); i++) {
    for (guint j = 0; j < G_N_ELEMENTS (cases); j++) {
      const TestFault fault = { .endpoint = endpoints[i],
                                .kind = TEST_FAULT_REPLACE,
                                .status = cases[j].status,
                                .fields = cases[j].fields,
                                .body = cases[j].body };
      g_autoptr (GError) error = NULL;
      g_autofree char *chain = NULL;
      guint before = test_proxy_count (fixture->proxy, endpoints[i]);

      test_proxy_relent (fixture->proxy);
      test_proxy_script (fixture->proxy, &fault);
      chain = acme_issue (&fixture->acme, &error, NAME, NULL);
      /* Of a challenge's answer nothing is read: the order tells. */
      if (g_str_equal (endpoints[i], "challenge") && cases[j].status == 200) {
        g_assert_no_error (error);
        continue;
      }
      g_assert_null (chain);
      assert_clean (error);
      if (strstr (error->message, cases[j].words) == NULL)
        g_error ("%s, “%s”: %s", endpoints[i], cases[j].body, error->message);
      g_assert_cmpuint (test_proxy_count (fixture->proxy, endpoints[i]) - before, <=, 5);
    }
  }
}

static void
test_oversized (ProxyFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const char *const endpoints[] = { "directory", "newOrder", "authorization",
                                           "certificate" };

  acme_must_register (&fixture->acme);
  for (guint i = 0; i < G_N_ELEMENTS (endpoints); i++) {
    g_autoptr (GError) error = NULL;

    if (i == 0) {
      test_host_put (fixture->acme.host, "directory", NULL);
      proxy_restart (fixture);
    }
    test_proxy_relent (fixture->proxy);
    proxy_fault (fixture, endpoints[i], TEST_FAULT_OVERSIZE, 1);
    g_assert_null (acme_issue (&fixture->acme, &error, NAME, NULL));
    acme_assert_error (error, HERD_ERROR_REFUSED, "too large");
  }
}

/* --- URLs --- */

static void
test_urls (ProxyFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const struct {
    const char *endpoint;
    const char *find;
    const char *with;
    const char *words;
  } cases[] = {
    { "newOrder", "Location: https", "Location: http", "not an https URL" },
    { "newOrder", "Location: $BASE", "Location: https://elsewhere.example", "not on the host" },
    { "newOrder", "\"finalize\": \"https", "\"finalize\": \"http", "not an https URL" },
    { "newOrder", "\"finalize\": \"$BASE", "\"finalize\": \"https://169.254.169.254", "host" },
    { "newOrder", "\"finalize\": \"$BASE", "\"finalize\": \"$BASE@elsewhere.example", "user name" },
    { "newOrder", "$BASE/authZ/", "file:///etc/shadow", "not an https URL" },
    { "newOrder", "$BASE/authZ/", "https://elsewhere.example/", "not on the host" },
    { "order", "\"certificate\": \"https", "\"certificate\": \"http", "not an https URL" },
    { "order", "\"certificate\": \"$BASE", "\"certificate\": \"https://\u202eexample", "" },
  };

  acme_must_register (&fixture->acme);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    TestFault fault = { .endpoint = cases[i].endpoint,
                        .kind = TEST_FAULT_ALTER,
                        .find = cases[i].find,
                        .body = cases[i].with };
    g_autoptr (GError) error = NULL;

    test_proxy_relent (fixture->proxy);
    test_proxy_script (fixture->proxy, &fault);
    g_assert_null (acme_issue (&fixture->acme, &error, NAME, NULL));
    assert_clean (error);
    if (strstr (error->message, cases[i].words) == NULL)
      g_error ("“%s”: %s", cases[i].with, error->message);
  }
}

/* --- what is new --- */

/* Members, challenge types and fields that nobody has heard of yet. */
static void
test_unknown (ProxyFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *chain = NULL;

  proxy_alter (fixture, "directory", 1, "\"meta\": {",
               "\"Qx7-fZ\": \"https://community.example/t/random\", \"7\": [[{}]], \"meta\": "
               "{\"x\": {\"y\": null}, ");
  acme_must_register (&fixture->acme);
  proxy_alter (fixture, "newOrder", 0, "{\n",
               "{\"star\": true, \"landmark\": \"http://x\", \"replaces\": {}, \"profile\": 5, ");
  proxy_alter (fixture, "order", 0, "{\n", "{\"x\": [1, 2.5, \"\"], \"wait\": -1, ");
  proxy_alter (fixture, "authorization", 0, "\"challenges\": [",
               "\"subdomainAuthAllowed\": \"maybe\", \"challenges\": ["
               "{\"type\": \"dns-persist-01\", \"url\": \"$BASE/chalZ/0\", \"status\": \"pending\","
               " \"issuer-domain-names\": [\"ca.example\"]},"
               "{\"type\": \"quantum-01\", \"state\": 5}, {}, ");
  chain = acme_issue (&fixture->acme, &error, NAME, NULL);
  g_assert_no_error (error);
  /* The directory, newOrder, an authorization, and an order at least. */
  g_assert_cmpuint (test_proxy_count_altered (fixture->proxy), >=, 4);
}

/* --- others' bugs, by name --- */

/* What of the field's worst bugs the engine could have, and what shows that it has not:
 *   HAProxy (a state machine stuck or crashed)              haproxy-*
 *   uacme#64, acme.sh#4659 and #4665 (a CA's path or code)  uacme-token
 *   mod_md#420 and #421, cert-manager#7871 (nothing there)  empty-chain
 *   acme.sh#6621, certmonger (another key than was sent)    /double/other-key
 *   cert-manager#8380, #6714, #7741 (orders without end)    haproxy-processing, /problems/new-order
 *   caddy#7843 (a window that is past), certmagic#366       /wishes/renewal-info
 *   lego#3147 and #3189, nginx-acme ("replaces" refused)    /wishes/replaces, /extensions/replaces
 *   nixpkgs#174172, nginx-acme#32 (orders at every start)   /resume/…, /begun/…
 */

/* HAProxy 0a90ff6b3: a task was stuck when the authorization was valid already. */
static void
test_haproxy_authorization_valid (void)
{
  g_autoptr (TestPebble) pebble = test_pebble_new ("--respond --authz-reuse 100");
  ProxyFixture fixture;

  proxy_set_up_with_clock (&fixture, pebble, NULL);
  acme_must_register (&fixture.acme);
  for (guint i = 0; i < 2; i++) {
    g_autoptr (GError) error = NULL;
    g_autofree char *chain = acme_issue (&fixture.acme, &error, NAME, NULL);

    g_assert_no_error (error);
    g_assert_nonnull (chain);
  }
  g_assert_cmpuint (test_proxy_count (fixture.proxy, "newOrder"), ==, 2);
  g_assert_cmpuint (test_proxy_count (fixture.proxy, "challenge"), ==, 1);
  proxy_tear_down (&fixture, NULL);
}

/* HAProxy 0f02a62da: a crash where the order has no authorizations. */
static void
test_haproxy_no_authorizations (ProxyFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const char *const forms[] = { "\"authorizations\": [], \"x\": [",
                                       "\"authorizations\": null, \"x\": [", "\"x\": [" };

  acme_must_register (&fixture->acme);
  for (guint i = 0; i < G_N_ELEMENTS (forms); i++) {
    g_autoptr (GError) error = NULL;

    test_proxy_relent (fixture->proxy);
    proxy_alter (fixture, "newOrder", 1, "\"authorizations\": [", forms[i]);
    g_assert_null (acme_issue (&fixture->acme, &error, NAME, NULL));
    acme_assert_error (error, HERD_ERROR_REFUSED, "does not say for which");
    g_assert_cmpuint (test_proxy_count (fixture->proxy, "authorization"), ==, 0);
  }
}

/* HAProxy 8cb0a0c53: a null pointer where a member is missing, or null. */
static void
test_haproxy_null (ProxyFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const struct {
    const char *endpoint;
    const char *member;
    gboolean of_challenge;
  } cases[] = {
    { "newAccount", "\"status\":" },         { "newOrder", "\"status\":" },
    { "newOrder", "\"finalize\":" },         { "newOrder", "\"identifiers\":" },
    { "authorization", "\"identifier\":" },  { "authorization", "\"status\":", TRUE },
    { "authorization", "\"challenges\":" },  { "authorization", "\"url\":", TRUE },
    { "authorization", "\"token\":", TRUE }, { "finalize", "\"status\":" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *with = g_strdup_printf ("%s null, \"x\":", cases[i].member);
    g_autoptr (GError) error = NULL;
    g_autoptr (HerdAccount) account = NULL;
    g_autofree char *chain = NULL;

    test_proxy_relent (fixture->proxy);
    proxy_alter (fixture, cases[i].endpoint, 1, cases[i].member, with);
    account = acme_register (&fixture->acme, "yes", &error);
    chain = account != NULL ? acme_issue (&fixture->acme, &error, NAME, NULL) : NULL;
    /* It may have been a challenge that is of no use for us. */
    if (chain == NULL)
      assert_clean (error);
    else
      g_assert_true (cases[i].of_challenge);
  }
}

/* uacme#64: a token that leads out of the directory of answers. acme.sh#4659: one that a shell runs. */
static void
test_uacme_token (ProxyFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const char *const tokens[] = { "../../../../etc/cron.d/x-1234567890",
                                        "a/b-12345678901234567890",
                                        "$(curl x|sh)1234567890123456",
                                        "`id`-12345678901234567890",
                                        "..",
                                        "",
                                        "short",
                                        "with\\u0000null-1234567890123456",
                                        "new\\nline-123456789012345678" };
  guint presents;

  acme_must_register (&fixture->acme);
  presents = test_solver_get_presents (fixture->acme.solver);
  for (guint i = 0; i < G_N_ELEMENTS (tokens); i++) {
    g_autofree char *body = g_strdup_printf (
        "{\"status\":\"pending\",\"identifier\":{\"type\":\"dns\",\"value\":\"" NAME "\"},"
        "\"challenges\":[{\"type\":\"http-01\",\"url\":\"$BASE/chalZ/1\",\"token\":\"%s\"}]}",
        tokens[i]);
    g_autoptr (GError) error = NULL;

    proxy_answer (fixture, "authorization", 1, 200, "", body);
    g_assert_null (acme_issue (&fixture->acme, &error, NAME, NULL));
    assert_clean (error);
    g_assert_cmpuint (test_solver_get_presents (fixture->acme.solver), ==, presents);
    g_assert_cmpuint (test_proxy_count (fixture->proxy, "challenge"), ==, 0);
  }
}

/* mod_md#420, cert-manager#7871: "finished", and nothing there. */
static void
test_empty_chain (ProxyFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const char *const chains[] = { "", "\n", "-----BEGIN CERTIFICATE-----\n",
                                        "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
                                        ("-----BEGIN CERTIFICATE-----\nAAAA\n"
                                         "-----END CERTIFICATE-----\n") };

  acme_must_register (&fixture->acme);
  for (guint i = 0; i < G_N_ELEMENTS (chains); i++) {
    g_autoptr (GError) error = NULL;

    proxy_answer (fixture, "certificate", 1, 200, "", chains[i]);
    g_assert_null (acme_issue (&fixture->acme, &error, NAME, NULL));
    assert_clean (error);
    g_assert_error (error, HERD_ERROR, HERD_ERROR_REFUSED);
  }
}

/* --- without an end --- */

/* HAProxy 71267bc6a, Actalis: "processing" for ever. There is an end, by the clock. */
static void
assert_ends (TestPebble *pebble, const char *endpoint, guint skip, const char *find,
             const char *status)
{
  static const char *const identifiers[] = { NAME, NULL };
  TestFault fault = {
    .endpoint = endpoint, .kind = TEST_FAULT_ALTER, .skip = skip, .find = find, .body = status
  };
  g_autoptr (HerdClock) clock = herd_manual_clock_new ();
  g_autoptr (HerdIssueRequest) request = test_request_new (identifiers, NULL);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  ProxyFixture fixture;
  gint64 started;

  herd_manual_clock_set_real (clock, g_get_real_time ());
  proxy_set_up_with_clock (&fixture, pebble, clock);
  acme_must_register (&fixture.acme);
  test_proxy_script (fixture.proxy, &fault);
  proxy_alter (&fixture, "finalize", 0, find, status);
  started = herd_clock_get_monotonic (clock);
  herd_issuer_issue_async (HERD_ISSUER (fixture.acme.engine), request, NULL,
                           HERD_ISSUER_HOST (fixture.acme.host), NULL, test_on_result, &result);
  while (result == NULL) {
    g_main_context_iteration (NULL, FALSE);
    if (herd_manual_clock_get_n_timers (clock) == 1)
      herd_manual_clock_advance (clock, herd_manual_clock_get_next (clock));
  }
  g_assert_null (herd_issuer_issue_finish (HERD_ISSUER (fixture.acme.engine), result, &error));
  g_assert_cmpint (herd_error_class (error), ==, HERD_ERROR_CLASS_BACKOFF);
  acme_assert_error (error, HERD_ERROR_UNREACHABLE, "within 60 minutes");
  g_assert_cmpint ((herd_clock_get_monotonic (clock) - started) / HERD_SECOND, <=, 3700);
  g_assert_cmpuint (test_proxy_count (fixture.proxy, "order"), <=, 260);
  g_assert_cmpuint (test_proxy_count (fixture.proxy, "newOrder"), ==, 1);
  proxy_tear_down (&fixture, NULL);
}

static void
test_processing (gconstpointer data)
{
  /* "ready" once, so that it is finalized; from then on "processing". */
  assert_ends ((TestPebble *) data, "order", 1, "\"status\": \"",
               "\"status\": \"processing\", \"x\": \"");
}

int
main (int argc, char **argv)
{
  g_autoptr (TestPebble) pebble = NULL;

  herd_net_init ();
  g_test_init (&argc, &argv, NULL);
  pebble = test_pebble_new ("--respond");
#define ADD(path, function)                                                                        \
  g_test_add ("/hostile/" path, ProxyFixture, pebble, proxy_set_up, function, proxy_tear_down)
  ADD ("nonsense", test_nonsense);
  ADD ("oversized", test_oversized);
  ADD ("urls", test_urls);
  ADD ("unknown", test_unknown);
  ADD ("haproxy-no-authorizations", test_haproxy_no_authorizations);
  ADD ("haproxy-null", test_haproxy_null);
  ADD ("uacme-token", test_uacme_token);
  ADD ("empty-chain", test_empty_chain);
#undef ADD
  g_test_add_func ("/hostile/haproxy-authorization-valid", test_haproxy_authorization_valid);
  g_test_add_data_func ("/hostile/haproxy-processing", pebble, test_processing);
  return g_test_run ();
}
