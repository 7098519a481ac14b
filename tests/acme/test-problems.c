// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a CA's errors come to (RFC 8555 section 6.7 and the registrations since): for each type the
 * class, the words and the next action, in a run against a real Pebble whose answer the proxy
 * replaces.
 */
#include <string.h>

#include "core/renewal.h"
#include "net/http.h"
#include "plugin/error.h"
#include "proxy-fixture.h"

#define NAME "www.example.org"
#define MINUTE 60
#define HOUR 3600

typedef struct {
  const char *type; /* NULL: a page of HTML instead of a problem document */
  guint status;
  HerdError code;
  HerdErrorClass class;
  gint64 delay;       /* until the next attempt after a first failure, seconds */
  const char *words;  /* the next step */
  const char *more;   /* of the document; NULL: nothing */
  const char *fields; /* of the answer; NULL: none */
} Row;

#define BACKOFF HERD_ERROR_CLASS_BACKOFF, MINUTE
#define HUMAN HERD_ERROR_CLASS_HUMAN, 6 * HOUR
#define PERMANENT HERD_ERROR_CLASS_PERMANENT, 24 * HOUR
#define TIMED(seconds) HERD_ERROR_CLASS_TIMED, seconds

static void
assert_error (const Row *row, const GError *error, const char *what)
{
  gint64 now = g_get_real_time () / G_USEC_PER_SEC;
  gint64 delay = herd_backoff_get_time (error, 1, now, 0.5) - now;
  /* Let's Encrypt's word for a challenge with the wrong answer. */
  const char *known = row->status == 0 && g_strcmp0 (row->type, "unauthorized") == 0
                          ? "incorrectResponse"
                          : row->type;
  g_autofree char *type = known != NULL ? g_strdup_printf ("(%s)", known)
                                        : g_strdup_printf ("(HTTP status %u)", row->status);

  g_test_message ("%s %u: %s", row->type, row->status, error->message);
  g_assert_error (error, HERD_ERROR, (int) row->code);
  g_assert_cmpstr (herd_error_class_to_string (herd_error_class (error)), ==,
                   herd_error_class_to_string (row->class));
  g_assert_cmpint (delay, <=, row->delay);
  g_assert_cmpint (delay, >=, row->delay - 30);
  /* The thing, the cause, the next step. */
  g_assert_true (g_str_has_prefix (error->message, what));
  g_assert_nonnull (strstr (error->message, row->words));
  if (g_strcmp0 (row->type, "compound") != 0)
    g_assert_nonnull (strstr (error->message, type));
  if (row->type != NULL)
    g_assert_nonnull (strstr (error->message, "the CA's words"));
}

static void
refuse (ProxyFixture *fixture, const char *endpoint, const Row *row, guint times)
{
  if (row->type != NULL)
    test_proxy_refuse (fixture->proxy, endpoint, times, row->status, row->fields, row->type,
                       "the CA's words", row->more);
  else
    proxy_answer (fixture, endpoint, times, row->status, row->fields,
                  "<!DOCTYPE html><title>Error</title>");
}

/* A URL that a human should go to is in ERROR's message once. */
static void
assert_said_once (const GError *error)
{
  const char *url = strstr (error->message, "https://ca.example/");

  if (url != NULL)
    g_assert_null (strstr (url + 1, "https://ca.example/"));
}

/* What the CA says of each name; hostile words are cleaned, and no more rows than 128. */
static void
test_parts (ProxyFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const Row compound = {
    "compound",
    403,
    HERD_ERROR_REFUSED,
    PERMANENT,
    "a.example: blocked; b.example: ",
    "\"subproblems\":[{\"type\":\"urn:ietf:params:acme:error:rejectedIdentifier\","
    "\"detail\":\"blocked\",\"identifier\":{\"type\":\"dns\",\"value\":\"a.example\"}},"
    "{\"type\":\"urn:ietf:params:acme:error:caa\",\"detail\":\"\\u001b[31mno\","
    "\"identifier\":{\"type\":\"dns\",\"value\":\"b.example\"}},{\"type\":7,\"identifier\":8}]"
  };
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) copy = NULL;
  g_autofree char *text = NULL;

  acme_must_register (&fixture->acme);
  refuse (fixture, "newOrder", &compound, 1);
  g_assert_null (acme_issue (&fixture->acme, &error, NAME, NULL));
  assert_error (&compound, error, "newOrder");
  copy = g_error_copy (error);
  for (guint i = 0; i < 7; i++)
    herd_error_add_parts (copy, error);
  g_assert_cmpuint (g_variant_n_children (herd_error_get_parts (error)), ==, 3);
  g_assert_cmpuint (g_variant_n_children (herd_error_get_parts (copy)), ==, 24);
  for (guint i = 0; i < 7; i++)
    herd_error_add_parts (copy, copy);
  g_assert_cmpuint (g_variant_n_children (herd_error_get_parts (copy)), ==, HERD_ERROR_PARTS_MAX);
  text = g_variant_print (herd_error_get_parts (error), FALSE);
  g_assert_nonnull (strstr (text, "'a.example'"));
  g_assert_nonnull (strstr (text, "'rejectedIdentifier'"));
  g_assert_nonnull (strstr (text, "'caa'"));
  g_assert_null (strchr (text, '\x1b'));
  g_assert_null (strstr (text, "\\e"));
}

