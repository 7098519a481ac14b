// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The Issuer contract: its values and dispatchers.
 */
#include "plugin/issuer.h"

G_DEFINE_INTERFACE (HerdIssuerHost, herd_issuer_host, G_TYPE_OBJECT)
G_DEFINE_INTERFACE (HerdIssuer, herd_issuer, G_TYPE_OBJECT)
G_DEFINE_INTERFACE (HerdAccounts, herd_accounts, G_TYPE_OBJECT)

static void
herd_issuer_host_default_init (HerdIssuerHostInterface *iface G_GNUC_UNUSED)
{}

static void
herd_issuer_default_init (HerdIssuerInterface *iface G_GNUC_UNUSED)
{}

static void
herd_accounts_default_init (HerdAccountsInterface *iface G_GNUC_UNUSED)
{}

HerdIssueRequest *
herd_issue_request_new (const char *certificate, const char *const *identifiers, GBytes *csr,
                        GBytes *public_key, const char *const *solvers)
{
  HerdIssueRequest *request = g_new0 (HerdIssueRequest, 1);

  request->certificate = g_strdup (certificate);
  request->identifiers = g_strdupv ((char **) identifiers);
  request->csr = g_bytes_ref (csr);
  request->public_key = g_bytes_ref (public_key);
  request->solvers = solvers != NULL ? g_strdupv ((char **) solvers) : g_new0 (char *, 1);
  return request;
}

HerdIssueRequest *
herd_issue_request_copy (const HerdIssueRequest *request)
{
  HerdIssueRequest *copy = herd_issue_request_new (
      request->certificate, (const char *const *) request->identifiers, request->csr,
      request->public_key, (const char *const *) request->solvers);

  copy->profile = g_strdup (request->profile);
  copy->profile_required = request->profile_required;
  copy->preferred_chain = g_strdup (request->preferred_chain);
  copy->key_type = g_strdup (request->key_type);
  copy->must_staple = request->must_staple;
  copy->lifetime = request->lifetime;
  copy->predecessor = request->predecessor != NULL ? g_bytes_ref (request->predecessor) : NULL;
  return copy;
}

void
herd_issue_request_free (HerdIssueRequest *request)
{
  if (request == NULL)
    return;
  g_free (request->certificate);
  g_strfreev (request->identifiers);
  g_bytes_unref (request->csr);
  g_bytes_unref (request->public_key);
  g_strfreev (request->solvers);
  g_free (request->profile);
  g_free (request->preferred_chain);
  g_free (request->key_type);
  g_clear_pointer (&request->predecessor, g_bytes_unref);
  g_free (request);
}

HerdIssued *
herd_issued_new (GBytes *chain)
{
  HerdIssued *issued = g_new0 (HerdIssued, 1);

  issued->chain = g_bytes_ref (chain);
  issued->profile = g_strdup ("");
  return issued;
}

void
herd_issued_free (HerdIssued *issued)
{
  if (issued == NULL)
    return;
  g_clear_pointer (&issued->chain, g_bytes_unref);
  g_free (issued->profile);
  g_free (issued->profile_dropped);
  g_free (issued->chain_not_preferred);
  g_free (issued);
}

HerdOutlook *
herd_outlook_new (void)
{
  HerdOutlook *outlook = g_new0 (HerdOutlook, 1);

  outlook->account = herd_account_new ();
  outlook->caa_identities = g_new0 (char *, 1);
  return outlook;
}

void
herd_outlook_free (HerdOutlook *outlook)
{
  if (outlook == NULL)
    return;
  herd_account_free (outlook->account);
  g_clear_error (&outlook->account_error);
  g_strfreev (outlook->caa_identities);
  g_free (outlook);
}

void
herd_renewal_info_free (HerdRenewalInfo *info)
{
  if (info == NULL)
    return;
  g_free (info->explanation_url);
  g_free (info);
}

HerdAccount *
herd_account_new (void)
{
  HerdAccount *account = g_new0 (HerdAccount, 1);

  account->status = g_strdup ("unregistered");
  account->url = g_strdup ("");
  account->terms = g_strdup ("");
  account->contacts = g_new0 (char *, 1);
  account->capabilities = g_new0 (char *, 1);
  account->profiles = g_variant_ref_sink (g_variant_new_array (G_VARIANT_TYPE ("{ss}"), NULL, 0));
  account->caa_record = g_strdup ("");
  return account;
}

HerdAccount *
herd_account_copy (const HerdAccount *account)
{
  HerdAccount *copy = g_new0 (HerdAccount, 1);

  copy->status = g_strdup (account->status);
  copy->url = g_strdup (account->url);
  copy->terms = g_strdup (account->terms);
  copy->contacts = g_strdupv (account->contacts);
  copy->capabilities = g_strdupv (account->capabilities);
  copy->profiles = g_variant_ref (account->profiles);
  copy->caa_record = g_strdup (account->caa_record);
  return copy;
}

