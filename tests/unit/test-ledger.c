// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The rate ledger: exact edges, the half that is kept, subjects, exemptions, a CA that says no, a clock that is
 * set, and registered domains.
 */
#include "core/suffixes.h"
#include "ledger-fixture.h"

/* --- buckets --- */

static void
test_bucket (LedgerFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  HerdLedgerWish wish = ledger_fixture_wish (fixture, ledger_www);

  ledger_fixture_add (fixture, &ledger_orders);
  wish.renewal = TRUE;
  for (guint i = 0; i < 6; i++) {
    g_assert_cmpint (ledger_fixture_wait (fixture, &wish, NULL), ==, 0);
    ledger_fixture_issue (fixture, &wish);
  }
  g_assert_cmpint (ledger_fixture_wait (fixture, &wish, "limit orders of the CA at " CA), ==, 36);
  g_assert_cmpint (ledger_fixture_wait (fixture, &wish,
                                        "6 of 6 are spent; there is room at 2026-01-01T00:00:36Z"),
                   ==, 36);
  ledger_fixture_advance (fixture, 35);
  g_assert_cmpint (ledger_fixture_wait (fixture, &wish, NULL), ==, 1);
  ledger_fixture_advance (fixture, 1);
  g_assert_cmpint (ledger_fixture_wait (fixture, &wish, NULL), ==, 0);
  ledger_fixture_issue (fixture, &wish);
  g_assert_cmpint (ledger_fixture_wait (fixture, &wish, NULL), ==, 36);
  /* Never fuller than full. */
  ledger_fixture_advance (fixture, 365 * DAY);
  for (guint i = 0; i < 6; i++)
    ledger_fixture_issue (fixture, &wish);
  g_assert_cmpint (ledger_fixture_wait (fixture, &wish, NULL), ==, 36);
  /* Nor emptier than empty: what is spent beyond it the CA has refused, and not counted. */
  ledger_fixture_issue (fixture, &wish);
  g_assert_cmpint (ledger_fixture_wait (fixture, &wish, NULL), ==, 36);
}

static void
test_half (LedgerFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  HerdLedgerWish first = ledger_fixture_wish (fixture, ledger_www);
  HerdLedgerWish renewal = first;

  renewal.renewal = TRUE;
  ledger_fixture_add (fixture, &ledger_orders);
  for (guint i = 0; i < 3; i++) {
    g_assert_cmpint (ledger_fixture_wait (fixture, &first, NULL), ==, 0);
    ledger_fixture_issue (fixture, &first);
  }
  g_assert_cmpint (
      ledger_fixture_wait (fixture, &first, "3 of 6 are spent, 3 of them kept for renewals"), ==,
      36);
  g_assert_cmpint (ledger_fixture_wait (fixture, &renewal, NULL), ==, 0);
  ledger_fixture_issue (fixture, &renewal);
  g_assert_cmpint (ledger_fixture_wait (fixture, &first, NULL), ==, 72);
  ledger_fixture_advance (fixture, 72);
  g_assert_cmpint (ledger_fixture_wait (fixture, &first, NULL), ==, 0);
}

/* Of an odd number first issuances have the larger half; a bucket of one is for both. */
static void
test_small (LedgerFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  HerdLimit one = { "one", HERD_LIMIT_ACCOUNT, 1, 60, FALSE, FALSE };
  HerdLedgerWish wish = ledger_fixture_wish (fixture, ledger_www);

  ledger_fixture_add (fixture, &ledger_same);
  ledger_fixture_issue (fixture, &wish);
  g_assert_cmpint (ledger_fixture_wait (fixture, &wish, NULL), ==, 0);
  ledger_fixture_issue (fixture, &wish);
  g_assert_cmpint (ledger_fixture_wait (fixture, &wish, "2 of 3"), ==, 34 * HOUR);
  g_ptr_array_index (fixture->limits, 0) = &one;
  g_assert_cmpint (ledger_fixture_wait (fixture, &wish, NULL), ==, 0);
  ledger_fixture_issue (fixture, &wish);
  g_assert_cmpint (ledger_fixture_wait (fixture, &wish, "1 of 1 are spent; "), ==, 60);
}

