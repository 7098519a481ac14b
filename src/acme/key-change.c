// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The change of the account's key, as a table. Whatever signs for an order is waited for: key
 * authorizations hold the thumbprint of the key that they were made with. The new key is on disk before
 * the CA sees it, and stays there until the CA is known to have it, or not to want it. The checkpoint is
 * the new key's thumbprint: a restart that finds it in place has nothing left to do.
 */
#include "acme/key-change.h"

#include <string.h>

#include "acme/account-run.h"
#include "acme/json.h"
#include "acme/post.h"
#include "acme/settle.h"
#include "crypto/jws.h"
#include "crypto/key.h"
#include "plugin/error.h"

typedef struct {
  char *resume; /* the thumbprint of the new key of an earlier process, or NULL */
  gboolean inside;
  HerdSigner *next;
  char *thumbprint; /* the new key's */
  GError *error;    /* why it may have gone wrong */
} Change;

static gboolean
is_done (const HerdAccountRun *self)
{
  const Change *change = self->data;
  const char *wanted = change->thumbprint != NULL ? change->thumbprint : change->resume;

  return wanted != NULL && g_strcmp0 (self->session->account->thumbprint, wanted) == 0;
}

/* --- turn and prepare --- */

static gboolean
turn_enter (HerdRun *run, gpointer operation, GError **error G_GNUC_UNUSED)
{
  HerdAccountRun *self = operation;

  herd_gate_enter_alone_async (self->session->turns, herd_run_get_cancellable (run), herd_run_ready,
                               herd_run_slot (run));
  return TRUE;
}

static gboolean
turn_leave (HerdRun *run, gpointer operation, GError **error)
{
  HerdAccountRun *self = operation;
  Change *change = self->data;

  change->inside = herd_gate_enter_finish (self->session->turns, herd_run_get_result (run, 0),
                                           error);
  return change->inside;
}

static gboolean
settle_leave (HerdRun *run, gpointer operation, GError **error)
{
  HerdAccountRun *self = operation;

  if (!herd_account_settle_leave (run, operation, error))
    return FALSE;
  if (is_done (self)) {
    herd_run_jump (run, "end");
    return TRUE;
  }
  if (!herd_acme_session_check_account (self->session, error))
    return FALSE;
  if (*self->session->directory->key_change != '\0')
    return TRUE;
  g_set_error (error, HERD_ERROR, HERD_ERROR_REFUSED,
               "issuer %s: the CA changes no keys (its directory has no keyChange); the account "
               "keeps the one it has",
               self->session->name);
  return FALSE;
}

/* --- the new key --- */

/* One that an earlier attempt left is taken again: the CA may still get to see that request. */
static gboolean
key_enter (HerdRun *run, gpointer operation, GError **error G_GNUC_UNUSED)
{
  HerdAccountRun *self = operation;

  if (self->session->next_key == NULL)
    herd_key_generate_async (self->session->key_type, herd_run_get_cancellable (run),
                             herd_run_ready, herd_run_slot (run));
  return TRUE;
}

static gboolean
key_leave (HerdRun *run, gpointer operation, GError **error)
{
  HerdAccountRun *self = operation;
  Change *change = self->data;
  g_autoptr (HerdKey) key = herd_run_get_n_results (run) > 0
                                ? herd_key_generate_finish (herd_run_get_result (run, 0), error)
                                : herd_key_new_from_pkcs8 (self->session->next_key, error);
  g_autoptr (GBytes) public_key = key != NULL ? herd_key_get_public (key, error) : NULL;
  g_autoptr (GBytes) pkcs8 = public_key != NULL ? herd_key_to_pkcs8 (key, error) : NULL;

  if (pkcs8 == NULL)
    return FALSE;
  change->next = herd_signer_new (HERD_NEXT_KEY_RECORD, public_key, error);
  if (change->next == NULL)
    return FALSE;
  change->thumbprint = herd_jwk_get_thumbprint (change->next->jwk);
  g_clear_pointer (&self->session->next_key, g_bytes_unref);
  self->session->next_key = g_steal_pointer (&pkcs8);
  return TRUE;
}

static gboolean
keep_key_enter (HerdRun *run, gpointer operation, GError **error G_GNUC_UNUSED)
{
  HerdAccountRun *self = operation;

  herd_account_run_put (run, self, HERD_NEXT_KEY_RECORD, self->session->next_key);
  return TRUE;
}

static gboolean
keep_key_leave (HerdRun *run, gpointer operation, GError **error)
{
  HerdAccountRun *self = operation;

  if (herd_account_run_put_finish (run, self, error))
    return TRUE;
  /* The CA has not seen it, and never will. */
  g_clear_pointer (&self->session->next_key, g_bytes_unref);
  return FALSE;
}

static GBytes *
write_thumbprint (gpointer data)
{
  const char *thumbprint = ((Change *) data)->thumbprint;

  return g_bytes_new (thumbprint, strlen (thumbprint));
}

/* --- change --- */

/* The inner JWS: the new key says that it wants to be this account's (RFC 8555 section 7.3.5). */
static char *
sign_inner (HerdAccountRun *self, GError **error)
{
  Change *change = self->data;
  const HerdAcmeAccount *account = self->session->account;
  const char *url = self->session->directory->key_change;
  g_autoptr (JsonObject) object = json_object_new ();
  g_autofree char *payload = NULL;
  g_autoptr (GBytes) inner = NULL;

  json_object_set_string_member (object, "account", account->url);
  json_object_set_member (object, "oldKey", json_from_string (account->signer->jwk, NULL));
  payload = herd_json_to_text (object);
  inner = herd_signer_sign (change->next, self->host, NULL, NULL, url, payload, error);
  return inner != NULL ? g_strndup (g_bytes_get_data (inner, NULL), g_bytes_get_size (inner))
                       : NULL;
}

