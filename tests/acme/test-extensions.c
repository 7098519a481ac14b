// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Renewal information (RFC 9773) and profiles (draft-ietf-acme-profiles), the same cases twice: against
 * Debian 12's Pebble with the proxy's protocol double of both, and against a newer Pebble that really has
 * them, so that the double cannot drift.
 */
#include <string.h>

#include "crypto/chain.h"
#include "net/http.h"
#include "plugin/error.h"
#include "proxy-fixture.h"

#define NAME "www.example.org"
#define DAY G_GINT64_CONSTANT (86400)
#define PROFILE "shortlived"

typedef struct {
  TestPebble *pebble;
  gboolean real; /* it knows them itself */
} Server;

static void
set_up (ProxyFixture *fixture, gconstpointer data)
{
  const Server *server = data;
  gint64 now = g_get_real_time () / G_USEC_PER_SEC;

  if (server->pebble == NULL)
    return;
  proxy_set_up (fixture, server->pebble);
  if (!server->real) {
    test_proxy_add_renewal_info (fixture->proxy, now + 59 * DAY, now + 61 * DAY);
    test_proxy_add_profile (fixture->proxy, PROFILE);
  }
}

static void
tear_down (ProxyFixture *fixture, gconstpointer data)
{
  if (((const Server *) data)->pebble != NULL)
    proxy_tear_down (fixture, NULL);
}

/* The directory decides what is tested, and not a version. */
static gboolean
begin (ProxyFixture *fixture, const Server *server, const char *capability)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HerdAccount) account = NULL;

  if (server->pebble == NULL) {
    g_test_skip ("no newer Pebble could be fetched");
    return FALSE;
  }
  account = acme_register (&fixture->acme, "yes", &error);
  g_assert_no_error (error);
  if (g_strv_contains ((const char *const *) account->capabilities, capability))
    return TRUE;
  g_assert_true (server->real);
  g_test_skip ("the newer Pebble's directory does not have it");
  return FALSE;
}

static HerdIssueRequest *
new_request (void)
{
  static const char *const identifiers[] = { NAME, NULL };

  return test_request_new (identifiers, NULL);
}

