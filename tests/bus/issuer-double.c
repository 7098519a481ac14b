// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What it does is said at issue_async, make_outlook and register_async.
 */
#include "issuer-double.h"

#include <string.h>

#include "plugin/error.h"
#include "renewal-double.h"
#include "revocation-double.h"
#include "trouble.h"

#define TYPE_DOUBLE (double_get_type ())
G_DECLARE_FINAL_TYPE (Double, double, TEST, DOUBLE, GObject)

struct _Double {
  GObject parent;
  const IssuerDoubles *doubles;
  char *name; /* the issuer's: what preflights find */
  HerdAccount *account;
};

static void
issue (Double *self, GTask *task, const HerdIssueRequest *request, gboolean other_key)
{
  char *pem = test_ca_issue (self->doubles->ca, request->csr, other_key);
  g_autoptr (GBytes) chain = g_bytes_new_take (pem, strlen (pem));
  HerdIssued *issued = herd_issued_new (chain);

  if (request->profile != NULL)
    issued->profile_dropped = g_strdup_printf ("the double has no profile %s", request->profile);
  if (request->preferred_chain != NULL)
    issued->chain_not_preferred = g_strdup ("the double has one chain");
  g_task_return_pointer (task, issued, (GDestroyNotify) herd_issued_free);
}

/* The first label of the first identifier says what it does: "hold" waits to be cancelled, "wait" for
 * SIGUSR2, "refuse" is rejected for good, "limit" is rate-limited for an hour, "down" cannot be reached,
 * "otherkey" gets a certificate of a key that is not the CSR's. */
static void
issue_async (HerdIssuer *issuer, const HerdIssueRequest *request, GBytes *resume G_GNUC_UNUSED,
             HerdIssuerHost *host, GCancellable *cancellable, GAsyncReadyCallback callback,
             gpointer data)
{
  Double *self = TEST_DOUBLE (issuer);
  g_autoptr (GTask) task = g_task_new (issuer, cancellable, callback, data);
  const char *name = request->identifiers[0];
  HerdProblem problem = { .type = "rejectedIdentifier",
                          .detail = "the double will not",
                          .status = 400 };
  GError *trouble = test_trouble_find (self->name, herd_clock_get_seconds (self->doubles->clock));

  herd_issuer_host_progress (host, "new-order", 0.1);
  herd_issuer_host_spend (
      host, request->predecessor != NULL ? HERD_SPENDING_REPLACEMENT : HERD_SPENDING_ORDER, NULL);
  herd_issuer_host_progress (host, "download", 0.9);
  if (trouble != NULL) {
    g_task_return_error (task, trouble);
  } else if (g_str_has_prefix (name, "hold.")) {
    g_task_set_check_cancellable (task, TRUE);
    g_signal_connect_object (cancellable, "cancelled",
                             G_CALLBACK (g_task_return_error_if_cancelled), g_steal_pointer (&task),
                             G_CONNECT_SWAPPED);
  } else if (g_str_has_prefix (name, "refuse.")) {
    problem.identifier = name;
    g_task_return_error (task, herd_error_new_problem (&problem, "newOrder"));
  } else if (g_str_has_prefix (name, "limit.")) {
    problem.type = "rateLimited";
    problem.status = 429;
    problem.retry_at = herd_clock_get_seconds (self->doubles->clock) + 3600;
    g_task_return_error (task, herd_error_new_problem (&problem, "newOrder"));
  } else if (g_str_has_prefix (name, "predecessorless.") && request->predecessor != NULL) {
    g_task_return_new_error (task, HERD_ERROR, HERD_ERROR_REFUSED,
                             "the double was told what it replaces");
  } else if (g_str_has_prefix (name, "down.")) {
    g_task_return_new_error (task, HERD_ERROR, HERD_ERROR_UNREACHABLE, "the double is down");
  } else if (g_str_has_prefix (name, "wait.")) {
    g_task_set_task_data (task, herd_issue_request_copy (request),
                          (GDestroyNotify) herd_issue_request_free);
    g_ptr_array_add (self->doubles->waiting, g_steal_pointer (&task));
  } else {
    issue (self, task, request, g_str_has_prefix (name, "otherkey."));
  }
}

