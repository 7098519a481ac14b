// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * One issuance, as a table. Rows that a run does not need are jumped over: what comes after the
 * order is known is decided by its status alone (go_on), so that a restart, which reads the order
 * first, continues where the CA is. Owned by itself until its end.
 */
#include "acme/order.h"

#include "acme/json.h"
#include "acme/order-private.h"
#include "acme/post.h"
#include "acme/prepare.h"
#include "acme/search.h"
#include "acme/solving.h"
#include "plugin/error.h"
#include "util/base64url.h"

#define LOST_DELAY HERD_SECOND
#define FINALIZES_MAX 5 /* a CA that says "ready" again and again is not believed for ever */

const char *const *
herd_acme_order_get_identifiers (HerdAcmeOrder *order)
{
  return (const char *const *) order->request->identifiers;
}

void
herd_acme_order_post (HerdRun *run, HerdAcmeOrder *order, const char *label, const char *url,
                      const char *payload)
{
  HerdAcmePost given = { .label = label, .url = url, .payload = payload };

  herd_acme_post_async (order->session, order->host, &given, herd_run_get_cancellable (run),
                        herd_run_ready, herd_run_slot (run));
}

void
herd_acme_order_ask (HerdRun *run, HerdAcmeOrder *order, const char *label, const char *url,
                     const char *payload)
{
  HerdAcmePost given = { .label = label, .url = url, .payload = payload, .repeatable = TRUE };

  herd_acme_post_async (order->session, order->host, &given, herd_run_get_cancellable (run),
                        herd_run_ready, herd_run_slot (run));
}

GError *
herd_acme_order_note_gone (HerdAcmeOrder *order, GError *error)
{
  g_autoptr (GError) owned = error;

  if (herd_error_get_status (owned) != 404)
    return g_steal_pointer (&owned);
  order->spoilt = TRUE;
  return g_error_new (HERD_ERROR, HERD_ERROR_FAILED,
                      "the CA no longer knows the order %s (%s); it may have expired, and the next "
                      "attempt makes a new one",
                      order->record->order_url, owned->message);
}

gboolean
herd_acme_order_take (HerdAcmeOrder *order, HerdHttpResponse *response, GError **error)
{
  HerdOrder *seen = herd_order_new (herd_http_response_get_body (response), &order->session->site,
                                    herd_acme_order_get_identifiers (order), error);

  if (seen == NULL)
    return FALSE;
  herd_order_free (order->order);
  order->order = seen;
  herd_poll_answered (&order->poll, herd_http_response_get_retry_at (response));
  return TRUE;
}

gboolean
herd_acme_order_go_on (HerdRun *run, HerdAcmeOrder *order, GError **error)
{
  static const char *const rows[] = { [HERD_ORDER_PENDING] = "authorize",
                                      [HERD_ORDER_READY] = "finalize",
                                      [HERD_ORDER_PROCESSING] = "valid",
                                      [HERD_ORDER_VALID] = "download",
                                      [HERD_ORDER_INVALID] = "explain" };
  HerdOrderStatus status = order->order->status;

  if ((status == HERD_ORDER_PROCESSING || status == HERD_ORDER_VALID)
      && !order->record->finalized) {
    order->spoilt = TRUE;
    g_set_error (error, HERD_ERROR, HERD_ERROR_FAILED,
                 "somebody else finalized the order %s; does another client use the account of "
                 "issuer %s?",
                 order->record->order_url, order->session->name);
    return FALSE;
  }
  herd_run_jump (run, rows[status]);
  return TRUE;
}

void
herd_acme_order_set_url (HerdAcmeOrder *order, const char *url)
{
  if (order->record->order_url != NULL)
    g_hash_table_remove (order->session->orders, order->record->order_url);
  g_free (order->record->order_url);
  order->record->order_url = g_strdup (url);
  g_hash_table_add (order->session->orders, order->record->order_url);
}

