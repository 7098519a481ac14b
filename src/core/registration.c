// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What is done to accounts: a table of steps behind a task, and a row for each kind.
 */
#include "core/registration.h"

#include "core/budget.h"
#include "core/operations.h"
#include "plugin/error.h"
#include "util/file.h"
#include "util/follow.h"

#define MAC_KEY_LIMIT 4096

typedef struct Registration Registration;

/* A kind: one function of HerdAccounts. */
typedef struct {
  const char *kind;
  gboolean (*start) (Registration *registration, const HerdAuthority *authority, HerdRun *run,
                     GError **error);
  HerdAccount *(*finish) (HerdAccounts *accounts, GAsyncResult *result, GError **error);
} Verb;

struct Registration {
  HerdIssuers *issuers;
  HerdServices *services;
  guint64 authority;
  guint64 operation;
  const Verb *verb;
  GVariant *options;
  HerdBinding *binding;
  GBytes *key;
  GBytes *checkpoint; /* of an earlier process */
  gboolean force;
  gboolean load_only;
  gboolean inside; /* the gate */
  HerdGate *gate;
  HerdIssuer *engine;
  HerdIssuerHost *host;
  HerdRun *run;
  GTask *task;
  HerdFollow *follow;
};

static void
registration_free (Registration *registration)
{
  g_clear_pointer (&registration->options, g_variant_unref);
  herd_binding_free (registration->binding);
  g_clear_pointer (&registration->key, g_bytes_unref);
  g_clear_pointer (&registration->checkpoint, g_bytes_unref);
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
    if (registration->operation != 0)
      herd_state_read_operation_async (registration->services->state, registration->operation, TRUE,
                                       herd_run_ready, herd_run_slot (run));
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
  herd_issuers_set_account (registration->issuers, authority, account);
}

static gboolean
read_checkpoint (HerdRun *run, Registration *registration, GError **error)
{
  g_autoptr (GBytes) unused = NULL; /* the pending key is an issuance's */

  return herd_state_read_operation_finish (registration->services->state,
                                           herd_run_get_result (run, 1), &registration->checkpoint,
                                           &unused, error);
}

static gboolean
leave_load (HerdRun *run, gpointer operation, GError **error)
{
  Registration *registration = operation;
  HerdAccount *account;
  gboolean valid;

  if (herd_run_get_n_results (run) == 0 && registration->force) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_REFUSED, "this kind of issuer has no accounts");
    return FALSE;
  }
  if (herd_run_get_n_results (run) == 0) {
    herd_run_jump (run, "done");
    return TRUE;
  }
  account = herd_accounts_load_finish (HERD_ACCOUNTS (registration->engine),
                                       herd_run_get_result (run, 0), error);
  if (account == NULL)
    return FALSE;
  valid = g_str_equal (account->status, "valid");
  set_account (registration, account);
  if (herd_run_get_n_results (run) > 1 && !read_checkpoint (run, registration, error))
    return FALSE;
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

/* What the caller gave, else what the configuration names: read where it is used, and not kept. */
static gboolean
find_binding (Registration *registration, const HerdAuthority *authority, GError **error)
{
  const char *kid = herd_authority_get_setting (authority, "eab-kid", NULL);
  const char *file = herd_authority_get_setting (authority, "eab-hmac-file", NULL);
  const char *algorithm = herd_authority_get_setting (authority, "eab-algorithm", "HS256");
  g_autoptr (GBytes) key = NULL;

  if (registration->binding != NULL || kid == NULL || file == NULL
      || g_str_equal (authority->account->status, "valid"))
    return TRUE;
  key = herd_file_read (file, MAC_KEY_LIMIT, error);
  if (key == NULL) {
    herd_error_translate (error, HERD_ERROR_ACTION_REQUIRED, "issuer %s: eab-hmac-file",
                          authority->name);
    return FALSE;
  }
  registration->binding = herd_binding_new (kid, algorithm, key);
  return TRUE;
}

/* A new account counts; one that there is does not. */
static gboolean
admit (Registration *registration, const HerdAuthority *authority, GError **error)
{
  HerdServices *services = registration->services;

  if (!g_str_equal (authority->account->status, "unregistered"))
    return TRUE;
  if (!herd_budget_ask_account (services, authority, error))
    return FALSE;
  herd_issuers_set_entry (registration->host, herd_budget_begin_account (services, authority));
  return TRUE;
}

static gboolean
start_register (Registration *registration, const HerdAuthority *authority, HerdRun *run,
                GError **error)
{
  g_autoptr (GVariant) options = get_options (registration, authority);

  if (!find_binding (registration, authority, error) || !admit (registration, authority, error))
    return FALSE;
  herd_accounts_register_async (
      HERD_ACCOUNTS (registration->engine), options, registration->binding, registration->host,
      herd_run_get_cancellable (run), herd_run_ready, herd_run_slot (run));
  return TRUE;
}