static HerdIssued *
issue_finish (HerdIssuer *issuer G_GNUC_UNUSED, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
set_text (char **text, const char *value)
{
  g_free (*text);
  *text = g_strdup (value);
}

/* There is no CA to ask: all is as it should be, but for what the issuer's name says. */
static HerdOutlook *
make_outlook (Double *self)
{
  static const char *const bound[] = { "eab-required", NULL };
  HerdOutlook *outlook = herd_outlook_new ();

  outlook->own_time = herd_clock_get_seconds (self->doubles->clock);
  outlook->ca_time = outlook->own_time;
  if (g_str_equal (self->name, "mute")) {
    outlook->ca_time = 0;
  } else if (g_str_equal (self->name, "behind")) {
    outlook->ca_time -= 1000;
    set_text (&outlook->account->url, "https://ca.test/1");
    set_text (&outlook->account->status, "deactivated");
  } else if (g_str_equal (self->name, "ahead")) {
    outlook->ca_time += 100000;
    outlook->account_error = g_error_new (HERD_ERROR, HERD_ERROR_REFUSED, "nobody knows it");
  } else if (g_str_equal (self->name, "bound")) {
    g_strfreev (outlook->account->capabilities);
    outlook->account->capabilities = g_strdupv ((char **) bound);
  }
  return outlook;
}

static void
preflight_async (HerdIssuer *issuer, HerdIssuerHost *host G_GNUC_UNUSED, GCancellable *cancellable,
                 GAsyncReadyCallback callback, gpointer data)
{
  g_autoptr (GTask) task = g_task_new (issuer, cancellable, callback, data);

  if (g_str_equal (TEST_DOUBLE (issuer)->name, "hold")) {
    g_signal_connect_object (cancellable, "cancelled",
                             G_CALLBACK (g_task_return_error_if_cancelled), g_steal_pointer (&task),
                             G_CONNECT_SWAPPED);
    return;
  }
  g_task_return_pointer (task, make_outlook (TEST_DOUBLE (issuer)),
                         (GDestroyNotify) herd_outlook_free);
}

static HerdOutlook *
preflight_finish (HerdIssuer *issuer G_GNUC_UNUSED, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* It presents nothing, and saves nothing. */
static void
abandon_async (HerdIssuer *issuer, GBytes *resume G_GNUC_UNUSED, HerdIssuerHost *host G_GNUC_UNUSED,
               GAsyncReadyCallback callback, gpointer data)
{
  g_autoptr (GTask) task = g_task_new (issuer, NULL, callback, data);

  g_task_return_boolean (task, TRUE);
}

static gboolean
abandon_finish (HerdIssuer *issuer G_GNUC_UNUSED, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
issuer_init (HerdIssuerInterface *iface)
{
  renewal_double_init (iface);
  revocation_double_init (iface);
  iface->issue_async = issue_async;
  iface->issue_finish = issue_finish;
  iface->abandon_async = abandon_async;
  iface->abandon_finish = abandon_finish;
  iface->preflight_async = preflight_async;
  iface->preflight_finish = preflight_finish;
}

/* --- its account --- */

static void
set_status (Double *self, const char *status)
{
  set_text (&self->account->status, status);
  g_free (self->account->url);
  self->account->url = g_strconcat ("https://ca.test/account/", self->name, NULL);
}

static void
set_contacts (Double *self, const char *const *contacts)
{
  g_strfreev (self->account->contacts);
  self->account->contacts = g_strdupv ((char **) contacts);
}

/* Ends TASK (taken) with the account, or with ERROR. */
static void
return_account (GTask *task, GError *error)
{
  Double *self = TEST_DOUBLE (g_task_get_source_object (task));

  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, herd_account_copy (self->account),
                           (GDestroyNotify) herd_account_free);
  g_object_unref (task);
}

static gboolean
is_text (GBytes *bytes, const char *text)
{
  return g_bytes_get_size (bytes) == strlen (text)
         && memcmp (g_bytes_get_data (bytes, NULL), text, strlen (text)) == 0;
}

static void
load_async (HerdAccounts *accounts, HerdIssuerHost *host G_GNUC_UNUSED,
            GAsyncReadyCallback callback, gpointer data)
{
  return_account (g_task_new (accounts, NULL, callback, data), NULL);
}

/* The issuer "eab" wants a binding: kid "kid", key "right". */
static void
register_async (HerdAccounts *accounts, GVariant *options, const HerdBinding *binding,
                HerdIssuerHost *host, GCancellable *cancellable, GAsyncReadyCallback callback,
                gpointer data)
{
  Double *self = TEST_DOUBLE (accounts);
  g_auto (GStrv) contacts = NULL;
  GError *error = NULL;

  if (g_str_equal (self->name, "eab") && binding == NULL
      && !g_str_equal (self->account->status, "valid"))
    error = g_error_new_literal (HERD_ERROR, HERD_ERROR_ACTION_REQUIRED,
                                 "the double wants a binding");
  else if (binding != NULL
           && (!g_str_equal (binding->kid, "kid") || !is_text (binding->key, "right")
               || !g_str_equal (binding->algorithm, "HS384")))
    error = g_error_new_literal (HERD_ERROR, HERD_ERROR_REFUSED,
                                 "the double knows no such binding");
  else if (!g_str_equal (self->account->status, "valid"))
    herd_issuer_host_spend (host, HERD_SPENDING_ACCOUNT, NULL);
  if (error == NULL)
    set_status (self, "valid");
  if (error == NULL && g_variant_lookup (options, "contacts", "^as", &contacts))
    set_contacts (self, (const char *const *) contacts);
  return_account (g_task_new (accounts, cancellable, callback, data), error);
}

static void
update_async (HerdAccounts *accounts, const char *const *contacts,
              HerdIssuerHost *host G_GNUC_UNUSED, GCancellable *cancellable,
              GAsyncReadyCallback callback, gpointer data)
{
  set_contacts (TEST_DOUBLE (accounts), contacts);
  return_account (g_task_new (accounts, cancellable, callback, data), NULL);
}

typedef struct {
  HerdIssuerHost *host;
  GTask *task;
} Rolling;

static void
checkpointed (GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
  g_autofree Rolling *rolling = data;
  Double *self = TEST_DOUBLE (g_task_get_source_object (rolling->task));
  GTask *task = rolling->task;
  GError *error = NULL;

  if (!herd_issuer_host_checkpoint_finish (rolling->host, result, &error)) {
    return_account (task, error);
  } else if (g_str_equal (self->name, "hold")) {
    /* Its first run waits for ever. */
    g_task_set_check_cancellable (task, TRUE);
    g_signal_connect_object (g_task_get_cancellable (task), "cancelled",
                             G_CALLBACK (g_task_return_error_if_cancelled), task,
                             G_CONNECT_SWAPPED);
  } else {
    return_account (task, NULL);
  }
  g_object_unref (rolling->host);
}

static void
roll_key_async (HerdAccounts *accounts, GBytes *resume, HerdIssuerHost *host,
                GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data)
{
  g_autoptr (GBytes) checkpoint = g_bytes_new_static ("begun", 5);
  Rolling *rolling;

  if (resume != NULL) {
    /* An earlier process was at it. */
    set_contacts (TEST_DOUBLE (accounts), (const char *const[]){ "mailto:resumed@ca.test", NULL });
    return_account (g_task_new (accounts, cancellable, callback, data), NULL);
    return;
  }
  rolling = g_new0 (Rolling, 1);
  rolling->host = g_object_ref (host);
  rolling->task = g_task_new (accounts, cancellable, callback, data);
  herd_issuer_host_checkpoint_async (host, checkpoint, checkpointed, rolling);
}

static void
deactivate_async (HerdAccounts *accounts, HerdIssuerHost *host G_GNUC_UNUSED,
                  GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data)
{
  set_status (TEST_DOUBLE (accounts), "deactivated");
  return_account (g_task_new (accounts, cancellable, callback, data), NULL);
}

static void
import_async (HerdAccounts *accounts, GBytes *key, HerdIssuerHost *host G_GNUC_UNUSED,
              GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data)
{
  GError *error = NULL;

  if (key == NULL || !is_text (key, "a key"))
    error = g_error_new_literal (HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT, "this is no key");
  else
    set_status (TEST_DOUBLE (accounts), "valid");
  return_account (g_task_new (accounts, cancellable, callback, data), error);
}

static HerdAccount *
account_finish (HerdAccounts *accounts G_GNUC_UNUSED, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
accounts_init (HerdAccountsInterface *iface)
{
  iface->load_async = load_async;
  iface->load_finish = account_finish;
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
}

G_DEFINE_FINAL_TYPE_WITH_CODE (Double, double, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (HERD_TYPE_ISSUER, issuer_init)
                                   G_IMPLEMENT_INTERFACE (HERD_TYPE_ACCOUNTS, accounts_init))

static void
double_finalize (GObject *object)
{
  g_free (TEST_DOUBLE (object)->name);
  herd_account_free (TEST_DOUBLE (object)->account);
  G_OBJECT_CLASS (double_parent_class)->finalize (object);
}

static void
double_class_init (DoubleClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = double_finalize;
}

static void
double_init (Double *self)
{
  self->account = herd_account_new ();
}

HerdIssuer *
issuer_double_new (const IssuerDoubles *doubles, const char *name)
{
  Double *self = g_object_new (TYPE_DOUBLE, NULL);

  self->doubles = doubles;
  self->name = g_strdup (name);
  renewal_double_set_up (HERD_ISSUER (self), self->name, doubles->clock, self->account);
  return HERD_ISSUER (self);
}

void
issuer_double_go_on (const IssuerDoubles *doubles)
{
  while (doubles->waiting->len > 0) {
    g_autoptr (GTask) task = g_ptr_array_steal_index (doubles->waiting, 0);

    issue (g_task_get_source_object (task), task, g_task_get_task_data (task), FALSE);
  }
}