static gboolean
change_enter (HerdRun *run, gpointer operation, GError **error)
{
  HerdAccountRun *self = operation;
  g_autofree char *inner = sign_inner (self, error);
  HerdAcmePost post = {
    .label = "keyChange",
    .url = self->session->directory->key_change,
    .payload = inner,
  };

  if (inner == NULL)
    return FALSE;
  self->session->unsettled = TRUE;
  herd_acme_post_async (self->session, self->host, &post, herd_run_get_cancellable (run),
                        herd_run_ready, herd_run_slot (run));
  return TRUE;
}

static gboolean
change_leave (HerdRun *run, gpointer operation, GError **error G_GNUC_UNUSED)
{
  HerdAccountRun *self = operation;
  Change *change = self->data;
  g_autoptr (HerdHttpResponse)
      response = herd_acme_post_finish (herd_run_get_result (run, 0), &change->error);
  guint status = herd_error_get_status (change->error);

  if (response != NULL) {
    self->session->unsettled = FALSE;
    herd_run_jump (run, "adopt");
  } else if (status / 100 == 4 && status != 408 && status != 409 && status != 429) {
    /* A clear no. 409 is not: an earlier request, whose answer was lost, may have been granted. */
    self->session->unsettled = FALSE;
    herd_run_jump (run, "drop");
  }
  return TRUE;
}

static gboolean
probe_leave (HerdRun *run, gpointer operation, GError **error)
{
  HerdAccountRun *self = operation;
  Change *change = self->data;

  if (!herd_account_settle_leave (run, operation, error))
    return FALSE;
  if (is_done (self)) {
    herd_run_jump (run, "end");
    return TRUE;
  }
  g_propagate_error (error, g_steal_pointer (&change->error));
  return FALSE;
}

static gboolean
adopt_enter (HerdRun *run, gpointer operation, GError **error G_GNUC_UNUSED)
{
  HerdAccountRun *self = operation;

  herd_acme_adopt_async (self->session, self->host, herd_run_ready, herd_run_slot (run));
  return TRUE;
}

static gboolean
adopt_leave (HerdRun *run, gpointer operation G_GNUC_UNUSED, GError **error)
{
  if (!herd_acme_settle_finish (herd_run_get_result (run, 0), error))
    return FALSE;
  herd_run_jump (run, "end");
  return TRUE;
}

/* --- drop: the new key is good for nothing --- */

static gboolean
drop_enter (HerdRun *run, gpointer operation, GError **error G_GNUC_UNUSED)
{
  HerdAccountRun *self = operation;

  g_clear_pointer (&self->session->next_key, g_bytes_unref);
  herd_account_run_put (run, self, HERD_NEXT_KEY_RECORD, NULL);
  return TRUE;
}

static gboolean
drop_leave (HerdRun *run, gpointer operation, GError **error)
{
  HerdAccountRun *self = operation;
  Change *change = self->data;
  g_autoptr (GError) local = NULL;

  if (!herd_account_run_put_finish (run, self, &local))
    g_warning ("issuer %s: the record of a key that is not needed stays: %s", self->session->name,
               local->message);
  g_propagate_error (error, g_steal_pointer (&change->error));
  return FALSE;
}

static gboolean
end_leave (HerdRun *run G_GNUC_UNUSED, gpointer operation, GError **error G_GNUC_UNUSED)
{
  HerdAccountRun *self = operation;
  Change *change = self->data;

  if (change->inside)
    herd_gate_leave (self->session->turns);
  return TRUE;
}

static const HerdStep steps[] = {
  { "turn", turn_enter, turn_leave, HERD_COMMIT_NONE },
  { "prepare", herd_account_prepare_enter, herd_account_prepare_leave, HERD_COMMIT_NONE },
  { "settle", herd_account_settle_enter, settle_leave, HERD_COMMIT_NONE },
  { "key", key_enter, key_leave, HERD_COMMIT_NONE },
  { "keep-key", keep_key_enter, keep_key_leave, HERD_COMMIT_AFTER },
  { "change", change_enter, change_leave, HERD_COMMIT_NONE },
  { "probe", herd_account_settle_enter, probe_leave, HERD_COMMIT_NONE },
  { "adopt", adopt_enter, adopt_leave, HERD_COMMIT_NONE },
  { "drop", drop_enter, drop_leave, HERD_COMMIT_NONE },
  { "end", NULL, end_leave, HERD_COMMIT_NONE },
};

static void
change_free (gpointer data)
{
  Change *change = data;

  g_free (change->resume);
  herd_signer_free (change->next);
  g_free (change->thumbprint);
  g_clear_error (&change->error);
  g_free (change);
}

static const HerdAccountTable table = {
  .name = "roll-key",
  .steps = steps,
  .n_steps = G_N_ELEMENTS (steps),
  .free_data = change_free,
  .write = write_thumbprint,
};

void
herd_acme_key_change_async (HerdAcmeSession *session, GBytes *resume, HerdIssuerHost *host,
                            GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data)
{
  Change *change = g_new0 (Change, 1);

  if (resume != NULL)
    change->resume = g_strndup (g_bytes_get_data (resume, NULL), g_bytes_get_size (resume));
  herd_account_run_start (&table, session, host, change, cancellable, callback, data);
}