/* --- newOrder --- */

/* Has a server failed, so that the order may have been made? */
static gboolean
is_unclear (const Row *row)
{
  return row->fields == NULL && (row->status == 500 || row->status == 502 || row->status == 504);
}

static const Row new_order_rows[] = {
  { "accountDoesNotExist", 400, HERD_ERROR_ACTION_REQUIRED, HUMAN, "register the issuer again" },
  { "alreadyReplaced", 409, HERD_ERROR_REFUSED, HERD_ERROR_CLASS_IMMEDIATE, MINUTE,
    "does not ask for a replacement" },
  { "autoRenewalCanceled", 403, HERD_ERROR_REFUSED, PERMANENT, "who else uses the account" },
  { "autoRenewalExpired", 403, HERD_ERROR_REFUSED, PERMANENT, "who else uses the account" },
  { "autoRenewalCancellationInvalid", 400, HERD_ERROR_REFUSED, PERMANENT, "who else" },
  { "autoRenewalRevocationNotSupported", 403, HERD_ERROR_REFUSED, PERMANENT, "who else" },
  { "caa", 403, HERD_ERROR_REFUSED, PERMANENT, "let a CAA record of the name permit this CA" },
  { "compound", 403, HERD_ERROR_REFUSED, PERMANENT,
    NAME ": blocked (rejectedIdentifier); the CA does not issue",
    "\"subproblems\":[{\"type\":\"urn:ietf:params:acme:error:rejectedIdentifier\","
    "\"detail\":\"blocked\",\"identifier\":{\"type\":\"dns\",\"value\":\"" NAME "\"}}]" },
  { "compound", 403, HERD_ERROR_REFUSED, BACKOFF, "it is tried again" },
  { "conflict", 409, HERD_ERROR_REFUSED, BACKOFF, "it is tried again" },
  { "agreementRequired", 403, HERD_ERROR_ACTION_REQUIRED, HUMAN, "agree to the terms" },
  { "dns", 400, HERD_ERROR_CHALLENGE_FAILED, BACKOFF, "check the name's DNS records" },
  { "invalidProfile", 400, HERD_ERROR_REFUSED, PERMANENT, "choose another profile" },
  { "malformed", 400, HERD_ERROR_REFUSED, PERMANENT, "report this" },
  { "onionCAARequired", 403, HERD_ERROR_REFUSED, PERMANENT, "cannot give" },
  { "rateLimited", 429, HERD_ERROR_RATE_LIMITED, TIMED (HOUR),
    "when the CA permits it: https://ca.example/limits", NULL,
    "Retry-After: 3600\r\nLink: <https://ca.example/limits>;rel=\"help\"\r\n" },
  { "rateLimited", 429, HERD_ERROR_RATE_LIMITED, TIMED (7 * 24 * HOUR), "permits it", NULL,
    "Retry-After: Fri, 31 Dec 2399 23:59:59 GMT\r\n" },
  { "rateLimited", 429, HERD_ERROR_RATE_LIMITED, TIMED (1), "permits it", NULL,
    "Retry-After: Thu, 01 Jan 1970 00:00:01 GMT\r\n" },
  { "rateLimited", 429, HERD_ERROR_RATE_LIMITED, BACKOFF, "permits it", NULL,
    "Retry-After: in a while\r\n" },
  { "rateLimited", 429, HERD_ERROR_RATE_LIMITED, BACKOFF, "permits it" },
  { "rejectedIdentifier", 400, HERD_ERROR_REFUSED, PERMANENT,
    "evil.example: no (rejectedIdentifier); the CA does not issue for this name",
    "\"subproblems\":[{\"type\":\"urn:ietf:params:acme:error:rejectedIdentifier\","
    "\"detail\":\"no\",\"identifier\":{\"type\":\"dns\",\"value\":\"evil.example\"}}]" },
  { "serverInternal", 500, HERD_ERROR_UNREACHABLE, BACKOFF, "has the CA told of an outage" },
  { "serverInternal", 500, HERD_ERROR_UNREACHABLE, TIMED (60), "it is tried again", NULL,
    "Retry-After: 60\r\n" },
  { "serverInternal", 503, HERD_ERROR_UNREACHABLE, TIMED (600), "it is tried again", NULL,
    "Retry-After: 600\r\n" },
  { "unauthorized", 401, HERD_ERROR_ACTION_REQUIRED, HUMAN, "no longer accepts the account" },
  { "unauthorized", 403, HERD_ERROR_REFUSED, PERMANENT, "ask the CA what the account may do" },
  { "unknownDelegation", 400, HERD_ERROR_REFUSED, PERMANENT, "who else uses the account" },
  { "unsupportedIdentifier", 400, HERD_ERROR_REFUSED, PERMANENT, "this kind of identifier" },
  { "userActionRequired", 403, HERD_ERROR_ACTION_REQUIRED, HUMAN,
    "read what the CA asks for: https://ca.example/new-terms",
    "\"instance\":\"https://ca.example/new-terms\"" },
  { "userActionRequired", 403, HERD_ERROR_ACTION_REQUIRED, HUMAN,
    "read what the CA asks for: https://ca.example/terms-2", NULL,
    "Link: <https://ca.example/terms-2>;rel=\"terms-of-service\"\r\n" },
  { "aboutToBeInvented", 400, HERD_ERROR_REFUSED, PERMANENT, "ask the CA what it means" },
  { "aboutToBeInvented", 503, HERD_ERROR_UNREACHABLE, BACKOFF, "it is tried again" },
  { "aboutToBeInvented", 429, HERD_ERROR_RATE_LIMITED, TIMED (90), "permits it", NULL,
    "Retry-After: 90\r\n" },
  { "malformed", 404, HERD_ERROR_REFUSED, PERMANENT, "report this" },
  { "malformed", 405, HERD_ERROR_REFUSED, PERMANENT, "report this" },
  { NULL, 502, HERD_ERROR_UNREACHABLE, BACKOFF, "it is tried again" },
  { NULL, 504, HERD_ERROR_UNREACHABLE, BACKOFF, "it is tried again" },
  { NULL, 503, HERD_ERROR_UNREACHABLE, TIMED (1800), "it is tried again", NULL,
    "Retry-After: 1800\r\n" },
  { NULL, 403, HERD_ERROR_REFUSED, PERMANENT, "ask the CA what it means" },
};

