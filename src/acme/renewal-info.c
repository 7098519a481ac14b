// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Renewal information, as a table: prepare, ask, end. The request is unsigned. Owned by itself until
 * its end.
 */
#include "acme/renewal-info.h"

#include <string.h>

#include "acme/json.h"
#include "acme/prepare.h"
#include "acme/problem.h"
#include "crypto/chain.h"
#include "plugin/error.h"
#include "util/follow.h"
#include "util/steps.h"
#include "util/text.h"

#define WHAT "renewalInfo"
#define SIZE_MAX_INFO (16 * 1024)
#define RETRY_MIN 60    /* seconds */
#define RETRY_MAX 86400 /* seconds */
#define RETRY_DEFAULT (6 * 3600)

typedef struct {
  HerdAcmeSession *session;
  HerdIssuerHost *host;
  GTask *task;
  HerdRun *run;
  HerdFollow *follow;
  char *id;
  HerdRenewalInfo *info;
} Asking;

/* --- the answer --- */

static gboolean
read_time (JsonObject *window, const char *member, gint64 *seconds, GError **error)
{
  const char *text = herd_json_need_string (window, WHAT, member, error);
  g_autoptr (GDateTime) time = NULL;
  g_autofree char *clean = NULL;

  if (text == NULL)
    return FALSE;
  time = strlen (text) <= 64 ? g_date_time_new_from_iso8601 (text, NULL) : NULL;
  if (time == NULL) {
    clean = herd_text_from_remote (text, -1);
    g_set_error (error, HERD_ERROR, HERD_ERROR_REFUSED, WHAT ": \"%s\" is no time: %s", member,
                 clean);
    return FALSE;
  }
  *seconds = g_date_time_to_unix (time);
  return TRUE;
}

HerdRenewalInfo *
herd_acme_renewal_info_read (GBytes *body, gint64 retry_at, gint64 now, GError **error)
{
  g_autoptr (JsonObject) object = herd_json_parse (body, WHAT, error);
  JsonObject *window = NULL;
  const char *url = "";
  gint64 start = 0, end = 0;
  HerdRenewalInfo *info;

  if (object == NULL || !herd_json_get_object (object, WHAT, "suggestedWindow", &window, error))
    return NULL;
  if (window == NULL) {
    g_set_error_literal (error, HERD_ERROR, HERD_ERROR_REFUSED,
                         WHAT ": \"suggestedWindow\" is missing");
    return NULL;
  }
  if (!read_time (window, "start", &start, error) || !read_time (window, "end", &end, error))
    return NULL;
  if (end <= start) {
    g_set_error_literal (error, HERD_ERROR, HERD_ERROR_REFUSED,
                         WHAT ": the window ends before it begins");
    return NULL;
  }
  herd_json_get_string (object, WHAT, "explanationURL", &url, NULL);
  info = g_new0 (HerdRenewalInfo, 1);
  info->start = start;
  info->end = end;
  info->explanation_url = herd_text_from_remote (url, -1);
  info->retry_at = retry_at == 0 ? now + RETRY_DEFAULT
                                 : CLAMP (retry_at, now + RETRY_MIN, now + RETRY_MAX);
  return info;
}

/* --- the table --- */

static gboolean
prepare_enter (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  Asking *asking = data;

  herd_acme_prepare_async (asking->session, asking->host, herd_run_get_cancellable (run),
                           herd_run_ready, herd_run_slot (run));
  return TRUE;
}

static gboolean
prepare_leave (HerdRun *run, gpointer data, GError **error)
{
  Asking *asking = data;

  if (!herd_acme_prepare_finish (herd_run_get_result (run, 0), error))
    return FALSE;
  if (*asking->session->directory->renewal_info != '\0')
    return TRUE;
  g_set_error (error, HERD_ERROR, HERD_ERROR_NOT_FOUND,
               "issuer %s: the CA gives no renewal information", asking->session->name);
  return FALSE;
}

