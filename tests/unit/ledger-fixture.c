// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The fixture of the rate ledger's tests.
 */
#include "ledger-fixture.h"

#include <string.h>

#include "plugin/error.h"

const HerdLimit ledger_accounts = { "accounts", HERD_LIMIT_ACCOUNTS, 2, 18 * MINUTE, FALSE, FALSE };
const HerdLimit ledger_orders = { "orders", HERD_LIMIT_ACCOUNT, 6, 36, TRUE, TRUE };
const HerdLimit ledger_domain = { "domain", HERD_LIMIT_REGISTERED_DOMAIN, 4, 202 * MINUTE, TRUE,
                                  TRUE };
const HerdLimit ledger_same = { "same", HERD_LIMIT_IDENTIFIER_SET, 3, 34 * HOUR, FALSE, TRUE };
const HerdLimit ledger_failures = { "failures", HERD_LIMIT_IDENTIFIER_FAILURES,
                                    5,          12 * MINUTE,
                                    FALSE,      TRUE };
const HerdLimit ledger_in_a_row = { "in-a-row", HERD_LIMIT_FAILURES_IN_A_ROW, 4, DAY, FALSE, TRUE };

void
ledger_fixture_set_up (LedgerFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  fixture->clock = herd_manual_clock_new ();
  fixture->ledger = herd_ledger_new (fixture->clock);
  fixture->limits = g_ptr_array_new ();
}

void
ledger_fixture_tear_down (LedgerFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_ptr_array_unref (fixture->limits);
  herd_ledger_unref (fixture->ledger);
  herd_clock_unref (fixture->clock);
}

void
ledger_fixture_advance (LedgerFixture *fixture, gint64 seconds)
{
  herd_manual_clock_advance (fixture->clock, seconds * HERD_SECOND);
}

gint64
ledger_fixture_now (LedgerFixture *fixture)
{
  return herd_clock_get_seconds (fixture->clock);
}

HerdLedgerWish
ledger_fixture_wish (LedgerFixture *fixture, const char *const *identifiers)
{
  return (HerdLedgerWish){
    .authority = 7,
    .issuer = "ca",
    .directory = CA,
    .limits = fixture->limits,
    .identifiers = identifiers,
  };
}

const char *const ledger_www[] = { "www.one.example", NULL };

gint64
ledger_fixture_wait (LedgerFixture *fixture, const HerdLedgerWish *wish, const char *words)
{
  g_autoptr (GError) error = NULL;

  if (herd_ledger_ask (fixture->ledger, wish, &error))
    return 0;
  g_assert_error (error, HERD_ERROR, HERD_ERROR_RATE_LIMITED);
  g_assert_cmpint (herd_error_class (error), ==, HERD_ERROR_CLASS_TIMED);
  if (words != NULL && strstr (error->message, words) == NULL)
    g_error ("“%s” does not say “%s”", error->message, words);
  return herd_error_get_retry_at (error) - ledger_fixture_now (fixture);
}

void
ledger_fixture_issue (LedgerFixture *fixture, const HerdLedgerWish *wish)
{
  HerdLedgerEntry *entry = herd_ledger_begin (fixture->ledger, wish);

  herd_ledger_entry_order (entry, wish->replaces);
  herd_ledger_entry_issue (entry);
  herd_ledger_entry_free (entry);
}

void
ledger_fixture_fail (LedgerFixture *fixture, const HerdLedgerWish *wish, const char *identifier)
{
  HerdLedgerEntry *entry = herd_ledger_begin (fixture->ledger, wish);

  herd_ledger_entry_order (entry, FALSE);
  herd_ledger_entry_fail (entry, identifier);
  herd_ledger_entry_free (entry);
}

void
ledger_fixture_add (LedgerFixture *fixture, const HerdLimit *limit)
{
  g_ptr_array_add (fixture->limits, (gpointer) limit);
}
