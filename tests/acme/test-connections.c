// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Connections that end, with several orders on them: nginx speaks HTTP/2 before a real Pebble, and says
 * GOAWAY after some requests. No order is lost, none is made twice.
 */
#include <string.h>

#include "fixture.h"
#include "net/http.h"
#include "pebble.h"
#include "plugin/error.h"

#define MANY 10

typedef struct {
  TestRig *front;
  Acme acme;
  GAsyncResult *results[MANY];
} Fixture;

static void
set_up (Fixture *fixture, TestPebble *pebble, guint requests)
{
  const char *directory_url = test_pebble_get (pebble, "DIRECTORY_URL");
  g_autoptr (GUri) uri = g_uri_parse (directory_url, G_URI_FLAGS_NONE, NULL);
  g_autofree char *identity = g_path_get_dirname (test_pebble_get (pebble, "TLS_CA"));
  g_autofree char *options = g_strdup_printf ("--upstream %s:%d --identity %s --requests %u",
                                              g_uri_get_host (uri), g_uri_get_port (uri), identity,
                                              requests);
  g_autofree char *url = NULL;

  memset (fixture, 0, sizeof *fixture);
  fixture->front = test_rig_new (g_getenv ("HERD_TEST_FRONT"), options);
  url = g_strconcat (test_rig_get (fixture->front, "URL"), "/dir", NULL);
  acme_set_up (&fixture->acme, url, test_pebble_get_trust (pebble),
               test_pebble_get (pebble, "CHALLTESTSRV_URL"), NULL);
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

/* The numbers of connections that the front has seen requests on, all of them HTTP/2. */
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

    g_assert_cmpstr (words[0], ==, "HTTP/2.0");
    g_hash_table_add (seen, g_strdup (words[1]));
  }
  return g_hash_table_size (seen);
}

static void
test_goaway (gconstpointer data)
{
  TestPebble *pebble = (TestPebble *) data;
  guint orders = test_pebble_count (pebble, "POST", "/order-plz");
  Fixture fixture;

  set_up (&fixture, pebble, 40);
  start_all (&fixture);
  finish_all (&fixture);
  g_test_message ("%u connections", count_connections (&fixture));
  g_assert_cmpuint (count_connections (&fixture), >=, 3);
  g_assert_cmpuint (test_pebble_count (pebble, "POST", "/order-plz") - orders, ==, MANY);
  tear_down (&fixture);
}

int
main (int argc, char **argv)
{
  g_autoptr (TestPebble) pebble = NULL;

  herd_net_init ();
  g_test_init (&argc, &argv, NULL);
  pebble = test_pebble_new ("--respond");
  g_test_add_data_func ("/connections/goaway", pebble, test_goaway);
  return g_test_run ();
}