gboolean
herd_acme_order_begin_anew (HerdRun *run, HerdAcmeOrder *order, const char *why, GError **error)
{
  g_message ("%s: the order %s is over (%s); asking for another one", order->request->certificate,
             order->record->order_url, why);
  g_hash_table_remove (order->session->orders, order->record->order_url);
  g_clear_pointer (&order->record->order_url, g_free);
  order->record->attempts = 0;
  order->record->finalized = FALSE;
  order->resumed = FALSE;
  order->spoilt = FALSE;
  if (!herd_new_order_settle (order, error))
    return FALSE;
  herd_run_jump (run, "new-order");
  return TRUE;
}

/* --- before the order is known --- */

static gboolean
prepare_enter (HerdRun *run, gpointer data, GError **error)
{
  HerdAcmeOrder *order = data;

  /* What cannot succeed fails before any request leaves. */
  if (!herd_traits_check_request (&order->session->traits, order->session->name, order->request,
                                  error)
      || !herd_solving_check (order->host, herd_acme_order_get_identifiers (order), error))
    return FALSE;
  /* The account keeps its key until we are through. */
  herd_gate_enter_async (order->session->turns, herd_run_get_cancellable (run), herd_run_ready,
                         herd_run_slot (run));
  herd_acme_prepare_async (order->session, order->host, herd_run_get_cancellable (run),
                           herd_run_ready, herd_run_slot (run));
  return TRUE;
}

static gboolean
prepare_leave (HerdRun *run, gpointer data, GError **error)
{
  HerdAcmeOrder *order = data;

  order->inside = herd_gate_enter_finish (order->session->turns, herd_run_get_result (run, 0),
                                          error);
  if (!herd_acme_prepare_finish (herd_run_get_result (run, 1), order->inside ? error : NULL)
      || !order->inside || !herd_acme_session_check_account (order->session, error))
    return FALSE;
  order->had_account = TRUE;
  /* RFC 8555 section 11.1. */
  if (g_bytes_equal (order->session->account->public_key, order->request->public_key)) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
                 "%s: the certificate's key is the account's key of issuer %s; use another one",
                 order->request->certificate, order->session->name);
    return FALSE;
  }
  if (order->record->order_url != NULL) {
    order->resumed = TRUE;
    herd_run_jump (run, "resume");
    return TRUE;
  }
  if (!herd_new_order_settle (order, error))
    return FALSE;
  if (order->record->attempts == 0)
    herd_run_jump (run, "new-order");
  return TRUE;
}

static gboolean
search_enter (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  HerdAcmeOrder *order = data;

  /* Whatever took the answer away may need a moment to go. */
  if (!order->lost)
    herd_acme_search_async (order->session, order->host, herd_acme_order_get_identifiers (order),
                            herd_run_get_cancellable (run), herd_run_ready, herd_run_slot (run));
  return TRUE;
}

static gboolean
search_leave (HerdRun *run, gpointer data, GError **error)
{
  HerdAcmeOrder *order = data;
  g_autoptr (GError) local = NULL;
  g_autofree char *url = NULL;

  if (order->lost) {
    order->lost = FALSE;
    herd_run_again (run, LOST_DELAY);
    return TRUE;
  }
  url = herd_acme_search_finish (herd_run_get_result (run, 0), &local);
  if (local != NULL) {
    g_propagate_error (error, g_steal_pointer (&local));
    return FALSE;
  }
  if (url != NULL) {
    herd_acme_order_set_url (order, url);
    return TRUE;
  }
  if (order->record->attempts >= HERD_ATTEMPTS_MAX) {
    g_set_error (
        error, HERD_ERROR, HERD_ERROR_FAILED,
        "newOrder was sent %u times, and no answer came each time; a new attempt starts over",
        order->record->attempts);
    return FALSE;
  }
  herd_run_jump (run, "new-order");
  return TRUE;
}

static gboolean
resume_enter (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  HerdAcmeOrder *order = data;

  herd_acme_order_ask (run, order, "order", order->record->order_url, NULL);
  return TRUE;
}

/* Does the CA not know the order, or not as ours? What is wrong with the account a new order tells. */
static gboolean
is_gone (const GError *error)
{
  guint status = herd_error_get_status (error);

  return status == 404 || status == 410
         || (status == 403 && g_strcmp0 (herd_error_get_problem_type (error), "unauthorized") == 0);
}

