// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The state when its file is not as it was written: broken, cut, emptied, gone, or filled by
 * somebody with values that no agent writes. Never a crash, never a new state in its place, and the
 * error names what is wrong.
 */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugin/error.h"
#include "state-fixture.h"

static void
fill (StateFixture *fixture)
{
  g_autoptr (HerdAuthority) authority = make_authority (200, "le");
  g_autoptr (HerdOperation) operation = make_operation (201, 1);
  g_autoptr (HerdWithdrawal) withdrawal = herd_withdrawal_new (202, "gone", "live");
  g_autoptr (GBytes) text = bytes ("some text");
  HerdBatch *batch = herd_batch_new ();

  state_fixture_open (fixture);
  for (guint64 id = 1; id <= 100; id++)
    commit_ok (fixture->state, make_batch (id));
  herd_batch_put_authority (batch, authority);
  herd_batch_put_record (batch, 200, "account-key", text, TRUE);
  herd_batch_put_operation (batch, operation);
  herd_batch_put_checkpoint (batch, 201, text);
  herd_batch_put_pending_key (batch, 201, text);
  herd_batch_put_withdrawal (batch, withdrawal);
  commit_ok (fixture->state, batch);
  state_fixture_close (fixture);
}

static void
overwrite (StateFixture *fixture, off_t offset, const void *data, gsize size)
{
  int fd = open (fixture->path, O_WRONLY | O_CLOEXEC);

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (pwrite (fd, data, size, offset), ==, (gssize) size);
  close (fd);
}

/* The file as it was, whatever opening made of it. */
static char *
save (StateFixture *fixture, gsize *size)
{
  char *contents = NULL;

  g_assert_true (g_file_get_contents (fixture->path, &contents, size, NULL));
  return contents;
}

static void
restore (StateFixture *fixture, const char *contents, gsize size)
{
  g_assert_true (g_file_set_contents (fixture->path, contents, (gssize) size, NULL));
}

static void
test_header (StateFixture *fixture, gconstpointer data)
{
  gsize size, after;
  g_autofree char *contents = NULL;
  g_autofree char *now = NULL;

  fill (fixture);
  contents = save (fixture, &size);
  overwrite (fixture, 0, "not a database at all", 21);
  state_fixture_refused (fixture, HERD_ERROR_FAILED, fixture->path);
  state_fixture_refused (fixture, HERD_ERROR_FAILED, "damaged");
  restore (fixture, contents, size);
  /* The page of the schema. */
  overwrite (fixture, 100, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
  state_fixture_refused (fixture, HERD_ERROR_FAILED, "damaged");
  /* Nothing was made good by force. */
  now = save (fixture, &after);
  g_assert_cmpuint (after, ==, size);
  restore (fixture, contents, size);
  state_fixture_open (fixture);
}

static void
test_cut (StateFixture *fixture, gconstpointer data)
{
  gsize size;
  g_autofree char *contents = NULL;
  const gsize rests[] = { 0, 1, 50, 100, 4095, 4096, 8192, 20000 };

  fill (fixture);
  contents = save (fixture, &size);
  for (guint i = 0; i < G_N_ELEMENTS (rests); i++) {
    restore (fixture, contents, size);
    g_assert_cmpint (truncate (fixture->path, (off_t) rests[i]), ==, 0);
    state_fixture_refused (fixture, HERD_ERROR_FAILED, fixture->path);
    state_fixture_refused (fixture, HERD_ERROR_FAILED, "backup");
  }
  restore (fixture, contents, size);
  g_assert_cmpint (truncate (fixture->path, (off_t) size - 4096), ==, 0);
  state_fixture_refused (fixture, HERD_ERROR_FAILED, "backup");
  restore (fixture, contents, size);
  state_fixture_open (fixture);
}

/* A state that lost its file is not a new one as long as anything of it is left. */
static void
test_gone (StateFixture *fixture, gconstpointer data)
{
  g_autofree char *journal = g_strconcat (fixture->path, "-wal", NULL);

  fill (fixture);
  g_assert_cmpint (g_remove (fixture->path), ==, 0);
  g_assert_true (g_file_set_contents (journal, "what is left", -1, NULL));
  state_fixture_refused (fixture, HERD_ERROR_FAILED, journal);
  g_assert_false (g_file_test (fixture->path, G_FILE_TEST_EXISTS));
  g_assert_cmpint (g_remove (journal), ==, 0);
  g_assert_cmpint (g_mkdir (fixture->path, 0700), ==, 0);
  state_fixture_refused (fixture, HERD_ERROR_FAILED, "not a file");
}

/* What a kill while it was made leaves is made anew. */
static void
test_leftovers (StateFixture *fixture, gconstpointer data)
{
  g_autofree char *half = g_strconcat (fixture->path, ".new", NULL);
  g_autofree char *journal = g_strconcat (half, "-wal", NULL);

  g_assert_cmpint (g_mkdir_with_parents (fixture->directory, 0711), ==, 0);
  g_assert_true (g_file_set_contents (half, "half a database", -1, NULL));
  g_assert_true (g_file_set_contents (journal, "half a journal", -1, NULL));
  state_fixture_open (fixture);
  g_assert_false (g_file_test (half, G_FILE_TEST_EXISTS));
  g_assert_false (g_file_test (journal, G_FILE_TEST_EXISTS));
}

static void
test_schema (StateFixture *fixture, gconstpointer data)
{
  static const struct {
    const char *sql;
    const char *words;
  } cases[] = {
    { "DROP TABLE withdrawals", "withdrawals" },
    { "ALTER TABLE certificates RENAME COLUMN owner TO proprietor", "owner" },
    { "ALTER TABLE generations DROP COLUMN serial", "serial" },
  };
  gsize size;
  g_autofree char *contents = NULL;

  fill (fixture);
  contents = save (fixture, &size);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    state_fixture_sql (fixture, cases[i].sql);
    state_fixture_refused (fixture, HERD_ERROR_FAILED, cases[i].words);
    restore (fixture, contents, size);
  }
  state_fixture_open (fixture);
}