static void
test_new_order (ProxyFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  for (guint i = 0; i < G_N_ELEMENTS (new_order_rows); i++) {
    g_autoptr (GError) error = NULL;
    const Row *row = &new_order_rows[i];
    guint before, orders;

    test_proxy_relent (fixture->proxy);
    acme_must_register (&fixture->acme);
    before = test_proxy_count (fixture->proxy, NULL);
    orders = test_proxy_count (fixture->proxy, "newOrder");
    refuse (fixture, "newOrder", row, 0);
    g_assert_null (acme_issue (&fixture->acme, &error, NAME, NULL));
    assert_error (row, error, "newOrder");
    g_assert_cmpuint (test_proxy_count (fixture->proxy, "newOrder") - orders, ==,
                      is_unclear (row) ? 2 : 1);
    /* Perhaps for a nonce, for the directory, for the account's state; and nothing more. */
    if (!is_unclear (row))
      g_assert_cmpuint (test_proxy_count (fixture->proxy, NULL) - before, <=, 4);
    assert_said_once (error);
  }
}

/* badNonce: asked again at once, and not for ever. */
static void
test_nonces (ProxyFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const char *const endpoints[] = { "newOrder", "authorization", "challenge",
                                           "order",    "finalize",      "certificate" };
  static const Row row = { "badNonce", 400 };
  g_autoptr (GError) error = NULL;
  g_autofree char *chain = NULL;

  acme_must_register (&fixture->acme);
  for (guint i = 0; i < G_N_ELEMENTS (endpoints); i++)
    refuse (fixture, endpoints[i], &row, 2);
  chain = acme_issue (&fixture->acme, &error, NAME, NULL);
  g_assert_no_error (error);
  g_assert_cmpuint (test_proxy_count (fixture->proxy, "newOrder"), ==, 3);
  g_assert_cmpuint (test_proxy_count (fixture->proxy, "finalize"), ==, 3);
  refuse (fixture, "newOrder", &row, 0);
  g_assert_null (acme_issue (&fixture->acme, &error, NAME, NULL));
  g_assert_cmpint (herd_error_class (error), ==, HERD_ERROR_CLASS_BACKOFF);
  g_assert_cmpuint (test_proxy_count (fixture->proxy, "newOrder"), <=, 3 + 6);
  acme_assert_error (error, HERD_ERROR_UNREACHABLE, "nonces that it had given itself");
}

