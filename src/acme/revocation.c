// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Revocation, as a table: prepare, revoke, end. Asked twice, the CA says "already revoked", which is
 * what was wanted: so a lost answer needs no record. Owned by itself until its end.
 */
#include "acme/revocation.h"

#include "acme/json.h"
#include "acme/post.h"
#include "acme/prepare.h"
#include "crypto/chain.h"
#include "plugin/error.h"
#include "util/base64url.h"
#include "util/follow.h"
#include "util/steps.h"

typedef struct {
  HerdAcmeSession *session;
  HerdIssuerHost *host;
  GTask *task;
  HerdRun *run;
  HerdFollow *follow;
  GBytes *leaf; /* DER */
  guint reason;
  GBytes *public_key; /* the certificate's, which signs; NULL: the account does */
  HerdSigner *signer; /* of that, or NULL */
  gboolean inside;    /* the session's turns */
} Revocation;

static gboolean
prepare_enter (HerdRun *run, gpointer data, GError **error)
{
  Revocation *revocation = data;

  if (revocation->public_key != NULL) {
    revocation->signer = herd_signer_new (HERD_RECORD_CERTIFICATE_KEY, revocation->public_key,
                                          error);
    if (revocation->signer == NULL)
      return FALSE;
  }
  herd_gate_enter_async (revocation->session->turns, herd_run_get_cancellable (run), herd_run_ready,
                         herd_run_slot (run));
  herd_acme_prepare_async (revocation->session, revocation->host, herd_run_get_cancellable (run),
                           herd_run_ready, herd_run_slot (run));
  return TRUE;
}

static gboolean
prepare_leave (HerdRun *run, gpointer data, GError **error)
{
  Revocation *revocation = data;
  HerdAcmeSession *session = revocation->session;

  revocation->inside = herd_gate_enter_finish (session->turns, herd_run_get_result (run, 0), error);
  if (!herd_acme_prepare_finish (herd_run_get_result (run, 1), revocation->inside ? error : NULL)
      || !revocation->inside)
    return FALSE;
  if (*session->directory->revoke_cert == '\0') {
    g_set_error (error, HERD_ERROR, HERD_ERROR_REFUSED,
                 "issuer %s: the CA revokes nothing over ACME; ask it by its own means",
                 session->name);
    return FALSE;
  }
  if (revocation->public_key == NULL && !herd_acme_account_is_registered (session->account)) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_ACTION_REQUIRED,
                 "issuer %s has no valid account (it is %s), and only the certificate's key can "
                 "revoke it then",
                 session->name, session->account->status);
    return FALSE;
  }
  return TRUE;
}

static gboolean
revoke_enter (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  Revocation *revocation = data;
  g_autoptr (JsonObject) object = json_object_new ();
  g_autofree char *certificate = herd_base64url_encode_bytes (revocation->leaf);
  g_autofree char *payload = NULL;
  HerdAcmePost given = { .label = "revokeCert",
                         .url = revocation->session->directory->revoke_cert,
                         .signer = revocation->signer,
                         .with_jwk = revocation->signer != NULL };

  json_object_set_string_member (object, "certificate", certificate);
  /* "unspecified" is better not said (RFC 5280 section 5.3.1). */
  if (revocation->reason != 0)
    json_object_set_int_member (object, "reason", revocation->reason);
  payload = herd_json_to_text (object);
  given.payload = payload;
  herd_acme_post_async (revocation->session, revocation->host, &given,
                        herd_run_get_cancellable (run), herd_run_ready, herd_run_slot (run));
  return TRUE;
}

static gboolean
revoke_leave (HerdRun *run, gpointer data G_GNUC_UNUSED, GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (HerdHttpResponse)
      response = herd_acme_post_finish (herd_run_get_result (run, 0), &local);

  if (response != NULL || g_strcmp0 (herd_error_get_problem_type (local), "alreadyRevoked") == 0)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

static const HerdStep steps[] = {
  { "prepare", prepare_enter, prepare_leave, HERD_COMMIT_NONE },
  { "revoke", revoke_enter, revoke_leave, HERD_COMMIT_NONE },
  { "end", NULL, NULL, HERD_COMMIT_NONE },
};

static void
on_entered (gpointer data, const char *step, double fraction)
{
  herd_issuer_host_progress (((Revocation *) data)->host, step, fraction);
}

static void
on_finished (gpointer data, const GError *error)
{
  Revocation *revocation = data;

  if (error != NULL) {
    GError *copy = g_error_copy (error);

    if (copy->domain != HERD_ERROR)
      herd_error_translate (&copy, HERD_ERROR_FAILED, "issuer %s", revocation->session->name);
    g_task_return_error (revocation->task, copy);
  } else {
    g_task_return_boolean (revocation->task, TRUE);
  }
  if (revocation->inside)
    herd_gate_leave (revocation->session->turns);
  herd_follow_free (revocation->follow);
  herd_run_unref (revocation->run);
  g_object_unref (revocation->host);
  g_object_unref (revocation->task);
  g_bytes_unref (revocation->leaf);
  g_clear_pointer (&revocation->public_key, g_bytes_unref);
  herd_signer_free (revocation->signer);
  g_free (revocation);
}

static const HerdRunOps ops = { .entered = on_entered, .finished = on_finished };

void
herd_acme_revocation_async (HerdAcmeSession *session, GBytes *pem, guint reason, GBytes *public_key,
                            HerdIssuerHost *host, GCancellable *cancellable,
                            GAsyncReadyCallback callback, gpointer data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, data);
  GError *error = NULL;
  g_autoptr (HerdChain) chain = herd_chain_new (pem, &error);
  Revocation *revocation;

  g_task_set_check_cancellable (task, FALSE);
  if (chain == NULL) {
    g_task_return_error (task, error);
    return;
  }
  revocation = g_new0 (Revocation, 1);
  revocation->session = session;
  revocation->host = g_object_ref (host);
  revocation->task = g_steal_pointer (&task);
  revocation->leaf = herd_chain_get_leaf (chain);
  revocation->reason = reason;
  revocation->public_key = public_key != NULL ? g_bytes_ref (public_key) : NULL;
  revocation->run = herd_run_new ("revoke", steps, G_N_ELEMENTS (steps), &ops, revocation,
                                  session->clock, session->crash);
  herd_run_start (revocation->run, NULL);
  revocation->follow = herd_follow_new (revocation->run, cancellable);
}

gboolean
herd_acme_revocation_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