/* What runs has been promised its share, and gives back what it did not spend. */
static void
test_promises (LedgerFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  HerdLedgerWish wish = ledger_fixture_wish (fixture, ledger_www);
  HerdLedgerEntry *entries[2];

  ledger_fixture_add (fixture, &ledger_domain);
  for (guint i = 0; i < 2; i++) {
    g_assert_cmpint (ledger_fixture_wait (fixture, &wish, NULL), ==, 0);
    entries[i] = herd_ledger_begin (fixture->ledger, &wish);
    herd_ledger_entry_order (entries[i], FALSE);
  }
  g_assert_cmpint (ledger_fixture_wait (fixture, &wish, "2 of 4"), ==, 202 * MINUTE);
  herd_ledger_entry_free (entries[0]);
  g_assert_cmpint (ledger_fixture_wait (fixture, &wish, NULL), ==, 0);
  herd_ledger_entry_issue (entries[1]);
  herd_ledger_entry_free (entries[1]);
  g_assert_cmpint (ledger_fixture_wait (fixture, &wish, NULL), ==, 0);
  ledger_fixture_issue (fixture, &wish);
  g_assert_cmpint (ledger_fixture_wait (fixture, &wish, NULL), ==, 202 * MINUTE);
}

/* Those that wait come one after the other, not all of them whenever there is room for one. */
static void
test_turns (LedgerFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  HerdLedgerWish first = ledger_fixture_wish (fixture, ledger_www);
  HerdLedgerWish waiting = first;

  ledger_fixture_add (fixture, &ledger_orders);
  for (guint i = 0; i < 3; i++)
    ledger_fixture_issue (fixture, &first);
  waiting.waits = TRUE;
  for (gint64 i = 1; i <= 100; i++)
    g_assert_cmpint (ledger_fixture_wait (fixture, &waiting, NULL), ==, i * 36);
  g_assert_cmpint (ledger_fixture_wait (fixture, &waiting, NULL), ==, HOUR);
  g_assert_cmpint (ledger_fixture_wait (fixture, &waiting, NULL), ==, HOUR);
  /* Who asks for something else, or does not wait, has nothing to do with that. */
  g_assert_cmpint (ledger_fixture_wait (fixture, &first, NULL), ==, 36);
  waiting.renewal = TRUE;
  for (guint i = 0; i < 3; i++)
    ledger_fixture_issue (fixture, &first);
  g_assert_cmpint (ledger_fixture_wait (fixture, &waiting, NULL), ==, 36);
  g_assert_cmpint (ledger_fixture_wait (fixture, &waiting, NULL), ==, 72);
  /* Nobody waits any more. */
  ledger_fixture_advance (fixture, DAY);
  g_assert_cmpint (ledger_fixture_wait (fixture, &waiting, NULL), ==, 0);
  for (guint i = 0; i < 6; i++)
    ledger_fixture_issue (fixture, &first);
  g_assert_cmpint (ledger_fixture_wait (fixture, &waiting, NULL), ==, 36);
}

/* A newOrder that is sent again after a lost answer may have been counted twice. */
static void
test_repeated_order (LedgerFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  HerdLedgerWish wish = ledger_fixture_wish (fixture, ledger_www);
  HerdLedgerEntry *entry;

  ledger_fixture_add (fixture, &ledger_orders);
  entry = herd_ledger_begin (fixture->ledger, &wish);
  for (guint i = 0; i < 3; i++)
    herd_ledger_entry_order (entry, FALSE);
  g_assert_cmpint (ledger_fixture_wait (fixture, &wish, "3 of 6"), ==, 36);
  herd_ledger_entry_free (entry);
  g_assert_cmpint (ledger_fixture_wait (fixture, &wish, "3 of 6"), ==, 36);
}

/* --- subjects --- */

static void
test_subjects (LedgerFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const char *const turned[] = { "b.one.example", "a.one.example", NULL };
  static const char *const both[] = { "a.one.example", "b.one.example", NULL };
  static const char *const third[] = { "c.one.example", NULL };
  static const char *const mixed[] = { "x.two.example", "d.one.example", NULL };
  static const char *const other[] = { "x.two.example", NULL };
  HerdLedgerWish wish = ledger_fixture_wish (fixture, both);
  HerdLedgerWish elsewhere;

  ledger_fixture_add (fixture, &ledger_same);
  ledger_fixture_add (fixture, &ledger_domain);
  ledger_fixture_issue (fixture, &wish);
  wish.identifiers = turned;
  ledger_fixture_issue (fixture, &wish);
  g_assert_cmpint (ledger_fixture_wait (fixture, &wish, "for a.one.example b.one.example"), ==,
                   34 * HOUR);
  /* One certificate of a domain, however many of its names are in it. */
  wish.identifiers = third;
  g_assert_cmpint (ledger_fixture_wait (fixture, &wish, "domain for one.example"), ==,
                   202 * MINUTE);
  wish.identifiers = mixed;
  g_assert_cmpint (ledger_fixture_wait (fixture, &wish, "domain for one.example"), ==,
                   202 * MINUTE);
  wish.identifiers = other;
  g_assert_cmpint (ledger_fixture_wait (fixture, &wish, NULL), ==, 0);
  /* It counts for every account at the CA, and for no other CA. */
  elsewhere = ledger_fixture_wish (fixture, third);
  elsewhere.authority = 8;
  g_assert_cmpint (ledger_fixture_wait (fixture, &elsewhere, "domain"), ==, 202 * MINUTE);
  elsewhere.directory = "https://other.example/directory";
  g_assert_cmpint (ledger_fixture_wait (fixture, &elsewhere, NULL), ==, 0);
}