/* Values that SQLite takes and no agent writes: the row and the column are named. */
static void
test_rows (StateFixture *fixture, gconstpointer data)
{
  static const struct {
    const char *sql;
    const char *row;
    const char *column;
  } cases[] = {
    { "UPDATE certificates SET spec = x'00' WHERE id = 5", "certificate 5", "spec" },
    { "UPDATE certificates SET spec = zeroblob (100000) WHERE id = 5", "certificate 5", "spec" },
    { "UPDATE certificates SET spec = x'FFFFFFFFFFFFFFFFFFFFFFFF' WHERE id = 5", "certificate 5",
      "spec" },
    { "UPDATE certificates SET name = CAST (x'61FF62' AS TEXT) WHERE id = 5", "certificate 5",
      "name" },
    { "UPDATE certificates SET name = 'a' || char (0) || 'b' WHERE id = 5", "certificate 5",
      "name" },
    { "UPDATE certificates SET owner = -1 WHERE id = 5", "certificate 5", "owner" },
    { "UPDATE certificates SET owner = 4294967296 WHERE id = 5", "certificate 5", "owner" },
    { "UPDATE certificates SET origin = 2 WHERE id = 5", "certificate 5", "origin" },
    { "UPDATE certificates SET action = 99 WHERE id = 5", "certificate 5", "action" },
    { "UPDATE certificates SET current = -5 WHERE id = 5", "certificate 5", "current" },
    { "UPDATE certificates SET failures = -5 WHERE id = 5", "certificate 5", "failures" },
    { "UPDATE numbers SET last = -5 WHERE name = 'c5'", "certificate 5", "last_number" },
    { "UPDATE deliveries SET state = 6 WHERE certificate = 5", "certificate 5", "state" },
    { "UPDATE backoffs SET rehearse = 2 WHERE certificate = 5", "certificate 5", "rehearse" },
    { "UPDATE backoffs SET failures = -1 WHERE certificate = 5", "certificate 5", "failures" },
    { "UPDATE backoffs SET certificate = 999 WHERE certificate = 5", "certificate 999", "" },
    { "UPDATE deliveries SET certificate = 999 WHERE certificate = 5", "certificate 999", "" },
    { "UPDATE generations SET identifiers = CAST (x'FF' AS TEXT) WHERE certificate = 5",
      "certificate 5", "identifiers" },
    { "UPDATE renewal_info SET problem = CAST (x'FF' AS TEXT) WHERE certificate = 5",
      "certificate 5", "problem" },
    { "UPDATE renewal_info SET certificate = 999 WHERE certificate = 5", "certificate 999", "" },
    { "UPDATE generations SET rejected = 2 WHERE certificate = 5", "certificate 5", "rejected" },
    { "UPDATE generations SET revoked = 9 WHERE certificate = 5", "certificate 5", "revoked" },
    { "INSERT INTO generations SELECT 999, number, issuer, created, rejected, not_before,"
      " not_after, serial, fingerprint, issued_by, identifiers, revoked FROM generations WHERE "
      "number = 1"
      " AND certificate = 5",
      "certificate 999", "" },
    { "UPDATE operations SET steps = x'01'", "operation 201", "steps" },
    { "UPDATE operations SET options = x'01'", "operation 201", "options" },
    { "UPDATE operations SET progress = 9e999", "operation 201", "progress" },
    { "UPDATE operations SET state = -1", "operation 201", "state" },
    { "UPDATE authorities SET settings = x'0001'", "issuer 200", "settings" },
    { "UPDATE withdrawals SET target = CAST (x'FF' AS TEXT)", "certificate 202", "target" },
  };
  gsize size;
  g_autofree char *contents = NULL;

  fill (fixture);
  contents = save (fixture, &size);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;

    restore (fixture, contents, size);
    state_fixture_sql (fixture, cases[i].sql);
    state_fixture_open (fixture);
    g_assert_null (herd_state_load (fixture->state, &error));
    assert_words (error, HERD_ERROR_FAILED, cases[i].row);
    assert_words (error, HERD_ERROR_FAILED, cases[i].column);
    assert_words (error, HERD_ERROR_FAILED, fixture->path);
    state_fixture_close (fixture);
  }
}

