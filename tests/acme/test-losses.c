// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Requests and answers that are lost between the engine and a real Pebble: none costs an order that
 * the CA has made, and none makes a second account.
 */
#include <string.h>

#include "manual-clock.h"
#include "net/http.h"
#include "plugin/error.h"
#include "proxy-fixture.h"

#define NAME "www.example.org"

/* --- one loss each --- */

/* The account does not say where its orders are listed, as with most CAs. */
static void
hide_orders (ProxyFixture *fixture)
{
  proxy_alter (fixture, "newAccount", 1, "\"orders\"", "\"x-orders\"");
}

static void
assert_one_loss (ProxyFixture *fixture, const char *endpoint, TestFaultKind kind, gboolean listed)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *chain = NULL;
  guint orders = test_proxy_count (fixture->proxy, "newOrder");
  guint repeated = 0;

  test_proxy_relent (fixture->proxy);
  proxy_fault (fixture, endpoint, kind, 1);
  chain = acme_issue (&fixture->acme, &error, NAME, "other.example.org", NULL);
  g_assert_no_error (error);
  /* Only of an order that nobody can find again is a second one made. */
  if (g_str_equal (endpoint, "newOrder"))
    repeated = listed && kind != TEST_FAULT_DROP_BEFORE ? 0 : 1;
  orders = test_proxy_count (fixture->proxy, "newOrder") - orders;
  g_test_message ("%s, kind %d: %u newOrders", endpoint, kind, orders);
  g_assert_cmpuint (orders, ==, 1 + repeated);
}

static void
test_one_loss (ProxyFixture *fixture, gboolean listed)
{
  static const char *const endpoints[] = { "newOrder", "authorization", "challenge",
                                           "order",    "finalize",      "certificate" };

  if (!listed)
    hide_orders (fixture);
  acme_must_register (&fixture->acme);
  for (guint i = 0; i < G_N_ELEMENTS (endpoints); i++) {
    assert_one_loss (fixture, endpoints[i], TEST_FAULT_DROP_BEFORE, listed);
    assert_one_loss (fixture, endpoints[i], TEST_FAULT_DROP_AFTER, listed);
    assert_one_loss (fixture, endpoints[i], TEST_FAULT_TRUNCATE, listed);
  }
}

static void
test_listed (ProxyFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  test_one_loss (fixture, TRUE);
}

static void
test_unlisted (ProxyFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  test_one_loss (fixture, FALSE);
}

/* A server fails, before or after the order was made: nobody can tell which. */
static void
test_unclear (ProxyFixture *fixture, gboolean listed)
{
  static const guint statuses[] = { 500, 502, 504 };

  if (!listed)
    hide_orders (fixture);
  acme_must_register (&fixture->acme);
  for (guint i = 0; i < 2 * G_N_ELEMENTS (statuses); i++) {
    gboolean made = i % 2 == 1;
    const TestFault fault = { .endpoint = "newOrder",
                              .kind = made ? TEST_FAULT_REPLACE : TEST_FAULT_ANSWER,
                              .times = 1,
                              .status = statuses[i / 2],
                              .body = "<html>Bad gateway</html>" };
    g_autoptr (GError) error = NULL;
    g_autofree char *chain = NULL;
    guint orders = test_proxy_count (fixture->proxy, "newOrder");

    test_proxy_relent (fixture->proxy);
    test_proxy_script (fixture->proxy, &fault);
    chain = acme_issue (&fixture->acme, &error, NAME, "other.example.org", NULL);
    g_assert_no_error (error);
    g_assert_cmpuint (test_proxy_count (fixture->proxy, "newOrder") - orders, ==,
                      listed && made ? 1 : 2);
  }
}

static void
test_unclear_listed (ProxyFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  test_unclear (fixture, TRUE);
}

static void
test_unclear_unlisted (ProxyFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  test_unclear (fixture, FALSE);
}

/* Lost twice: there is an end, and it is a matter of time, not of the wish. */
static void
test_lost_order_twice (ProxyFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GError) error = NULL;

  hide_orders (fixture);
  acme_must_register (&fixture->acme);
  proxy_fault (fixture, "newOrder", TEST_FAULT_DROP_AFTER, 0);
  g_assert_null (acme_issue (&fixture->acme, &error, NAME, NULL));
  g_assert_cmpint (herd_error_class (error), ==, HERD_ERROR_CLASS_BACKOFF);
  acme_assert_error (error, HERD_ERROR_UNREACHABLE, "newOrder");
  g_assert_cmpuint (test_proxy_count (fixture->proxy, "newOrder"), ==, 2);
}

/* The nonce is lost before anything has left: no order can have been made. */
static void
test_lost_nonce (ProxyFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *chain = NULL;

  acme_must_register (&fixture->acme);
  proxy_restart (fixture); /* with an empty pool */
  proxy_fault (fixture, "newNonce", TEST_FAULT_DROP_AFTER, 1);
  chain = acme_issue (&fixture->acme, &error, NAME, NULL);
  g_assert_no_error (error);
  g_assert_cmpuint (test_proxy_count (fixture->proxy, "newOrder"), ==, 1);
}

/* A server in trouble for a moment, at every place where asking again does no harm; with both forms
 * of Retry-After. */
