// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the tests of the state have in common.
 */
#include "state-fixture.h"

#include <glib/gstdio.h>
#include <string.h>

#include "crypto/seal.h"
#include "plugin/error.h"
#include "state/private.h"

void
remove_tree (const char *path)
{
  const char *name;

  if (g_file_test (path, G_FILE_TEST_IS_DIR) && !g_file_test (path, G_FILE_TEST_IS_SYMLINK)) {
    g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);

    while ((name = g_dir_read_name (dir)) != NULL) {
      g_autofree char *child = g_build_filename (path, name, NULL);

      remove_tree (child);
    }
  }
  g_assert_cmpint (g_remove (path), ==, 0);
}

void
state_fixture_set_up (StateFixture *fixture, gconstpointer data)
{
  g_autofree char *parent = g_dir_make_tmp ("certherd-state-XXXXXX", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (parent);
  fixture->directory = g_build_filename (parent, "state", NULL);
  fixture->path = g_build_filename (fixture->directory, "state.db", NULL);
  g_mutex_init (&fixture->held);
  fixture->kek = herd_kek_new (&error);
  g_assert_no_error (error);
}

void
state_fixture_clear (StateFixture *fixture)
{
  g_autofree char *parent = g_path_get_dirname (fixture->directory);

  state_fixture_close (fixture);
  if (g_file_test (parent, G_FILE_TEST_IS_DIR))
    remove_tree (parent);
}

void
state_fixture_tear_down (StateFixture *fixture, gconstpointer data)
{
  state_fixture_clear (fixture);
  g_free (fixture->directory);
  g_free (fixture->path);
  g_mutex_clear (&fixture->held);
  g_bytes_unref (fixture->kek);
}

void
state_fixture_open_locked (StateFixture *fixture)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (fixture->state);
  fixture->state = herd_state_open (fixture->directory, NULL, &error);
  g_assert_no_error (error);
  g_assert_nonnull (fixture->state);
}

void
state_fixture_open (StateFixture *fixture)
{
  g_autoptr (GError) error = NULL;

  state_fixture_open_locked (fixture);
  g_assert_true (herd_state_unlock (fixture->state, fixture->kek, &error));
  g_assert_no_error (error);
}

void
state_fixture_close (StateFixture *fixture)
{
  g_clear_pointer (&fixture->state, herd_state_close);
}

void
state_fixture_refused (StateFixture *fixture, int code, const char *words)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HerdState) state = herd_state_open (fixture->directory, NULL, &error);

  g_assert_null (state);
  assert_words (error, code, words);
}

void
state_fixture_sql (StateFixture *fixture, const char *sql)
{
  sqlite3 *connection;
  char *message = NULL;

  state_fixture_close (fixture);
  g_assert_cmpint (sqlite3_open (fixture->path, &connection), ==, SQLITE_OK);
  if (sqlite3_exec (connection, sql, NULL, NULL, &message) != SQLITE_OK)
    g_error ("%s: %s", sql, message);
  g_assert_cmpint (sqlite3_close (connection), ==, SQLITE_OK);
}

void
assert_words (const GError *error, int code, const char *words)
{
  g_assert_error (error, HERD_ERROR, code);
  if (strstr (error->message, words) == NULL)
    g_error ("\"%s\" is not in \"%s\"", words, error->message);
}

static void
keep_result (GObject *source, GAsyncResult *result, gpointer data)
{
  GAsyncResult **kept = data;

  *kept = g_object_ref (result);
}

