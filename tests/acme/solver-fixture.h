// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A solver by DNS, as a plugin in the core's host, with the servers of tests/lib/dns.py, and Pebble as the CA
 * that looks for what it shows. Calls are waited for. Main loop only.
 */
#pragma once

#include "core/solver-host.h"
#include "host.h"
#include "test-rig.h"

G_BEGIN_DECLS

typedef struct {
  TestRig *rig; /* the caller's */
  HerdClock *clock;
  HerdDns *dns;
  HerdCoreSolverHost *host;
  HerdSolver *solver;
} SolverFixture;

void solver_fixture_set_up (SolverFixture *fixture, TestRig *rig);
void solver_fixture_tear_down (SolverFixture *fixture);
/* The fixture's solver becomes PLUGIN, the section of the same name with VALUES (a{sv}; floating). */
void solver_fixture_make (SolverFixture *fixture, const char *plugin, GVariant *values);

/* Challenges for identifiers (up to NULL), each with a token of its own. */
GPtrArray *solver_fixture_make_challenges (const char *first, ...) G_GNUC_NULL_TERMINATED;
gboolean solver_fixture_present (SolverFixture *fixture, GPtrArray *challenges, GError **error);
gboolean solver_fixture_clean_up (SolverFixture *fixture, GPtrArray *challenges, GError **error);
/* The TXT records of NAME at the server KEY, as test_dns_get_texts() tells them. */
void solver_fixture_assert_texts (SolverFixture *fixture, const char *key, const char *name,
                                  const char *texts);

/* Registers with a Pebble that asks the rig's resolver, and issues for IDENTIFIERS, which must succeed;
 * the chain. */
char *solver_fixture_issue (SolverFixture *fixture, const char *const *identifiers);

G_END_DECLS
