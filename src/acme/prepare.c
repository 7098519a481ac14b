// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Reading the records and the directory, as a table: records, directory, keep, end. Owned by itself
 * until its end; SESSION points to the one that others may join.
 */
#include "acme/prepare.h"

#include "acme/problem.h"
#include "plugin/error.h"

#define DIRECTORY_RECORD "directory"
#define DIRECTORY_AGE (12 * 3600) /* seconds */

struct HerdPrepare {
  HerdAcmeSession *session;
  HerdIssuerHost *host;
  gboolean records_only;
  HerdRun *run;
  GPtrArray *waiters; /* of Waiter */
};

/* --- steps --- */

static gboolean
records_enter (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  static const char *const names[] = { HERD_ACCOUNT_KEY_RECORD, HERD_ACCOUNT_RECORD,
                                       HERD_NEXT_KEY_RECORD, DIRECTORY_RECORD, HERD_TRIED_RECORD };
  HerdPrepare *prepare = data;

  if (prepare->session->loaded)
    return TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    herd_issuer_host_record_get_async (prepare->host, names[i], herd_run_ready,
                                       herd_run_slot (run));
  return TRUE;
}

/* A record that is not there leaves *BYTES at NULL; locked, or any other trouble, is a failure. */
static gboolean
get_record (HerdPrepare *prepare, HerdRun *run, guint index, GBytes **bytes, GError **error)
{
  g_autoptr (GError) local = NULL;

  *bytes = herd_issuer_host_record_get_finish (prepare->host, herd_run_get_result (run, index),
                                               &local);
  if (*bytes != NULL || g_error_matches (local, HERD_ERROR, HERD_ERROR_NOT_FOUND))
    return TRUE;
  g_propagate_prefixed_error (error, g_steal_pointer (&local),
                              "issuer %s: ", prepare->session->name);
  return FALSE;
}

/* The key that an earlier process may have given the account; one that is in place already counts no
 * more. */
static void
take_next_key (HerdAcmeSession *session, GBytes *next, GBytes *key)
{
  if (next == NULL || (key != NULL && g_bytes_equal (next, key)))
    return;
  session->next_key = g_bytes_ref (next);
  session->unsettled = *session->account->url != '\0';
}

static gboolean
records_leave (HerdRun *run, gpointer data, GError **error)
{
  HerdPrepare *prepare = data;
  HerdAcmeSession *session = prepare->session;
  g_autoptr (GBytes) key = NULL;
  g_autoptr (GBytes) account = NULL;
  g_autoptr (GBytes) next = NULL;
  g_autoptr (GBytes) directory = NULL;
  g_autoptr (GBytes) tried = NULL;

  /* Another run may have been faster, and the account may have changed since. */
  if (herd_run_get_n_results (run) > 0 && !session->loaded) {
    /* All are read, so that no answer is left behind. */
    gboolean got_key = get_record (prepare, run, 0, &key, error);
    gboolean got_account = get_record (prepare, run, 1, &account, got_key ? error : NULL);
    gboolean got_next = get_record (prepare, run, 2, &next, got_key && got_account ? error : NULL);

    get_record (prepare, run, 3, &directory, NULL);
    get_record (prepare, run, 4, &tried, NULL);
    if (!got_key || !got_account || !got_next)
      return FALSE;
    if (key != NULL && !herd_acme_account_set_key (session->account, key, error))
      return FALSE;
    if (account != NULL && !herd_acme_account_read (session->account, account, error))
      return FALSE;
    take_next_key (session, next, key);
    if (directory != NULL && session->directory == NULL)
      session->directory = herd_directory_new_from_bytes (directory);
    if (session->directory != NULL)
      herd_traits_apply (&session->traits, session->directory);
    herd_tried_free (session->tried);
    session->tried = herd_tried_new (tried);
    session->loaded = TRUE;
  }
  if (prepare->records_only)
    herd_run_jump (run, "end");
  return TRUE;
}

static gboolean
directory_is_fresh (HerdAcmeSession *session)
{
  gint64 age;

  if (session->directory == NULL || session->directory_is_stale)
    return FALSE;
  age = herd_acme_session_get_seconds (session) - session->directory->fetched;
  return age >= 0 && age < DIRECTORY_AGE;
}

void
herd_acme_ask_directory (HerdAcmeSession *session, HerdRun *run)
{
  HerdHttpRequest request = {
    .label = "directory",
    .method = "GET",
    .url = session->site.directory_url,
    .accept = "application/json",
    .limit = HERD_SIZE_DIRECTORY,
  };

  herd_http_send_async (session->http, &request, herd_run_get_cancellable (run), herd_run_ready,
                        herd_run_slot (run));
}

HerdHttpResponse *
herd_acme_take_directory (HerdAcmeSession *session, GAsyncResult *result, GError **error)
{
  gint64 now = herd_acme_session_get_seconds (session);
  g_autoptr (HerdHttpResponse) response = herd_http_send_finish (session->http, result, error);
  HerdDirectory *directory;

  if (response == NULL)
    return NULL;
  if (herd_http_response_get_status (response) != 200) {
    g_propagate_error (error, herd_problem_from_response (response, "directory", now));
    return NULL;
  }
  directory = herd_directory_new (herd_http_response_get_body (response), &session->site, now,
                                  error);
  if (directory == NULL)
    return NULL;
  herd_traits_apply (&session->traits, directory);
  herd_directory_free (session->directory);
  session->directory = directory;
  session->directory_is_stale = FALSE;
  return g_steal_pointer (&response);
}

