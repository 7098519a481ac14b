// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Proving control of identifiers: rows of the order's table.
 */
#include "acme/order-private.h"
#include "acme/post.h"
#include "acme/solving.h"
#include "plugin/error.h"

gboolean
herd_proof_authorize_enter (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  HerdAcmeOrder *order = data;

  for (char **url = order->order->authorizations; *url != NULL; url++)
    herd_acme_order_ask (run, order, "authorization", *url, NULL);
  return TRUE;
}

static HerdAuthorization *
take_authorization (HerdRun *run, HerdAcmeOrder *order, guint index, GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (HerdHttpResponse)
      response = herd_acme_post_finish (herd_run_get_result (run, index), &local);

  if (response == NULL) {
    g_propagate_error (error, herd_acme_order_note_gone (order, g_steal_pointer (&local)));
    return NULL;
  }
  return herd_authorization_new (herd_http_response_get_body (response), &order->session->site,
                                 herd_acme_order_get_identifiers (order), error);
}

/* A challenge that was presented before a restart is not listed twice. */
static void
note_presented (HerdAcmeOrder *order, HerdPresented *presented)
{
  for (guint i = 0; i < order->record->presented->len; i++) {
    HerdPresented *known = order->record->presented->pdata[i];

    if (g_str_equal (known->challenge->token, presented->challenge->token)
        && g_str_equal (known->challenge->type, presented->challenge->type)
        && g_str_equal (known->wish, presented->wish)) {
      g_ptr_array_remove_index (order->record->presented, i);
      break;
    }
  }
  g_ptr_array_add (order->record->presented, presented);
}

/* The next attempt begins with another type, if there is one; and CAs count failures. */
static void
note_failure (HerdAcmeOrder *order, const HerdAuthorization *authorization)
{
  for (guint i = 0; i < order->record->presented->len; i++) {
    const HerdPresented *one = order->record->presented->pdata[i];

    if (g_str_equal (one->wish, authorization->wish))
      herd_tried_note_failure (order->session->tried, one->wish, one->challenge->type);
  }
  herd_issuer_host_spend (order->host, HERD_SPENDING_FAILURE, authorization->wish);
}

/* Is AUTHORIZATION over only because the order has lain too long? */
static gboolean
has_lapsed (const HerdAcmeOrder *order, const HerdAuthorization *authorization)
{
  return order->resumed && authorization->lapsed;
}

/* What is said of AUTHORIZATION, which failed, beside what is known of others in *FOUND. */
static void
add_failure (HerdAcmeOrder *order, const HerdAuthorization *authorization, GError **found)
{
  order->spoilt = TRUE;
  note_failure (order, authorization);
  if (*found == NULL)
    *found = g_error_copy (authorization->error);
  else
    herd_error_add_parts (*found, authorization->error);
}

static gboolean
choose (HerdAcmeOrder *order, const HerdAuthorization *authorization, GError **error)
{
  const HerdOffer *offer;
  HerdPresented *presented;

  if (authorization->status == HERD_AUTHORIZATION_VALID)
    return TRUE;
  presented = herd_solving_choose (order->host, authorization, order->session->tried,
                                   order->session->account->thumbprint, &offer, error);
  if (presented == NULL)
    return FALSE;
  note_presented (order, presented);
  /* Even one that the CA works on already has to be visible, but is not answered twice. */
  if (!offer->processing)
    g_ptr_array_add (order->to_answer, g_strdup (offer->url));
  return TRUE;
}

/* Notes which of the authorizations that were asked for, at INDEX, wait for proof. */
static void
note_pending (HerdAcmeOrder *order, const HerdAuthorization *authorization, guint index)
{
  if (authorization->status == HERD_AUTHORIZATION_PENDING)
    g_ptr_array_add (order->pending, g_strdup (order->order->authorizations[index]));
}

