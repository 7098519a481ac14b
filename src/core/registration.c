// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Registration: a table of steps behind a task.
 */
#include "core/registration.h"

#include "core/operations.h"
#include "plugin/error.h"
#include "util/follow.h"

typedef struct {
  HerdIssuers *issuers;
  HerdServices *services;
  guint64 authority;
  guint64 operation;
  GVariant *options;
  gboolean force;
  gboolean load_only;
  gboolean inside; /* the gate */
  HerdGate *gate;
  HerdIssuer *engine;
  HerdIssuerHost *host;
  HerdRun *run;
  GTask *task;
  HerdFollow *follow;
} Registration;

static void
registration_free (Registration *registration)
{
  g_clear_pointer (&registration->options, g_variant_unref);
  g_clear_object (&registration->engine);
  g_clear_object (&registration->host);
  g_clear_object (&registration->task);
  herd_follow_free (registration->follow);
  herd_run_unref (registration->run);
  g_free (registration);
}

static HerdAuthority *
get_authority (Registration *registration, GError **error)
{
  HerdAuthority *authority = herd_registry_get_authority (registration->services->registry,
                                                          registration->authority);

  if (authority == NULL) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_CANCELLED, "the issuer was removed");
    return NULL;
  }
  return authority;
}

static gboolean
enter_queue (HerdRun *run, gpointer operation, GError **error G_GNUC_UNUSED)
{
  Registration *registration = operation;

  herd_gate_enter_async (registration->gate, herd_run_get_cancellable (run), herd_run_ready,
                         herd_run_slot (run));
  return TRUE;
}

static gboolean
leave_queue (HerdRun *run, gpointer operation, GError **error)
{
  Registration *registration = operation;
  HerdAuthority *authority;

  if (!herd_gate_enter_finish (registration->gate, herd_run_get_result (run, 0), error))
    return FALSE;
  registration->inside = TRUE;
  authority = get_authority (registration, error);
  if (authority == NULL)
    return FALSE;
  /* Whoever was before us in the queue may have done it. */
  if (!registration->force && g_str_equal (authority->account->status, "valid"))
    herd_run_jump (run, "done");
  return TRUE;
}

static gboolean
enter_load (HerdRun *run, gpointer operation, GError **error)
{
  Registration *registration = operation;
  HerdIssuer *engine = herd_issuers_get (registration->issuers, registration->authority, error);

  if (engine == NULL)
    return FALSE;
  registration->engine = g_object_ref (engine);
  registration->host = herd_issuers_new_host (registration->issuers, registration->authority,
                                              registration->operation, NULL);
  if (HERD_IS_ACCOUNTS (engine)) {
    herd_accounts_load_async (HERD_ACCOUNTS (engine), registration->host, herd_run_ready,
                              herd_run_slot (run));
  }
  return TRUE;
}

static void
set_account (Registration *registration, HerdAccount *account)
{
  HerdAuthority *authority = get_authority (registration, NULL);

  /* What the CA of earlier settings says is nothing of this one. */
  if (authority == NULL
      || !herd_issuers_is_current (registration->issuers, registration->authority,
                                   registration->engine)) {
    herd_account_free (account);
    return;
  }
  herd_account_free (authority->account);
  authority->account = account;
  authority->revision++;
  herd_registry_touch (registration->services->registry, HERD_NOUN_ISSUER, registration->authority);
}

static gboolean
leave_load (HerdRun *run, gpointer operation, GError **error)
{
  Registration *registration = operation;
  HerdAccount *account;
  gboolean valid;

  if (herd_run_get_n_results (run) == 0) {
    herd_run_jump (run, "done"); /* this kind of issuer has no accounts */
    return TRUE;
  }
  account = herd_accounts_load_finish (HERD_ACCOUNTS (registration->engine),
                                       herd_run_get_result (run, 0), error);
  if (account == NULL)
    return FALSE;
  valid = g_str_equal (account->status, "valid");
  set_account (registration, account);
  if (registration->load_only || (valid && !registration->force))
    herd_run_jump (run, "done");
  return TRUE;
}

/* What the caller said, else what the settings say. */
static GVariant *
get_options (Registration *registration, const HerdAuthority *authority)
{
  g_auto (GVariantDict) dictionary = G_VARIANT_DICT_INIT (registration->options);
  const char *terms = herd_authority_get_setting (authority, "agree-terms", NULL);
  g_autoptr (GVariant) contacts = g_variant_lookup_value (authority->settings, "contact",
                                                          G_VARIANT_TYPE_STRING_ARRAY);

  if (terms != NULL && !g_variant_dict_contains (&dictionary, "agree-terms"))
    g_variant_dict_insert (&dictionary, "agree-terms", "s", terms);
  if (contacts != NULL && !g_variant_dict_contains (&dictionary, "contacts"))
    g_variant_dict_insert_value (&dictionary, "contacts", contacts);
  return g_variant_ref_sink (g_variant_dict_end (&dictionary));
}