/* The state's own notes: bad ones are refused when it is opened. */
static void
test_notes (StateFixture *fixture, gconstpointer data)
{
  static const char *const cases[] = {
    "UPDATE meta SET value = -1 WHERE name = 'ids'",
    "UPDATE meta SET value = 'x' WHERE name = 'ids'",
    "UPDATE meta SET value = 0 WHERE name = 'ids'",
    "INSERT INTO numbers VALUES (CAST (x'FF' AS TEXT), 3)",
    "INSERT INTO numbers VALUES ('x', -3)",
  };
  gsize size;
  g_autofree char *contents = NULL;

  fill (fixture);
  contents = save (fixture, &size);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    restore (fixture, contents, size);
    state_fixture_sql (fixture, cases[i]);
    state_fixture_refused (fixture, HERD_ERROR_FAILED, "damaged");
  }
}

/* Bytes turned anywhere in the file: an error, or what was written; nothing else, and no crash. */
static void
test_bytes (StateFixture *fixture, gconstpointer data)
{
  gsize size;
  g_autofree char *contents = NULL;
  guint n_refused = 0;

  fill (fixture);
  contents = save (fixture, &size);
  for (guint i = 0; i < 100; i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (HerdStateContents) loaded = NULL;
    g_autoptr (GBytes) key = NULL;
    const char junk[] = "\xde\xad\xbe\xef";

    restore (fixture, contents, size);
    overwrite (fixture, g_test_rand_int_range (0, (gint32) size - 4), junk, 4);
    fixture->state = herd_state_open (fixture->directory, NULL, &error);
    if (fixture->state == NULL) {
      g_assert_nonnull (error);
      n_refused++;
      continue;
    }
    loaded = herd_state_load (fixture->state, &error);
    g_assert_true ((loaded == NULL) == (error != NULL));
    n_refused += loaded == NULL;
    g_clear_error (&error);
    if (herd_state_unlock (fixture->state, fixture->kek, &error)
        && read_generation (fixture->state, 50, 2, TRUE, NULL, &key, &error))
      assert_bytes (key, "key 2");
    state_fixture_close (fixture);
  }
  g_assert_cmpuint (n_refused, >, 0);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func)                                                                            \
  g_test_add ("/state/" name, StateFixture, NULL, state_fixture_set_up, func,                      \
              state_fixture_tear_down)
  ADD ("header", test_header);
  ADD ("cut", test_cut);
  ADD ("gone", test_gone);
  ADD ("leftovers", test_leftovers);
  ADD ("schema", test_schema);
  ADD ("rows", test_rows);
  ADD ("notes", test_notes);
  ADD ("bytes", test_bytes);
  return g_test_run ();
}
