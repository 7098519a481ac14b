// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Which of several challenge types an attempt takes, against Debian's Pebble, which really validates.
 */
#include <string.h>

#include "fixture.h"
#include "net/http.h"
#include "pebble.h"
#include "plugin/error.h"

typedef struct {
  TestPebble *pebble;
  Acme acme; /* its http-01 shows nothing */
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->pebble = (TestPebble *) data;
  acme_set_up (&fixture->acme, test_pebble_get (fixture->pebble, "DIRECTORY_URL"),
               test_pebble_get_trust (fixture->pebble), NULL, NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  acme_tear_down (&fixture->acme);
}

/* Who failed is passed over by the next attempt, after a restart too; when all have, each has its turn. */
static void
test_next_type (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  Acme *acme = &fixture->acme;
  const char *url = test_pebble_get (fixture->pebble, "DIRECTORY_URL");
  g_autofree char *log = g_build_filename (acme->directory, "solver.log", NULL);
  g_autoptr (TestSolver) tls = test_solver_new ("tls-alpn-01", NULL, log);
  g_autoptr (GError) error = NULL;
  g_autofree char *second = NULL;
  g_autofree char *third = NULL;

  test_host_add_solver (acme->host, tls);
  acme_must_register (acme);
  g_assert_null (acme_issue (acme, &error, "next.example.org", NULL));
  acme_assert_error (error, HERD_ERROR_CHALLENGE_FAILED, "http-01 challenge: ");
  g_assert_null (acme_issue (acme, &error, "next.example.org", NULL));
  acme_assert_error (error, HERD_ERROR_CHALLENGE_FAILED, "tls-alpn-01 challenge: ");
  g_assert_null (acme_issue (acme, &error, "next.example.org", NULL));
  acme_assert_error (error, HERD_ERROR_CHALLENGE_FAILED, "http-01 challenge: ");
  g_clear_object (&tls);

  acme_restart (acme, url, test_pebble_get_trust (fixture->pebble), NULL);
  tls = test_solver_new ("tls-alpn-01", test_pebble_get (fixture->pebble, "CHALLTESTSRV_URL"), log);
  test_host_add_solver (acme->host, tls);
  second = acme_issue (acme, &error, "next.example.org", NULL);
  g_assert_no_error (error);
  /* What has worked is what the next one begins with. */
  third = acme_issue (acme, &error, "next.example.org", NULL);
  g_assert_no_error (error);
  g_assert_cmpuint (test_solver_get_presents (tls), ==, 2);
  g_assert_cmpuint (test_solver_get_presents (acme->solver), ==, 0);
}

/* A solver that cannot show its proof has failed as well. */
static void
test_next_solver (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  Acme *acme = &fixture->acme;
  g_autofree char *log = g_build_filename (acme->directory, "solver.log", NULL);
  g_autoptr (TestSolver) tls = test_solver_new (
      "tls-alpn-01", test_pebble_get (fixture->pebble, "CHALLTESTSRV_URL"), log);
  g_autoptr (GError) error = NULL;
  g_autofree char *chain = NULL;

  test_host_add_solver (acme->host, tls);
  acme_must_register (acme);
  test_solver_fail (acme->solver);
  g_assert_null (acme_issue (acme, &error, "solver.example.org", NULL));
  acme_assert_error (error, HERD_ERROR_UNREACHABLE, "no responder");
  chain = acme_issue (acme, &error, "solver.example.org", NULL);
  g_assert_no_error (error);
  g_assert_cmpuint (test_solver_get_presents (acme->solver), ==, 1);
  g_assert_cmpuint (test_solver_get_presents (tls), ==, 1);
}

int
main (int argc, char **argv)
{
  g_autoptr (TestPebble) pebble = NULL;

  herd_net_init ();
  g_test_init (&argc, &argv, NULL);
  pebble = test_pebble_new ("--respond");
#define ADD(path, function)                                                                        \
  g_test_add ("/choice/" path, Fixture, pebble, set_up, function, tear_down)
  ADD ("next-type", test_next_type);
  ADD ("next-solver", test_next_solver);
  return g_test_run ();
}