static void
test_large_set (LedgerFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  HerdLedgerWish wish;

  for (guint i = 0; i < 100; i++)
    g_ptr_array_add (names, g_strdup_printf ("n%03u.one.example", i));
  g_ptr_array_add (names, NULL);
  wish = ledger_fixture_wish (fixture, (const char *const *) names->pdata);
  ledger_fixture_add (fixture, &ledger_same);
  ledger_fixture_issue (fixture, &wish);
  ledger_fixture_issue (fixture, &wish);
  g_assert_cmpint (ledger_fixture_wait (fixture, &wish, "n000.one.example and 99 more (sha256:"),
                   ==, 34 * HOUR);
  /* Another name in it makes another set. */
  g_free (names->pdata[99]);
  names->pdata[99] = g_strdup ("z.one.example");
  g_assert_cmpint (ledger_fixture_wait (fixture, &wish, NULL), ==, 0);
}

static void
test_failures (LedgerFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const char *const wild[] = { "*.www.one.example", NULL };
  static const char *const other[] = { "mail.one.example", NULL };
  HerdLedgerWish wish = ledger_fixture_wish (fixture, ledger_www);

  ledger_fixture_add (fixture, &ledger_failures);
  for (guint i = 0; i < 3; i++) {
    g_assert_cmpint (ledger_fixture_wait (fixture, &wish, NULL), ==, 0);
    ledger_fixture_fail (fixture, &wish, "www.one.example");
  }
  g_assert_cmpint (ledger_fixture_wait (fixture, &wish, "failures for www.one.example"), ==,
                   12 * MINUTE);
  wish.identifiers = wild;
  g_assert_cmpint (ledger_fixture_wait (fixture, &wish, "failures for www.one.example"), ==,
                   12 * MINUTE);
  wish.identifiers = other;
  g_assert_cmpint (ledger_fixture_wait (fixture, &wish, NULL), ==, 0);
  /* They are the account's. */
  wish = ledger_fixture_wish (fixture, ledger_www);
  wish.authority = 8;
  g_assert_cmpint (ledger_fixture_wait (fixture, &wish, NULL), ==, 0);
}

static void
test_failures_in_a_row (LedgerFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  HerdLedgerWish wish = ledger_fixture_wish (fixture, ledger_www);

  ledger_fixture_add (fixture, &ledger_in_a_row);
  wish.renewal = TRUE;
  for (guint i = 0; i < 3; i++)
    ledger_fixture_fail (fixture, &wish, "www.one.example");
  ledger_fixture_issue (fixture, &wish);
  for (guint i = 0; i < 4; i++) {
    g_assert_cmpint (ledger_fixture_wait (fixture, &wish, NULL), ==, 0);
    ledger_fixture_fail (fixture, &wish, "www.one.example");
  }
  g_assert_cmpint (ledger_fixture_wait (fixture, &wish, "in-a-row"), ==, DAY);
}

/* No renewal needs an account: nothing of that limit is kept. */
static void
test_accounts (LedgerFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  HerdLedgerWish wish = ledger_fixture_wish (fixture, NULL);

  wish.registers = TRUE;
  ledger_fixture_add (fixture, &ledger_accounts);
  ledger_fixture_add (fixture, &ledger_orders);
  for (guint i = 0; i < 2; i++) {
    HerdLedgerEntry *entry;

    g_assert_cmpint (ledger_fixture_wait (fixture, &wish, NULL), ==, 0);
    entry = herd_ledger_begin (fixture->ledger, &wish);
    herd_ledger_entry_register (entry);
    herd_ledger_entry_free (entry);
  }
  wish.authority = 8;
  g_assert_cmpint (ledger_fixture_wait (fixture, &wish, "accounts"), ==, 18 * MINUTE);
  wish.identifiers = ledger_www;
  g_assert_cmpint (ledger_fixture_wait (fixture, &wish, "accounts"), ==, 18 * MINUTE);
  wish.registers = FALSE;
  g_assert_cmpint (ledger_fixture_wait (fixture, &wish, NULL), ==, 0);
}

