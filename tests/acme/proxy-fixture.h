// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * One engine that talks to a real Pebble through the proxy. Main loop only.
 */
#pragma once

#include "fixture.h"
#include "proxy.h"

G_BEGIN_DECLS

typedef struct {
  TestPebble *pebble;
  TestProxy *proxy;
  Acme acme;
} ProxyFixture;

/* DATA: the Pebble, which outlives the fixture. */
void proxy_set_up (ProxyFixture *fixture, gconstpointer data);
void proxy_set_up_with_clock (ProxyFixture *fixture, TestPebble *pebble, HerdClock *clock);
void proxy_tear_down (ProxyFixture *fixture, gconstpointer data);
/* Another engine on the same records. */
void proxy_restart (ProxyFixture *fixture);

/* Scripts a fault without more to say. */
void proxy_fault (ProxyFixture *fixture, const char *endpoint, TestFaultKind kind, guint times);
/* Scripts that the first FIND in the answer is BODY instead. */
void proxy_alter (ProxyFixture *fixture, const char *endpoint, guint times, const char *find,
                  const char *body);
/* Scripts an answer that the CA did not give. */
void proxy_answer (ProxyFixture *fixture, const char *endpoint, guint times, guint status,
                   const char *fields, const char *body);

G_END_DECLS