gboolean
herd_proof_authorize_leave (HerdRun *run, gpointer data, GError **error)
{
  HerdAcmeOrder *order = data;
  g_autoptr (GError) found = NULL;
  gboolean lapsed = FALSE;

  if (herd_run_get_n_results (run) == 0) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_REFUSED,
                 "the CA's order %s waits for proofs, and does not say for which; ask the CA",
                 order->record->order_url);
    return FALSE;
  }
  g_ptr_array_set_size (order->pending, 0);
  g_ptr_array_set_size (order->to_answer, 0);
  for (guint i = 0; i < herd_run_get_n_results (run); i++) {
    g_autoptr (GError) local = NULL;
    g_autoptr (HerdAuthorization) authorization = take_authorization (run, order, i, &local);

    if (authorization == NULL && order->resumed && order->spoilt)
      return herd_acme_order_begin_anew (run, order, local->message, error);
    if (authorization == NULL) {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
    note_pending (order, authorization, i);
    if (has_lapsed (order, authorization))
      lapsed = TRUE;
    else if (authorization->status == HERD_AUTHORIZATION_FAILED)
      add_failure (order, authorization, &found);
    else if (found == NULL && !lapsed && !choose (order, authorization, error))
      return FALSE;
  }
  if (found != NULL) {
    g_propagate_error (error, g_steal_pointer (&found));
    return FALSE;
  }
  if (lapsed)
    return herd_acme_order_begin_anew (run, order, "an authorization has lapsed", error);
  if (order->pending->len == 0)
    herd_run_jump (run, "finalize");
  return TRUE;
}

static void
watch (HerdAcmeOrder *order)
{
  herd_sightings_free (order->sightings);
  order->sightings = herd_sightings_new (order->session->clock, herd_acme_order_saw_validator,
                                         order);
  for (guint i = 0; i < order->record->presented->len; i++)
    herd_sightings_watch (order->sightings,
                          ((const HerdPresented *) order->record->presented->pdata[i])->challenge);
}

gboolean
herd_proof_present_enter (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  HerdAcmeOrder *order = data;

  g_clear_pointer (&order->batches, g_ptr_array_unref);
  order->batches = herd_solving_group (order->host, order->record->presented);
  watch (order);
  for (guint i = 0; i < order->batches->len; i++) {
    HerdBatch *batch = order->batches->pdata[i];

    herd_solver_present_async (batch->solver, batch->challenges, herd_run_get_cancellable (run),
                               herd_run_ready, herd_run_slot (run));
  }
  return TRUE;
}

/* What SOLVER cannot show is tried with another type the next time. */
static void
note_not_presented (HerdAcmeOrder *order, HerdSolver *solver)
{
  for (guint i = 0; i < order->record->presented->len; i++) {
    const HerdPresented *one = order->record->presented->pdata[i];

    if (one->instance == (gpointer) solver)
      herd_tried_note_failure (order->session->tried, one->wish, one->challenge->type);
  }
}

gboolean
herd_proof_present_leave (HerdRun *run, gpointer data, GError **error)
{
  HerdAcmeOrder *order = data;

  for (guint i = 0; i < herd_run_get_n_results (run); i++) {
    HerdBatch *batch = order->batches->pdata[i];
    g_autoptr (GError) local = NULL;

    if (herd_solver_present_finish (batch->solver, herd_run_get_result (run, i), &local))
      continue;
    if (!g_error_matches (local, HERD_ERROR, HERD_ERROR_CANCELLED)
        && !g_error_matches (local, G_IO_ERROR, G_IO_ERROR_CANCELLED))
      note_not_presented (order, batch->solver);
    g_propagate_error (error, g_steal_pointer (&local));
    return FALSE;
  }
  return TRUE;
}

gboolean
herd_proof_respond_enter (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  HerdAcmeOrder *order = data;

  for (guint i = 0; i < order->to_answer->len; i++)
    herd_acme_order_ask (run, order, "challenge", order->to_answer->pdata[i], "{}");
  return TRUE;
}

gboolean
herd_proof_respond_leave (HerdRun *run, gpointer data, GError **error)
{
  HerdAcmeOrder *order = data;
  HerdAcmeSession *session = order->session;
  gint64 retry_at = order->poll.retry_at;

  for (guint i = 0; i < herd_run_get_n_results (run); i++) {
    g_autoptr (GError) local = NULL;
    g_autoptr (HerdHttpResponse)
        response = herd_acme_post_finish (herd_run_get_result (run, i), &local);

    if (response != NULL) {
      retry_at = MAX (retry_at, herd_http_response_get_retry_at (response));
      continue;
    }
    /* After a restart, the CA may have come to an end with a challenge that was answered before,
     * in between: the authorizations tell. */
    if (!order->read_again && herd_error_get_status (local) == 400) {
      order->read_again = TRUE;
      herd_run_jump (run, "authorize");
      return TRUE;
    }
    g_propagate_error (error, g_steal_pointer (&local));
    return FALSE;
  }
  herd_poll_answered (&order->poll, retry_at);
  herd_poll_start (&order->poll,
                   herd_sightings_are_promised (order->sightings) ? &session->verdict
                                                                  : &session->validation,
                   herd_clock_get_monotonic (session->clock));
  return TRUE;
}

