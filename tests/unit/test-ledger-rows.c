// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The rate ledger's rows: on disk, over a restart, dropped when they are full; and as people see them.
 */
#include "ledger-fixture.h"
#include "state-fixture.h"

typedef struct {
  StateFixture state;
  LedgerFixture ledger;
} DiskFixture;

static void
set_up_disk (DiskFixture *fixture, gconstpointer data)
{
  state_fixture_set_up (&fixture->state, data);
  ledger_fixture_set_up (&fixture->ledger, data);
  ledger_fixture_add (&fixture->ledger, &ledger_orders);
  ledger_fixture_add (&fixture->ledger, &ledger_domain);
  state_fixture_open (&fixture->state);
}

static void
tear_down_disk (DiskFixture *fixture, gconstpointer data)
{
  ledger_fixture_tear_down (&fixture->ledger, data);
  state_fixture_tear_down (&fixture->state, data);
}

static void
put (DiskFixture *fixture)
{
  HerdBatch *batch = herd_batch_new ();

  herd_ledger_put (fixture->ledger.ledger, batch);
  commit_ok (fixture->state.state, batch);
}

/* The process ends, and the next one loads. How many rows it has found. */
static guint
restart (DiskFixture *fixture)
{
  g_autoptr (GError) error = NULL;
  HerdStateContents *contents;
  guint n_rows;

  herd_ledger_unref (fixture->ledger.ledger);
  fixture->ledger.ledger = herd_ledger_new (fixture->ledger.clock);
  state_fixture_close (&fixture->state);
  state_fixture_open (&fixture->state);
  contents = herd_state_load (fixture->state.state, &error);
  g_assert_no_error (error);
  n_rows = contents->ledger->len;
  herd_ledger_load (fixture->ledger.ledger, contents->ledger);
  herd_state_contents_free (contents);
  return n_rows;
}

static void
test_restart (DiskFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  HerdLedgerWish wish = ledger_fixture_wish (&fixture->ledger, ledger_www);

  for (guint i = 0; i < 2; i++)
    ledger_fixture_issue (&fixture->ledger, &wish);
  put (fixture);
  g_assert_cmpuint (restart (fixture), ==, 2);
  g_assert_cmpint (ledger_fixture_wait (&fixture->ledger, &wish, "domain for one.example"), ==,
                   202 * MINUTE);
  wish.limits = NULL;
  herd_ledger_refused (fixture->ledger.ledger, &wish, ledger_fixture_now (&fixture->ledger) + 60);
  put (fixture);
  g_assert_cmpuint (restart (fixture), ==, 3);
  g_assert_cmpint (ledger_fixture_wait (&fixture->ledger, &wish, "left alone"), ==, 60);
}

/* What was put and not written is put once more; what was written is not. */
static void
test_put_again (DiskFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  HerdLedgerWish wish = ledger_fixture_wish (&fixture->ledger, ledger_www);
  g_autoptr (HerdBatch) lost = herd_batch_new ();

  ledger_fixture_issue (&fixture->ledger, &wish);
  herd_ledger_put (fixture->ledger.ledger, lost);
  put (fixture);
  g_assert_cmpuint (restart (fixture), ==, 0);
  ledger_fixture_issue (&fixture->ledger, &wish);
  herd_ledger_put (fixture->ledger.ledger, lost);
  herd_ledger_put_again (fixture->ledger.ledger);
  put (fixture);
  g_assert_cmpuint (restart (fixture), ==, 2);
}

/* Rows of what is full by now go, in memory and on disk, when there are many. */
static void
test_sweep (DiskFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  for (guint i = 0; i < 100; i++) {
    g_autofree char *name = g_strdup_printf ("www.d%u.example", i);
    const char *const names[] = { name, NULL };
    HerdLedgerWish wish = ledger_fixture_wish (&fixture->ledger, names);

    ledger_fixture_advance (&fixture->ledger, 20 * MINUTE);
    ledger_fixture_issue (&fixture->ledger, &wish);
    put (fixture);
  }
  /* 202 minutes of domains are eleven, and there is the account's. */
  g_assert_cmpuint (restart (fixture), <=, 64);
  ledger_fixture_advance (&fixture->ledger, DAY);
}

/* --- for people --- */

