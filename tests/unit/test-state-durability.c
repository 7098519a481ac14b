// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The state under stress: many batches at once, one of them bad, reads between them, kills at every
 * point. Who is to be killed is a child that runs the same test.
 */
#include <stdlib.h>
#include <unistd.h>

#include "plugin/error.h"
#include "state-fixture.h"

/* How the child is told where the parent's state is, and what to do. */
#define DIRECTORY "CERTHERD_TEST_DIRECTORY"
#define ROUND "CERTHERD_TEST_ROUND"

static void
test_group (StateFixture *fixture, gconstpointer data)
{
  Tally tally = { 0 };
  guint64 before;

  state_fixture_open (fixture);
  tally.state = fixture->state;
  before = herd_state_get_n_commits (fixture->state);
  state_fixture_hold (fixture);
  for (guint64 id = 1; id <= 100; id++)
    herd_state_commit_async (fixture->state, make_batch (id), tally_count, &tally);
  state_fixture_let_go (fixture);
  while (tally.n_done < 100)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (tally.n_failed, ==, 0);
  g_assert_cmpuint (herd_state_get_n_commits (fixture->state) - before, ==, 1);
  g_assert_cmpuint (count_certificates (fixture), ==, 100);
}

/* A batch that cannot be done (a generation of no certificate) takes nobody with it. */
static void
test_bad_batch (StateFixture *fixture, gconstpointer data)
{
  g_autoptr (HerdGeneration) generation = make_generation (1);
  g_autoptr (HerdCertificate) half = make_certificate (7, "half", 0);
  g_autoptr (GBytes) text = bytes ("x");
  Tally tally = { 0 };
  HerdBatch *bad = herd_batch_new ();
  guint64 before;

  state_fixture_open (fixture);
  tally.state = fixture->state;
  before = herd_state_get_n_commits (fixture->state);
  herd_batch_put_certificate (bad, half);
  herd_batch_put_generation (bad, 99, generation, text, text);
  state_fixture_hold (fixture);
  herd_state_commit_async (fixture->state, make_batch (1), tally_count, &tally);
  herd_state_commit_async (fixture->state, bad, tally_count, &tally);
  herd_state_commit_async (fixture->state, make_batch (2), tally_count, &tally);
  state_fixture_let_go (fixture);
  while (tally.n_done < 3)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (tally.n_failed, ==, 1);
  assert_words (tally.error, HERD_ERROR_FAILED, "certificate 99");
  g_assert_cmpuint (herd_state_get_n_commits (fixture->state) - before, ==, 1);
  g_assert_cmpuint (count_certificates (fixture), ==, 2);
  g_clear_error (&tally.error);
}

