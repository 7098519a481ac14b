// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Settling, as a table: load, try-next, try-old, adopt, forget, end. Owned by itself until its end.
 */
#include "acme/settle.h"

#include "acme/find.h"
#include "crypto/key.h"
#include "plugin/error.h"
#include "util/follow.h"
#include "util/steps.h"

typedef struct {
  HerdAcmeSession *session;
  HerdIssuerHost *host;
  HerdRun *run;
  GTask *task;
  HerdFollow *follow;
  HerdSigner *next;
  GError *error; /* the next key is good for nothing */
} Settle;

/* Did the CA give a clear answer that is no trouble of its own? */
static gboolean
is_answer (const GError *error)
{
  guint status = herd_error_get_status (error);

  return status / 100 == 4 && status != 408 && status != 429;
}

/* --- the key that may be the new one --- */

/* Whoever signs with a record has to have read it in this process. */
static gboolean
load_enter (HerdRun *run, gpointer data, GError **error)
{
  Settle *settle = data;
  g_autoptr (HerdKey) key = herd_key_new_from_pkcs8 (settle->session->next_key, error);
  g_autoptr (GBytes) public_key = key != NULL ? herd_key_get_public (key, error) : NULL;

  if (public_key == NULL)
    return FALSE;
  settle->next = herd_signer_new (HERD_NEXT_KEY_RECORD, public_key, error);
  if (settle->next == NULL)
    return FALSE;
  herd_issuer_host_record_get_async (settle->host, HERD_NEXT_KEY_RECORD, herd_run_ready,
                                     herd_run_slot (run));
  return TRUE;
}

static gboolean
load_leave (HerdRun *run, gpointer data, GError **error)
{
  Settle *settle = data;
  g_autoptr (GBytes) bytes = herd_issuer_host_record_get_finish (
      settle->host, herd_run_get_result (run, 0), error);

  return bytes != NULL;
}

static gboolean
try_next_enter (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  Settle *settle = data;

  herd_acme_find_async (settle->session, settle->host, settle->next, herd_run_get_cancellable (run),
                        herd_run_ready, herd_run_slot (run));
  return TRUE;
}

static gboolean
try_next_leave (HerdRun *run, gpointer data, GError **error)
{
  Settle *settle = data;
  HerdAcmeSession *session = settle->session;
  g_autoptr (GError) local = NULL;
  g_autofree char *url = herd_acme_find_url_finish (session, herd_run_get_result (run, 0), &local);

  if (g_strcmp0 (url, session->account->url) == 0) {
    herd_run_jump (run, "adopt");
    return TRUE;
  }
  if (url == NULL && is_answer (local))
    return TRUE;
  if (url == NULL) {
    g_propagate_error (error, g_steal_pointer (&local));
    return FALSE;
  }
  g_set_error (
      &settle->error, HERD_ERROR, HERD_ERROR_EXISTS,
      "issuer %s: the new key belongs to another account already, %s; the account keeps the "
      "one it has",
      session->name, url);
  session->unsettled = FALSE;
  g_clear_pointer (&session->next_key, g_bytes_unref);
  herd_run_jump (run, "forget");
  return TRUE;
}

/* --- the old one --- */

static gboolean
try_old_enter (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  Settle *settle = data;

  herd_acme_find_async (settle->session, settle->host, NULL, herd_run_get_cancellable (run),
                        herd_run_ready, herd_run_slot (run));
  return TRUE;
}

static gboolean
try_old_leave (HerdRun *run, gpointer data, GError **error)
{
  Settle *settle = data;
  HerdAcmeSession *session = settle->session;
  g_autoptr (GError) local = NULL;
  g_autofree char *url = herd_acme_find_url_finish (session, herd_run_get_result (run, 0), &local);

  if (g_strcmp0 (url, session->account->url) == 0) {
    session->unsettled = FALSE;
    herd_run_jump (run, "end");
    return TRUE;
  }
  if (url == NULL && !is_answer (local)) {
    g_propagate_error (error, g_steal_pointer (&local));
    return FALSE;
  }
  g_set_error (
      error, HERD_ERROR, HERD_ERROR_ACTION_REQUIRED,
      "issuer %s: the CA knows the account %s neither by its old key nor by its new one%s%s; "
      "ask the CA, or remove the issuer and add it again for a new account",
      session->name, session->account->url, local != NULL ? ": " : "",
      local != NULL ? local->message : "");
  return FALSE;
}

