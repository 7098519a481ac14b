// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * For the tests of the rate ledger: a ledger by a clock that the test moves, and limits like those of Let's
 * Encrypt, only smaller.
 */
#pragma once

#include "core/ledger.h"
#include "manual-clock.h"

G_BEGIN_DECLS

#define MINUTE 60
#define HOUR G_GINT64_CONSTANT (3600)
#define DAY (24 * HOUR)
#define CA "https://ca.example/directory"

extern const HerdLimit ledger_accounts, ledger_orders, ledger_domain, ledger_same, ledger_failures,
    ledger_in_a_row;

typedef struct {
  HerdClock *clock;
  HerdLedger *ledger;
  GPtrArray *limits; /* empty at first */
} LedgerFixture;

void ledger_fixture_set_up (LedgerFixture *fixture, gconstpointer data);
void ledger_fixture_tear_down (LedgerFixture *fixture, gconstpointer data);

void ledger_fixture_add (LedgerFixture *fixture, const HerdLimit *limit);
void ledger_fixture_advance (LedgerFixture *fixture, gint64 seconds);
gint64 ledger_fixture_now (LedgerFixture *fixture);
/* A first issuance for IDENTIFIERS, with the fixture's limits, of the account 7. */
HerdLedgerWish ledger_fixture_wish (LedgerFixture *fixture, const char *const *identifiers);
/* Seconds until WISH may be tried; WORDS: what the refusal has to say, or NULL. */
gint64 ledger_fixture_wait (LedgerFixture *fixture, const HerdLedgerWish *wish, const char *words);
/* An attempt that goes well; one of which the authorization of IDENTIFIER fails. */
void ledger_fixture_issue (LedgerFixture *fixture, const HerdLedgerWish *wish);
void ledger_fixture_fail (LedgerFixture *fixture, const HerdLedgerWish *wish,
                          const char *identifier);

/* {"www.one.example"} */
extern const char *const ledger_www[];

G_END_DECLS
