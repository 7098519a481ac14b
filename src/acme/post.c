// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Signed requests, as a table: turn, nonce, send, look, end. A bad nonce leads back: to send with the
 * nonce that came with the refusal, and, when that has been tried often enough, once to nonce for a fresh
 * one. Trouble on the way leads back to turn, after a delay, if nothing can be done twice by it.
 *
 * A nonce is not taken before the request's turn has come: those who wait would have it grow old, and
 * those who leave in the meantime would have to ask for others.
 */
#include "acme/post.h"

#include "acme/find.h"
#include "acme/poll.h"
#include "acme/problem.h"
#include "plugin/error.h"
#include "util/follow.h"
#include "util/steps.h"

#define BAD_NONCES_MAX 4 /* answered with the nonce of the refusal; then a fresh one, once */

typedef struct {
  HerdAcmeSession *session;
  HerdIssuerHost *host;
  GTask *task;
  HerdRun *run;
  HerdFollow *follow;

  char *label;
  char *url;
  char *payload; /* "": POST-as-GET */
  char *accept;
  gboolean with_jwk;
  gboolean repeatable;
  const HerdSigner *signer; /* or NULL */
  gsize limit;

  HerdPoll poll;   /* the pace of repetitions */
  gint64 delay;    /* microseconds before the next one */
  gboolean inside; /* it has its turn */
  char *nonce;
  guint bad_nonces;
  gboolean unanswered; /* the last one that left */
  GError *refusal;     /* that may be about the account */
  HerdHttpResponse *response;
} Post;

/* --- its turn --- */

static void
give_turn_back (Post *post)
{
  if (post->inside)
    herd_gate_leave (post->session->posts);
  post->inside = FALSE;
}

static gboolean
turn_enter (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  Post *post = data;

  if (post->delay == 0)
    herd_gate_enter_async (post->session->posts, herd_run_get_cancellable (run), herd_run_ready,
                           herd_run_slot (run));
  return TRUE;
}

static gboolean
turn_leave (HerdRun *run, gpointer data, GError **error)
{
  Post *post = data;

  if (post->delay != 0) {
    herd_run_again (run, post->delay);
    post->delay = 0;
    return TRUE;
  }
  post->inside = herd_gate_enter_finish (post->session->posts, herd_run_get_result (run, 0), error);
  return post->inside;
}

/* --- trouble --- */

/* Goes back to turn, after a delay, or fails with TROUBLE. */
static gboolean
repeat (HerdRun *run, Post *post, GError *trouble, GError **error)
{
  g_autoptr (GError) owned = trouble;
  gint64 now = herd_acme_session_get_seconds (post->session);

  if (!herd_poll_tolerates (&post->poll, trouble, now)) {
    g_propagate_error (error, g_steal_pointer (&owned));
    return FALSE;
  }
  post->delay = herd_poll_get_delay (&post->poll, now);
  give_turn_back (post);
  herd_run_jump (run, "turn");
  return TRUE;
}

/* --- nonce --- */

static gboolean
nonce_enter (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  Post *post = data;
  HerdHttpRequest request = {
    .label = "newNonce",
    .method = "HEAD",
    .url = post->session->directory->new_nonce,
  };

  post->nonce = herd_nonces_take (post->session->nonces);
  if (post->nonce == NULL)
    herd_http_send_async (post->session->http, &request, herd_run_get_cancellable (run),
                          herd_run_ready, herd_run_slot (run));
  return TRUE;
}

static gboolean
nonce_leave (HerdRun *run, gpointer data, GError **error)
{
  Post *post = data;
  g_autoptr (HerdHttpResponse) response = NULL;
  GError *trouble = NULL;
  const char *nonce;

  if (post->nonce != NULL)
    return TRUE;
  response = herd_http_send_finish (post->session->http, herd_run_get_result (run, 0), &trouble);
  if (response != NULL && herd_http_response_get_status (response) / 100 != 2)
    trouble = herd_problem_from_response (response, "newNonce",
                                          herd_acme_session_get_seconds (post->session));
  if (trouble != NULL)
    return repeat (run, post, trouble, error); /* nothing has left yet */
  nonce = herd_http_response_get_header (response, "Replay-Nonce");
  if (!herd_nonce_is_valid (nonce)) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_REFUSED,
                 "newNonce: the CA sent no usable nonce; is %s an ACME directory?",
                 post->session->site.directory_url);
    return FALSE;
  }
  post->nonce = g_strdup (nonce);
  return TRUE;
}

