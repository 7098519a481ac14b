// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Connections that end, with several orders on them: nginx speaks HTTP/2, or 1.1, before a real Pebble,
 * and ends connections after some requests, or is killed with all that is under way. No order is lost,
 * none is made twice.
 */
#include <string.h>

#include "fixture.h"
#include "net/http.h"
#include "pebble.h"
#include "plugin/error.h"

#define MANY 10

typedef struct {
  TestPebble *pebble;
  gboolean http1;
} Case;

typedef struct {
  const Case *given;
  guint orders; /* that Pebble had made before */
  TestRig *front;
  Acme acme;
  GAsyncResult *results[MANY];
} Fixture;

static void
set_up (Fixture *fixture, const Case *given, guint requests)
{
  TestPebble *pebble = given->pebble;
  const char *directory_url = test_pebble_get (pebble, "DIRECTORY_URL");
  g_autoptr (GUri) uri = g_uri_parse (directory_url, G_URI_FLAGS_NONE, NULL);
  g_autofree char *identity = g_path_get_dirname (test_pebble_get (pebble, "TLS_CA"));
  g_autofree char *options = g_strdup_printf ("--upstream %s:%d --identity %s --requests %u",
                                              g_uri_get_host (uri), g_uri_get_port (uri), identity,
                                              requests);
  g_autofree char *url = NULL;

  memset (fixture, 0, sizeof *fixture);
  fixture->given = given;
  fixture->orders = test_pebble_count (pebble, "POST", "/order-plz");
  fixture->front = test_rig_new (g_getenv ("HERD_TEST_FRONT"), options);
  url = g_strconcat (test_rig_get (fixture->front, "URL"), "/dir", NULL);
  acme_set_up (&fixture->acme, url, test_pebble_get_trust (pebble),
               test_pebble_get (pebble, "CHALLTESTSRV_URL"), NULL);
  fixture->acme.http1 = given->http1;
  acme_restart (&fixture->acme, url, test_pebble_get_trust (pebble),
                test_pebble_get (pebble, "CHALLTESTSRV_URL"));
  acme_must_register (&fixture->acme);
}

static void
tear_down (Fixture *fixture)
{
  acme_tear_down (&fixture->acme);
  test_rig_free (fixture->front);
}

static void
start_all (Fixture *fixture)
{
  for (guint i = 0; i < MANY; i++) {
    g_autofree char *name = g_strdup_printf ("n%u.example.org", i);
    const char *identifiers[] = { name, NULL };
    g_autoptr (HerdIssueRequest) request = test_request_new (identifiers, NULL);

    herd_issuer_issue_async (HERD_ISSUER (fixture->acme.engine), request, NULL,
                             HERD_ISSUER_HOST (fixture->acme.host), NULL, test_on_result,
                             &fixture->results[i]);
  }
}

static void
finish_all (Fixture *fixture)
{
  for (guint i = 0; i < MANY; i++) {
    g_autoptr (HerdIssued) issued = NULL;
    g_autoptr (GError) error = NULL;

    test_wait (fixture->results[i] != NULL);
    issued = herd_issuer_issue_finish (HERD_ISSUER (fixture->acme.engine), fixture->results[i],
                                       &error);
    g_assert_no_error (error);
    g_clear_object (&fixture->results[i]);
  }
}

/* The number of connections that the front has seen requests on, all of the HTTP that was chosen. */
static guint
count_connections (Fixture *fixture)
{
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autofree char *log = NULL;
  g_auto (GStrv) lines = NULL;

  g_assert_true (
      g_file_get_contents (test_rig_get (fixture->front, "ACCESS_LOG"), &log, NULL, NULL));
  lines = g_strsplit (log, "\n", -1);
  for (char **line = lines; **line != '\0'; line++) {
    g_auto (GStrv) words = g_strsplit (*line, " ", -1);

    g_assert_cmpstr (words[0], ==, fixture->given->http1 ? "HTTP/1.1" : "HTTP/2.0");
    g_hash_table_add (seen, g_strdup (words[1]));
  }
  return g_hash_table_size (seen);
}

static void
assert_one_order_each (Fixture *fixture, guint number)
{
  g_assert_cmpuint (test_pebble_count (fixture->given->pebble, "POST", "/order-plz")
                        - fixture->orders,
                    ==, number);
}

/* The server ends a connection after some requests: with GOAWAY, or with "Connection: close". */
static void
test_few_requests (gconstpointer data)
{
  Fixture fixture;

  set_up (&fixture, data, 40);
  start_all (&fixture);
  finish_all (&fixture);
  g_test_message ("%u connections", count_connections (&fixture));
  g_assert_cmpuint (count_connections (&fixture), >=, 3);
  assert_one_order_each (&fixture, MANY);
  tear_down (&fixture);
}

/* Cut where every order has been made: none is made again. */
static void
test_cut (gconstpointer data)
{
  Fixture fixture;
  guint placed = 0;
  guint before;

  set_up (&fixture, data, 1000);
  start_all (&fixture);
  while (placed < MANY) {
    g_autofree char *steps = test_host_get_steps (fixture.acme.host);
    g_auto (GStrv) parts = g_strsplit (steps, "authorize", -1);

    placed = g_strv_length (parts) - 1;
    if (placed < MANY)
      g_main_context_iteration (NULL, TRUE);
  }
  before = count_connections (&fixture);
  test_rig_tell (fixture.front, "cut");
  finish_all (&fixture);
  g_assert_cmpuint (count_connections (&fixture), >, before);
  assert_one_order_each (&fixture, MANY);
  tear_down (&fixture);
}

/* Nothing is under way when the server goes; what is asked next finds the connection closed. */
static void
test_closed_in_between (gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *chain = NULL;
  Fixture fixture;

  set_up (&fixture, data, 1000);
  test_rig_tell (fixture.front, "cut");
  chain = acme_issue (&fixture.acme, &error, "www.example.org", NULL);
  g_assert_no_error (error);
  assert_one_order_each (&fixture, 1);
  tear_down (&fixture);
}

int
main (int argc, char **argv)
{
  g_autoptr (TestPebble) pebble = NULL;
  Case http1 = { .http1 = TRUE };
  Case http2 = { .http1 = FALSE };

  herd_net_init ();
  g_test_init (&argc, &argv, NULL);
  pebble = test_pebble_new ("--respond");
  http1.pebble = http2.pebble = pebble;
  g_test_add_data_func ("/connections/http2/few-requests", &http2, test_few_requests);
  g_test_add_data_func ("/connections/http2/cut", &http2, test_cut);
  g_test_add_data_func ("/connections/http2/closed-in-between", &http2, test_closed_in_between);
  g_test_add_data_func ("/connections/http1/few-requests", &http1, test_few_requests);
  g_test_add_data_func ("/connections/http1/cut", &http1, test_cut);
  g_test_add_data_func ("/connections/http1/closed-in-between", &http1, test_closed_in_between);
  return g_test_run ();
}
