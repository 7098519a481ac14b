// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A double of an issuer for the agent of the bus' tests: it issues from a test CA, has an account without a CA,
 * and does else what names tell it to. Owned by the agent, as any issuer; main loop only.
 */
#pragma once

#include "plugin/issuer.h"
#include "test-ca.h"
#include "util/clock.h"

G_BEGIN_DECLS

/* What the doubles of an agent share; the agent's program has it, longer than the agent lives. */
typedef struct {
  TestCa *ca;
  HerdClock *clock;
  GPtrArray *waiting; /* GTask, with their requests */
} IssuerDoubles;

/* NAME: the issuer's, which says what preflights find, and how it fails (trouble.h). (transfer full) */
HerdIssuer *issuer_double_new (const IssuerDoubles *doubles, const char *name);
/* What waits to be issued is issued. */
void issuer_double_go_on (const IssuerDoubles *doubles);

G_END_DECLS