static void
keep_result (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

/* Reads see what was asked for before them, and nothing of what came after. */
static void
test_order (StateFixture *fixture, gconstpointer data)
{
  g_autoptr (HerdAuthority) authority = make_authority (4, "le");
  GAsyncResult *results[6] = { NULL };
  HerdBatch *first = herd_batch_new ();

  state_fixture_open (fixture);
  herd_batch_put_authority (first, authority);
  commit_ok (fixture->state, first);
  state_fixture_hold (fixture);
  for (guint i = 0; i < 3; i++) {
    g_autofree char *text = g_strdup_printf ("value %u", i);
    g_autoptr (GBytes) value = bytes (text);
    HerdBatch *batch = herd_batch_new ();

    herd_batch_put_record (batch, 4, "record", value, TRUE);
    herd_state_commit_async (fixture->state, batch, keep_result, &results[2 * i]);
    herd_state_read_record_async (fixture->state, 4, "record", keep_result, &results[2 * i + 1]);
  }
  state_fixture_let_go (fixture);
  for (guint i = 0; i < 6; i++) {
    g_autofree char *text = g_strdup_printf ("value %u", i / 2);

    while (results[i] == NULL)
      g_main_context_iteration (NULL, TRUE);
    if (i % 2 == 0) {
      g_assert_true (herd_state_commit_finish (fixture->state, results[i], NULL));
    } else {
      g_autoptr (GBytes) value = herd_state_read_record_finish (fixture->state, results[i], NULL);

      assert_bytes (value, text);
    }
    g_object_unref (results[i]);
  }
}

static void
test_close (StateFixture *fixture, gconstpointer data)
{
  Tally tally = { 0 };

  state_fixture_open (fixture);
  tally.state = fixture->state;
  for (guint64 id = 1; id <= 20; id++)
    herd_state_commit_async (fixture->state, make_batch (id), tally_count, &tally);
  state_fixture_close (fixture);
  while (tally.n_done < 20)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (tally.n_failed, ==, 0);
  state_fixture_open (fixture);
  g_assert_cmpuint (count_certificates (fixture), ==, 20);
}

/* --- ids --- */

static void
test_ids (StateFixture *fixture, gconstpointer data)
{
  guint64 last = 0;

  for (guint round = 0; round < 3; round++) {
    state_fixture_open (fixture);
    for (guint i = 0; i < 1000; i++) {
      guint64 id = herd_state_new_id (fixture->state);

      /* No gap: the last one gave the rest of its block back. */
      g_assert_cmpuint (id, ==, last + 1);
      last = id;
    }
    state_fixture_close (fixture);
  }
}

static void
test_killed_ids (StateFixture *fixture, gconstpointer data)
{
  const char *directory = g_getenv (DIRECTORY);
  guint64 before, after;

  if (g_test_subprocess ()) {
    HerdState *state = herd_state_open (directory, NULL, NULL);
    guint64 id = 0;

    state_fixture_clear (fixture);
    for (guint i = 0; i < 700; i++)
      id = herd_state_new_id (state);
    g_assert_cmpuint (id, >=, 700);
    _exit (0);
  }
  state_fixture_open (fixture);
  before = herd_state_new_id (fixture->state);
  state_fixture_close (fixture);
  g_setenv (DIRECTORY, fixture->directory, TRUE);
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
  state_fixture_open (fixture);
  after = herd_state_new_id (fixture->state);
  g_assert_cmpuint (after, >, before + 700);
}

/* --- kills --- */

typedef struct {
  gint left; /* points until the kill */
} Fuse;

static void
burn (const char *point, gpointer data)
{
  Fuse *fuse = data;

  if (g_str_has_prefix (point, "state:") && g_atomic_int_dec_and_test (&fuse->left))
    _exit (3);
}

/* Does three changes that each are to be whole or not there, and is killed at one of the points. */
static void
be_killed (void)
{
  Fuse fuse = { atoi (g_getenv (ROUND)) };
  const HerdCrash crash = { burn, &fuse };
  g_autoptr (GBytes) kek = bytes ("kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk");
  g_autoptr (GError) error = NULL;
  HerdState *state = herd_state_open (g_getenv (DIRECTORY), &crash, &error);

  g_assert_no_error (error);
  g_assert_true (herd_state_unlock (state, kek, &error));
  for (guint64 id = 1; id <= 3; id++)
    commit_ok (state, make_batch (id));
  herd_state_close (state);
}

static void
test_kills (StateFixture *fixture, gconstpointer data)
{
  gboolean ended = FALSE;
  guint round = 0;

  if (g_test_subprocess ()) {
    state_fixture_clear (fixture);
    be_killed ();
    return;
  }
  g_bytes_unref (fixture->kek);
  fixture->kek = bytes ("kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk");
  while (!ended) {
    g_autofree char *directory = g_strdup_printf ("%s-%u", fixture->directory, ++round);
    g_autofree char *text = g_strdup_printf ("%u", round);
    g_autofree char *own = fixture->directory;
    guint n;

    g_setenv (DIRECTORY, directory, TRUE);
    g_setenv (ROUND, text, TRUE);
    g_test_trap_subprocess (NULL, 0, 0);
    ended = g_test_trap_has_passed ();
    fixture->directory = directory;
    state_fixture_open (fixture);
    n = count_certificates (fixture);
    for (guint64 id = 1; id <= n; id++) {
      g_autoptr (GBytes) key = NULL;

      g_assert_true (read_generation (fixture->state, id, 2, TRUE, NULL, &key, NULL));
      assert_bytes (key, "key 2");
    }
    /* Points 1 to 4 are the ids' and the check record's; then two for each change. */
    g_assert_cmpuint (n, ==, ended ? 3 : round < 6 ? 0 : MIN (3, (round - 4) / 2));
    state_fixture_close (fixture);
    fixture->directory = g_steal_pointer (&own);
  }
  g_assert_cmpuint (round, ==, 13);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, func)                                                                            \
  g_test_add ("/state/" name, StateFixture, NULL, state_fixture_set_up, func,                      \
              state_fixture_tear_down)
  ADD ("group", test_group);
  ADD ("bad-batch", test_bad_batch);
  ADD ("order", test_order);
  ADD ("close", test_close);
  ADD ("ids", test_ids);
  ADD ("ids/killed", test_killed_ids);
  ADD ("kills", test_kills);
  return g_test_run ();
}