/* Let's Encrypt's pause: a rate limit that only a human ends. */
static void
test_paused (ProxyFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GError) error = NULL;

  acme_must_register (&fixture->acme);
  test_proxy_refuse (fixture->proxy, "newOrder", 1, 429, NULL, "rateLimited",
                     "Your account is temporarily prevented from requesting certificates. Please "
                     "visit https://portal.ca.example/sfe/v1/unpause?jwt=x",
                     NULL);
  g_assert_null (acme_issue (&fixture->acme, &error, NAME, NULL));
  g_assert_cmpint (herd_error_class (error), ==, HERD_ERROR_CLASS_HUMAN);
  g_assert_nonnull (strstr (error->message, "https://portal.ca.example/sfe/v1/unpause?jwt=x"));
  acme_assert_error (error, HERD_ERROR_ACTION_REQUIRED, "do what the CA asks for");
}

/* --- newAccount --- */

static void
test_new_account (ProxyFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const Row rows[] = {
    { "badPublicKey", 400, HERD_ERROR_REFUSED, PERMANENT, "choose another key type" },
    { "badSignatureAlgorithm", 400, HERD_ERROR_REFUSED, PERMANENT, "another account key type",
      "\"algorithms\":[\"none\",\"HS256\"]" },
    { "externalAccountRequired", 403, HERD_ERROR_ACTION_REQUIRED, HUMAN, "external account" },
    { "invalidContact", 400, HERD_ERROR_ACTION_REQUIRED, HUMAN, "correct the issuer's contact" },
    { "unsupportedContact", 400, HERD_ERROR_ACTION_REQUIRED, HUMAN, "correct the issuer's" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (GError) error = NULL;

    test_host_put (fixture->acme.host, "account-key", NULL);
    proxy_restart (fixture);
    test_proxy_relent (fixture->proxy);
    refuse (fixture, "newAccount", &rows[i], 1);
    g_assert_null (acme_register (&fixture->acme, "yes", &error));
    assert_error (&rows[i], error, "newAccount");
  }
  g_assert_cmpuint (test_proxy_count (fixture->proxy, "newAccount"), ==, G_N_ELEMENTS (rows));
}

/* --- finalize, revokeCert --- */

static void
test_later (ProxyFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const Row csr = { "badCSR", 400, HERD_ERROR_REFUSED, PERMANENT, "check the key type" };
  static const Row blocked = { "unauthorized", 403, HERD_ERROR_REFUSED, PERMANENT,
                               "ask the CA what the account may do" };
  static const Row caa = { "caa", 403, HERD_ERROR_REFUSED, PERMANENT, "let a CAA record" };
  static const Row *const refusals[] = { &csr, &blocked, &caa };
  static const Row not_ready = { "orderNotReady", 403, HERD_ERROR_REFUSED, BACKOFF, "again" };
  static const Row reason = { "badRevocationReason", 400, HERD_ERROR_REFUSED, PERMANENT,
                              "choose another reason" };
  static const Row revoked = { "alreadyRevoked", 400, HERD_ERROR_REFUSED, PERMANENT, "" };
  g_autoptr (GError) error = NULL;
  g_autofree char *chain = NULL;
  g_autoptr (GBytes) pem = NULL;

  acme_must_register (&fixture->acme);
  for (guint i = 0; i < G_N_ELEMENTS (refusals); i++) {
    refuse (fixture, "finalize", refusals[i], 1);
    g_assert_null (acme_issue (&fixture->acme, &error, NAME, NULL));
    assert_error (refusals[i], error, "finalize");
    g_clear_error (&error);
    g_assert_cmpuint (test_proxy_count (fixture->proxy, "finalize"), ==, i + 1);
  }

  refuse (fixture, "finalize", &not_ready, 1);
  chain = acme_issue (&fixture->acme, &error, NAME, NULL);
  g_assert_no_error (error);
  g_assert_cmpuint (test_proxy_count (fixture->proxy, "finalize"), ==, 5);
  g_assert_cmpuint (test_proxy_count (fixture->proxy, "newOrder"), ==, 4);

  pem = g_bytes_new (chain, strlen (chain));
  refuse (fixture, "revokeCert", &reason, 1);
  g_assert_false (acme_revoke (&fixture->acme, pem, 3, NULL, &error));
  assert_error (&reason, error, "revokeCert");
  g_clear_error (&error);
  refuse (fixture, "revokeCert", &revoked, 1);
  g_assert_true (acme_revoke (&fixture->acme, pem, 0, NULL, &error));
  g_assert_no_error (error);
}

/* --- challenges --- */

static void
test_challenge (ProxyFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const Row rows[] = {
    { "caa", 0, HERD_ERROR_REFUSED, PERMANENT, "let a CAA record of the name permit this CA" },
    { "connection", 0, HERD_ERROR_CHALLENGE_FAILED, BACKOFF, "let the CA reach the responder" },
    { "dns", 0, HERD_ERROR_CHALLENGE_FAILED, BACKOFF, "check the name's DNS records" },
    { "incorrectResponse", 0, HERD_ERROR_CHALLENGE_FAILED, BACKOFF, "another server answers" },
    { "tls", 0, HERD_ERROR_CHALLENGE_FAILED, BACKOFF, "check the TLS server" },
    { "unauthorized", 0, HERD_ERROR_CHALLENGE_FAILED, BACKOFF, "another server answers" },
  };

  acme_must_register (&fixture->acme);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autoptr (GError) error = NULL;
    g_autofree char *body = g_strdup_printf (
        "{\"status\":\"invalid\",\"identifier\":{\"type\":\"dns\",\"value\":\"" NAME "\"},"
        "\"challenges\":[{\"type\":\"http-01\",\"url\":\"$BASE/chalZ/1\",\"status\":\"invalid\","
        "\"token\":\"evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA\",\"error\":"
        "{\"type\":\"urn:ietf:params:acme:error:%s\",\"detail\":\"the CA's words\"}}]}",
        rows[i].type);
    guint before = test_proxy_count (fixture->proxy, "newOrder");

    proxy_answer (fixture, "authorization", 1, 200, "", body);
    g_assert_null (acme_issue (&fixture->acme, &error, NAME, NULL));
    assert_error (&rows[i], error, "http-01 challenge: " NAME);
    g_assert_cmpstr (herd_error_get_identifier (error), ==, NAME);
    g_assert_cmpuint (test_proxy_count (fixture->proxy, "newOrder"), ==, before + 1);
    g_assert_cmpuint (test_proxy_count (fixture->proxy, "challenge"), ==, 0);
  }
}

