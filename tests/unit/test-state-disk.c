// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The state where something is in its way: full and read-only disks, a second agent, older and newer
 * schemas. Mounts are made in a child that runs the same test.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plugin/error.h"
#include "state-fixture.h"
#include "state/schema.h"

/* How the child is told where the parent's state is. */
#define DIRECTORY "CERTHERD_TEST_DIRECTORY"

/* --- disks --- */

static void
test_unwritable (StateFixture *fixture, gconstpointer data)
{
  g_autofree char *parent = g_path_get_dirname (fixture->directory);
  g_autoptr (GError) error = NULL;
  uid_t uid = geteuid ();
  HerdState *state;

  /* Not there, and not to be made. */
  g_assert_cmpint (chmod (parent, 0555), ==, 0);
  if (uid == 0)
    g_assert_cmpint (seteuid (65534), ==, 0);
  state_fixture_refused (fixture, HERD_ERROR_FAILED, fixture->directory);
  if (uid == 0)
    g_assert_cmpint (seteuid (0), ==, 0);
  g_assert_cmpint (chmod (parent, 0755), ==, 0);

  /* There, and another's; then only its file is. */
  state_fixture_open (fixture);
  state_fixture_close (fixture);
  g_assert_cmpint (chmod (fixture->directory, 0555), ==, 0);
  if (uid == 0)
    g_assert_cmpint (seteuid (65534), ==, 0);
  state = herd_state_open (fixture->directory, NULL, &error);
  if (uid == 0)
    g_assert_cmpint (seteuid (0), ==, 0);
  g_assert_cmpint (chmod (fixture->directory, 0711), ==, 0);
  if (uid != 0) {
    /* Its own file may be written still, only not beside it. */
    herd_state_close (state);
    return;
  }
  g_assert_null (state);
  assert_words (error, HERD_ERROR_FAILED, fixture->directory);
  g_assert_nonnull (strstr (error->message, "user"));
}