static void
test_trouble (ProxyFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const char *const endpoints[] = { "authorization", "challenge", "order", "finalize",
                                           "certificate" };
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autoptr (GDateTime) soon = g_date_time_add_seconds (now, 2);
  g_autofree char *date = g_date_time_format (soon, "Retry-After: %a, %d %b %Y %H:%M:%S GMT\r\n");
  const char *const fields[] = { "", "Retry-After: 1\r\n", date };
  const guint codes[] = { 500, 503, 429 };

  acme_must_register (&fixture->acme);
  for (guint i = 0; i < G_N_ELEMENTS (endpoints); i++) {
    g_autoptr (GError) error = NULL;
    g_autofree char *chain = NULL;
    guint orders = test_proxy_count (fixture->proxy, "newOrder");

    test_proxy_relent (fixture->proxy);
    for (guint j = 0; j < G_N_ELEMENTS (codes); j++)
      proxy_answer (fixture, endpoints[i], 1, codes[j], fields[j], "<html>Bad moment</html>");
    chain = acme_issue (&fixture->acme, &error, NAME, NULL);
    g_assert_no_error (error);
    g_assert_cmpuint (test_proxy_count (fixture->proxy, "newOrder"), ==, orders + 1);
  }
}

/* --- the account --- */

static void
test_account (ProxyFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const TestFaultKind kinds[] = { TEST_FAULT_DROP_AFTER, TEST_FAULT_TRUNCATE,
                                         TEST_FAULT_OVERSIZE };
  g_autofree char *first = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (HerdAccount) account = NULL;

    test_host_put (fixture->acme.host, "account", NULL);
    proxy_restart (fixture);
    proxy_fault (fixture, "newAccount", kinds[i], 1);
    account = acme_register (&fixture->acme, "yes", &error);
    if (account == NULL) {
      g_clear_error (&error);
      proxy_restart (fixture);
      account = acme_register (&fixture->acme, "yes", &error);
    }
    g_assert_no_error (error);
    if (first == NULL)
      first = g_strdup (account->url);
    g_assert_cmpstr (account->url, ==, first);
  }
}

/* --- slow --- */

/* Turns the loop until a request has two timers, the first of which is due in SECONDS. */
static void
wait_for_stall (HerdClock *clock, gint64 seconds)
{
  test_wait (herd_manual_clock_get_n_timers (clock) == 2
             && herd_manual_clock_get_next (clock) == seconds * HERD_SECOND);
}

/* An answer that comes by the byte does not hold an order up for ever; and when it is taken up again,
 * it is the same order. */
static void
test_drip (gconstpointer data)
{
  static const char *const identifiers[] = { NAME, NULL };
  g_autoptr (HerdClock) clock = herd_manual_clock_new ();
  g_autoptr (HerdIssueRequest) request = test_request_new (identifiers, NULL);
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (HerdIssued) issued = NULL;
  g_autoptr (GError) error = NULL;
  ProxyFixture fixture;
  gint64 started;

  herd_manual_clock_set_real (clock, g_get_real_time ());
  proxy_set_up_with_clock (&fixture, (TestPebble *) data, clock);
  acme_must_register (&fixture.acme);
  proxy_fault (&fixture, "authorization", TEST_FAULT_DRIP, 1);
  started = herd_clock_get_monotonic (clock);
  herd_issuer_issue_async (HERD_ISSUER (fixture.acme.engine), request, NULL,
                           HERD_ISSUER_HOST (fixture.acme.host), NULL, test_on_result, &result);
  test_wait (test_proxy_count (fixture.proxy, "authorization") == 1);
  for (guint i = 0; i < 14; i++) {
    /* A byte is read: the stall's timer begins again. */
    wait_for_stall (clock, 30);
    herd_manual_clock_advance (clock, 20 * (gint64) HERD_SECOND);
    test_proxy_drip (fixture.proxy);
  }
  /* Now the deadline is nearer. */
  wait_for_stall (clock, 20);
  herd_manual_clock_advance (clock, 20 * (gint64) HERD_SECOND);
  while (result == NULL) {
    g_main_context_iteration (NULL, FALSE);
    if (herd_manual_clock_get_n_timers (clock) == 1)
      herd_manual_clock_advance (clock, herd_manual_clock_get_next (clock));
  }
  issued = herd_issuer_issue_finish (HERD_ISSUER (fixture.acme.engine), result, &error);
  g_assert_no_error (error);
  g_assert_cmpint ((herd_clock_get_monotonic (clock) - started) / HERD_SECOND, <=, 330);
  g_assert_cmpuint (test_proxy_count (fixture.proxy, "authorization"), ==, 2);
  g_assert_cmpuint (test_proxy_count (fixture.proxy, "newOrder"), ==, 1);
  proxy_tear_down (&fixture, NULL);
}

int
main (int argc, char **argv)
{
  g_autoptr (TestPebble) pebble = NULL;

  herd_net_init ();
  g_test_init (&argc, &argv, NULL);
  pebble = test_pebble_new ("--respond");
#define ADD(path, function)                                                                        \
  g_test_add ("/losses/" path, ProxyFixture, pebble, proxy_set_up, function, proxy_tear_down)
  ADD ("listed", test_listed);
  ADD ("unlisted", test_unlisted);
  ADD ("unclear-listed", test_unclear_listed);
  ADD ("unclear-unlisted", test_unclear_unlisted);
  ADD ("order-twice", test_lost_order_twice);
  ADD ("nonce", test_lost_nonce);
  ADD ("trouble", test_trouble);
  ADD ("account", test_account);
#undef ADD
  g_test_add_data_func ("/losses/drip", pebble, test_drip);
  return g_test_run ();
}
