// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The agent's verbs on accounts: each is an operation of its issuer, one at a time, that goes on after a
 * restart.
 */
#include "core/agent-private.h"
#include "core/operations.h"
#include "core/registration.h"
#include "model/spec.h"
#include "plugin/error.h"

typedef struct {
  HerdAgent *agent;
  guint64 authority;
  guint64 operation;
} Registering;

/* What waited for somebody to register waits no longer. */
static void
release_waiting (HerdAgent *agent, const HerdAuthority *authority)
{
  HerdRegistry *registry = agent->services.registry;
  HerdCertificate *certificate = NULL;

  while ((certificate = herd_registry_next_certificate (
              registry, certificate != NULL ? certificate->name : ""))
         != NULL) {
    const HerdBackoff *backoff = herd_backoffs_find (certificate->backoffs, authority->id);

    if (backoff == NULL || !g_str_equal (backoff->error, "org.certherd.Error.ActionRequired"))
      continue;
    herd_backoffs_remove (&certificate->backoffs, authority->id);
    certificate->failures = 0;
    certificate->retry_at = 0;
    herd_agent_reschedule (agent, certificate);
  }
}

static void
registered (GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
  g_autofree Registering *registering = data;
  HerdAgent *agent = registering->agent;
  HerdAuthority *authority = herd_registry_get_authority (agent->services.registry,
                                                          registering->authority);
  HerdBatch *batch = herd_batch_new ();
  g_autoptr (GError) error = NULL;

  herd_registration_run_finish (result, &error);
  if (authority != NULL && authority->operation == registering->operation) {
    authority->operation = 0;
    herd_registry_touch (agent->services.registry, HERD_NOUN_ISSUER, authority->id);
  }
  if (authority != NULL && g_str_equal (authority->account->status, "valid"))
    release_waiting (agent, authority);
  herd_operations_end (&agent->services, registering->operation, error, batch);
  herd_saver_commit (agent->services.saver, batch, 0, registering->operation);
  g_hash_table_remove (agent->registrations, &registering->operation);
}

/* What must not be in a row: it waits here until the operation is on disk. */
typedef struct {
  HerdBinding *binding;
  GBytes *key;
} Secrets;

static void
secrets_free (gpointer data)
{
  Secrets *secrets = data;

  herd_binding_free (secrets->binding);
  g_clear_pointer (&secrets->key, g_bytes_unref);
  g_free (secrets);
}

static void
keep_secrets (HerdAgent *agent, guint64 operation, const HerdAccountWish *wish)
{
  Secrets *secrets;

  if (wish->binding == NULL && wish->key == NULL)
    return;
  secrets = g_new0 (Secrets, 1);
  secrets->binding = herd_binding_copy (wish->binding);
  secrets->key = wish->key != NULL ? g_bytes_ref (wish->key) : NULL;
  if (agent->secrets == NULL)
    agent->secrets = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, secrets_free);
  g_hash_table_replace (agent->secrets, g_memdup2 (&operation, sizeof operation), secrets);
}

void
herd_agent_drop_secrets (HerdAgent *agent, guint64 operation)
{
  if (agent->secrets != NULL)
    g_hash_table_remove (agent->secrets, &operation);
}

void
herd_agent_refused (guint64 authority, gpointer data)
{
  /* It may have told of changed terms, or that the account is over. */
  herd_agent_load_account (data, authority);
}

void
herd_agent_begin_account (HerdAgent *agent, HerdAuthority *authority, HerdOperation *operation)
{
  const Secrets *secrets = agent->secrets != NULL
                               ? g_hash_table_lookup (agent->secrets, &operation->id)
                               : NULL;
  const HerdAccountWish wish = { .kind = operation->kind,
                                 .options = operation->options,
                                 .binding = secrets != NULL ? secrets->binding : NULL,
                                 .key = secrets != NULL ? secrets->key : NULL };
  Registering *registering;
  GCancellable *cancellable;

  authority->operation = operation->id;
  herd_registry_touch (agent->services.registry, HERD_NOUN_ISSUER, authority->id);
  if (herd_agent_waits_for_keys (agent, operation))
    return;
  registering = g_new0 (Registering, 1);
  registering->agent = agent;
  registering->authority = authority->id;
  registering->operation = operation->id;
  cancellable = g_cancellable_new ();
  g_hash_table_insert (agent->registrations, g_memdup2 (&operation->id, sizeof operation->id),
                       cancellable);
  herd_registration_run_async (agent->issuers, authority->id, operation->id, &wish, TRUE,
                               cancellable, registered, registering);
  herd_agent_drop_secrets (agent, operation->id);
}

const char *
herd_agent_get_issuer_status (HerdAgent *agent, const HerdAuthority *authority)
{
  const HerdOperation *operation = herd_registry_get_operation (agent->services.registry,
                                                                authority->operation);

  return operation != NULL && g_str_equal (operation->kind, "register")
             ? "registering"
             : authority->account->status;
}

/* --- verbs --- */

/* What runs already: the same, which is joined, or something else. */
static gboolean
check_running (HerdAgent *agent, const HerdAuthority *authority, const HerdAccountWish *wish,
               GError **error)
{
  const HerdOperation *operation = herd_registry_get_operation (agent->services.registry,
                                                                authority->operation);

  if (operation == NULL
      || (g_str_equal (operation->kind, wish->kind) && wish->key == NULL && wish->binding == NULL
          && g_variant_equal (operation->options, wish->options)))
    return TRUE;
  g_set_error (error, HERD_ERROR, HERD_ERROR_BUSY,
               "issuer %s: an operation (%s) is under way already; wait for its end, or cancel it",
               authority->name, operation->kind);
  return FALSE;
}

void
herd_agent_change_account_async (HerdAgent *agent, guint32 uid, guint64 id,
                                 const HerdAccountWish *wish, GAsyncReadyCallback callback,
                                 gpointer data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, data);
  HerdAuthority *authority = herd_registry_get_authority (agent->services.registry, id);
  HerdOperation *operation;
  HerdBatch *batch;
  GError *error = NULL;

  if (authority == NULL) {
    g_task_return_new_error (task, HERD_ERROR, HERD_ERROR_NOT_FOUND,
                             "issuer %" G_GUINT64_FORMAT " was removed; see ListIssuers", id);
    return;
  }
  if (!check_running (agent, authority, wish, &error)
      || (authority->operation == 0 && !herd_agent_check_quota (agent, uid, NULL, &error))) {
    g_task_return_error (task, error);
    return;
  }
  batch = herd_agent_begin (agent);
  if (authority->operation == 0) {
    operation = herd_agent_add_operation (agent, wish->kind, uid, 0, id, batch);
    g_variant_unref (operation->options);
    operation->options = g_variant_ref (wish->options);
    herd_batch_put_operation (batch, operation);
    keep_secrets (agent, operation->id, wish);
    authority->operation = operation->id;
    herd_registry_touch (agent->services.registry, HERD_NOUN_ISSUER, id);
  }
  herd_agent_commit (agent, batch, g_steal_pointer (&task), id, authority->operation);
}