static HerdIssued *
must_issue (ProxyFixture *fixture, const HerdIssueRequest *request, guint orders)
{
  guint before = test_proxy_count (fixture->proxy, "newOrder");
  g_autoptr (GError) error = NULL;
  HerdIssued *issued = acme_issue_wish (&fixture->acme, request, NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (test_proxy_count (fixture->proxy, "newOrder") - before, ==, orders);
  return issued;
}

static void
assert_asked (ProxyFixture *fixture, const char *words, gboolean said)
{
  g_autofree char *payload = test_proxy_get_payload (fixture->proxy, "newOrder");

  if ((strstr (payload, words) != NULL) != said)
    g_error ("newOrder was %s", payload);
}

static void
test_renewal_info (ProxyFixture *fixture, gconstpointer data)
{
  g_autoptr (HerdIssueRequest) request = new_request ();
  g_autoptr (HerdIssued) issued = NULL;
  g_autoptr (HerdRenewalInfo) info = NULL;
  g_autoptr (HerdChain) chain = NULL;
  g_autoptr (HerdFacts) facts = NULL;
  g_autoptr (GError) error = NULL;
  gint64 now = g_get_real_time () / G_USEC_PER_SEC;

  if (!begin (fixture, data, "ari"))
    return;
  issued = must_issue (fixture, request, 1);
  chain = herd_chain_new (issued->chain, &error);
  g_assert_no_error (error);
  facts = herd_chain_get_facts (chain);
  info = acme_ask_renewal (&fixture->acme, issued->chain, &error);
  g_assert_no_error (error);
  g_assert_cmpint (info->start, >, now);
  g_assert_cmpint (info->start, <, info->end);
  g_assert_cmpint (info->end, <=, facts->not_after);
  g_assert_cmpint (info->retry_at, >=, now + 60);
  g_assert_cmpint (info->retry_at, <=, now + DAY + 60);
}

static void
test_replaces (ProxyFixture *fixture, gconstpointer data)
{
  g_autoptr (HerdIssueRequest) request = new_request ();
  g_autoptr (HerdIssued) first = NULL;
  g_autoptr (HerdIssued) second = NULL;
  g_autoptr (HerdIssued) third = NULL;

  if (!begin (fixture, data, "ari"))
    return;
  first = must_issue (fixture, request, 1);
  assert_asked (fixture, "\"replaces\"", FALSE);
  request->predecessor = g_bytes_ref (first->chain);
  second = must_issue (fixture, request, 1);
  assert_asked (fixture, "\"replaces\"", TRUE);
  /* The same once more: 409, and the certificate all the same. */
  third = must_issue (fixture, request, 2);
  assert_asked (fixture, "\"replaces\"", FALSE);
}

static void
test_profile (ProxyFixture *fixture, gconstpointer data)
{
  const Server *server = data;
  g_autoptr (HerdIssueRequest) request = new_request ();
  g_autoptr (HerdIssued) issued = NULL;
  g_autoptr (HerdChain) chain = NULL;
  g_autoptr (HerdFacts) facts = NULL;
  g_autoptr (GError) error = NULL;

  if (!begin (fixture, server, "profiles"))
    return;
  request->profile = g_strdup (PROFILE);
  request->profile_required = TRUE;
  issued = must_issue (fixture, request, 1);
  assert_asked (fixture, "\"profile\":\"" PROFILE "\"", TRUE);
  g_assert_null (issued->profile_dropped);
  /* What comes of it, only a CA that has it can show. */
  if (server->real) {
    g_assert_cmpstr (issued->profile, ==, PROFILE);
    chain = herd_chain_new (issued->chain, &error);
    g_assert_no_error (error);
    facts = herd_chain_get_facts (chain);
    g_assert_cmpint (facts->not_after - facts->not_before, <=, 7 * DAY);
  }
}

static void
test_no_profile (ProxyFixture *fixture, gconstpointer data)
{
  g_autoptr (HerdIssueRequest) request = new_request ();
  g_autoptr (HerdIssued) issued = NULL;
  g_autoptr (GError) error = NULL;

  if (!begin (fixture, data, "profiles"))
    return;
  request->profile = g_strdup ("tlsclient");
  issued = must_issue (fixture, request, 1);
  assert_asked (fixture, "\"profile\"", FALSE);
  g_assert_nonnull (strstr (issued->profile_dropped, PROFILE));
  request->profile_required = TRUE;
  g_assert_null (acme_issue_wish (&fixture->acme, request, NULL, &error));
  acme_assert_error (error, HERD_ERROR_REFUSED, "tlsclient");
}

/* The directory is an old one: what it named is refused by the CA itself, and asked for no more. */
static void
test_profile_gone (ProxyFixture *fixture, gconstpointer data)
{
  g_autoptr (HerdIssueRequest) request = new_request ();
  g_autoptr (HerdIssued) issued = NULL;

  if (((const Server *) data)->pebble != NULL)
    proxy_alter (fixture, "directory", 1, "\"" PROFILE "\"", "\"gone\"");
  if (!begin (fixture, data, "profiles"))
    return;
  request->profile = g_strdup ("gone");
  issued = must_issue (fixture, request, 2);
  assert_asked (fixture, "\"profile\"", FALSE);
  g_assert_nonnull (strstr (issued->profile_dropped, "gone"));
}

static void
add_cases (const char *prefix, const Server *server)
{
  static const struct {
    const char *path;
    void (*function) (ProxyFixture *fixture, gconstpointer data);
  } cases[] = {
    { "renewal-info", test_renewal_info }, { "replaces", test_replaces },
    { "profile", test_profile },           { "no-profile", test_no_profile },
    { "profile-gone", test_profile_gone },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *path = g_strdup_printf ("/extensions/%s/%s", prefix, cases[i].path);

    g_test_add (path, ProxyFixture, server, set_up, cases[i].function, tear_down);
  }
}

int
main (int argc, char **argv)
{
  const char *programs = g_getenv ("HERD_TEST_NEWER_PEBBLE");
  g_autofree char *program = g_build_filename (programs != NULL ? programs : "", "pebble", NULL);
  g_autofree char *knobs = g_strdup_printf ("--respond --programs %s", programs);
  g_autoptr (TestPebble) pebble = NULL;
  g_autoptr (TestPebble) newer = NULL;
  Server servers[2] = { { NULL, FALSE }, { NULL, TRUE } };

  herd_net_init ();
  g_test_init (&argc, &argv, NULL);
  servers[0].pebble = pebble = test_pebble_new ("--respond");
  if (programs != NULL && g_file_test (program, G_FILE_TEST_IS_EXECUTABLE))
    servers[1].pebble = newer = test_pebble_new (knobs);
  add_cases ("protocol-double", &servers[0]);
  add_cases ("newer-pebble", &servers[1]);
  return g_test_run ();
}