/* --- send --- */

/* The body: POST's payload, signed for its URL and nonce. */
static GBytes *
sign (Post *post, GError **error)
{
  HerdAcmeAccount *account = post->session->account;

  return herd_signer_sign (post->signer != NULL ? post->signer : account->signer, post->host,
                           post->with_jwk ? NULL : account->url, post->nonce, post->url,
                           post->payload, error);
}

static gboolean
send_enter (HerdRun *run, gpointer data, GError **error)
{
  Post *post = data;
  g_autoptr (GBytes) body = sign (post, error);
  HerdHttpRequest request = {
    .label = post->label,
    .method = "POST",
    .url = post->url,
    .body = body,
    .content_type = "application/jose+json",
    .accept = post->accept,
    .limit = post->limit,
  };

  if (body == NULL)
    return FALSE;
  g_clear_pointer (&post->nonce, g_free);
  herd_http_send_async (post->session->http, &request, herd_run_get_cancellable (run),
                        herd_run_ready, herd_run_slot (run));
  return TRUE;
}

/* The CA did not like the nonce: try again, or fail. */
static gboolean
retry (HerdRun *run, Post *post, const char *nonce, GError **error)
{
  post->bad_nonces++;
  if (post->bad_nonces <= BAD_NONCES_MAX && herd_nonce_is_valid (nonce)) {
    post->nonce = g_strdup (nonce);
    herd_run_jump (run, "send");
    return TRUE;
  }
  if (post->bad_nonces <= BAD_NONCES_MAX + 1) {
    /* What is in the pool is no better, or this one would not have been refused. */
    herd_nonces_clear (post->session->nonces);
    herd_run_jump (run, "nonce");
    return TRUE;
  }
  g_set_error (error, HERD_ERROR, HERD_ERROR_UNREACHABLE,
               "%s: the CA refused %u nonces that it had given itself", post->label,
               post->bad_nonces);
  return FALSE;
}

/* What a refusal teaches. */
static void
learn (HerdAcmeSession *session, const Post *post, const GError *problem)
{
  const char *terms = herd_error_get_terms (problem);

  /* The CA may have moved its resources (RFC 8555 section 7.1.1): ask next time. */
  if (herd_error_get_status (problem) == 404
      && (g_str_equal (post->url, session->directory->new_order)
          || g_str_equal (post->url, session->directory->new_account)))
    session->directory_is_stale = TRUE;
  if (terms != NULL) {
    g_free (session->directory->terms);
    session->directory->terms = g_strdup (terms);
  }
}

/* 401 is what a deactivated account gets everywhere (RFC 8555 section 7.3.6), but for CAs that say 403,
 * which means other things too where it is not about the account alone. */
static gboolean
is_about_account (const Post *post, const GError *problem)
{
  HerdAcmeSession *session = post->session;

  return !post->with_jwk && g_strcmp0 (herd_error_get_problem_type (problem), "unauthorized") == 0
         && (herd_error_get_status (problem) == 401
             || g_str_equal (post->url, session->directory->new_order)
             || g_str_equal (post->url, session->directory->key_change)
             || g_str_equal (post->url, session->account->url));
}

static gboolean
fail (HerdRun *run, Post *post, GError *problem, GError **error)
{
  if (post->repeatable)
    return repeat (run, post, problem, error);
  g_propagate_error (error, problem);
  return FALSE;
}