static GAsyncResult *
wait_for (GAsyncResult **result)
{
  while (*result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return *result;
}

gboolean
commit (HerdState *state, HerdBatch *batch, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  herd_state_commit_async (state, batch, keep_result, &result);
  return herd_state_commit_finish (state, wait_for (&result), error);
}

void
commit_ok (HerdState *state, HerdBatch *batch)
{
  g_autoptr (GError) error = NULL;
  gboolean ok = commit (state, batch, &error);

  g_assert_no_error (error);
  g_assert_true (ok);
}

gboolean
read_generation (HerdState *state, guint64 certificate, guint64 number, gboolean with_key,
                 GBytes **chain, GBytes **key, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  herd_state_read_generation_async (state, certificate, number, with_key, keep_result, &result);
  return herd_state_read_generation_finish (state, wait_for (&result), chain, key, error);
}

gboolean
read_operation (HerdState *state, guint64 operation, GBytes **checkpoint, GBytes **key,
                GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  herd_state_read_operation_async (state, operation, TRUE, keep_result, &result);
  return herd_state_read_operation_finish (state, wait_for (&result), checkpoint, key, error);
}

gboolean
read_attempt (HerdState *state, guint64 certificate, guint64 issuer, char **wish,
              GBytes **checkpoint, GBytes **key, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  herd_state_read_attempt_async (state, certificate, issuer, keep_result, &result);
  return herd_state_read_attempt_finish (state, wait_for (&result), wish, checkpoint, key, error);
}

GBytes *
read_record (HerdState *state, guint64 authority, const char *name, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  herd_state_read_record_async (state, authority, name, keep_result, &result);
  return herd_state_read_record_finish (state, wait_for (&result), error);
}

GBytes *
bytes (const char *text)
{
  return g_bytes_new (text, strlen (text));
}

void
assert_bytes (GBytes *found, const char *text)
{
  g_assert_nonnull (found);
  g_assert_cmpmem (g_bytes_get_data (found, NULL), g_bytes_get_size (found), text, strlen (text));
}

HerdAuthority *
make_authority (guint64 id, const char *name)
{
  HerdAuthority *authority = herd_authority_new (
      id, name, "acme",
      g_variant_new_parsed ("{'directory-url': <'https://ca.example/'>, 'contact': <['a@b']>}"));

  authority->from_file = TRUE;
  authority->retired = TRUE;
  authority->created = 1234567890;
  return authority;
}

HerdGeneration *
make_generation (guint64 number)
{
  HerdFacts *facts = herd_facts_new ();

  g_free (facts->serial);
  g_free (facts->fingerprint);
  g_free (facts->issued_by);
  g_strfreev (facts->identifiers);
  facts->not_before = 1700000000 + (gint64) number;
  facts->not_after = 1707776000 + (gint64) number;
  facts->serial = g_strdup_printf ("00%02" G_GINT64_MODIFIER "x", number);
  facts->fingerprint = g_strnfill (64, 'a');
  facts->issued_by = g_strdup ("Test CA, „Ω“");
  facts->identifiers = g_strsplit ("*.example.org 2001:db8::1 example.org", " ", -1);
  return herd_generation_new (number, 77, 1700000001, facts);
}

static HerdSuggestion *
make_suggestion (void)
{
  HerdSuggestion *suggestion = herd_suggestion_new (2);

  suggestion->start = 10;
  suggestion->end = 20;
  suggestion->pick = 15;
  suggestion->floor = 16;
  suggestion->asked_at = 17;
  suggestion->ask_at = 18;
  herd_suggestion_set_account (suggestion, "https://ca.example/1");
  herd_suggestion_set_explanation_url (suggestion, "https://ca.example/why");
  herd_suggestion_set_problem (suggestion, "none");
  return suggestion;
}

HerdCertificate *
make_certificate (guint64 id, const char *name, guint n_generations)
{
  HerdCertificate *certificate = herd_certificate_new (
      id, name, 1000, HERD_ORIGIN_FILE,
      g_variant_new_parsed (
          "{'identifiers': <['example.org', '*.example.org']>, 'renew': <'33%%'>}"));
  HerdDelivery *delivery = herd_delivery_new ("live");
  HerdBackoff *backoff;

  certificate->retired = TRUE;
  certificate->created = 1;
  certificate->renew_at = 2;
  certificate->failures = 3;
  certificate->retry_at = 4;
  herd_certificate_set_action (certificate, HERD_ACTION_RENEW, 5, "because");
  herd_certificate_set_error (certificate, "org.certherd.Error.Busy", "it was busy", 6);
  for (guint64 number = 1; number <= n_generations; number++)
    herd_certificate_add_generation (certificate, make_generation (number));
  certificate->suggestion = make_suggestion ();
  certificate->current = n_generations;
  certificate->last_number = n_generations;
  herd_certificate_add_delivery (certificate, herd_delivery_new ("1000:web"));
  delivery->state = HERD_DELIVERY_REJECTED;
  delivery->wanted = 2;
  delivery->applied = 1;
  delivery->proved = 1;
  delivery->since = 7;
  delivery->attempts = 8;
  delivery->retry_at = 9;
  herd_delivery_set_message (delivery, "no");
  herd_certificate_add_delivery (certificate, delivery);
  herd_backoffs_ensure (&certificate->backoffs, 80)->rehearse = TRUE;
  backoff = herd_backoffs_ensure (&certificate->backoffs, 79);
  backoff->failures = 10;
  backoff->retry_at = 11;
  herd_backoff_set_error (backoff, "org.certherd.Error.Unreachable", "it is away");
  return certificate;
}

HerdOperation *
make_operation (guint64 id, guint64 certificate)
{
  HerdOperation *operation = herd_operation_new (id, "issue", 1000, 11);

  operation->certificate = certificate;
  operation->issuer = 77;
  herd_operation_enter (operation, "key", 0.25, 1000001);
  herd_operation_enter (operation, "issue", 0.5, 1000002);
  operation->generation = 2;
  g_variant_unref (operation->options);
  operation->options = g_variant_ref_sink (g_variant_new_parsed ("{'force': <true>}"));
  return operation;
}

void
put_whole (HerdBatch *batch, const HerdCertificate *certificate)
{
  herd_batch_put_certificate (batch, certificate);
  for (const HerdGeneration *generation = certificate->generations; generation != NULL;
       generation = generation->next) {
    g_autofree char *key_text = g_strdup_printf ("key %d", (int) generation->number);
    g_autofree char *chain_text = g_strdup_printf ("chain %d", (int) generation->number);
    g_autoptr (GBytes) key = bytes (key_text);
    g_autoptr (GBytes) chain = bytes (chain_text);

    herd_batch_put_generation (batch, certificate->id, generation, chain, key);
  }
}

static void
assert_same_delivery (const HerdDelivery *a, const HerdDelivery *b)
{
  g_assert_cmpstr (a->target, ==, b->target);
  g_assert_cmpint (a->state, ==, b->state);
  g_assert_cmpuint (a->wanted, ==, b->wanted);
  g_assert_cmpuint (a->applied, ==, b->applied);
  g_assert_cmpuint (a->proved, ==, b->proved);
  g_assert_cmpint (a->since, ==, b->since);
  g_assert_cmpuint (a->attempts, ==, b->attempts);
  g_assert_cmpint (a->retry_at, ==, b->retry_at);
  g_assert_cmpstr (a->message, ==, b->message);
}

static void
assert_same_generation (const HerdGeneration *a, const HerdGeneration *b)
{
  g_autoptr (HerdFacts) facts_a = herd_generation_get_facts (a);
  g_autoptr (HerdFacts) facts_b = herd_generation_get_facts (b);

  g_assert_cmpuint (a->number, ==, b->number);
  g_assert_cmpuint (a->issuer, ==, b->issuer);
  g_assert_cmpint (a->created, ==, b->created);
  g_assert_cmpint (a->rejected, ==, b->rejected);
  g_assert_cmpint (a->revoked, ==, b->revoked);
  g_assert_cmpint (facts_a->not_before, ==, facts_b->not_before);
  g_assert_cmpint (facts_a->not_after, ==, facts_b->not_after);
  g_assert_cmpstr (facts_a->serial, ==, facts_b->serial);
  g_assert_cmpstr (facts_a->fingerprint, ==, facts_b->fingerprint);
  g_assert_cmpstr (facts_a->issued_by, ==, facts_b->issued_by);
  g_assert_cmpstrv (facts_a->identifiers, facts_b->identifiers);
}

static void
assert_same_generations (const HerdGeneration *a, const HerdGeneration *b)
{
  for (; a != NULL && b != NULL; a = a->next, b = b->next)
    assert_same_generation (a, b);
  g_assert_true (a == b);
}

static void
assert_same_deliveries (const HerdDelivery *a, const HerdDelivery *b)
{
  for (; a != NULL && b != NULL; a = a->next, b = b->next)
    assert_same_delivery (a, b);
  g_assert_true (a == b);
}

static void
assert_same_suggestion (const HerdSuggestion *a, const HerdSuggestion *b)
{
  g_assert_true ((a == NULL) == (b == NULL));
  if (a == NULL)
    return;
  g_assert_cmpuint (a->generation, ==, b->generation);
  g_assert_cmpint (a->start, ==, b->start);
  g_assert_cmpint (a->end, ==, b->end);
  g_assert_cmpint (a->pick, ==, b->pick);
  g_assert_cmpint (a->floor, ==, b->floor);
  g_assert_cmpint (a->asked_at, ==, b->asked_at);
  g_assert_cmpint (a->ask_at, ==, b->ask_at);
  g_assert_cmpstr (a->account, ==, b->account);
  g_assert_cmpstr (a->explanation_url, ==, b->explanation_url);
  g_assert_cmpstr (a->problem, ==, b->problem);
}

static void
assert_same_backoffs (GPtrArray *a, GPtrArray *b)
{
  g_assert_cmpuint (a != NULL ? a->len : 0, ==, b != NULL ? b->len : 0);
  for (guint i = 0; a != NULL && i < a->len; i++) {
    const HerdBackoff *one = g_ptr_array_index (a, i);
    const HerdBackoff *other = herd_backoffs_find (b, one->issuer);

    g_assert_nonnull (other);
    g_assert_cmpuint (one->failures, ==, other->failures);
    g_assert_cmpint (one->retry_at, ==, other->retry_at);
    g_assert_cmpint (one->rehearse, ==, other->rehearse);
    g_assert_cmpstr (one->error, ==, other->error);
    g_assert_cmpstr (one->message, ==, other->message);
  }
}

void
assert_same_certificate (const HerdCertificate *a, const HerdCertificate *b)
{
  g_assert_cmpuint (a->id, ==, b->id);
  g_assert_cmpstr (a->name, ==, b->name);
  g_assert_cmpuint (a->owner, ==, b->owner);
  g_assert_cmpint (a->origin, ==, b->origin);
  g_assert_cmpint (a->retired, ==, b->retired);
  g_assert_cmpvariant (a->spec, b->spec);
  g_assert_cmpint (a->created, ==, b->created);
  g_assert_cmpuint (a->current, ==, b->current);
  g_assert_cmpuint (a->last_number, ==, b->last_number);
  g_assert_cmpint (a->renew_at, ==, b->renew_at);
  g_assert_cmpint (a->action, ==, b->action);
  g_assert_cmpint (a->action_time, ==, b->action_time);
  g_assert_cmpstr (a->action_reason, ==, b->action_reason);
  g_assert_cmpuint (a->failures, ==, b->failures);
  g_assert_cmpint (a->retry_at, ==, b->retry_at);
  assert_same_backoffs (a->backoffs, b->backoffs);
  g_assert_cmpstr (a->last_error, ==, b->last_error);
  g_assert_cmpstr (a->last_error_message, ==, b->last_error_message);
  g_assert_cmpint (a->last_error_time, ==, b->last_error_time);
  assert_same_suggestion (a->suggestion, b->suggestion);
  assert_same_generations (a->generations, b->generations);
  assert_same_deliveries (a->deliveries, b->deliveries);
}

/* --- many batches at once --- */

static void
hold (HerdDatabase *database, gpointer data)
{
  GMutex *mutex = data;

  g_mutex_lock (mutex);
  g_mutex_unlock (mutex);
}

void
tally_count (GObject *source, GAsyncResult *result, gpointer data)
{
  Tally *tally = data;
  g_autoptr (GError) error = NULL;

  tally->n_done++;
  if (herd_state_commit_finish (tally->state, result, &error))
    return;
  tally->n_failed++;
  g_clear_error (&tally->error);
  tally->error = g_steal_pointer (&error);
}

HerdBatch *
make_batch (guint64 id)
{
  g_autofree char *name = g_strdup_printf ("c%d", (int) id);
  g_autoptr (HerdCertificate) certificate = make_certificate (id, name, 2);
  HerdBatch *batch = herd_batch_new ();

  put_whole (batch, certificate);
  return batch;
}

guint
count_certificates (StateFixture *fixture)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HerdStateContents) contents = herd_state_load (fixture->state, &error);

  g_assert_no_error (error);
  return contents->certificates->len;
}

void
state_fixture_hold (StateFixture *fixture)
{
  g_mutex_lock (&fixture->held);
  herd_worker_push (fixture->state->worker, hold, &fixture->held);
}

void
state_fixture_let_go (StateFixture *fixture)
{
  g_mutex_unlock (&fixture->held);
}