static gboolean
start_set_contacts (Registration *registration, const HerdAuthority *authority G_GNUC_UNUSED,
                    HerdRun *run, GError **error G_GNUC_UNUSED)
{
  g_auto (GStrv) contacts = NULL;

  g_variant_lookup (registration->options, "contacts", "^as", &contacts);
  herd_accounts_update_async (HERD_ACCOUNTS (registration->engine), (const char *const *) contacts,
                              registration->host, herd_run_get_cancellable (run), herd_run_ready,
                              herd_run_slot (run));
  return TRUE;
}

static gboolean
start_roll_key (Registration *registration, const HerdAuthority *authority G_GNUC_UNUSED,
                HerdRun *run, GError **error G_GNUC_UNUSED)
{
  herd_accounts_roll_key_async (HERD_ACCOUNTS (registration->engine), registration->checkpoint,
                                registration->host, herd_run_get_cancellable (run), herd_run_ready,
                                herd_run_slot (run));
  return TRUE;
}

static gboolean
start_deactivate (Registration *registration, const HerdAuthority *authority G_GNUC_UNUSED,
                  HerdRun *run, GError **error G_GNUC_UNUSED)
{
  herd_accounts_deactivate_async (HERD_ACCOUNTS (registration->engine), registration->host,
                                  herd_run_get_cancellable (run), herd_run_ready,
                                  herd_run_slot (run));
  return TRUE;
}

static gboolean
start_import (Registration *registration, const HerdAuthority *authority G_GNUC_UNUSED,
              HerdRun *run, GError **error G_GNUC_UNUSED)
{
  herd_accounts_import_async (HERD_ACCOUNTS (registration->engine), registration->key,
                              registration->host, herd_run_get_cancellable (run), herd_run_ready,
                              herd_run_slot (run));
  return TRUE;
}

static const Verb verbs[] = {
  { "register", start_register, herd_accounts_register_finish },
  { "set-contacts", start_set_contacts, herd_accounts_update_finish },
  { "roll-key", start_roll_key, herd_accounts_roll_key_finish },
  { "deactivate", start_deactivate, herd_accounts_deactivate_finish },
  { "import", start_import, herd_accounts_import_finish },
};

static const Verb *
find_verb (const char *kind)
{
  for (guint i = 0; i < G_N_ELEMENTS (verbs); i++) {
    if (g_str_equal (verbs[i].kind, kind))
      return &verbs[i];
  }
  return NULL;
}

gboolean
herd_registration_knows (const char *kind)
{
  return find_verb (kind) != NULL;
}

static gboolean
enter_account (HerdRun *run, gpointer operation, GError **error)
{
  Registration *registration = operation;
  HerdAuthority *authority = get_authority (registration, error);

  return authority != NULL && registration->verb->start (registration, authority, run, error);
}

static gboolean
leave_account (HerdRun *run, gpointer operation, GError **error)
{
  Registration *registration = operation;
  HerdAccount *account = registration->verb->finish (HERD_ACCOUNTS (registration->engine),
                                                     herd_run_get_result (run, 0), error);

  if (account == NULL) {
    herd_budget_note_error (registration->services, registration->authority, *error);
    return FALSE;
  }
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
  { "account", enter_account, leave_account, HERD_COMMIT_NONE },
  { "done", enter_done, leave_done, HERD_COMMIT_NONE },
};

static void
keep_error (Registration *registration, const GError *error)
{
  HerdServices *services = registration->services;
  HerdAuthority *authority = get_authority (registration, NULL);

  if (authority == NULL || (registration->load_only && error == NULL))
    return;
  if (error == NULL) {
    herd_authority_set_error (authority, NULL, NULL, 0);
    herd_attentions_clear (services->attentions, HERD_NOUN_ISSUER, authority->id, "registration");
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
  registration->run = herd_run_new ("account", steps, G_N_ELEMENTS (steps), &operations,
                                    registration, registration->services->clock,
                                    registration->services->crash);
  herd_run_start (registration->run, NULL);
  registration->follow = herd_follow_new (registration->run, g_task_get_cancellable (task));
}

void
herd_registration_run_async (HerdIssuers *issuers, guint64 authority, guint64 operation,
                             const HerdAccountWish *wish, gboolean force, GCancellable *cancellable,
                             GAsyncReadyCallback callback, gpointer data)
{
  Registration *registration = g_new0 (Registration, 1);

  registration->authority = authority;
  registration->operation = operation;
  registration->verb = &verbs[0];
  if (wish != NULL) {
    registration->verb = find_verb (wish->kind);
    registration->options = wish->options != NULL ? g_variant_ref (wish->options) : NULL;
    registration->binding = herd_binding_copy (wish->binding);
    registration->key = wish->key != NULL ? g_bytes_ref (wish->key) : NULL;
  }
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