static GVariant *
describe (LedgerFixture *fixture)
{
  return herd_ledger_describe (fixture->ledger, 7, CA, fixture->limits);
}

static void
assert_line (GVariant *lines, guint index, const char *limit, const char *subject, guint spent,
             gint64 room_at)
{
  g_autoptr (GVariant) line = g_variant_get_child_value (lines, index);
  const char *text;
  guint32 number;
  gint64 time;

  g_assert_true (g_variant_lookup (line, "limit", "&s", &text));
  g_assert_cmpstr (text, ==, limit);
  g_assert_true (g_variant_lookup (line, "subject", "&s", &text));
  g_assert_cmpstr (text, ==, subject);
  g_assert_true (g_variant_lookup (line, "spent", "u", &number));
  g_assert_cmpuint (number, ==, spent);
  g_assert_true (g_variant_lookup (line, "room-at", "x", &time));
  g_assert_cmpint (time, ==, room_at);
}

static void
test_describe (LedgerFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  static const char *const other[] = { "two.example", NULL };
  HerdLedgerWish wish = ledger_fixture_wish (fixture, ledger_www);
  g_autoptr (GVariant) none = herd_ledger_describe (fixture->ledger, 7, CA, NULL);
  g_autoptr (GVariant) lines = NULL;

  g_assert_cmpuint (g_variant_n_children (none), ==, 0);
  ledger_fixture_add (fixture, &ledger_domain);
  ledger_fixture_add (fixture, &ledger_orders);
  ledger_fixture_issue (fixture, &wish);
  ledger_fixture_issue (fixture, &wish);
  wish.identifiers = other;
  ledger_fixture_issue (fixture, &wish);
  lines = describe (fixture);
  g_assert_cmpuint (g_variant_n_children (lines), ==, 3);
  assert_line (lines, 0, "orders", "", 3, ledger_fixture_now (fixture) + 36);
  assert_line (lines, 1, "domain", "one.example", 2, ledger_fixture_now (fixture) + 202 * MINUTE);
  assert_line (lines, 2, "domain", "two.example", 1, 0);
}

static void
test_describe_many (LedgerFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GVariant) lines = NULL;

  ledger_fixture_add (fixture, &ledger_domain);
  for (guint i = 0; i < 1000; i++) {
    g_autofree char *name = g_strdup_printf ("www.d%03u.example", i);
    const char *const names[] = { name, NULL };
    HerdLedgerWish wish = ledger_fixture_wish (fixture, names);

    ledger_fixture_issue (fixture, &wish);
    if (i == 500)
      ledger_fixture_issue (fixture, &wish);
  }
  lines = describe (fixture);
  g_assert_cmpuint (g_variant_n_children (lines), ==, 32);
  assert_line (lines, 0, "domain", "d500.example", 2, ledger_fixture_now (fixture) + 202 * MINUTE);
  assert_line (lines, 1, "domain", "d000.example", 1, 0);
}

static void
test_explain (LedgerFixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  HerdLedgerWish wish = ledger_fixture_wish (fixture, ledger_www);
  g_autoptr (GPtrArray) sentences = NULL;

  ledger_fixture_add (fixture, &ledger_orders);
  ledger_fixture_add (fixture, &ledger_domain);
  ledger_fixture_issue (fixture, &wish);
  sentences = herd_ledger_explain (fixture->ledger, &wish);
  g_assert_cmpuint (sentences->len, ==, 2);
  g_assert_cmpstr (sentences->pdata[0], ==, "orders: 1 of 6 spent, half is kept for renewals");
  g_assert_cmpstr (sentences->pdata[1], ==,
                   "domain for one.example: 1 of 4 spent, half is kept for renewals");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func)                                                                            \
  g_test_add ("/ledger-rows/" name, LedgerFixture, NULL, ledger_fixture_set_up, func,              \
              ledger_fixture_tear_down)
#define ADD_DISK(name, func)                                                                       \
  g_test_add ("/ledger-rows/" name, DiskFixture, NULL, set_up_disk, func, tear_down_disk)
  ADD_DISK ("restart", test_restart);
  ADD_DISK ("put-again", test_put_again);
  ADD_DISK ("sweep", test_sweep);
  ADD ("describe", test_describe);
  ADD ("describe-many", test_describe_many);
  ADD ("explain", test_explain);
  return g_test_run ();
}
