// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the operations of one engine share.
 */
#include "acme/session.h"

#include "plugin/error.h"

HerdAcmeSession *
herd_acme_session_new (const char *name, const char *directory_url, const HerdAcmeTraits *traits,
                       const char *key_type, HerdHttp *http, HerdClock *clock,
                       const HerdCrash *crash)
{
  HerdAcmeSession *session = g_new0 (HerdAcmeSession, 1);

  session->name = g_strdup (name);
  session->directory_url = g_strdup (directory_url);
  session->traits = *traits;
  session->site = (HerdSite){ session->directory_url, traits->hosts };
  session->key_type = g_strdup (key_type);
  session->http = http;
  session->nonces = herd_nonces_new (clock);
  session->posts = herd_gate_new (HERD_HTTP_CONCURRENCY);
  session->clock = herd_clock_ref (clock);
  session->crash = crash;
  session->account = herd_acme_account_new ();
  session->tried = herd_tried_new (NULL);
  session->validation = HERD_PACE_VALIDATION;
  session->verdict = HERD_PACE_VERDICT;
  session->issue = HERD_PACE_ISSUE;
  session->turns = herd_gate_new (G_MAXUINT);
  session->orders = g_hash_table_new (g_str_hash, g_str_equal);
  return session;
}

void
herd_acme_session_free (HerdAcmeSession *session)
{
  if (session == NULL)
    return;
  herd_http_free (session->http);
  herd_nonces_free (session->nonces);
  herd_gate_free (session->posts);
  herd_acme_account_free (session->account);
  herd_tried_free (session->tried);
  g_clear_pointer (&session->next_key, g_bytes_unref);
  herd_gate_free (session->turns);
  herd_directory_free (session->directory);
  g_hash_table_unref (session->orders);
  herd_clock_unref (session->clock);
  g_free (session->name);
  g_free (session->directory_url);
  g_free (session->key_type);
  g_free (session);
}

gboolean
herd_acme_session_check_url (HerdAcmeSession *session, const char *url, const char *what,
                             GError **error)
{
  return herd_directory_check_url (&session->site, url, what, error);
}

gboolean
herd_acme_session_check_account (HerdAcmeSession *session, GError **error)
{
  const HerdAcmeAccount *account = session->account;

  if (herd_acme_account_is_registered (account) && !session->unsettled)
    return TRUE;
  if (session->unsettled)
    g_set_error (error, HERD_ERROR, HERD_ERROR_ACTION_REQUIRED,
                 "issuer %s: it is not known which key the account %s has since its change was cut "
                 "off; register the issuer again to find out",
                 session->name, account->url);
  else if (*account->url == '\0')
    g_set_error (error, HERD_ERROR, HERD_ERROR_ACTION_REQUIRED,
                 "issuer %s has no valid account (it is %s); register the issuer first",
                 session->name, account->status);
  else
    g_set_error (error, HERD_ERROR, HERD_ERROR_ACTION_REQUIRED,
                 "issuer %s: the CA says that the account %s is %s; ask the CA, or remove the "
                 "issuer and add it again for a new account",
                 session->name, account->url, account->status);
  return FALSE;
}

HerdAccount *
herd_acme_session_describe (HerdAcmeSession *session)
{
  HerdAccount *shown = herd_acme_account_describe (session->account, session->directory);

  if (session->unsettled && herd_acme_account_is_registered (session->account)) {
    g_free (shown->status);
    shown->status = g_strdup (HERD_ACCOUNT_ROLLING);
  }
  return shown;
}

gint64
herd_acme_session_get_seconds (HerdAcmeSession *session)
{
  return herd_clock_get_seconds (session->clock);
}