static gboolean
resume_leave (HerdRun *run, gpointer data, GError **error)
{
  HerdAcmeOrder *order = data;
  g_autoptr (GError) local = NULL;
  g_autoptr (HerdHttpResponse)
      response = herd_acme_post_finish (herd_run_get_result (run, 0), &local);

  if (response != NULL) {
    if (!herd_acme_order_take (order, response, error))
      return FALSE;
    return herd_acme_order_go_on (run, order, error);
  }
  if (is_gone (local))
    return herd_acme_order_begin_anew (run, order, local->message, error);
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

/* --- waiting for the CA --- */

/* The first round only waits: the CA needs a moment. */
static gboolean
poll_enter (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  HerdAcmeOrder *order = data;

  if (herd_poll_is_due (&order->poll, herd_clock_get_monotonic (order->session->clock)))
    herd_acme_order_post (run, order, "order", order->record->order_url, NULL);
  return TRUE;
}

static gboolean
poll_again (HerdRun *run, HerdAcmeOrder *order, GError **error)
{
  gint64 now = herd_acme_session_get_seconds (order->session);

  if (herd_clock_get_monotonic (order->session->clock) >= order->deadline) {
    /* It has had two chances. */
    order->spoilt = order->resumed;
    g_set_error (error, HERD_ERROR, HERD_ERROR_UNREACHABLE,
                 "the CA has not come to an end with the order %s within %d minutes",
                 order->record->order_url, HERD_POLL_DEADLINE / 60);
    return FALSE;
  }
  herd_run_again (run, herd_poll_get_delay (&order->poll, now));
  return TRUE;
}

/* Reads the answer of a poll. *WAIT: nothing is known yet, and another round was asked for. */
static gboolean
poll_leave (HerdRun *run, HerdAcmeOrder *order, gboolean *wait, GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (HerdHttpResponse) response = NULL;

  *wait = herd_run_get_n_results (run) == 0;
  if (*wait)
    return poll_again (run, order, error);
  response = herd_acme_post_finish (herd_run_get_result (run, 0), &local);
  if (response != NULL)
    return herd_acme_order_take (order, response, error);
  /* A server that stumbles while it is asked how far it is costs a round, not the order. */
  *wait = herd_poll_tolerates (&order->poll, local, herd_acme_session_get_seconds (order->session));
  if (*wait)
    return poll_again (run, order, error);
  g_propagate_error (error, herd_acme_order_note_gone (order, g_steal_pointer (&local)));
  return FALSE;
}

/* Does the next question wait for validators to be seen? */
static gboolean
is_by_sight (HerdAcmeOrder *order)
{
  return order->sightings != NULL && herd_poll_is_fresh (&order->poll)
         && herd_sightings_are_promised (order->sightings);
}

static gint64
get_delay_by_sight (HerdAcmeOrder *order)
{
  return herd_poll_get_delay_by_sight (&order->poll, order->sightings,
                                       herd_acme_session_get_seconds (order->session),
                                       herd_clock_get_monotonic (order->session->clock));
}

void
herd_acme_order_saw_validator (gpointer data)
{
  HerdAcmeOrder *order = data;

  if (g_strcmp0 (herd_run_get_step (order->run), "ready") == 0 && is_by_sight (order))
    herd_run_set_delay (order->run, get_delay_by_sight (order));
}

static gboolean
ready_leave (HerdRun *run, gpointer data, GError **error)
{
  HerdAcmeOrder *order = data;
  gboolean wait;

  if (!poll_leave (run, order, &wait, error))
    return FALSE;
  if (wait && is_by_sight (order))
    herd_run_again (run, get_delay_by_sight (order));
  if (wait)
    return TRUE;
  if (order->order->status == HERD_ORDER_PENDING)
    return poll_again (run, order, error);
  herd_poll_learn (&order->poll, order->sightings);
  return herd_acme_order_go_on (run, order, error);
}

static gboolean
finalize_enter (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  HerdAcmeOrder *order = data;
  g_autoptr (JsonObject) object = json_object_new ();
  g_autofree char *csr = herd_base64url_encode_bytes (order->request->csr);
  g_autofree char *payload = NULL;

  json_object_set_string_member (object, "csr", csr);
  payload = herd_json_to_text (object);
  order->finalizes++;
  g_ptr_array_set_size (order->pending, 0); /* all was proved */
  herd_acme_order_post (run, order, "finalize", order->order->finalize, payload);
  return TRUE;
}

static gboolean
finalize_leave (HerdRun *run, gpointer data, GError **error)
{
  HerdAcmeOrder *order = data;
  g_autoptr (GError) local = NULL;
  g_autoptr (HerdHttpResponse)
      response = herd_acme_post_finish (herd_run_get_result (run, 0), &local);

  herd_poll_start (&order->poll, &order->session->issue,
                   herd_clock_get_monotonic (order->session->clock));
  if (response == NULL) {
    gboolean not_ready = g_strcmp0 (herd_error_get_problem_type (local), "orderNotReady") == 0;

    /* "Not ready", or an answer that was lost: the order itself says how it stands. */
    if (order->finalizes < FINALIZES_MAX
        && (not_ready
            || herd_poll_tolerates (&order->poll, local,
                                    herd_acme_session_get_seconds (order->session)))) {
      herd_run_jump (run, not_ready ? "ready" : "valid");
      return TRUE;
    }
    g_propagate_error (error, g_steal_pointer (&local));
    return FALSE;
  }
  if (!herd_acme_order_take (order, response, error))
    return FALSE;
  if (order->order->status == HERD_ORDER_VALID || order->order->status == HERD_ORDER_INVALID)
    return herd_acme_order_go_on (run, order, error);
  return TRUE;
}

static gboolean
valid_leave (HerdRun *run, gpointer data, GError **error)
{
  HerdAcmeOrder *order = data;
  gboolean wait;

  if (!poll_leave (run, order, &wait, error))
    return FALSE;
  if (wait)
    return TRUE;
  if (order->order->status == HERD_ORDER_PROCESSING || order->order->status == HERD_ORDER_PENDING)
    return poll_again (run, order, error);
  if (order->order->status == HERD_ORDER_READY && order->finalizes >= FINALIZES_MAX)
    return poll_again (run, order, error);
  herd_poll_learn (&order->poll, NULL);
  return herd_acme_order_go_on (run, order, error);
}

static const HerdStep steps[] = {
  { "prepare", prepare_enter, prepare_leave, HERD_COMMIT_NONE },
  { "search", search_enter, search_leave, HERD_COMMIT_NONE },
  { "resume", resume_enter, resume_leave, HERD_COMMIT_NONE },
  { "new-order", herd_new_order_enter, herd_new_order_leave,
    HERD_COMMIT_BEFORE | HERD_COMMIT_AFTER },
  { "authorize", herd_proof_authorize_enter, herd_proof_authorize_leave, HERD_COMMIT_NONE },
  { "present", herd_proof_present_enter, herd_proof_present_leave, HERD_COMMIT_BEFORE },
  { "respond", herd_proof_respond_enter, herd_proof_respond_leave, HERD_COMMIT_NONE },
  { "ready", poll_enter, ready_leave, HERD_COMMIT_NONE },
  { "finalize", finalize_enter, finalize_leave, HERD_COMMIT_BEFORE },
  { "valid", poll_enter, valid_leave, HERD_COMMIT_NONE },
  { "download", herd_download_enter, herd_download_leave, HERD_COMMIT_NONE },
  { "alternates", herd_alternates_enter, herd_alternates_leave, HERD_COMMIT_NONE },
  { "explain", herd_proof_authorize_enter, herd_proof_explain_leave, HERD_COMMIT_NONE },
  { "cleanup", herd_proof_cleanup_enter, herd_proof_cleanup_leave, HERD_COMMIT_NONE },
};

static void
note_attempt (HerdAcmeOrder *order)
{
  order->record->attempts++;
  herd_issuer_host_spend (
      order->host, order->replaces != NULL ? HERD_SPENDING_REPLACEMENT : HERD_SPENDING_ORDER, NULL);
}

static void
commit (HerdRun *run, gpointer data, gpointer slot)
{
  HerdAcmeOrder *order = data;
  g_autoptr (GBytes) bytes = NULL;
  const char *step = herd_run_get_step (run);

  /* Before its request leaves, the record says that it may have left; the commit after its answer
   * counts nothing. */
  if (g_str_equal (step, "new-order") && !order->asked)
    note_attempt (order);
  else if (g_str_equal (step, "finalize"))
    order->record->finalized = TRUE;
  order->asked = FALSE;
  order->recorded = TRUE;
  bytes = herd_record_to_bytes (order->record);
  herd_issuer_host_checkpoint_async (order->host, bytes, herd_run_ready, slot);
}

static gboolean
commit_finish (gpointer data, GAsyncResult *result, GError **error)
{
  return herd_issuer_host_checkpoint_finish (((HerdAcmeOrder *) data)->host, result, error);
}

static void
on_entered (gpointer data, const char *step, double fraction)
{
  herd_issuer_host_progress (((HerdAcmeOrder *) data)->host, step, fraction);
}

static void
order_free (HerdAcmeOrder *order)
{
  if (order->record->order_url != NULL)
    g_hash_table_remove (order->session->orders, order->record->order_url);
  if (order->inside)
    herd_gate_leave (order->session->turns);
  herd_follow_free (order->follow);
  herd_run_unref (order->run);
  herd_issue_request_free (order->request);
  g_object_unref (order->host);
  g_object_unref (order->task);
  herd_record_free (order->record);
  g_free (order->profile);
  g_free (order->replaces);
  herd_order_free (order->order);
  g_ptr_array_unref (order->pending);
  g_ptr_array_unref (order->to_answer);
  g_clear_pointer (&order->batches, g_ptr_array_unref);
  herd_sightings_free (order->sightings);
  herd_chain_free (order->chain);
  g_strfreev (order->alternates);
  herd_issued_free (order->issued);
  g_free (order);
}

static void
on_finished (gpointer data, const GError *error)
{
  HerdAcmeOrder *order = data;

  if (error != NULL) {
    GError *copy = g_error_copy (error);

    if (copy->domain != HERD_ERROR)
      herd_error_translate (&copy, HERD_ERROR_FAILED, "%s", order->request->certificate);
    g_task_return_error (order->task, copy);
  } else {
    g_task_return_pointer (order->task, g_steal_pointer (&order->issued),
                           (GDestroyNotify) herd_issued_free);
  }
  order_free (order);
}

static const HerdRunOps ops = {
  .commit = commit,
  .commit_finish = commit_finish,
  .entered = on_entered,
  .finished = on_finished,
};

void
herd_acme_order_async (HerdAcmeSession *session, const HerdIssueRequest *request, GBytes *resume,
                       HerdIssuerHost *host, GCancellable *cancellable,
                       GAsyncReadyCallback callback, gpointer data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, data);
  g_autoptr (HerdRecord) record = NULL;
  GError *error = NULL;
  HerdAcmeOrder *order;

  g_task_set_check_cancellable (task, FALSE);
  record = resume != NULL ? herd_record_new_from_bytes (resume, &error) : herd_record_new ();
  if (record == NULL) {
    g_task_return_error (task, error);
    return;
  }
  order = g_new0 (HerdAcmeOrder, 1);
  order->session = session;
  order->request = herd_issue_request_copy (request);
  order->host = g_object_ref (host);
  order->task = g_steal_pointer (&task);
  order->record = g_steal_pointer (&record);
  order->recorded = resume != NULL;
  order->deadline = herd_clock_get_monotonic (session->clock)
                    + HERD_POLL_DEADLINE * (gint64) HERD_SECOND;
  herd_poll_start (&order->poll, &session->issue, herd_clock_get_monotonic (session->clock));
  order->pending = g_ptr_array_new_with_free_func (g_free);
  order->to_answer = g_ptr_array_new_with_free_func (g_free);
  order->issued = g_new0 (HerdIssued, 1);
  if (order->record->order_url != NULL)
    g_hash_table_add (session->orders, order->record->order_url);
  order->run = herd_run_new ("issue", steps, G_N_ELEMENTS (steps), &ops, order, session->clock,
                             session->crash);
  herd_run_start (order->run, NULL);
  order->follow = herd_follow_new (order->run, cancellable);
}

HerdIssued *
herd_acme_order_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
