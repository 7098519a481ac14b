// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * An engine, a proxy, a Pebble.
 */
#include "proxy-fixture.h"

void
proxy_set_up_with_clock (ProxyFixture *fixture, TestPebble *pebble, HerdClock *clock)
{
  fixture->pebble = pebble;
  fixture->proxy = test_proxy_new (pebble);
  acme_set_up (&fixture->acme, test_proxy_get_url (fixture->proxy), test_pebble_get_trust (pebble),
               test_pebble_get (pebble, "CHALLTESTSRV_URL"), clock);
}

void
proxy_set_up (ProxyFixture *fixture, gconstpointer data)
{
  proxy_set_up_with_clock (fixture, (TestPebble *) data, NULL);
}

void
proxy_tear_down (ProxyFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  acme_tear_down (&fixture->acme);
  test_proxy_free (fixture->proxy);
}

void
proxy_restart (ProxyFixture *fixture)
{
  acme_restart (&fixture->acme, test_proxy_get_url (fixture->proxy),
                test_pebble_get_trust (fixture->pebble),
                test_pebble_get (fixture->pebble, "CHALLTESTSRV_URL"));
}

void
proxy_fault (ProxyFixture *fixture, const char *endpoint, TestFaultKind kind, guint times)
{
  TestFault fault = { .endpoint = endpoint, .kind = kind, .times = times };

  test_proxy_script (fixture->proxy, &fault);
}

void
proxy_alter (ProxyFixture *fixture, const char *endpoint, guint times, const char *find,
             const char *body)
{
  TestFault fault = {
    .endpoint = endpoint, .kind = TEST_FAULT_ALTER, .times = times, .find = find, .body = body
  };

  test_proxy_script (fixture->proxy, &fault);
}

void
proxy_answer (ProxyFixture *fixture, const char *endpoint, guint times, guint status,
              const char *fields, const char *body)
{
  TestFault fault = { .endpoint = endpoint,
                      .kind = TEST_FAULT_ANSWER,
                      .times = times,
                      .status = status,
                      .fields = fields,
                      .body = body };

  test_proxy_script (fixture->proxy, &fault);
}