void
herd_account_free (HerdAccount *account)
{
  if (account == NULL)
    return;
  g_free (account->status);
  g_free (account->url);
  g_free (account->terms);
  g_strfreev (account->contacts);
  g_strfreev (account->capabilities);
  g_variant_unref (account->profiles);
  g_free (account->caa_record);
  g_free (account);
}

HerdBinding *
herd_binding_new (const char *kid, const char *algorithm, GBytes *key)
{
  HerdBinding *binding = g_new0 (HerdBinding, 1);

  binding->kid = g_strdup (kid);
  binding->algorithm = g_strdup (algorithm);
  binding->key = g_bytes_ref (key);
  return binding;
}

HerdBinding *
herd_binding_copy (const HerdBinding *binding)
{
  return binding != NULL ? herd_binding_new (binding->kid, binding->algorithm, binding->key) : NULL;
}

void
herd_binding_free (HerdBinding *binding)
{
  if (binding == NULL)
    return;
  g_free (binding->kid);
  g_free (binding->algorithm);
  g_clear_pointer (&binding->key, g_bytes_unref);
  g_free (binding);
}

void
herd_issuer_host_checkpoint_async (HerdIssuerHost *host, GBytes *bytes,
                                   GAsyncReadyCallback callback, gpointer data)
{
  HERD_ISSUER_HOST_GET_IFACE (host)->checkpoint_async (host, bytes, callback, data);
}

gboolean
herd_issuer_host_checkpoint_finish (HerdIssuerHost *host, GAsyncResult *result, GError **error)
{
  return HERD_ISSUER_HOST_GET_IFACE (host)->checkpoint_finish (host, result, error);
}

void
herd_issuer_host_record_get_async (HerdIssuerHost *host, const char *name,
                                   GAsyncReadyCallback callback, gpointer data)
{
  HERD_ISSUER_HOST_GET_IFACE (host)->record_get_async (host, name, callback, data);
}

GBytes *
herd_issuer_host_record_get_finish (HerdIssuerHost *host, GAsyncResult *result, GError **error)
{
  return HERD_ISSUER_HOST_GET_IFACE (host)->record_get_finish (host, result, error);
}

void
herd_issuer_host_record_put_async (HerdIssuerHost *host, const char *name, GBytes *bytes,
                                   gboolean sealed, GAsyncReadyCallback callback, gpointer data)
{
  HERD_ISSUER_HOST_GET_IFACE (host)->record_put_async (host, name, bytes, sealed, callback, data);
}

gboolean
herd_issuer_host_record_put_finish (HerdIssuerHost *host, GAsyncResult *result, GError **error)
{
  return HERD_ISSUER_HOST_GET_IFACE (host)->record_put_finish (host, result, error);
}

GBytes *
herd_issuer_host_sign (HerdIssuerHost *host, const char *name, GBytes *digest, GError **error)
{
  return HERD_ISSUER_HOST_GET_IFACE (host)->sign (host, name, digest, error);
}

GPtrArray *
herd_issuer_host_get_solvers (HerdIssuerHost *host, const char *identifier)
{
  return HERD_ISSUER_HOST_GET_IFACE (host)->get_solvers (host, identifier);
}

const char *
herd_issuer_host_get_solver_name (HerdIssuerHost *host, HerdSolver *solver)
{
  return HERD_ISSUER_HOST_GET_IFACE (host)->get_solver_name (host, solver);
}

void
herd_issuer_host_progress (HerdIssuerHost *host, const char *step, double fraction)
{
  HERD_ISSUER_HOST_GET_IFACE (host)->progress (host, step, fraction);
}

void
herd_issuer_host_spend (HerdIssuerHost *host, HerdSpending what, const char *identifier)
{
  HERD_ISSUER_HOST_GET_IFACE (host)->spend (host, what, identifier);
}

void
herd_issuer_issue_async (HerdIssuer *issuer, const HerdIssueRequest *request, GBytes *resume,
                         HerdIssuerHost *host, GCancellable *cancellable,
                         GAsyncReadyCallback callback, gpointer data)
{
  HERD_ISSUER_GET_IFACE (issuer)->issue_async (issuer, request, resume, host, cancellable, callback,
                                               data);
}

HerdIssued *
herd_issuer_issue_finish (HerdIssuer *issuer, GAsyncResult *result, GError **error)
{
  return HERD_ISSUER_GET_IFACE (issuer)->issue_finish (issuer, result, error);
}

void
herd_issuer_abandon_async (HerdIssuer *issuer, GBytes *resume, HerdIssuerHost *host,
                           GAsyncReadyCallback callback, gpointer data)
{
  HERD_ISSUER_GET_IFACE (issuer)->abandon_async (issuer, resume, host, callback, data);
}

gboolean
herd_issuer_abandon_finish (HerdIssuer *issuer, GAsyncResult *result, GError **error)
{
  return HERD_ISSUER_GET_IFACE (issuer)->abandon_finish (issuer, result, error);
}