/* Reached by orders that the CA gave up only: which proof failed, and why? */
gboolean
herd_proof_explain_leave (HerdRun *run, gpointer data, GError **error)
{
  HerdAcmeOrder *order = data;
  g_autoptr (GError) found = NULL;

  order->spoilt = TRUE;
  g_ptr_array_set_size (order->pending, 0);
  for (guint i = 0; i < herd_run_get_n_results (run); i++) {
    g_autoptr (HerdAuthorization) authorization = take_authorization (run, order, i, NULL);

    if (authorization == NULL)
      continue;
    note_pending (order, authorization, i);
    if (authorization->status != HERD_AUTHORIZATION_FAILED || has_lapsed (order, authorization))
      continue;
    add_failure (order, authorization, &found);
  }
  if (found == NULL && order->order->error != NULL)
    found = g_error_copy (order->order->error);
  if (found == NULL && order->resumed)
    return herd_acme_order_begin_anew (run, order, "the CA has given it up", error);
  if (found == NULL)
    found = g_error_new (HERD_ERROR, HERD_ERROR_REFUSED,
                         "the CA gave the order %s up without saying why",
                         order->record->order_url);
  g_propagate_error (error, g_steal_pointer (&found));
  return FALSE;
}

/* The CA said that it does not know our account, or that it is over: nobody is to believe that it is
 * valid. */
static gboolean
account_is_lost (HerdRun *run, HerdAcmeOrder *order)
{
  HerdAcmeAccount *account = order->session->account;

  if (!order->had_account)
    return FALSE;
  if (g_strcmp0 (herd_error_get_problem_type (herd_run_get_error (run)), "accountDoesNotExist")
      == 0)
    herd_acme_account_forget (account);
  return !herd_acme_account_is_registered (account);
}

/* Does the next attempt go on with what the CA has of this one? After trouble that passes, unless it is the
 * order's; one that says until when its certificate is to be valid (notAfter) is too old soon. */
static gboolean
leaves_order (HerdRun *run, const HerdAcmeOrder *order)
{
  const GError *error = herd_run_get_error (run);

  if (error == NULL || order->spoilt || order->account_lost || order->request->lifetime > 0
      || g_error_matches (error, HERD_ERROR, HERD_ERROR_FAILED)
      || (order->record->order_url == NULL && order->record->attempts == 0))
    return FALSE;
  switch (herd_error_class (error)) {
  case HERD_ERROR_CLASS_IMMEDIATE:
  case HERD_ERROR_CLASS_TIMED:
  case HERD_ERROR_CLASS_BACKOFF:
    return TRUE;
  case HERD_ERROR_CLASS_HUMAN:
  case HERD_ERROR_CLASS_PERMANENT:
    return FALSE;
  }
  return FALSE;
}

/* Authorizations that an order leaves behind count against the account until they expire (RFC 8555
 * section 7.5.2 lets them go). */
static void
release (HerdRun *run, HerdAcmeOrder *order)
{
  if (herd_run_get_error (run) == NULL || order->account_lost || leaves_order (run, order))
    return;
  order->releases = order->pending->len;
  for (guint i = 0; i < order->pending->len; i++)
    herd_acme_order_post (run, order, "authorization", order->pending->pdata[i],
                          "{\"status\":\"deactivated\"}");
}

/* Remembers what worked, and writes down what is known of it, if that is news. */
static void
keep_tried (HerdRun *run, HerdAcmeOrder *order)
{
  g_autoptr (GBytes) bytes = NULL;

  for (guint i = 0; order->chain != NULL && i < order->record->presented->len; i++) {
    const HerdPresented *one = order->record->presented->pdata[i];

    herd_tried_note_success (order->session->tried, one->wish, one->challenge->type);
  }
  if (!herd_tried_take_change (order->session->tried))
    return;
  bytes = herd_tried_to_bytes (order->session->tried);
  herd_issuer_host_record_put_async (order->host, HERD_TRIED_RECORD, bytes, FALSE, herd_run_ready,
                                     herd_run_slot (run));
}