static gboolean
directory_enter (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  HerdPrepare *prepare = data;

  if (!directory_is_fresh (prepare->session))
    herd_acme_ask_directory (prepare->session, run);
  return TRUE;
}

static gboolean
directory_leave (HerdRun *run, gpointer data, GError **error)
{
  HerdPrepare *prepare = data;
  g_autoptr (HerdHttpResponse) response = NULL;

  if (herd_run_get_n_results (run) == 0) {
    herd_run_jump (run, "end");
    return TRUE;
  }
  response = herd_acme_take_directory (prepare->session, herd_run_get_result (run, 0), error);
  return response != NULL;
}

static gboolean
keep_enter (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  HerdPrepare *prepare = data;
  g_autoptr (GBytes) bytes = herd_directory_to_bytes (prepare->session->directory);

  herd_issuer_host_record_put_async (prepare->host, DIRECTORY_RECORD, bytes, FALSE, herd_run_ready,
                                     herd_run_slot (run));
  return TRUE;
}

static gboolean
keep_leave (HerdRun *run, gpointer data, GError **error)
{
  HerdPrepare *prepare = data;

  return herd_issuer_host_record_put_finish (prepare->host, herd_run_get_result (run, 0), error);
}

static const HerdStep steps[] = {
  { "records", records_enter, records_leave, HERD_COMMIT_NONE },
  { "directory", directory_enter, directory_leave, HERD_COMMIT_NONE },
  { "keep", keep_enter, keep_leave, HERD_COMMIT_NONE },
  { "end", NULL, NULL, HERD_COMMIT_NONE },
};

/* --- who waits --- */

typedef struct {
  GTask *task;
  gulong handler; /* on the task's cancellable, or 0 */
} Waiter;

static void
waiter_free (gpointer data)
{
  Waiter *waiter = data;

  if (waiter->handler != 0)
    g_signal_handler_disconnect (g_task_get_cancellable (waiter->task), waiter->handler);
  g_object_unref (waiter->task);
  g_free (waiter);
}

/* One that gives up does not end it for the others; the last one does. */
static void
on_cancelled (GCancellable *cancellable G_GNUC_UNUSED, gpointer data)
{
  HerdPrepare *prepare = data;

  for (guint i = 0; i < prepare->waiters->len; i++) {
    Waiter *waiter = prepare->waiters->pdata[i];

    if (!g_cancellable_is_cancelled (g_task_get_cancellable (waiter->task)))
      return;
  }
  prepare->session->preparing = NULL; /* nobody is to join what is at its end */
  herd_run_cancel (prepare->run);
}

static void
add_waiter (HerdPrepare *prepare, GCancellable *cancellable, GAsyncReadyCallback callback,
            gpointer data)
{
  Waiter *waiter = g_new0 (Waiter, 1);

  waiter->task = g_task_new (NULL, cancellable, callback, data);
  g_ptr_array_add (prepare->waiters, waiter);
  if (cancellable != NULL)
    waiter->handler = g_signal_connect (cancellable, "cancelled", G_CALLBACK (on_cancelled),
                                        prepare);
}

static void
on_finished (gpointer data, const GError *error)
{
  HerdPrepare *prepare = data;

  if (prepare->session->preparing == prepare)
    prepare->session->preparing = NULL;
  for (guint i = 0; i < prepare->waiters->len; i++) {
    Waiter *waiter = prepare->waiters->pdata[i];

    if (error != NULL)
      g_task_return_error (waiter->task, g_error_copy (error));
    else
      g_task_return_boolean (waiter->task, TRUE);
  }
  g_ptr_array_unref (prepare->waiters);
  g_object_unref (prepare->host);
  herd_run_unref (prepare->run);
  g_free (prepare);
}

static const HerdRunOps ops = { .finished = on_finished };

static HerdPrepare *
start (HerdAcmeSession *session, HerdIssuerHost *host, gboolean records_only)
{
  HerdPrepare *prepare = g_new0 (HerdPrepare, 1);

  prepare->session = session;
  prepare->host = g_object_ref (host);
  prepare->records_only = records_only;
  prepare->waiters = g_ptr_array_new_with_free_func (waiter_free);
  prepare->run = herd_run_new ("prepare", steps, G_N_ELEMENTS (steps), &ops, prepare,
                               session->clock, session->crash);
  herd_run_start (prepare->run, NULL);
  return prepare;
}

void
herd_acme_prepare_async (HerdAcmeSession *session, HerdIssuerHost *host, GCancellable *cancellable,
                         GAsyncReadyCallback callback, gpointer data)
{
  if (session->preparing == NULL)
    session->preparing = start (session, host, FALSE);
  add_waiter (session->preparing, cancellable, callback, data);
}

void
herd_acme_load_async (HerdAcmeSession *session, HerdIssuerHost *host, GAsyncReadyCallback callback,
                      gpointer data)
{
  add_waiter (start (session, host, TRUE), NULL, callback, data);
}

gboolean
herd_acme_prepare_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