/* A file system of 1 MiB, for this process only. */
static gboolean
make_small_disk (const char *directory)
{
  if (unshare (CLONE_NEWNS) < 0 || mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
    return FALSE;
  g_assert_cmpint (g_mkdir_with_parents (directory, 0755), ==, 0);
  return mount ("none", directory, "tmpfs", 0, "size=1m") == 0;
}

static char *
fill_disk (const char *directory)
{
  g_autofree char *path = g_build_filename (directory, "filler", NULL);
  g_autofree char *block = g_malloc0 (4096);
  int fd = open (path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

  g_assert_cmpint (fd, >=, 0);
  while (write (fd, block, 4096) == 4096)
    ;
  g_assert_cmpint (errno, ==, ENOSPC);
  close (fd);
  return g_steal_pointer (&path);
}

static HerdBatch *
make_record (const char *name, gsize size)
{
  g_autofree char *text = g_strnfill (size, 'x');
  g_autoptr (GBytes) value = bytes (text);
  HerdBatch *batch = herd_batch_new ();

  herd_batch_put_record (batch, 4, name, value, FALSE);
  return batch;
}

/* A large change and small ones wait together, with room for the small ones only. */
static void
fill_and_commit (StateFixture *fixture, const char *disk)
{
  g_autofree char *filler = fill_disk (disk);
  struct stat status;
  Tally large = { 0 }, small = { 0 };

  large.state = small.state = fixture->state;
  g_assert_cmpint (stat (filler, &status), ==, 0);
  g_assert_cmpint (truncate (filler, status.st_size - 100 * 1024), ==, 0);
  state_fixture_hold (fixture);
  herd_state_commit_async (fixture->state, make_record ("one", 100), tally_count, &small);
  herd_state_commit_async (fixture->state, make_record ("large", 400 * 1024), tally_count, &large);
  herd_state_commit_async (fixture->state, make_record ("two", 100), tally_count, &small);
  state_fixture_let_go (fixture);
  while (large.n_done < 1 || small.n_done < 2)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (small.n_failed, ==, 0);
  g_assert_cmpuint (large.n_failed, ==, 1);
  assert_words (large.error, HERD_ERROR_FAILED, fixture->path);
  g_assert_nonnull (strstr (large.error->message, "room"));
  g_clear_error (&large.error);
  g_assert_cmpint (unlink (filler), ==, 0);
}

static void
test_full_disk_child (StateFixture *fixture)
{
  g_autofree char *disk = g_path_get_dirname (fixture->directory);
  g_autoptr (HerdAuthority) authority = make_authority (4, "le");
  g_autoptr (GBytes) found = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *filler = NULL;
  HerdBatch *batch = herd_batch_new ();

  g_assert_true (make_small_disk (disk));
  /* A new state on a full disk: an error, and no half state. */
  filler = fill_disk (disk);
  state_fixture_refused (fixture, HERD_ERROR_FAILED, fixture->directory);
  g_assert_cmpint (unlink (filler), ==, 0);
  state_fixture_open (fixture);
  herd_batch_put_authority (batch, authority);
  commit_ok (fixture->state, batch);
  fill_and_commit (fixture, disk);

  /* Once there is room, all goes on. */
  g_assert_null (read_record (fixture->state, 4, "large", &error));
  assert_words (error, HERD_ERROR_NOT_FOUND, "large");
  commit_ok (fixture->state, make_record ("large", 100 * 1024));
  state_fixture_close (fixture);
  state_fixture_open (fixture);
  found = read_record (fixture->state, 4, "two", NULL);
  g_assert_cmpuint (g_bytes_get_size (found), ==, 100);
  state_fixture_close (fixture);
  umount2 (disk, MNT_DETACH);
}

/* Mounts may be forbidden to root too, in a container. */
static gboolean
may_mount (void)
{
  pid_t child = fork ();
  int status = 0;

  if (child == 0)
    _exit (make_small_disk (g_get_tmp_dir ()) ? 0 : 1);
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  return WIFEXITED (status) && WEXITSTATUS (status) == 0;
}

static void
test_full_disk (StateFixture *fixture, gconstpointer data)
{
  if (g_test_subprocess ()) {
    test_full_disk_child (fixture);
    return;
  }
  if (!may_mount ()) {
    g_test_skip ("a small file system cannot be mounted: not root, or not permitted");
    return;
  }
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_INHERIT_STDERR);
  g_test_trap_assert_passed ();
}

/* --- a second agent --- */

static void
test_second (StateFixture *fixture, gconstpointer data)
{
  g_autofree char *pid = g_strdup_printf ("process %d", (int) getpid ());
  sqlite3 *other;

  if (g_test_subprocess ()) {
    g_autoptr (GError) error = NULL;

    g_assert_null (herd_state_open (g_getenv (DIRECTORY), NULL, &error));
    assert_words (error, HERD_ERROR_BUSY, g_getenv (DIRECTORY));
    return;
  }
  state_fixture_open (fixture);
  state_fixture_refused (fixture, HERD_ERROR_BUSY, fixture->directory);
  state_fixture_refused (fixture, HERD_ERROR_BUSY, pid);
  g_setenv (DIRECTORY, fixture->directory, TRUE);
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
  commit_ok (fixture->state, make_batch (1));
  state_fixture_close (fixture);

  /* Another program that holds the file. */
  g_assert_cmpint (sqlite3_open (fixture->path, &other), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_exec (other, "BEGIN EXCLUSIVE", NULL, NULL, NULL), ==, SQLITE_OK);
  state_fixture_refused (fixture, HERD_ERROR_BUSY, fixture->path);
  sqlite3_close (other);
  state_fixture_open (fixture);
}

/* --- schemas --- */

static HerdSchema
make_next_schema (const HerdUpgrade *upgrades)
{
  HerdSchema next = *herd_schema_get ();

  next.version++;
  next.upgrades = upgrades;
  return next;
}

static gboolean
is_column (const char *path, const char *column)
{
  g_autofree char *sql = g_strdup_printf (
      "SELECT count(*) FROM pragma_table_info ('certificates') WHERE name = '%s'", column);
  sqlite3 *connection;
  sqlite3_stmt *statement;
  gboolean found;

  g_assert_cmpint (sqlite3_open (path, &connection), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_prepare_v2 (connection, sql, -1, &statement, NULL), ==, SQLITE_OK);
  g_assert_cmpint (sqlite3_step (statement), ==, SQLITE_ROW);
  found = sqlite3_column_int (statement, 0) != 0;
  sqlite3_finalize (statement);
  sqlite3_close (connection);
  return found;
}

/* A database as version 2 wrote it. */
static void
go_back_to_second (StateFixture *fixture)
{
  state_fixture_sql (fixture, "ALTER TABLE generations DROP COLUMN revoked");
  state_fixture_sql (fixture, "DROP TABLE renewal_info");
  state_fixture_sql (fixture, "DROP TABLE backoffs");
  state_fixture_sql (fixture, "DROP TABLE ledger");
  state_fixture_sql (fixture, "DROP TABLE attempts");
  state_fixture_sql (fixture, "PRAGMA user_version = 2");
}

static void
test_second_version (StateFixture *fixture, gconstpointer data)
{
  g_autofree char *copy = g_strconcat (fixture->path, ".v2", NULL);
  g_autoptr (HerdLedgerRow) row = herd_ledger_row_new (1, "https://ca.example/", "orders", "", 9);
  HerdBatch *batch;

  state_fixture_open (fixture);
  commit_ok (fixture->state, make_batch (1));
  state_fixture_close (fixture);
  go_back_to_second (fixture);
  state_fixture_open (fixture);
  g_assert_cmpuint (count_certificates (fixture), ==, 1);
  batch = make_batch (2);
  herd_batch_put_ledger (batch, row);
  herd_batch_delete_attempts (batch, 1);
  commit_ok (fixture->state, batch);
  state_fixture_close (fixture);
  g_assert_true (g_file_test (copy, G_FILE_TEST_EXISTS));
}

/* A database as the first version wrote it. */
static void
test_first_version (StateFixture *fixture, gconstpointer data)
{
  g_autofree char *copy = g_strconcat (fixture->path, ".v1", NULL);

  state_fixture_open (fixture);
  commit_ok (fixture->state, make_batch (1));
  state_fixture_close (fixture);
  go_back_to_second (fixture);
  state_fixture_sql (fixture, "ALTER TABLE operations DROP COLUMN findings");
  state_fixture_sql (fixture, "PRAGMA user_version = 1");
  state_fixture_open (fixture);
  g_assert_cmpuint (count_certificates (fixture), ==, 1);
  commit_ok (fixture->state, make_batch (2));
  state_fixture_close (fixture);
  g_assert_true (g_file_test (copy, G_FILE_TEST_EXISTS));
}

static void
test_upgrade (StateFixture *fixture, gconstpointer data)
{
  static const HerdUpgrade upgrades[] = {
    { 3, "ALTER TABLE certificates ADD COLUMN colour TEXT NOT NULL DEFAULT 'red'" }, { 0, NULL }
  };
  const HerdSchema next = make_next_schema (upgrades);
  g_autofree char *copy = g_strconcat (fixture->path, ".v3", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) key = NULL;
  struct stat status;

  state_fixture_open (fixture);
  commit_ok (fixture->state, make_batch (1));
  state_fixture_close (fixture);
  fixture->state = herd_state_open_schema (fixture->directory, &next, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (count_certificates (fixture), ==, 1);
  state_fixture_close (fixture);
  g_assert_true (is_column (fixture->path, "colour"));
  g_assert_false (is_column (copy, "colour"));
  g_assert_cmpint (stat (copy, &status), ==, 0);
  g_assert_cmpint (status.st_mode & 07777, ==, 0600);

  /* The older program refuses it, and says where the copy is. It works. */
  state_fixture_refused (fixture, HERD_ERROR_REFUSED, copy);
  g_assert_cmpint (rename (copy, fixture->path), ==, 0);
  state_fixture_open (fixture);
  g_assert_true (read_generation (fixture->state, 1, 2, TRUE, NULL, &key, &error));
  assert_bytes (key, "key 2");
  state_fixture_close (fixture);

  state_fixture_sql (fixture, "PRAGMA user_version = 99");
  state_fixture_refused (fixture, HERD_ERROR_REFUSED, "newer certherd");
}

/* An upgrade that fails changes nothing, and one without a way is not begun. */
static void
test_failed_upgrade (StateFixture *fixture, gconstpointer data)
{
  static const HerdUpgrade failing[] = { { 3, "ALTER TABLE certificates ADD COLUMN colour TEXT;"
                                              "ALTER TABLE nowhere ADD COLUMN x TEXT" },
                                         { 0, NULL } };
  static const HerdUpgrade none[] = { { 0, NULL } };
  const HerdSchema bad = make_next_schema (failing);
  const HerdSchema lost = make_next_schema (none);
  g_autofree char *copy = g_strconcat (fixture->path, ".v3", NULL);
  g_autoptr (GError) error = NULL;

  state_fixture_open (fixture);
  state_fixture_close (fixture);
  g_assert_null (herd_state_open_schema (fixture->directory, &lost, NULL, &error));
  assert_words (error, HERD_ERROR_REFUSED, "version 3");
  g_assert_false (g_file_test (copy, G_FILE_TEST_EXISTS));
  g_clear_error (&error);
  g_assert_null (herd_state_open_schema (fixture->directory, &bad, NULL, &error));
  assert_words (error, HERD_ERROR_FAILED, "nowhere");
  g_assert_false (is_column (fixture->path, "colour"));
  state_fixture_open (fixture);

  /* A file of before the first version has no way either. */
  state_fixture_sql (fixture, "PRAGMA user_version = 0");
  state_fixture_refused (fixture, HERD_ERROR_REFUSED, "version 0");
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func)                                                                            \
  g_test_add ("/state/" name, StateFixture, NULL, state_fixture_set_up, func,                      \
              state_fixture_tear_down)
  ADD ("unwritable", test_unwritable);
  ADD ("full-disk", test_full_disk);
  ADD ("second-agent", test_second);
  ADD ("upgrade/first-version", test_first_version);
  ADD ("upgrade/second-version", test_second_version);
  ADD ("upgrade", test_upgrade);
  ADD ("upgrade/failed", test_failed_upgrade);
  return g_test_run ();
}