void
herd_issuer_revoke_async (HerdIssuer *issuer, GBytes *chain, guint reason, GBytes *public_key,
                          HerdIssuerHost *host, GCancellable *cancellable,
                          GAsyncReadyCallback callback, gpointer data)
{
  HERD_ISSUER_GET_IFACE (issuer)->revoke_async (issuer, chain, reason, public_key, host,
                                                cancellable, callback, data);
}

gboolean
herd_issuer_revoke_finish (HerdIssuer *issuer, GAsyncResult *result, GError **error)
{
  return HERD_ISSUER_GET_IFACE (issuer)->revoke_finish (issuer, result, error);
}

void
herd_issuer_renewal_info_async (HerdIssuer *issuer, GBytes *chain, HerdIssuerHost *host,
                                GCancellable *cancellable, GAsyncReadyCallback callback,
                                gpointer data)
{
  HERD_ISSUER_GET_IFACE (issuer)->renewal_info_async (issuer, chain, host, cancellable, callback,
                                                      data);
}

HerdRenewalInfo *
herd_issuer_renewal_info_finish (HerdIssuer *issuer, GAsyncResult *result, GError **error)
{
  return HERD_ISSUER_GET_IFACE (issuer)->renewal_info_finish (issuer, result, error);
}

void
herd_issuer_preflight_async (HerdIssuer *issuer, HerdIssuerHost *host, GCancellable *cancellable,
                             GAsyncReadyCallback callback, gpointer data)
{
  HERD_ISSUER_GET_IFACE (issuer)->preflight_async (issuer, host, cancellable, callback, data);
}

HerdOutlook *
herd_issuer_preflight_finish (HerdIssuer *issuer, GAsyncResult *result, GError **error)
{
  return HERD_ISSUER_GET_IFACE (issuer)->preflight_finish (issuer, result, error);
}

void
herd_accounts_register_async (HerdAccounts *accounts, GVariant *options, const HerdBinding *binding,
                              HerdIssuerHost *host, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer data)
{
  HERD_ACCOUNTS_GET_IFACE (accounts)->register_async (accounts, options, binding, host, cancellable,
                                                      callback, data);
}

HerdAccount *
herd_accounts_register_finish (HerdAccounts *accounts, GAsyncResult *result, GError **error)
{
  return HERD_ACCOUNTS_GET_IFACE (accounts)->register_finish (accounts, result, error);
}

void
herd_accounts_update_async (HerdAccounts *accounts, const char *const *contacts,
                            HerdIssuerHost *host, GCancellable *cancellable,
                            GAsyncReadyCallback callback, gpointer data)
{
  HERD_ACCOUNTS_GET_IFACE (accounts)->update_async (accounts, contacts, host, cancellable, callback,
                                                    data);
}

HerdAccount *
herd_accounts_update_finish (HerdAccounts *accounts, GAsyncResult *result, GError **error)
{
  return HERD_ACCOUNTS_GET_IFACE (accounts)->update_finish (accounts, result, error);
}

void
herd_accounts_roll_key_async (HerdAccounts *accounts, GBytes *resume, HerdIssuerHost *host,
                              GCancellable *cancellable, GAsyncReadyCallback callback,
                              gpointer data)
{
  HERD_ACCOUNTS_GET_IFACE (accounts)->roll_key_async (accounts, resume, host, cancellable, callback,
                                                      data);
}

HerdAccount *
herd_accounts_roll_key_finish (HerdAccounts *accounts, GAsyncResult *result, GError **error)
{
  return HERD_ACCOUNTS_GET_IFACE (accounts)->roll_key_finish (accounts, result, error);
}

void
herd_accounts_deactivate_async (HerdAccounts *accounts, HerdIssuerHost *host,
                                GCancellable *cancellable, GAsyncReadyCallback callback,
                                gpointer data)
{
  HERD_ACCOUNTS_GET_IFACE (accounts)->deactivate_async (accounts, host, cancellable, callback,
                                                        data);
}

HerdAccount *
herd_accounts_deactivate_finish (HerdAccounts *accounts, GAsyncResult *result, GError **error)
{
  return HERD_ACCOUNTS_GET_IFACE (accounts)->deactivate_finish (accounts, result, error);
}

void
herd_accounts_import_async (HerdAccounts *accounts, GBytes *key, HerdIssuerHost *host,
                            GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data)
{
  HERD_ACCOUNTS_GET_IFACE (accounts)->import_async (accounts, key, host, cancellable, callback,
                                                    data);
}

HerdAccount *
herd_accounts_import_finish (HerdAccounts *accounts, GAsyncResult *result, GError **error)
{
  return HERD_ACCOUNTS_GET_IFACE (accounts)->import_finish (accounts, result, error);
}

void
herd_accounts_load_async (HerdAccounts *accounts, HerdIssuerHost *host,
                          GAsyncReadyCallback callback, gpointer data)
{
  HERD_ACCOUNTS_GET_IFACE (accounts)->load_async (accounts, host, callback, data);
}

HerdAccount *
herd_accounts_load_finish (HerdAccounts *accounts, GAsyncResult *result, GError **error)
{
  return HERD_ACCOUNTS_GET_IFACE (accounts)->load_finish (accounts, result, error);
}