/* --- exemptions --- */

static void
test_exemptions (LedgerFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  HerdLedgerWish wish = ledger_fixture_wish (fixture, ledger_www);

  ledger_fixture_add (fixture, &ledger_orders);
  ledger_fixture_add (fixture, &ledger_domain);
  ledger_fixture_add (fixture, &ledger_same);
  wish.renewal = TRUE;
  wish.same_identifiers = TRUE;
  for (guint i = 0; i < 3; i++) {
    g_assert_cmpint (ledger_fixture_wait (fixture, &wish, NULL), ==, 0);
    ledger_fixture_issue (fixture, &wish);
  }
  /* Not from the limit of the set. */
  g_assert_cmpint (ledger_fixture_wait (fixture, &wish, "limit same for"), ==, 34 * HOUR);
  wish.replaces = TRUE;
  g_assert_cmpint (ledger_fixture_wait (fixture, &wish, NULL), ==, 0);
  for (guint i = 0; i < 10; i++)
    ledger_fixture_issue (fixture, &wish);
  wish.replaces = FALSE;
  g_assert_cmpint (ledger_fixture_wait (fixture, &wish, NULL), ==, 34 * HOUR);
  /* And nothing of the other limits was spent. */
  wish.same_identifiers = FALSE;
  g_ptr_array_remove (fixture->limits, (gpointer) &ledger_same);
  wish.renewal = FALSE;
  g_assert_cmpint (ledger_fixture_wait (fixture, &wish, NULL), ==, 0);
}

/* The order left without “replaces” after all: the exemption is gone. */
static void
test_dropped_replaces (LedgerFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  HerdLedgerWish wish = ledger_fixture_wish (fixture, ledger_www);
  HerdLedgerWish plain = wish;
  HerdLedgerEntry *entry;

  ledger_fixture_add (fixture, &ledger_same);
  wish.replaces = TRUE;
  for (guint i = 0; i < 2; i++) {
    entry = herd_ledger_begin (fixture->ledger, &wish);
    herd_ledger_entry_order (entry, TRUE);
    herd_ledger_entry_order (entry, FALSE);
    herd_ledger_entry_issue (entry);
    herd_ledger_entry_free (entry);
  }
  g_assert_cmpint (ledger_fixture_wait (fixture, &plain, "2 of 3"), ==, 34 * HOUR);
}

/* --- the CA says no --- */

static void
test_hold (LedgerFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const char *const other[] = { "other.example", NULL };
  HerdLedgerWish wish = ledger_fixture_wish (fixture, ledger_www);

  wish.limits = NULL;
  herd_ledger_refused (fixture->ledger, &wish, ledger_fixture_now (fixture) + 100);
  wish = ledger_fixture_wish (fixture, other);
  wish.authority = 8;
  wish.limits = NULL;
  wish.renewal = TRUE;
  g_assert_cmpint (ledger_fixture_wait (fixture, &wish, "left alone until 2026-01-01T00:01:40Z"),
                   ==, 100);
  /* A shorter one does not take it back. */
  herd_ledger_refused (fixture->ledger, &wish, ledger_fixture_now (fixture) + 50);
  g_assert_cmpint (ledger_fixture_wait (fixture, &wish, NULL), ==, 100);
  wish.directory = "https://other.example/directory";
  g_assert_cmpint (ledger_fixture_wait (fixture, &wish, NULL), ==, 0);
  wish.directory = CA;
  ledger_fixture_advance (fixture, 99);
  g_assert_cmpint (ledger_fixture_wait (fixture, &wish, NULL), ==, 1);
  ledger_fixture_advance (fixture, 1);
  g_assert_cmpint (ledger_fixture_wait (fixture, &wish, NULL), ==, 0);
  g_assert_cmpint (herd_ledger_get_hold (fixture->ledger, CA), ==, 0);
}