static gboolean
ask_enter (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  Asking *asking = data;
  const char *base = asking->session->directory->renewal_info;
  g_autofree char *url = g_strconcat (base, g_str_has_suffix (base, "/") ? "" : "/", asking->id,
                                      NULL);
  HerdHttpRequest request = { .label = WHAT, .method = "GET", .url = url, .limit = SIZE_MAX_INFO };

  herd_http_send_async (asking->session->http, &request, herd_run_get_cancellable (run),
                        herd_run_ready, herd_run_slot (run));
  return TRUE;
}

static gboolean
ask_leave (HerdRun *run, gpointer data, GError **error)
{
  Asking *asking = data;
  gint64 now = herd_acme_session_get_seconds (asking->session);
  g_autoptr (HerdHttpResponse)
      response = herd_http_send_finish (asking->session->http, herd_run_get_result (run, 0), error);

  if (response == NULL)
    return FALSE;
  if (herd_http_response_get_status (response) / 100 != 2) {
    g_propagate_error (error, herd_problem_from_response (response, WHAT, now));
    return FALSE;
  }
  if (herd_http_response_get_retry_at (response) > now + RETRY_MAX)
    g_message ("issuer %s: " WHAT
               ": the CA wants to be asked again in more than a day; it is asked "
               "after one",
               asking->session->name);
  asking->info = herd_acme_renewal_info_read (herd_http_response_get_body (response),
                                              herd_http_response_get_retry_at (response), now,
                                              error);
  return asking->info != NULL;
}

static const HerdStep steps[] = {
  { "prepare", prepare_enter, prepare_leave, HERD_COMMIT_NONE },
  { "ask", ask_enter, ask_leave, HERD_COMMIT_NONE },
  { "end", NULL, NULL, HERD_COMMIT_NONE },
};

/* --- the border --- */

static void
on_finished (gpointer data, const GError *error)
{
  Asking *asking = data;

  if (error != NULL) {
    GError *copy = g_error_copy (error);

    if (copy->domain != HERD_ERROR)
      herd_error_translate (&copy, HERD_ERROR_FAILED, "issuer %s", asking->session->name);
    g_task_return_error (asking->task, copy);
  } else {
    g_task_return_pointer (asking->task, g_steal_pointer (&asking->info),
                           (GDestroyNotify) herd_renewal_info_free);
  }
  herd_follow_free (asking->follow);
  herd_run_unref (asking->run);
  g_object_unref (asking->host);
  g_object_unref (asking->task);
  herd_renewal_info_free (asking->info);
  g_free (asking->id);
  g_free (asking);
}

static const HerdRunOps ops = { .finished = on_finished };

void
herd_acme_renewal_info_async (HerdAcmeSession *session, GBytes *pem, HerdIssuerHost *host,
                              GCancellable *cancellable, GAsyncReadyCallback callback,
                              gpointer data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, data);
  GError *error = NULL;
  g_autoptr (HerdChain) chain = herd_chain_new (pem, &error);
  g_autofree char *id = chain != NULL ? herd_chain_get_renewal_id (chain) : NULL;
  Asking *asking;

  g_task_set_check_cancellable (task, FALSE);
  if (chain != NULL && id == NULL)
    error = g_error_new_literal (HERD_ERROR, HERD_ERROR_NOT_FOUND,
                                 "the certificate does not say which key signed it, and so nobody "
                                 "can be asked when to renew it");
  if (error != NULL) {
    g_task_return_error (task, error);
    return;
  }
  asking = g_new0 (Asking, 1);
  asking->session = session;
  asking->host = g_object_ref (host);
  asking->task = g_steal_pointer (&task);
  asking->id = g_steal_pointer (&id);
  asking->run = herd_run_new ("renewal-info", steps, G_N_ELEMENTS (steps), &ops, asking,
                              session->clock, session->crash);
  herd_run_start (asking->run, NULL);
  asking->follow = herd_follow_new (asking->run, cancellable);
}

HerdRenewalInfo *
herd_acme_renewal_info_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
