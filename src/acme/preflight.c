// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The outlook, as a table: records, directory, account, end. Nothing of what it learns is kept but the
 * directory, in memory. Owned by itself until its end.
 */
#include "acme/preflight.h"

#include "acme/json.h"
#include "acme/post.h"
#include "acme/prepare.h"
#include "plugin/error.h"
#include "util/follow.h"
#include "util/steps.h"
#include "util/text.h"

typedef struct {
  HerdAcmeSession *session;
  HerdIssuerHost *host;
  GTask *task;
  HerdRun *run;
  HerdFollow *follow;
  HerdOutlook *outlook;
  char *status; /* of the account, as the CA says now; NULL: it was not asked */
} Preflight;

static gboolean
records_enter (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  Preflight *preflight = data;

  herd_acme_load_async (preflight->session, preflight->host, herd_run_ready, herd_run_slot (run));
  return TRUE;
}

static gboolean
records_leave (HerdRun *run, gpointer data G_GNUC_UNUSED, GError **error)
{
  return herd_acme_prepare_finish (herd_run_get_result (run, 0), error);
}

static gboolean
directory_enter (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  Preflight *preflight = data;

  herd_acme_ask_directory (preflight->session, run);
  return TRUE;
}

static gboolean
directory_leave (HerdRun *run, gpointer data, GError **error)
{
  Preflight *preflight = data;
  HerdAcmeSession *session = preflight->session;
  g_autoptr (HerdHttpResponse)
      response = herd_acme_take_directory (session, herd_run_get_result (run, 0), error);

  if (response == NULL)
    return FALSE;
  g_strfreev (preflight->outlook->caa_identities);
  preflight->outlook->caa_identities = g_strdupv (session->directory->caa_identities);
  preflight->outlook->ca_time = herd_http_response_get_date (response);
  preflight->outlook->own_time = herd_acme_session_get_seconds (session);
  return TRUE;
}

static gboolean
account_enter (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  Preflight *preflight = data;
  HerdAcmePost post = { .label = "account", .url = preflight->session->account->url };

  if (herd_acme_account_is_registered (preflight->session->account))
    herd_acme_post_async (preflight->session, preflight->host, &post,
                          herd_run_get_cancellable (run), herd_run_ready, herd_run_slot (run));
  return TRUE;
}

/* That the account cannot be used is what we came to learn, not a failure. */
static gboolean
account_leave (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  Preflight *preflight = data;
  g_autoptr (HerdHttpResponse) response = NULL;
  g_autoptr (JsonObject) object = NULL;
  const char *status = NULL;

  if (herd_run_get_n_results (run) == 0)
    return TRUE;
  response = herd_acme_post_finish (herd_run_get_result (run, 0),
                                    &preflight->outlook->account_error);
  if (response == NULL)
    return TRUE;
  object = herd_json_parse (herd_http_response_get_body (response), "account",
                            &preflight->outlook->account_error);
  if (object == NULL
      || !herd_json_get_string (object, "account", "status", &status,
                                &preflight->outlook->account_error))
    return TRUE;
  preflight->status = herd_text_from_remote (status, -1);
  return TRUE;
}

static gboolean
end_leave (HerdRun *run G_GNUC_UNUSED, gpointer data, GError **error G_GNUC_UNUSED)
{
  Preflight *preflight = data;
  HerdAccount *account = herd_acme_account_describe (preflight->session->account,
                                                     preflight->session->directory);

  if (preflight->status != NULL) {
    g_free (account->status);
    account->status = g_steal_pointer (&preflight->status);
  }
  herd_account_free (preflight->outlook->account);
  preflight->outlook->account = account;
  return TRUE;
}

static const HerdStep steps[] = {
  { "records", records_enter, records_leave, HERD_COMMIT_NONE },
  { "directory", directory_enter, directory_leave, HERD_COMMIT_NONE },
  { "account", account_enter, account_leave, HERD_COMMIT_NONE },
  { "end", NULL, end_leave, HERD_COMMIT_NONE },
};

static void
on_finished (gpointer data, const GError *error)
{
  Preflight *preflight = data;
  GError *copy = error != NULL ? g_error_copy (error) : NULL;

  herd_error_translate (&copy, HERD_ERROR_FAILED, "issuer %s", preflight->session->name);
  if (copy != NULL)
    g_task_return_error (preflight->task, copy);
  else
    g_task_return_pointer (preflight->task, g_steal_pointer (&preflight->outlook),
                           (GDestroyNotify) herd_outlook_free);
  herd_follow_free (preflight->follow);
  herd_run_unref (preflight->run);
  herd_outlook_free (preflight->outlook);
  g_free (preflight->status);
  g_object_unref (preflight->host);
  g_object_unref (preflight->task);
  g_free (preflight);
}

static const HerdRunOps ops = { .finished = on_finished };

void
herd_acme_preflight_async (HerdAcmeSession *session, HerdIssuerHost *host,
                           GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data)
{
  Preflight *preflight = g_new0 (Preflight, 1);

  preflight->session = session;
  preflight->host = g_object_ref (host);
  preflight->outlook = herd_outlook_new ();
  preflight->task = g_task_new (NULL, cancellable, callback, data);
  g_task_set_check_cancellable (preflight->task, FALSE);
  preflight->run = herd_run_new ("outlook", steps, G_N_ELEMENTS (steps), &ops, preflight,
                                 session->clock, session->crash);
  herd_run_start (preflight->run, NULL);
  preflight->follow = herd_follow_new (preflight->run, cancellable);
}

HerdOutlook *
herd_acme_preflight_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
