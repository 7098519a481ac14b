// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Changes that fail: memory is told what the disk has, and nothing that was made from them gets there.
 * What fails is a key to be sealed while the state is locked.
 */
#include "plugin/error.h"
#include "state-fixture.h"

typedef struct {
  HerdState *state;
  guint n_done;
  guint n_undone;

  GArray *ids;  /* of the last undo */
  char *reason; /* the certificate's on disk, as the last undo told it; NULL: it is not there */
  guint n_operations;
  GError *error; /* the last one */
} Answers;

static void
answers_clear (Answers *answers)
{
  g_clear_pointer (&answers->ids, g_array_unref);
  g_clear_pointer (&answers->reason, g_free);
  g_clear_error (&answers->error);
}

static void
undo (const GArray *ids, HerdStateContents *contents, gpointer data)
{
  Answers *answers = data;
  const HerdCertificate *certificate;

  g_clear_pointer (&answers->ids, g_array_unref);
  g_clear_pointer (&answers->reason, g_free);
  answers->n_undone++;
  answers->ids = g_array_copy ((GArray *) ids);
  answers->n_operations = contents->operations->len;
  if (contents->certificates->len == 0)
    return;
  certificate = g_ptr_array_index (contents->certificates, 0);
  answers->reason = g_strdup (certificate->action_reason);
}

static void
changed (GObject *source, GAsyncResult *result, gpointer data)
{
  Answers *answers = data;

  g_clear_error (&answers->error);
  herd_state_change_finish (answers->state, result, undo, answers, &answers->error);
  answers->n_done++;
}

static void
committed (GObject *source, GAsyncResult *result, gpointer data)
{
  Answers *answers = data;

  g_clear_error (&answers->error);
  herd_state_commit_finish (answers->state, result, &answers->error);
  answers->n_done++;
}

static void
wait_for (Answers *answers, guint n)
{
  while (answers->n_done < n)
    g_main_context_iteration (NULL, TRUE);
}

static HerdBatch *
make_put (HerdCertificate *certificate, const char *reason)
{
  HerdBatch *batch = herd_batch_new ();

  herd_certificate_set_action (certificate, HERD_ACTION_ISSUE, 1, reason);
  herd_batch_put_certificate (batch, certificate);
  return batch;
}

/* CERTIFICATE and an operation of its own, whose key cannot be sealed. */
static HerdBatch *
make_bad (HerdCertificate *certificate, guint64 operation, const char *reason)
{
  g_autoptr (HerdOperation) row = make_operation (operation, certificate->id);
  g_autoptr (GBytes) key = bytes ("secret");
  HerdBatch *batch = make_put (certificate, reason);

  herd_batch_put_operation (batch, row);
  herd_batch_put_pending_key (batch, operation, key);
  return batch;
}

static void
assert_on_disk (StateFixture *fixture, const char *reason)
{
  g_autoptr (HerdStateContents) contents = herd_state_load (fixture->state, NULL);
  const HerdCertificate *certificate = g_ptr_array_index (contents->certificates, 0);

  g_assert_cmpstr (certificate->action_reason, ==, reason);
  g_assert_cmpuint (contents->operations->len, ==, 0);
}

/* A change that fails takes along what stands on it, and nothing else. */
static void
test_undo (StateFixture *fixture, gconstpointer data)
{
  g_autoptr (HerdCertificate) certificate = make_certificate (1, "a", 0);
  g_autoptr (HerdCertificate) other = make_certificate (2, "b", 0);
  Answers bad = { 0 }, later = { 0 }, aside = { 0 };

  state_fixture_open_locked (fixture);
  bad.state = later.state = aside.state = fixture->state;
  commit_ok (fixture->state, make_put (certificate, "as it was"));
  state_fixture_hold (fixture);
  herd_state_change_async (fixture->state, make_bad (certificate, 7, "never"), changed, &bad);
  herd_state_commit_async (fixture->state, make_put (certificate, "made from it"), committed,
                           &later);
  herd_state_commit_async (fixture->state, make_put (other, "aside"), committed, &aside);
  state_fixture_let_go (fixture);
  wait_for (&later, 1);
  wait_for (&aside, 1);

  g_assert_cmpuint (bad.n_done, ==, 1);
  g_assert_error (bad.error, HERD_ERROR, HERD_ERROR_LOCKED);
  g_assert_error (later.error, HERD_ERROR, HERD_ERROR_LOCKED);
  g_assert_no_error (aside.error);
  g_assert_cmpuint (bad.n_undone, ==, 1);
  assert_on_disk (fixture, "as it was");
  /* From the answer on the row is open again. */
  commit_ok (fixture->state, make_put (certificate, "after"));
  assert_on_disk (fixture, "after");
  answers_clear (&bad);
  answers_clear (&later);
  answers_clear (&aside);
}

/* What is told is what the disk has; rows that are not there are not told of. */
static void
test_contents (StateFixture *fixture, gconstpointer data)
{
  g_autoptr (HerdCertificate) certificate = make_certificate (1, "a", 0);
  g_autoptr (HerdOperation) operation = make_operation (5, 1);
  HerdBatch *batch = make_put (certificate, "as it was");
  Answers answers = { 0 };

  state_fixture_open_locked (fixture);
  answers.state = fixture->state;
  herd_batch_put_operation (batch, operation);
  commit_ok (fixture->state, batch);
  herd_state_change_async (fixture->state, make_bad (certificate, 7, "never"), changed, &answers);
  wait_for (&answers, 1);
  g_assert_error (answers.error, HERD_ERROR, HERD_ERROR_LOCKED);
  g_assert_cmpuint (answers.ids->len, ==, 2);
  g_assert_cmpuint (g_array_index (answers.ids, guint64, 0), ==, 1);
  g_assert_cmpuint (g_array_index (answers.ids, guint64, 1), ==, 7);
  g_assert_cmpstr (answers.reason, ==, "as it was");
  g_assert_cmpuint (answers.n_operations, ==, 1); /* the one that it has had */
  answers_clear (&answers);
}

/* Two changes of one row fail together: it is undone once, before the second one is told. */
static void
test_twice (StateFixture *fixture, gconstpointer data)
{
  g_autoptr (HerdCertificate) certificate = make_certificate (1, "a", 0);
  Answers first = { 0 }, second = { 0 };

  state_fixture_open_locked (fixture);
  first.state = second.state = fixture->state;
  commit_ok (fixture->state, make_put (certificate, "as it was"));
  state_fixture_hold (fixture);
  herd_state_change_async (fixture->state, make_bad (certificate, 7, "one"), changed, &first);
  herd_state_change_async (fixture->state, make_bad (certificate, 8, "two"), changed, &second);
  state_fixture_let_go (fixture);
  wait_for (&first, 1);
  wait_for (&second, 1);
  g_assert_cmpuint (first.ids->len, ==, 2);
  g_assert_cmpuint (second.ids->len, ==, 1);
  g_assert_cmpuint (g_array_index (second.ids, guint64, 0), ==, 8);
  g_assert_null (second.reason);
  commit_ok (fixture->state, make_put (certificate, "after"));
  assert_on_disk (fixture, "after");
  answers_clear (&first);
  answers_clear (&second);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, test)                                                                            \
  g_test_add (path, StateFixture, NULL, state_fixture_set_up, test, state_fixture_tear_down)
  ADD ("/state/undo", test_undo);
  ADD ("/state/undo-contents", test_contents);
  ADD ("/state/undo-twice", test_twice);
  return g_test_run ();
}
