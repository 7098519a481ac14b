// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The state: what is put in comes out, after a restart too; locked, wrong key and damaged row are
 * told apart.
 */
#include <string.h>
#include <sys/stat.h>

#include "crypto/seal.h"
#include "plugin/error.h"
#include "state-fixture.h"

static void
test_files (StateFixture *fixture, gconstpointer data)
{
  g_autofree char *journal = g_strconcat (fixture->path, "-wal", NULL);
  struct stat status;
  mode_t mask = umask (GPOINTER_TO_UINT (data));

  state_fixture_open (fixture);
  umask (mask);
  g_assert_cmpint (stat (fixture->directory, &status), ==, 0);
  g_assert_cmpint (status.st_mode & 07777, ==, 0711);
  g_assert_cmpint (stat (fixture->path, &status), ==, 0);
  g_assert_cmpint (status.st_mode & 07777, ==, 0600);
  g_assert_cmpint (stat (journal, &status), ==, 0);
  g_assert_cmpint (status.st_mode & 07777, ==, 0600);
  state_fixture_close (fixture);
  g_assert_cmpint (stat (journal, &status), ==, -1);

  /* Opened up behind its back: closed again. */
  g_assert_cmpint (chmod (fixture->path, 0644), ==, 0);
  state_fixture_open (fixture);
  g_assert_cmpint (stat (fixture->path, &status), ==, 0);
  g_assert_cmpint (status.st_mode & 07777, ==, 0600);
}