/* Is there anything on disk that the next attempt would believe? A cancelled one has none after it. */
static gboolean
has_to_leave (HerdRun *run, const HerdAcmeOrder *order)
{
  const GError *error = herd_run_get_error (run);

  return error != NULL && order->recorded
         && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED)
         && !g_error_matches (error, HERD_ERROR, HERD_ERROR_CANCELLED);
}

/* All is taken away that was presented. Of newOrders that were not answered one is searched for once more,
 * and sent again once. */
static void
record_rest (HerdRun *run, HerdAcmeOrder *order)
{
  g_autoptr (GBytes) bytes = NULL;

  g_ptr_array_set_size (order->record->presented, 0);
  order->record->attempts = MIN (order->record->attempts, 1);
  if (leaves_order (run, order))
    bytes = herd_record_to_bytes (order->record);
  herd_issuer_host_checkpoint_async (order->host, bytes, herd_run_ready, herd_run_slot (run));
}

/* The worst of it is a request that is in vain. */
static void
read_rest (HerdRun *run, HerdAcmeOrder *order)
{
  g_autoptr (GError) local = NULL;

  if (!herd_issuer_host_checkpoint_finish (order->host, herd_run_get_result (run, 0), &local))
    g_message ("%s: what is left of the order was not saved: %s", order->request->certificate,
               local->message);
}

gboolean
herd_proof_cleanup_enter (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  HerdAcmeOrder *order = data;

  if (order->leaving) {
    record_rest (run, order);
    return TRUE;
  }
  g_clear_pointer (&order->batches, g_ptr_array_unref);
  order->batches = herd_solving_group (order->host, order->record->presented);
  for (guint i = 0; i < order->batches->len; i++) {
    HerdBatch *batch = order->batches->pdata[i];

    herd_solver_cleanup_async (batch->solver, batch->challenges, herd_run_ready,
                               herd_run_slot (run));
  }
  order->account_lost = account_is_lost (run, order);
  if (order->account_lost) {
    g_autoptr (GBytes) bytes = herd_acme_account_to_bytes (order->session->account);

    herd_issuer_host_record_put_async (order->host, HERD_ACCOUNT_RECORD, bytes, FALSE,
                                       herd_run_ready, herd_run_slot (run));
  }
  release (run, order);
  keep_tried (run, order);
  return TRUE;
}

gboolean
herd_proof_cleanup_leave (HerdRun *run, gpointer data, GError **error)
{
  HerdAcmeOrder *order = data;
  guint next = order->batches->len;

  if (order->leaving) {
    read_rest (run, order);
    return TRUE;
  }
  for (guint i = 0; i < order->batches->len; i++) {
    HerdBatch *batch = order->batches->pdata[i];
    g_autoptr (GError) local = NULL;

    /* Not a reason to throw a certificate away. */
    if (!herd_solver_cleanup_finish (batch->solver, herd_run_get_result (run, i), &local))
      g_message ("%s: a challenge was not taken away: %s", order->request->certificate,
                 local->message);
  }
  for (guint i = 0; i < order->releases; i++) {
    g_autoptr (HerdHttpResponse)
        response = herd_acme_post_finish (herd_run_get_result (run, next++), NULL);

    if (response == NULL)
      g_debug ("%s: an authorization was not given back", order->request->certificate);
  }
  if (order->account_lost
      && !herd_issuer_host_record_put_finish (order->host, herd_run_get_result (run, next++),
                                              error))
    return FALSE;
  if (next < herd_run_get_n_results (run)) {
    g_autoptr (GError) local = NULL;

    /* Nor is this. */
    if (!herd_issuer_host_record_put_finish (order->host, herd_run_get_result (run, next), &local))
      g_message ("%s: which challenges failed was not saved: %s", order->request->certificate,
                 local->message);
  }
  order->leaving = has_to_leave (run, order);
  if (order->leaving)
    herd_run_again (run, 0);
  return TRUE;
}