/* A time that only a limit of the names explains holds no other names back. */
static void
test_hold_of_names (LedgerFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  HerdLedgerWish wish = ledger_fixture_wish (fixture, ledger_www);

  ledger_fixture_add (fixture, &ledger_orders);
  ledger_fixture_add (fixture, &ledger_domain);
  herd_ledger_refused (fixture->ledger, &wish, ledger_fixture_now (fixture) + 202 * MINUTE);
  g_assert_cmpint (ledger_fixture_wait (fixture, &wish, NULL), ==, 0);
  herd_ledger_refused (fixture->ledger, &wish, ledger_fixture_now (fixture) + 37);
  g_assert_cmpint (ledger_fixture_wait (fixture, &wish, NULL), ==, 0);
  herd_ledger_refused (fixture->ledger, &wish, ledger_fixture_now (fixture) + 36);
  g_assert_cmpint (ledger_fixture_wait (fixture, &wish, NULL), ==, 36);
  ledger_fixture_advance (fixture, 36);
  /* None explains it: it is about everything. */
  herd_ledger_refused (fixture->ledger, &wish, ledger_fixture_now (fixture) + 10 * DAY);
  g_assert_cmpint (ledger_fixture_wait (fixture, &wish, NULL), ==, 7 * DAY);
}

/* --- time and disk --- */

static void
test_clock (LedgerFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  HerdLedgerWish wish = ledger_fixture_wish (fixture, ledger_www);

  ledger_fixture_add (fixture, &ledger_orders);
  wish.renewal = TRUE;
  for (guint i = 0; i < 6; i++)
    ledger_fixture_issue (fixture, &wish);
  /* Set back by years: as if all had been spent just now, and no longer than that. */
  herd_manual_clock_set_real (fixture->clock,
                              HERD_MANUAL_CLOCK_START - 3 * 365 * DAY * HERD_SECOND);
  g_assert_cmpint (ledger_fixture_wait (fixture, &wish, "6 of 6"), ==, 36);
  ledger_fixture_advance (fixture, 35);
  g_assert_cmpint (ledger_fixture_wait (fixture, &wish, NULL), ==, 1);
  ledger_fixture_advance (fixture, 1);
  g_assert_cmpint (ledger_fixture_wait (fixture, &wish, NULL), ==, 0);
  wish.limits = NULL;
  herd_ledger_refused (fixture->ledger, &wish, ledger_fixture_now (fixture) + 60);
  herd_manual_clock_set_real (fixture->clock, 1000 * HERD_SECOND);
  g_assert_cmpint (ledger_fixture_wait (fixture, &wish, NULL), ==, 7 * DAY);
  ledger_fixture_advance (fixture, 7 * DAY - 1);
  g_assert_cmpint (ledger_fixture_wait (fixture, &wish, NULL), ==, 1);
  ledger_fixture_advance (fixture, 1);
  g_assert_cmpint (ledger_fixture_wait (fixture, &wish, NULL), ==, 0);
  /* Set on: it is all there again. */
  herd_manual_clock_set_real (fixture->clock, HERD_MANUAL_CLOCK_START + 365 * DAY * HERD_SECOND);
  wish.limits = fixture->limits;
  g_assert_cmpint (ledger_fixture_wait (fixture, &wish, NULL), ==, 0);
}

/* --- registered domains --- */

static void
test_registered (void)
{
  static const char *const rows[][2] = {
    { "example.com", "example.com" },
    { "a.b.example.com", "example.com" },
    { "*.a.example.co.uk", "example.co.uk" },
    { "co.uk", "co.uk" },
    { "someone.github.io", "someone.github.io" },
    { "www.xn--85x722f.xn--55qx5d.cn", "xn--85x722f.xn--55qx5d.cn" },
    { "host.internal", "host.internal" },
    { "a.host.internal", "host.internal" },
    { "localhost", "localhost" },
    { "192.0.2.17", "192.0.2.17" },
    { "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64" },
  };
  g_autoptr (HerdSuffixes) suffixes = herd_suffixes_new ();

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    g_autofree char *registered = herd_suffixes_get_registered (suffixes, rows[i][0]);

    g_assert_cmpstr (registered, ==, rows[i][1]);
  }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func)                                                                            \
  g_test_add ("/ledger/" name, LedgerFixture, NULL, ledger_fixture_set_up, func,                   \
              ledger_fixture_tear_down)
  ADD ("bucket", test_bucket);
  ADD ("half", test_half);
  ADD ("small", test_small);
  ADD ("promises", test_promises);
  ADD ("turns", test_turns);
  ADD ("repeated-order", test_repeated_order);
  ADD ("subjects", test_subjects);
  ADD ("large-set", test_large_set);
  ADD ("failures", test_failures);
  ADD ("failures-in-a-row", test_failures_in_a_row);
  ADD ("accounts", test_accounts);
  ADD ("exemptions", test_exemptions);
  ADD ("dropped-replaces", test_dropped_replaces);
  ADD ("hold", test_hold);
  ADD ("hold-of-names", test_hold_of_names);
  ADD ("clock", test_clock);
  g_test_add_func ("/ledger/registered-domain", test_registered);
  return g_test_run ();
}