static gboolean
send_leave (HerdRun *run, gpointer data, GError **error)
{
  Post *post = data;
  HerdAcmeSession *session = post->session;
  g_autoptr (HerdHttpResponse) response = NULL;
  g_autoptr (GError) problem = NULL;
  const char *nonce;
  guint status;

  response = herd_http_send_finish (session->http, herd_run_get_result (run, 0), &problem);
  post->unanswered = response == NULL;
  if (response == NULL)
    return fail (run, post, g_steal_pointer (&problem), error);
  nonce = herd_http_response_get_header (response, "Replay-Nonce");
  status = herd_http_response_get_status (response);
  if (status / 100 == 2) {
    herd_nonces_put (session->nonces, nonce);
    post->response = g_steal_pointer (&response);
    herd_run_jump (run, "end");
    return TRUE;
  }
  problem = herd_problem_from_response (response, post->label,
                                        herd_acme_session_get_seconds (session));
  if (g_strcmp0 (herd_error_get_problem_type (problem), "badNonce") == 0
      && herd_http_response_was_repeated (response)) {
    /* Most likely it was used by the same request, whose answer is lost. */
    herd_nonces_put (session->nonces, nonce);
    post->unanswered = TRUE;
    g_clear_error (&problem);
    g_set_error (&problem, HERD_ERROR, HERD_ERROR_UNREACHABLE,
                 "%s: the CA ended the connection before its answer", post->label);
    return fail (run, post, g_steal_pointer (&problem), error);
  }
  if (g_strcmp0 (herd_error_get_problem_type (problem), "badNonce") == 0)
    return retry (run, post, nonce, error);
  herd_nonces_put (session->nonces, nonce);
  learn (session, post, problem);
  if (is_about_account (post, problem)) {
    post->refusal = g_steal_pointer (&problem);
    give_turn_back (post); /* whoever looks needs one */
    return TRUE;
  }
  return fail (run, post, g_steal_pointer (&problem), error);
}

/* --- look: is it the account? --- */

static gboolean
look_enter (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  Post *post = data;

  herd_acme_find_async (post->session, post->host, NULL, herd_run_get_cancellable (run),
                        herd_run_ready, herd_run_slot (run));
  return TRUE;
}

static gboolean
look_leave (HerdRun *run, gpointer data, GError **error)
{
  Post *post = data;

  if (herd_acme_find_standing (post->session, herd_run_get_result (run, 0), error))
    g_propagate_error (error, g_steal_pointer (&post->refusal));
  return FALSE;
}

static const HerdStep steps[] = {
  { "turn", turn_enter, turn_leave, HERD_COMMIT_NONE },
  { "nonce", nonce_enter, nonce_leave, HERD_COMMIT_NONE },
  { "send", send_enter, send_leave, HERD_COMMIT_NONE },
  { "look", look_enter, look_leave, HERD_COMMIT_NONE },
  { "end", NULL, NULL, HERD_COMMIT_NONE },
};

/* --- the border --- */

static void
on_finished (gpointer data, const GError *error)
{
  Post *post = data;

  give_turn_back (post);
  g_task_set_task_data (post->task, GINT_TO_POINTER (post->unanswered), NULL);
  /* An answer that came counts, even if the caller has given up meanwhile: it may be an order. */
  if (post->response != NULL)
    g_task_return_pointer (post->task, g_steal_pointer (&post->response),
                           (GDestroyNotify) herd_http_response_free);
  else
    g_task_return_error (post->task, g_error_copy (error));
  herd_follow_free (post->follow);
  herd_run_unref (post->run);
  g_object_unref (post->host);
  g_object_unref (post->task);
  g_free (post->label);
  g_free (post->url);
  g_free (post->payload);
  g_free (post->accept);
  g_free (post->nonce);
  g_clear_error (&post->refusal);
  g_free (post);
}

static const HerdRunOps ops = { .finished = on_finished };

void
herd_acme_post_async (HerdAcmeSession *session, HerdIssuerHost *host, const HerdAcmePost *given,
                      GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, data);
  Post *post;

  g_task_set_check_cancellable (task, FALSE);
  if (g_task_return_error_if_cancelled (task))
    return;
  post = g_new0 (Post, 1);
  post->session = session;
  post->host = g_object_ref (host);
  post->task = g_steal_pointer (&task);
  post->label = g_strdup (given->label);
  post->url = g_strdup (given->url);
  post->payload = g_strdup (given->payload != NULL ? given->payload : "");
  post->accept = g_strdup (given->accept);
  post->with_jwk = given->with_jwk;
  post->repeatable = given->repeatable;
  herd_poll_start (&post->poll, NULL, 0);
  post->signer = given->signer;
  post->limit = given->limit != 0 ? given->limit : HERD_SIZE_OBJECT;
  post->run = herd_run_new ("post", steps, G_N_ELEMENTS (steps), &ops, post, session->clock, NULL);
  herd_run_start (post->run, NULL);
  post->follow = herd_follow_new (post->run, cancellable);
}

HerdHttpResponse *
herd_acme_post_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

gboolean
herd_acme_post_is_unanswered (GAsyncResult *result)
{
  return GPOINTER_TO_INT (g_task_get_task_data (G_TASK (result)));
}