static void
test_empty (StateFixture *fixture, gconstpointer data)
{
  g_autoptr (HerdStateContents) contents = NULL;
  g_autoptr (GError) error = NULL;

  state_fixture_open (fixture);
  contents = herd_state_load (fixture->state, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (contents->authorities->len, ==, 0);
  g_assert_cmpuint (contents->certificates->len, ==, 0);
  g_assert_cmpuint (contents->operations->len, ==, 0);
  g_assert_cmpuint (contents->withdrawals->len, ==, 0);
}

/* --- nouns --- */

static void
test_certificates (StateFixture *fixture, gconstpointer data)
{
  g_autoptr (HerdCertificate) a = make_certificate (1, "a", 3);
  g_autoptr (HerdCertificate) b = make_certificate (2, "b", 0);
  g_autoptr (HerdStateContents) contents = NULL;
  g_autoptr (HerdStateContents) later = NULL;
  g_autoptr (GBytes) chain = NULL;
  g_autoptr (GBytes) key = NULL;
  g_autoptr (GError) error = NULL;
  HerdBatch *batch = herd_batch_new ();

  state_fixture_open (fixture);
  put_whole (batch, b);
  put_whole (batch, a);
  commit_ok (fixture->state, batch);
  state_fixture_close (fixture);

  state_fixture_open (fixture);
  contents = herd_state_load (fixture->state, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (contents->certificates->len, ==, 2);
  assert_same_certificate (g_ptr_array_index (contents->certificates, 0), a);
  assert_same_certificate (g_ptr_array_index (contents->certificates, 1), b);
  g_assert_true (read_generation (fixture->state, 1, 2, TRUE, &chain, &key, &error));
  assert_bytes (chain, "chain 2");
  assert_bytes (key, "key 2");

  /* Changed: fewer deliveries, a generation rejected (its key stays), one gone. */
  batch = herd_batch_new ();
  herd_certificate_remove_delivery (a, a->deliveries);
  a->owner = G_MAXUINT32;
  a->current = 2;
  herd_batch_put_certificate (batch, a);
  a->generations->next->rejected = TRUE;
  a->generations->next->revoked = HERD_REVOCATION_SUPERSEDED;
  herd_batch_put_generation (batch, 1, a->generations->next, NULL, NULL);
  herd_batch_delete_generation (batch, 1, 1);
  herd_certificate_remove_generation (a, a->generations);
  commit_ok (fixture->state, batch);
  later = herd_state_load (fixture->state, &error);
  g_assert_no_error (error);
  assert_same_certificate (g_ptr_array_index (later->certificates, 0), a);
  g_clear_pointer (&key, g_bytes_unref);
  g_assert_true (read_generation (fixture->state, 1, 2, TRUE, NULL, &key, &error));
  assert_bytes (key, "key 2");
  g_assert_false (read_generation (fixture->state, 1, 1, FALSE, NULL, NULL, &error));
  assert_words (error, HERD_ERROR_NOT_FOUND, "Generation 1 of the certificate 1");
}

static void
test_remove (StateFixture *fixture, gconstpointer data)
{
  g_autoptr (HerdCertificate) a = make_certificate (1, "a", 2);
  g_autoptr (HerdOperation) operation = make_operation (9, 1);
  g_autoptr (HerdWithdrawal) withdrawal = herd_withdrawal_new (1, "a", "live");
  g_autoptr (HerdStateContents) contents = NULL;
  g_autoptr (HerdStateContents) later = NULL;
  g_autoptr (GError) error = NULL;
  HerdBatch *batch = herd_batch_new ();
  const HerdWithdrawal *found;

  state_fixture_open (fixture);
  put_whole (batch, a);
  herd_batch_put_operation (batch, operation);
  commit_ok (fixture->state, batch);
  g_assert_cmpuint (herd_state_get_last_number (fixture->state, "never"), ==, 0);

  batch = herd_batch_new ();
  herd_batch_delete_certificate (batch, 1);
  herd_batch_put_withdrawal (batch, withdrawal);
  /* Asked for at once, though nobody waited for the removal. */
  herd_state_commit_async (fixture->state, batch, NULL, NULL);
  g_assert_cmpuint (herd_state_get_last_number (fixture->state, "a"), ==, 2);
  contents = herd_state_load (fixture->state, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (contents->certificates->len, ==, 0);
  g_assert_cmpuint (contents->operations->len, ==, 0);
  g_assert_cmpuint (contents->withdrawals->len, ==, 1);
  found = g_ptr_array_index (contents->withdrawals, 0);
  g_assert_cmpuint (found->certificate, ==, 1);
  g_assert_cmpstr (found->name, ==, "a");
  g_assert_cmpstr (found->target, ==, "live");
  g_assert_false (read_generation (fixture->state, 1, 1, TRUE, NULL, NULL, &error));
  assert_words (error, HERD_ERROR_NOT_FOUND, "certificate 1");

  /* The number is remembered, for a later certificate of the name too. */
  state_fixture_close (fixture);
  state_fixture_open (fixture);
  g_assert_cmpuint (herd_state_get_last_number (fixture->state, "a"), ==, 2);
  batch = herd_batch_new ();
  herd_batch_delete_withdrawal (batch, 1, "live");
  a->id = 5;
  herd_batch_put_certificate (batch, a);
  commit_ok (fixture->state, batch);
  later = herd_state_load (fixture->state, NULL);
  g_assert_cmpuint (later->withdrawals->len, ==, 0);
  g_assert_cmpuint (((HerdCertificate *) g_ptr_array_index (later->certificates, 0))->last_number,
                    ==, 2);
}

static void
test_operations (StateFixture *fixture, gconstpointer data)
{
  g_autoptr (HerdOperation) operation = make_operation (9, 1);
  g_autoptr (HerdStateContents) contents = NULL;
  g_autoptr (GBytes) checkpoint = bytes ("where it was");
  g_autoptr (GBytes) pending = bytes ("a secret key");
  g_autoptr (GBytes) found_checkpoint = NULL;
  g_autoptr (GBytes) found_key = NULL;
  g_autoptr (GError) error = NULL;
  HerdBatch *batch = herd_batch_new ();
  const HerdOperation *found;
  const HerdOperationStep *step;
  gboolean force = FALSE;

  state_fixture_open (fixture);
  herd_batch_put_operation (batch, operation);
  herd_batch_put_checkpoint (batch, 9, checkpoint);
  herd_batch_put_pending_key (batch, 9, pending);
  commit_ok (fixture->state, batch);
  /* Putting it again leaves the checkpoint and the key alone. */
  batch = herd_batch_new ();
  herd_operation_end (operation, HERD_OPERATION_FAILED, "org.certherd.Error.Busy", "no", 2000000);
  herd_batch_put_operation (batch, operation);
  commit_ok (fixture->state, batch);
  state_fixture_close (fixture);

  state_fixture_open (fixture);
  contents = herd_state_load (fixture->state, &error);
  g_assert_no_error (error);
  found = g_ptr_array_index (contents->operations, 0);
  g_assert_cmpuint (found->id, ==, 9);
  g_assert_cmpstr (found->kind, ==, "issue");
  g_assert_cmpuint (found->certificate, ==, 1);
  g_assert_cmpuint (found->issuer, ==, 77);
  g_assert_cmpuint (found->starter, ==, 1000);
  g_assert_cmpint (found->state, ==, HERD_OPERATION_FAILED);
  g_assert_cmpstr (found->step, ==, "issue");
  g_assert_cmpfloat (found->progress, ==, 0.5);
  g_assert_cmpuint (found->steps->len, ==, 2);
  step = g_ptr_array_index (found->steps, 1);
  g_assert_cmpstr (step->name, ==, "issue");
  g_assert_cmpint (step->entered, ==, 1000002);
  g_assert_cmpint (step->left, ==, 2000000);
  g_assert_cmpstr (found->error, ==, "org.certherd.Error.Busy");
  g_assert_cmpstr (found->error_message, ==, "no");
  g_assert_cmpuint (found->generation, ==, 2);
  g_assert_true (g_variant_lookup (found->options, "force", "b", &force) && force);
  g_assert_cmpint (found->started, ==, 11);
  g_assert_cmpint (found->ended, ==, 2);

  g_assert_true (read_operation (fixture->state, 9, &found_checkpoint, &found_key, &error));
  assert_bytes (found_checkpoint, "where it was");
  assert_bytes (found_key, "a secret key");
  g_clear_pointer (&found_checkpoint, g_bytes_unref);
  g_clear_pointer (&found_key, g_bytes_unref);
  batch = herd_batch_new ();
  herd_batch_put_checkpoint (batch, 9, NULL);
  herd_batch_put_pending_key (batch, 9, NULL);
  commit_ok (fixture->state, batch);
  g_assert_true (read_operation (fixture->state, 9, &found_checkpoint, &found_key, &error));
  g_assert_null (found_checkpoint);
  g_assert_null (found_key);

  /* A checkpoint of an operation that is not there would be lost: an error. */
  batch = herd_batch_new ();
  herd_batch_delete_operation (batch, 9);
  herd_batch_put_checkpoint (batch, 9, checkpoint);
  g_assert_false (commit (fixture->state, batch, &error));
  assert_words (error, HERD_ERROR_NOT_FOUND, "operation 9");
  g_assert_true (read_operation (fixture->state, 9, NULL, NULL, NULL));
}

/* --- attempts --- */

static gboolean
check_attempt (HerdState *state, guint64 certificate, guint64 issuer, const char *expected,
               GError **error)
{
  g_autoptr (GBytes) checkpoint = NULL;
  g_autoptr (GBytes) key = NULL;
  g_autofree char *wish = NULL;

  if (!read_attempt (state, certificate, issuer, &wish, &checkpoint, &key, error))
    return FALSE;
  g_assert_cmpstr (wish, ==, expected);
  assert_bytes (checkpoint, "where it was");
  assert_bytes (key, "a secret key");
  return TRUE;
}

static void
assert_no_attempt (HerdState *state, guint64 certificate, guint64 issuer)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (check_attempt (state, certificate, issuer, "", &error));
  g_assert_error (error, HERD_ERROR, HERD_ERROR_NOT_FOUND);
}

/* What a failed operation leaves outlasts its row, and goes with the certificate's. */
static void
test_attempts (StateFixture *fixture, gconstpointer data)
{
  g_autoptr (HerdCertificate) certificate = make_certificate (1, "a", 0);
  g_autoptr (HerdOperation) operation = make_operation (9, 1);
  g_autoptr (HerdOperation) orphan = make_operation (10, 2);
  g_autoptr (GBytes) checkpoint = bytes ("where it was");
  g_autoptr (GBytes) pending = bytes ("a secret key");
  g_autoptr (GError) error = NULL;
  HerdBatch *batch = herd_batch_new ();

  state_fixture_open (fixture);
  herd_batch_put_certificate (batch, certificate);
  herd_batch_put_operation (batch, operation);
  herd_batch_put_operation (batch, orphan);
  herd_batch_put_checkpoint (batch, 10, checkpoint);
  herd_batch_put_pending_key (batch, 10, pending);
  /* Nothing to keep, or nobody to keep it for. */
  herd_batch_keep_attempt (batch, 9, 77, "wish");
  herd_batch_keep_attempt (batch, 10, 77, "wish");
  commit_ok (fixture->state, batch);
  assert_no_attempt (fixture->state, 1, 77);
  assert_no_attempt (fixture->state, 2, 77);

  batch = herd_batch_new ();
  herd_batch_put_checkpoint (batch, 9, checkpoint);
  herd_batch_put_pending_key (batch, 9, pending);
  herd_batch_keep_attempt (batch, 9, 77, "old wish");
  herd_batch_keep_attempt (batch, 9, 77, "wish");
  herd_batch_keep_attempt (batch, 9, 78, "wish");
  herd_batch_delete_operation (batch, 9);
  commit_ok (fixture->state, batch);
  state_fixture_close (fixture);
  state_fixture_open (fixture);
  g_assert_true (check_attempt (fixture->state, 1, 77, "wish", &error));
  g_assert_no_error (error);
  g_assert_true (check_attempt (fixture->state, 1, 78, "wish", &error));

  batch = herd_batch_new ();
  herd_batch_delete_attempt (batch, 1, 77);
  commit_ok (fixture->state, batch);
  assert_no_attempt (fixture->state, 1, 77);
  g_assert_true (check_attempt (fixture->state, 1, 78, "wish", &error));
  batch = herd_batch_new ();
  herd_batch_delete_certificate (batch, 1);
  commit_ok (fixture->state, batch);
  assert_no_attempt (fixture->state, 1, 78);
}

static void
test_authorities (StateFixture *fixture, gconstpointer data)
{
  g_autoptr (HerdAuthority) authority = make_authority (4, "le");
  g_autoptr (HerdStateContents) contents = NULL;
  g_autoptr (GBytes) open = bytes ("");
  g_autoptr (GBytes) secret = bytes ("account key");
  g_autoptr (GBytes) found = NULL;
  g_autoptr (GBytes) found_secret = NULL;
  g_autoptr (GError) error = NULL;
  HerdBatch *batch = herd_batch_new ();
  const HerdAuthority *loaded;

  state_fixture_open (fixture);
  herd_batch_put_authority (batch, authority);
  herd_batch_put_record (batch, 4, "directory", open, FALSE);
  herd_batch_put_record (batch, 4, "account-key", secret, TRUE);
  commit_ok (fixture->state, batch);
  state_fixture_close (fixture);

  state_fixture_open (fixture);
  contents = herd_state_load (fixture->state, &error);
  g_assert_no_error (error);
  loaded = g_ptr_array_index (contents->authorities, 0);
  g_assert_cmpuint (loaded->id, ==, 4);
  g_assert_cmpstr (loaded->name, ==, "le");
  g_assert_cmpstr (loaded->kind, ==, "acme");
  g_assert_true (loaded->from_file);
  g_assert_true (loaded->retired);
  g_assert_cmpvariant (loaded->settings, authority->settings);
  g_assert_cmpint (loaded->created, ==, 1234567890);
  found = read_record (fixture->state, 4, "directory", &error);
  assert_bytes (found, "");
  found_secret = read_record (fixture->state, 4, "account-key", &error);
  assert_bytes (found_secret, "account key");
  g_assert_no_error (error);

  g_assert_null (read_record (fixture->state, 4, "nonce", &error));
  assert_words (error, HERD_ERROR_NOT_FOUND, "\"nonce\" of the issuer 4");
  g_clear_error (&error);
  batch = herd_batch_new ();
  herd_batch_put_record (batch, 4, "directory", NULL, FALSE);
  commit_ok (fixture->state, batch);
  g_assert_null (read_record (fixture->state, 4, "directory", &error));
  assert_words (error, HERD_ERROR_NOT_FOUND, "directory");
  g_clear_error (&error);
  batch = herd_batch_new ();
  herd_batch_delete_authority (batch, 4);
  commit_ok (fixture->state, batch);
  g_assert_null (read_record (fixture->state, 4, "account-key", &error));
  assert_words (error, HERD_ERROR_NOT_FOUND, "account-key");
}

/* --- secrets --- */

/* No secret stands in the file, nor in its journal. */
static void
test_sealed (StateFixture *fixture, gconstpointer data)
{
  static const char *const secrets[] = { "SECRET-account", "SECRET-pending", "key 1" };
  g_autoptr (HerdAuthority) authority = make_authority (4, "le");
  g_autoptr (HerdCertificate) certificate = make_certificate (1, "a", 1);
  g_autoptr (HerdOperation) operation = make_operation (9, 1);
  g_autoptr (GBytes) account = bytes (secrets[0]);
  g_autoptr (GBytes) pending = bytes (secrets[1]);
  g_autofree char *journal = g_strconcat (fixture->path, "-wal", NULL);
  const char *files[] = { fixture->path, journal };
  HerdBatch *batch = herd_batch_new ();

  state_fixture_open (fixture);
  herd_batch_put_authority (batch, authority);
  herd_batch_put_record (batch, 4, "account-key", account, TRUE);
  put_whole (batch, certificate);
  herd_batch_put_operation (batch, operation);
  herd_batch_put_pending_key (batch, 9, pending);
  commit_ok (fixture->state, batch);
  for (guint i = 0; i < G_N_ELEMENTS (files); i++) {
    g_autofree char *text = NULL;
    gsize size;

    g_assert_true (g_file_get_contents (files[i], &text, &size, NULL));
    for (guint j = 0; j < G_N_ELEMENTS (secrets); j++)
      g_assert_null (memmem (text, size, secrets[j], strlen (secrets[j])));
    /* The search finds what is there. */
    if (i == 1)
      g_assert_nonnull (memmem (text, size, "chain 1", strlen ("chain 1")));
  }
}

static void
test_locked (StateFixture *fixture, gconstpointer data)
{
  g_autoptr (HerdAuthority) authority = make_authority (4, "le");
  g_autoptr (HerdCertificate) certificate = make_certificate (1, "a", 1);
  g_autoptr (HerdStateContents) contents = NULL;
  g_autoptr (GBytes) secret = bytes ("account key");
  g_autoptr (GBytes) chain = NULL;
  g_autoptr (GError) error = NULL;
  HerdBatch *batch = herd_batch_new ();

  /* New: nothing was ever sealed. */
  state_fixture_open_locked (fixture);
  g_assert_true (herd_state_is_locked (fixture->state));
  g_assert_false (herd_state_has_kek (fixture->state));
  herd_batch_put_authority (batch, authority);
  herd_batch_put_record (batch, 4, "account-key", secret, TRUE);
  g_assert_false (commit (fixture->state, batch, &error));
  assert_words (error, HERD_ERROR_LOCKED, "locked");
  g_clear_error (&error);
  contents = herd_state_load (fixture->state, NULL);
  g_assert_cmpuint (contents->authorities->len, ==, 0);
  g_assert_false (herd_state_has_kek (fixture->state));

  g_assert_true (herd_state_unlock (fixture->state, fixture->kek, &error));
  g_assert_false (herd_state_is_locked (fixture->state));
  g_assert_true (herd_state_has_kek (fixture->state));
  batch = herd_batch_new ();
  herd_batch_put_authority (batch, authority);
  herd_batch_put_record (batch, 4, "account-key", secret, TRUE);
  put_whole (batch, certificate);
  commit_ok (fixture->state, batch);
  state_fixture_close (fixture);

  /* Sealed, and the KEK is not to be had: locked, which is not absent. */
  state_fixture_open_locked (fixture);
  g_assert_true (herd_state_has_kek (fixture->state));
  g_assert_null (read_record (fixture->state, 4, "account-key", &error));
  assert_words (error, HERD_ERROR_LOCKED, "account-key");
  g_clear_error (&error);
  g_assert_false (read_generation (fixture->state, 1, 1, TRUE, NULL, NULL, &error));
  assert_words (error, HERD_ERROR_LOCKED, "Generation 1");
  g_clear_error (&error);
  g_assert_true (read_generation (fixture->state, 1, 1, FALSE, &chain, NULL, &error));
  assert_bytes (chain, "chain 1");
  g_assert_null (read_record (fixture->state, 4, "other", &error));
  assert_words (error, HERD_ERROR_NOT_FOUND, "other");
}

static void
seal_something (StateFixture *fixture)
{
  g_autoptr (HerdCertificate) a = make_certificate (1, "a", 2);
  g_autoptr (HerdAuthority) authority = make_authority (4, "le");
  g_autoptr (GBytes) secret = bytes ("account key");
  HerdBatch *batch = herd_batch_new ();

  state_fixture_open (fixture);
  put_whole (batch, a);
  herd_batch_put_authority (batch, authority);
  herd_batch_put_record (batch, 4, "one", secret, TRUE);
  herd_batch_put_record (batch, 4, "two", secret, TRUE);
  commit_ok (fixture->state, batch);
  state_fixture_close (fixture);
}

static void
test_wrong_kek (StateFixture *fixture, gconstpointer data)
{
  static const char *const damages[] = {
    NULL, "DELETE FROM meta WHERE name = 'kek-check'",
    "UPDATE meta SET value = zeroblob (37) WHERE name = 'kek-check'"
  };
  g_autoptr (GBytes) other = herd_kek_new (NULL);
  g_autoptr (GBytes) tiny = bytes ("short");

  seal_something (fixture);
  /* With the check record, without it, and with a damaged one: the same answers. */
  for (guint i = 0; i < G_N_ELEMENTS (damages); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (GBytes) found = NULL;

    if (damages[i] != NULL)
      state_fixture_sql (fixture, damages[i]);
    state_fixture_open_locked (fixture);
    g_assert_true (herd_state_has_kek (fixture->state));
    g_assert_false (herd_state_unlock (fixture->state, other, &error));
    assert_words (error, HERD_ERROR_REFUSED, "another key-encryption key");
    g_assert_true (herd_state_is_locked (fixture->state));
    g_clear_error (&error);
    g_assert_false (herd_state_unlock (fixture->state, tiny, &error));
    g_assert_nonnull (error);
    g_clear_error (&error);
    g_assert_null (read_record (fixture->state, 4, "one", &error));
    assert_words (error, HERD_ERROR_LOCKED, "one");
    g_clear_error (&error);
    g_assert_true (herd_state_unlock (fixture->state, fixture->kek, &error));
    g_assert_no_error (error);
    found = read_record (fixture->state, 4, "one", &error);
    assert_bytes (found, "account key");
    state_fixture_close (fixture);
  }
}

/* A sealed row that was damaged, or put in another's place, is told from both. */
static void
test_damaged_rows (StateFixture *fixture, gconstpointer data)
{
  g_autoptr (GBytes) found = NULL;
  g_autoptr (GBytes) chain = NULL;
  g_autoptr (GError) error = NULL;

  seal_something (fixture);
  state_fixture_sql (
      fixture,
      "UPDATE records SET bytes = (SELECT bytes FROM records WHERE name = 'two')"
      " WHERE name = 'one';"
      "UPDATE materials SET key = CAST (substr (key, 1, 20) || x'00000000' || substr (key, 25)"
      " AS BLOB) WHERE number = 1");
  state_fixture_open (fixture);
  g_assert_null (read_record (fixture->state, 4, "one", &error));
  assert_words (error, HERD_ERROR_FAILED, "\"one\" of the issuer 4");
  g_assert_nonnull (strstr (error->message, "damaged"));
  g_clear_error (&error);
  found = read_record (fixture->state, 4, "two", &error);
  assert_bytes (found, "account key");
  g_assert_false (read_generation (fixture->state, 1, 1, TRUE, &chain, NULL, &error));
  assert_words (error, HERD_ERROR_FAILED, "Generation 1 of the certificate 1");
  g_clear_error (&error);
  g_assert_true (read_generation (fixture->state, 1, 2, TRUE, &chain, NULL, &error));
  g_assert_no_error (error);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, data, func)                                                                      \
  g_test_add ("/state/" name, StateFixture, GUINT_TO_POINTER (data), state_fixture_set_up, func,   \
              state_fixture_tear_down)
  ADD ("files/open-umask", 0000, test_files);
  ADD ("files/strict-umask", 0077, test_files);
  ADD ("empty", 0, test_empty);
  ADD ("certificates", 0, test_certificates);
  ADD ("remove", 0, test_remove);
  ADD ("operations", 0, test_operations);
  ADD ("attempts", 0, test_attempts);
  ADD ("authorities", 0, test_authorities);
  ADD ("sealed", 0, test_sealed);
  ADD ("locked", 0, test_locked);
  ADD ("wrong-kek", 0, test_wrong_kek);
  ADD ("damaged-rows", 0, test_damaged_rows);
  return g_test_run ();
}