/* What has gone at the CA is not asked for in a loop, and is no verdict on the wish. */
static void
test_gone (ProxyFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const char *const endpoints[] = { "authorization", "order" };

  acme_must_register (&fixture->acme);
  for (guint i = 0; i < G_N_ELEMENTS (endpoints); i++) {
    g_autoptr (GError) error = NULL;
    guint before = test_proxy_count (fixture->proxy, endpoints[i]);

    test_proxy_relent (fixture->proxy);
    test_proxy_refuse (fixture->proxy, endpoints[i], 0, 404, NULL, "malformed", "never seen", NULL);
    g_assert_null (acme_issue (&fixture->acme, &error, NAME, NULL));
    g_assert_cmpint (herd_error_class (error), ==, HERD_ERROR_CLASS_BACKOFF);
    acme_assert_error (error, HERD_ERROR_FAILED, "no longer knows the order");
    g_assert_cmpuint (test_proxy_count (fixture->proxy, endpoints[i]) - before, <=, 2);
  }
}

int
main (int argc, char **argv)
{
  g_autoptr (TestPebble) pebble = NULL;

  herd_net_init ();
  g_test_init (&argc, &argv, NULL);
  pebble = test_pebble_new ("--respond");
#define ADD(path, function)                                                                        \
  g_test_add ("/problems/" path, ProxyFixture, pebble, proxy_set_up, function, proxy_tear_down)
  ADD ("new-order", test_new_order);
  ADD ("nonces", test_nonces);
  ADD ("parts", test_parts);
  ADD ("paused", test_paused);
  ADD ("new-account", test_new_account);
  ADD ("later", test_later);
  ADD ("challenge", test_challenge);
  ADD ("gone", test_gone);
#undef ADD
  return g_test_run ();
}
