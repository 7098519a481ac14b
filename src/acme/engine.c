// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The engine as an object: the session, and the two contracts in front of the tables. Owned by
 * whoever made it, and by every operation that it has under way. Main loop only.
 */
#include "acme/engine.h"

#include "acme/abandon.h"
#include "acme/account-import.h"
#include "acme/account-run.h"
#include "acme/account-update.h"
#include "acme/key-change.h"
#include "acme/order.h"
#include "acme/preflight.h"
#include "acme/prepare.h"
#include "acme/registration.h"
#include "acme/renewal-info.h"
#include "acme/revocation.h"
#include "acme/session.h"
#include "plugin/error.h"

struct _HerdAcmeEngine {
  GObject parent;
  HerdAcmeSession *session;
};

static void issuer_iface_init (HerdIssuerInterface *iface);
static void accounts_iface_init (HerdAccountsInterface *iface);

G_DEFINE_TYPE_WITH_CODE (HerdAcmeEngine, herd_acme_engine, G_TYPE_OBJECT,
                         G_IMPLEMENT_INTERFACE (HERD_TYPE_ISSUER, issuer_iface_init)
                             G_IMPLEMENT_INTERFACE (HERD_TYPE_ACCOUNTS, accounts_iface_init))

static void
herd_acme_engine_finalize (GObject *object)
{
  herd_acme_session_free (HERD_ACME_ENGINE (object)->session);
  G_OBJECT_CLASS (herd_acme_engine_parent_class)->finalize (object);
}

static void
herd_acme_engine_class_init (HerdAcmeEngineClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = herd_acme_engine_finalize;
}

static void
herd_acme_engine_init (HerdAcmeEngine *engine G_GNUC_UNUSED)
{}

/* Those that CAs take for accounts and that sign digests (RFC 8555 section 6.2). */
static gboolean
check_key_type (const char *type, GError **error)
{
  static const char *const types[] = { "ecdsa-p256", "ecdsa-p384", "rsa-2048",
                                       "rsa-3072",   "rsa-4096",   NULL };

  if (g_strv_contains (types, type))
    return TRUE;
  g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
               "account-key-type “%s” cannot sign for an ACME account; use ecdsa-p256", type);
  return FALSE;
}

HerdAcmeEngine *
herd_acme_engine_new (const HerdAcmeOptions *options, GError **error)
{
  const char *key_type;
  g_autofree char *user_agent = g_strconcat ("certherd/", options->version, NULL);
  HerdHttpOptions http_options = {
    .user_agent = user_agent,
    .trust = options->trust,
    .http1 = options->http1,
    .crash = options->crash,
    .clock = options->clock,
  };
  g_autoptr (GUri) uri = NULL;
  g_autoptr (GError) local = NULL;
  HerdAcmeEngine *engine;
  HerdHttp *http;

  uri = herd_http_url_parse (options->directory_url, "directory-url", &local);
  if (uri == NULL) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT, "issuer %s: %s", options->name,
                 local->message);
    return NULL;
  }
  key_type = herd_traits_choose_key_type (&options->traits, options->name,
                                          options->account_key_type, error);
  if (key_type == NULL || !check_key_type (key_type, error))
    return NULL;
  http = herd_http_new (&http_options, error);
  if (http == NULL) {
    g_prefix_error (error, "issuer %s: ", options->name);
    return NULL;
  }
  engine = g_object_new (HERD_TYPE_ACME_ENGINE, NULL);
  engine->session = herd_acme_session_new (options->name, options->directory_url, &options->traits,
                                           key_type, http, options->clock, options->crash);
  return engine;
}

/* --- the contracts: each answers its caller once, and holds the engine until then --- */

static GTask *
new_task (gpointer engine, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data)
{
  GTask *task = g_task_new (engine, cancellable, callback, data);

  g_task_set_check_cancellable (task, FALSE);
  return task;
}

static void
on_issued (GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  GError *error = NULL;
  HerdIssued *issued = herd_acme_order_finish (result, &error);

  if (issued != NULL)
    g_task_return_pointer (task, issued, (GDestroyNotify) herd_issued_free);
  else
    g_task_return_error (task, error);
}

static void
issue_async (HerdIssuer *issuer, const HerdIssueRequest *request, GBytes *resume,
             HerdIssuerHost *host, GCancellable *cancellable, GAsyncReadyCallback callback,
             gpointer data)
{
  herd_acme_order_async (HERD_ACME_ENGINE (issuer)->session, request, resume, host, cancellable,
                         on_issued, new_task (issuer, cancellable, callback, data));
}

