// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Changing the account object, as a table: prepare, settle, send, keep, end. What is sent can be sent
 * again: a lost answer needs no record.
 */
#include "acme/account-update.h"

#include "acme/account-run.h"
#include "acme/json.h"
#include "acme/post.h"
#include "plugin/error.h"

typedef struct {
  char **contacts; /* NULL: the account is to be deactivated */
} Update;

static gboolean
prepare_enter (HerdRun *run, gpointer operation, GError **error)
{
  const Update *update = ((HerdAccountRun *) operation)->data;

  if (update->contacts != NULL
      && !herd_account_check_contacts ((const char *const *) update->contacts, error))
    return FALSE;
  return herd_account_prepare_enter (run, operation, error);
}

static gboolean
settle_leave (HerdRun *run, gpointer operation, GError **error)
{
  HerdAccountRun *self = operation;
  const Update *update = self->data;

  if (!herd_account_settle_leave (run, operation, error))
    return FALSE;
  if (update->contacts == NULL
      && g_str_equal (self->session->account->status, HERD_ACCOUNT_DEACTIVATED)) {
    herd_run_jump (run, "end");
    return TRUE;
  }
  return herd_acme_session_check_account (self->session, error);
}

static gboolean
send_enter (HerdRun *run, gpointer operation, GError **error G_GNUC_UNUSED)
{
  HerdAccountRun *self = operation;
  const Update *update = self->data;
  g_autoptr (JsonObject) object = json_object_new ();
  g_autofree char *payload = NULL;
  HerdAcmePost post = { .label = "account", .url = self->session->account->url };

  if (update->contacts != NULL)
    herd_account_add_contacts (object, (const char *const *) update->contacts);
  else
    json_object_set_string_member (object, "status", HERD_ACCOUNT_DEACTIVATED);
  payload = herd_json_to_text (object);
  post.payload = payload;
  herd_acme_post_async (self->session, self->host, &post, herd_run_get_cancellable (run),
                        herd_run_ready, herd_run_slot (run));
  return TRUE;
}

/* A deactivation whose answer was lost is found to have happened (RFC 8555 section 7.3.6). */
static gboolean
is_gone (const HerdAccountRun *self)
{
  return ((const Update *) self->data)->contacts == NULL
         && g_str_equal (self->session->account->status, HERD_ACCOUNT_DEACTIVATED);
}

static gboolean
send_leave (HerdRun *run, gpointer operation, GError **error)
{
  HerdAccountRun *self = operation;
  HerdAcmeAccount *account = self->session->account;
  const Update *update = self->data;
  g_autoptr (GError) local = NULL;
  g_autoptr (HerdHttpResponse)
      response = herd_acme_post_finish (herd_run_get_result (run, 0), &local);
  g_autoptr (JsonObject) object = NULL;
  g_autofree char *url = g_strdup (account->url);

  if (response == NULL && is_gone (self))
    return TRUE;
  if (response == NULL) {
    g_propagate_error (error, g_steal_pointer (&local));
    return FALSE;
  }
  object = herd_json_parse (herd_http_response_get_body (response), "account", error);
  if (object == NULL)
    return FALSE;
  if (update->contacts != NULL)
    herd_acme_account_set_contacts (account, (const char *const *) update->contacts);
  if (!herd_acme_account_update (account, url, object, &self->session->site, error))
    return FALSE;
  if (update->contacts != NULL || !herd_acme_account_is_registered (account))
    return TRUE;
  g_set_error (
      error, HERD_ERROR, HERD_ERROR_REFUSED,
      "issuer %s: the CA was asked to deactivate the account %s, and says that it is still "
      "valid; try again, or ask the CA",
      self->session->name, account->url);
  return FALSE;
}

static const HerdStep steps[] = {
  { "prepare", prepare_enter, herd_account_prepare_leave, HERD_COMMIT_NONE },
  { "settle", herd_account_settle_enter, settle_leave, HERD_COMMIT_NONE },
  { "send", send_enter, send_leave, HERD_COMMIT_NONE },
  { "keep", herd_account_keep_enter, herd_account_keep_leave, HERD_COMMIT_NONE },
  { "end", NULL, NULL, HERD_COMMIT_NONE },
};

static void
update_free (gpointer data)
{
  Update *update = data;

  g_strfreev (update->contacts);
  g_free (update);
}

static const HerdAccountTable updating = {
  .name = "set-contacts",
  .steps = steps,
  .n_steps = G_N_ELEMENTS (steps),
  .free_data = update_free,
};

static const HerdAccountTable deactivating = {
  .name = "deactivate",
  .steps = steps,
  .n_steps = G_N_ELEMENTS (steps),
  .free_data = update_free,
};

void
herd_acme_update_async (HerdAcmeSession *session, const char *const *contacts, HerdIssuerHost *host,
                        GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data)
{
  Update *update = g_new0 (Update, 1);

  update->contacts = g_strdupv ((char **) contacts);
  herd_account_run_start (&updating, session, host, update, cancellable, callback, data);
}

void
herd_acme_deactivation_async (HerdAcmeSession *session, HerdIssuerHost *host,
                              GCancellable *cancellable, GAsyncReadyCallback callback,
                              gpointer data)
{
  herd_account_run_start (&deactivating, session, host, g_new0 (Update, 1), cancellable, callback,
                          data);
}
