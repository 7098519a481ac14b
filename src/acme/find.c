// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Finding accounts: a request and the readings of its answer.
 */
#include "acme/find.h"

#include "acme/json.h"
#include "plugin/error.h"

void
herd_acme_find_async (HerdAcmeSession *session, HerdIssuerHost *host, const HerdSigner *signer,
                      GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data)
{
  HerdAcmePost post = {
    .label = "newAccount",
    .url = session->directory->new_account,
    .payload = "{\"onlyReturnExisting\":true}",
    .with_jwk = TRUE,
    .signer = signer,
  };

  herd_acme_post_async (session, host, &post, cancellable, callback, data);
}

/* Where the account is. RESPONSE's. */
static const char *
get_url (HerdAcmeSession *session, HerdHttpResponse *response, GError **error)
{
  const char *location = herd_http_response_get_header (response, "Location");

  if (location == NULL) {
    g_set_error_literal (error, HERD_ERROR, HERD_ERROR_REFUSED,
                         "newAccount: the CA did not say where the account is (no Location)");
    return NULL;
  }
  return herd_acme_session_check_url (session, location, "newAccount", error) ? location : NULL;
}

gboolean
herd_acme_find_read (HerdAcmeSession *session, HerdAcmeAccount *account, HerdHttpResponse *response,
                     GError **error)
{
  const char *url = get_url (session, response, error);
  g_autoptr (JsonObject) object = NULL;

  if (url == NULL)
    return FALSE;
  object = herd_json_parse (herd_http_response_get_body (response), "account", error);
  return object != NULL && herd_acme_account_update (account, url, object, &session->site, error);
}

gboolean
herd_acme_find_finish (HerdAcmeSession *session, GAsyncResult *result, GError **error)
{
  g_autoptr (HerdHttpResponse) response = herd_acme_post_finish (result, error);

  return response != NULL && herd_acme_find_read (session, session->account, response, error);
}

char *
herd_acme_find_url_finish (HerdAcmeSession *session, GAsyncResult *result, GError **error)
{
  g_autoptr (HerdHttpResponse) response = herd_acme_post_finish (result, error);

  return response != NULL ? g_strdup (get_url (session, response, error)) : NULL;
}

gboolean
herd_acme_find_standing (HerdAcmeSession *session, GAsyncResult *result, GError **error)
{
  g_autoptr (GError) local = NULL;

  if (herd_acme_find_finish (session, result, &local))
    return herd_acme_account_is_registered (session->account)
           || herd_acme_session_check_account (session, error);
  /* The key is right, and the CA does not want to see it: it knows the account, and it is over. */
  if (g_strcmp0 (herd_error_get_problem_type (local), "unauthorized") != 0)
    return TRUE;
  herd_acme_account_set_status (session->account, HERD_ACCOUNT_DEACTIVATED);
  return herd_acme_session_check_account (session, error);
}