static gboolean
enter_register (HerdRun *run, gpointer operation, GError **error)
{
  Registration *registration = operation;
  HerdAuthority *authority = get_authority (registration, error);
  g_autoptr (GVariant) options = NULL;

  if (authority == NULL)
    return FALSE;
  options = get_options (registration, authority);
  herd_accounts_register_async (HERD_ACCOUNTS (registration->engine), options, registration->host,
                                herd_run_get_cancellable (run), herd_run_ready,
                                herd_run_slot (run));
  return TRUE;
}

static gboolean
leave_register (HerdRun *run, gpointer operation, GError **error)
{
  Registration *registration = operation;
  HerdAccount *account = herd_accounts_register_finish (HERD_ACCOUNTS (registration->engine),
                                                        herd_run_get_result (run, 0), error);

  if (account == NULL)
    return FALSE;
  set_account (registration, account);
  return TRUE;
}

/* A failure has taught something too, such as where the terms are. */
static gboolean
enter_done (HerdRun *run, gpointer operation, GError **error G_GNUC_UNUSED)
{
  Registration *registration = operation;

  if (herd_run_get_error (run) != NULL && registration->host != NULL
      && HERD_IS_ACCOUNTS (registration->engine)) {
    herd_accounts_load_async (HERD_ACCOUNTS (registration->engine), registration->host,
                              herd_run_ready, herd_run_slot (run));
  }
  return TRUE;
}

static gboolean
leave_done (HerdRun *run, gpointer operation, GError **error G_GNUC_UNUSED)
{
  Registration *registration = operation;
  HerdAccount *account = NULL;

  if (herd_run_get_n_results (run) > 0) {
    account = herd_accounts_load_finish (HERD_ACCOUNTS (registration->engine),
                                         herd_run_get_result (run, 0), NULL);
  }
  if (account != NULL)
    set_account (registration, account);
  if (registration->inside)
    herd_gate_leave (registration->gate);
  return TRUE;
}

static const HerdStep steps[] = {
  { "queue", enter_queue, leave_queue, HERD_COMMIT_NONE },
  { "load", enter_load, leave_load, HERD_COMMIT_NONE },
  { "register", enter_register, leave_register, HERD_COMMIT_NONE },
  { "done", enter_done, leave_done, HERD_COMMIT_NONE },
};

static void
keep_error (Registration *registration, const GError *error)
{
  HerdServices *services = registration->services;
  HerdAuthority *authority = get_authority (registration, NULL);

  if (authority == NULL)
    return;
  if (error == NULL) {
    herd_authority_set_error (authority, NULL, NULL, 0);
    herd_attentions_clear (services->attentions, HERD_NOUN_ISSUER, authority->id, NULL);
  } else if (!g_error_matches (error, HERD_ERROR, HERD_ERROR_CANCELLED)) {
    herd_authority_set_error (authority, herd_error_get_name (error), error->message,
                              herd_error_get_retry_at (error));
    if (herd_error_class (error) == HERD_ERROR_CLASS_HUMAN) {
      herd_attentions_raise (services->attentions, HERD_NOUN_ISSUER, authority->id, "warning",
                             "registration", error->message);
    }
  }
  herd_registry_touch (services->registry, HERD_NOUN_ISSUER, authority->id);
}

static void
finished (gpointer operation, const GError *error)
{
  Registration *registration = operation;
  g_autoptr (GTask) task = g_steal_pointer (&registration->task);

  keep_error (registration, error);
  registration_free (registration);
  if (error != NULL)
    g_task_return_error (task, g_error_copy (error));
  else
    g_task_return_boolean (task, TRUE);
}

static const HerdRunOps operations = { .finished = finished };

static void
start (HerdIssuers *issuers, Registration *registration, GTask *task)
{
  registration->issuers = issuers;
  registration->services = herd_issuers_get_services (issuers);
  registration->gate = herd_issuers_get_gate (issuers, registration->authority);
  registration->task = task;
  registration->run = herd_run_new ("register", steps, G_N_ELEMENTS (steps), &operations,
                                    registration, registration->services->clock,
                                    registration->services->crash);
  herd_run_start (registration->run, NULL);
  registration->follow = herd_follow_new (registration->run, g_task_get_cancellable (task));
}

void
herd_registration_run_async (HerdIssuers *issuers, guint64 authority, guint64 operation,
                             GVariant *options, gboolean force, GCancellable *cancellable,
                             GAsyncReadyCallback callback, gpointer data)
{
  Registration *registration = g_new0 (Registration, 1);

  registration->authority = authority;
  registration->operation = operation;
  registration->options = options != NULL ? g_variant_ref (options) : NULL;
  registration->force = force;
  start (issuers, registration, g_task_new (NULL, cancellable, callback, data));
}

void
herd_registration_load_async (HerdIssuers *issuers, guint64 authority, GAsyncReadyCallback callback,
                              gpointer data)
{
  Registration *registration = g_new0 (Registration, 1);

  registration->authority = authority;
  registration->load_only = TRUE;
  start (issuers, registration, g_task_new (NULL, NULL, callback, data));
}

gboolean
herd_registration_run_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