/* --- the new one takes its place --- */

static gboolean
adopt_enter (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  Settle *settle = data;

  herd_issuer_host_record_put_async (settle->host, HERD_ACCOUNT_KEY_RECORD,
                                     settle->session->next_key, TRUE, herd_run_ready,
                                     herd_run_slot (run));
  return TRUE;
}

static gboolean
adopt_leave (HerdRun *run, gpointer data, GError **error)
{
  Settle *settle = data;
  HerdAcmeSession *session = settle->session;
  gboolean written = herd_issuer_host_record_put_finish (settle->host, herd_run_get_result (run, 0),
                                                         error);

  /* Also where it could not be written the CA takes no other key any more; and the next key is still on
   * disk. */
  if (!herd_acme_account_set_key (session->account, session->next_key, written ? error : NULL))
    return FALSE;
  session->unsettled = FALSE;
  if (written)
    g_clear_pointer (&session->next_key, g_bytes_unref);
  return written;
}

static gboolean
forget_enter (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  herd_issuer_host_record_put_async (((Settle *) data)->host, HERD_NEXT_KEY_RECORD, NULL, TRUE,
                                     herd_run_ready, herd_run_slot (run));
  return TRUE;
}

static gboolean
forget_leave (HerdRun *run, gpointer data, GError **error)
{
  Settle *settle = data;

  if (!herd_issuer_host_record_put_finish (settle->host, herd_run_get_result (run, 0), error))
    return FALSE;
  if (settle->error == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&settle->error));
  return FALSE;
}

static const HerdStep steps[] = {
  { "load", load_enter, load_leave, HERD_COMMIT_NONE },
  { "try-next", try_next_enter, try_next_leave, HERD_COMMIT_NONE },
  { "try-old", try_old_enter, try_old_leave, HERD_COMMIT_NONE },
  { "adopt", adopt_enter, adopt_leave, HERD_COMMIT_NONE },
  { "forget", forget_enter, forget_leave, HERD_COMMIT_NONE },
  { "end", NULL, NULL, HERD_COMMIT_NONE },
};

static void
on_finished (gpointer data, const GError *error)
{
  Settle *settle = data;

  if (error != NULL)
    g_task_return_error (settle->task, g_error_copy (error));
  else
    g_task_return_boolean (settle->task, TRUE);
  herd_follow_free (settle->follow);
  herd_run_unref (settle->run);
  g_object_unref (settle->host);
  g_object_unref (settle->task);
  herd_signer_free (settle->next);
  g_clear_error (&settle->error);
  g_free (settle);
}

static const HerdRunOps ops = { .finished = on_finished };

static void
start (HerdAcmeSession *session, HerdIssuerHost *host, const char *first, GCancellable *cancellable,
       GAsyncReadyCallback callback, gpointer data)
{
  Settle *settle = g_new0 (Settle, 1);

  settle->session = session;
  settle->host = g_object_ref (host);
  settle->task = g_task_new (NULL, cancellable, callback, data);
  g_task_set_check_cancellable (settle->task, FALSE);
  settle->run = herd_run_new ("settle", steps, G_N_ELEMENTS (steps), &ops, settle, session->clock,
                              session->crash);
  herd_run_start (settle->run, first);
  settle->follow = herd_follow_new (settle->run, cancellable);
}

void
herd_acme_settle_async (HerdAcmeSession *session, HerdIssuerHost *host, GCancellable *cancellable,
                        GAsyncReadyCallback callback, gpointer data)
{
  start (session, host, NULL, cancellable, callback, data);
}

void
herd_acme_adopt_async (HerdAcmeSession *session, HerdIssuerHost *host, GAsyncReadyCallback callback,
                       gpointer data)
{
  start (session, host, "adopt", NULL, callback, data);
}

gboolean
herd_acme_settle_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