static HerdIssued *
issue_finish (HerdIssuer *issuer G_GNUC_UNUSED, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
on_abandoned (GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  GError *error = NULL;

  if (herd_acme_abandon_finish (result, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
abandon_async (HerdIssuer *issuer, GBytes *resume, HerdIssuerHost *host,
               GAsyncReadyCallback callback, gpointer data)
{
  herd_acme_abandon_async (HERD_ACME_ENGINE (issuer)->session, resume, host, on_abandoned,
                           new_task (issuer, NULL, callback, data));
}

static gboolean
abandon_finish (HerdIssuer *issuer G_GNUC_UNUSED, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
on_revoked (GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  GError *error = NULL;

  if (herd_acme_revocation_finish (result, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
revoke_async (HerdIssuer *issuer, GBytes *chain, guint reason, GBytes *public_key,
              HerdIssuerHost *host, GCancellable *cancellable, GAsyncReadyCallback callback,
              gpointer data)
{
  herd_acme_revocation_async (HERD_ACME_ENGINE (issuer)->session, chain, reason, public_key, host,
                              cancellable, on_revoked,
                              new_task (issuer, cancellable, callback, data));
}

static gboolean
revoke_finish (HerdIssuer *issuer G_GNUC_UNUSED, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
on_renewal_info (GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  GError *error = NULL;
  HerdRenewalInfo *info = herd_acme_renewal_info_finish (result, &error);

  if (info != NULL)
    g_task_return_pointer (task, info, (GDestroyNotify) herd_renewal_info_free);
  else
    g_task_return_error (task, error);
}

static void
renewal_info_async (HerdIssuer *issuer, GBytes *chain, HerdIssuerHost *host,
                    GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data)
{
  herd_acme_renewal_info_async (HERD_ACME_ENGINE (issuer)->session, chain, host, cancellable,
                                on_renewal_info, new_task (issuer, cancellable, callback, data));
}

static HerdRenewalInfo *
renewal_info_finish (HerdIssuer *issuer G_GNUC_UNUSED, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
on_outlook (GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  GError *error = NULL;
  HerdOutlook *outlook = herd_acme_preflight_finish (result, &error);

  if (outlook != NULL)
    g_task_return_pointer (task, outlook, (GDestroyNotify) herd_outlook_free);
  else
    g_task_return_error (task, error);
}

static void
preflight_async (HerdIssuer *issuer, HerdIssuerHost *host, GCancellable *cancellable,
                 GAsyncReadyCallback callback, gpointer data)
{
  herd_acme_preflight_async (HERD_ACME_ENGINE (issuer)->session, host, cancellable, on_outlook,
                             new_task (issuer, cancellable, callback, data));
}

static HerdOutlook *
preflight_finish (HerdIssuer *issuer G_GNUC_UNUSED, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* The end of everything that HerdAccounts does to an account. */
static void
on_account (GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  GError *error = NULL;
  HerdAccount *account = herd_account_run_finish (result, &error);

  if (account != NULL)
    g_task_return_pointer (task, account, (GDestroyNotify) herd_account_free);
  else
    g_task_return_error (task, error);
}

static HerdAccount *
account_finish (HerdAccounts *accounts G_GNUC_UNUSED, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
register_async (HerdAccounts *accounts, GVariant *options, const HerdBinding *binding,
                HerdIssuerHost *host, GCancellable *cancellable, GAsyncReadyCallback callback,
                gpointer data)
{
  herd_acme_registration_async (HERD_ACME_ENGINE (accounts)->session, options, binding, host,
                                cancellable, on_account,
                                new_task (accounts, cancellable, callback, data));
}

static void
update_async (HerdAccounts *accounts, const char *const *contacts, HerdIssuerHost *host,
              GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data)
{
  herd_acme_update_async (HERD_ACME_ENGINE (accounts)->session, contacts, host, cancellable,
                          on_account, new_task (accounts, cancellable, callback, data));
}

static void
roll_key_async (HerdAccounts *accounts, GBytes *resume, HerdIssuerHost *host,
                GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data)
{
  herd_acme_key_change_async (HERD_ACME_ENGINE (accounts)->session, resume, host, cancellable,
                              on_account, new_task (accounts, cancellable, callback, data));
}

static void
deactivate_async (HerdAccounts *accounts, HerdIssuerHost *host, GCancellable *cancellable,
                  GAsyncReadyCallback callback, gpointer data)
{
  herd_acme_deactivation_async (HERD_ACME_ENGINE (accounts)->session, host, cancellable, on_account,
                                new_task (accounts, cancellable, callback, data));
}

static void
import_async (HerdAccounts *accounts, GBytes *key, HerdIssuerHost *host, GCancellable *cancellable,
              GAsyncReadyCallback callback, gpointer data)
{
  herd_acme_import_async (HERD_ACME_ENGINE (accounts)->session, key, host, cancellable, on_account,
                          new_task (accounts, cancellable, callback, data));
}

static void
on_loaded (GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  HerdAcmeSession *session = HERD_ACME_ENGINE (g_task_get_source_object (task))->session;
  GError *error = NULL;

  if (herd_acme_prepare_finish (result, &error))
    g_task_return_pointer (task, herd_acme_session_describe (session),
                           (GDestroyNotify) herd_account_free);
  else
    g_task_return_error (task, error);
}

static void
load_async (HerdAccounts *accounts, HerdIssuerHost *host, GAsyncReadyCallback callback,
            gpointer data)
{
  herd_acme_load_async (HERD_ACME_ENGINE (accounts)->session, host, on_loaded,
                        new_task (accounts, NULL, callback, data));
}

static void
issuer_iface_init (HerdIssuerInterface *iface)
{
  iface->issue_async = issue_async;
  iface->issue_finish = issue_finish;
  iface->abandon_async = abandon_async;
  iface->abandon_finish = abandon_finish;
  iface->revoke_async = revoke_async;
  iface->revoke_finish = revoke_finish;
  iface->renewal_info_async = renewal_info_async;
  iface->renewal_info_finish = renewal_info_finish;
  iface->preflight_async = preflight_async;
  iface->preflight_finish = preflight_finish;
}

static void
accounts_iface_init (HerdAccountsInterface *iface)
{
  iface->register_async = register_async;
  iface->register_finish = account_finish;
  iface->update_async = update_async;
  iface->update_finish = account_finish;
  iface->roll_key_async = roll_key_async;
  iface->roll_key_finish = account_finish;
  iface->deactivate_async = deactivate_async;
  iface->deactivate_finish = account_finish;
  iface->import_async = import_async;
  iface->import_finish = account_finish;
  iface->load_async = load_async;
  iface->load_finish = account_finish;
}
