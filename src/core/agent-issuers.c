// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The agent's verbs on issuers, operations and subscriptions.
 */
#include "core/agent-private.h"
#include "core/directories.h"
#include "core/operations.h"
#include "core/rights.h"
#include "model/spec.h"
#include "plugin/error.h"

#define SUBSCRIPTIONS_PER_USER 20
#define PATTERNS_MAX 64

/* Its staging sibling is another issuer, that is there. */
static gboolean
check_staging (HerdAgent *agent, const char *name, GVariant *settings, GError **error)
{
  const char *staging = herd_spec_get_string (settings, "staging", NULL);

  if (staging == NULL)
    return TRUE;
  if (g_str_equal (staging, name))
    g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
                 "staging: a rehearsal with issuer %s itself would be none; name another one",
                 name);
  else if (herd_registry_find_authority (agent->services.registry, staging) == NULL)
    g_set_error (error, HERD_ERROR, HERD_ERROR_NOT_FOUND,
                 "staging: there is no issuer %s; add it first", staging);
  else
    return TRUE;
  return FALSE;
}

void
herd_agent_add_issuer_async (HerdAgent *agent, const char *name, GVariant *settings,
                             GAsyncReadyCallback callback, gpointer data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, data);
  HerdServices *services = &agent->services;
  g_autoptr (HerdAuthority) authority = NULL;
  g_autoptr (HerdIssuer) engine = NULL;
  GError *error = NULL;
  HerdBatch *batch;
  guint64 id;

  if (!herd_name_check ("issuer", name, &error) || !check_staging (agent, name, settings, &error)) {
    g_task_return_error (task, error);
    return;
  }
  if (herd_registry_find_authority (services->registry, name) != NULL) {
    g_task_return_new_error (task, HERD_ERROR, HERD_ERROR_EXISTS,
                             "issuer %s exists; choose another name, or remove it first", name);
    return;
  }
  id = herd_state_new_id (services->state);
  authority = herd_authority_new (id, name, "acme", settings);
  authority->created = herd_clock_get_seconds (services->clock);
  /* The engine is the judge of its settings; better now than at the first issuance. */
  engine = herd_issuers_try (agent->issuers, authority, &error);
  if (engine == NULL) {
    g_task_return_error (task, error);
    return;
  }
  batch = herd_agent_begin (agent);
  herd_batch_put_authority (batch, authority);
  herd_directories_watch (services, authority);
  herd_registry_add_authority (services->registry, g_steal_pointer (&authority));
  herd_agent_commit (agent, batch, g_steal_pointer (&task), id, 0);
}

/* A certificate that names the authority, or would be left without any; NULL if there is none. */
static HerdCertificate *
find_user (HerdAgent *agent, const HerdAuthority *authority)
{
  HerdRegistry *registry = agent->services.registry;
  HerdCertificate *certificate = NULL;

  while ((certificate = herd_registry_next_certificate (
              registry, certificate != NULL ? certificate->name : ""))
         != NULL) {
    if (herd_issuers_serves (registry, authority, certificate))
      return certificate;
  }
  return NULL;
}

/* One whose rehearsals are with AUTHORITY; NULL if there is none. */
static const HerdAuthority *
find_sibling (HerdAgent *agent, const HerdAuthority *authority)
{
  HerdRegistry *registry = agent->services.registry;
  g_autoptr (GArray) ids = herd_registry_list_ids (registry, HERD_NOUN_ISSUER);

  for (guint i = 0; i < ids->len; i++) {
    const HerdAuthority *other = herd_registry_get_authority (registry,
                                                              g_array_index (ids, guint64, i));

    if (!other->retired
        && g_str_equal (herd_authority_get_setting (other, "staging", ""), authority->name))
      return other;
  }
  return NULL;
}

void
herd_agent_remove_issuer_async (HerdAgent *agent, guint64 id, GAsyncReadyCallback callback,
                                gpointer data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, data);
  HerdServices *services = &agent->services;
  HerdAuthority *authority = herd_registry_get_authority (services->registry, id);
  const HerdAuthority *sibling;
  HerdCertificate *user;
  HerdBatch *batch;

  if (authority == NULL) {
    g_task_return_new_error (task, HERD_ERROR, HERD_ERROR_NOT_FOUND,
                             "issuer %" G_GUINT64_FORMAT " was removed; see ListIssuers", id);
    return;
  }
  if (authority->from_file && !authority->retired) {
    g_task_return_new_error (task, HERD_ERROR, HERD_ERROR_REFUSED,
                             "issuer %s is declared in the configuration; remove it there and use "
                             "Reload",
                             authority->name);
    return;
  }
  user = find_user (agent, authority);
  if (user != NULL || authority->operation != 0) {
    g_task_return_new_error (task, HERD_ERROR, HERD_ERROR_BUSY,
                             "issuer %s is used by %s%s; remove or modify it first",
                             authority->name, user != NULL ? "certificate " : "",
                             user != NULL ? user->name : "an operation");
    return;
  }
  sibling = find_sibling (agent, authority);
  if (sibling != NULL) {
    g_task_return_new_error (task, HERD_ERROR, HERD_ERROR_BUSY,
                             "issuer %s is where issuer %s rehearses; remove that one first",
                             authority->name, sibling->name);
    return;
  }
  batch = herd_agent_begin (agent);
  herd_batch_delete_authority (batch, id);
  herd_issuers_forget (agent->issuers, id);
  herd_registry_remove (services->registry, HERD_NOUN_ISSUER, id);
  herd_agent_commit (agent, batch, g_steal_pointer (&task), id, 0);
}

void
herd_agent_cancel_async (HerdAgent *agent, guint64 id, GAsyncReadyCallback callback, gpointer data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, data);
  HerdOperation *operation = herd_registry_get_operation (agent->services.registry, id);
  HerdIssuance *issuance = g_hash_table_lookup (agent->issuances, &id);

  if (operation == NULL || operation->state != HERD_OPERATION_RUNNING) {
    g_task_return_new_error (
        task, HERD_ERROR, HERD_ERROR_NOT_FOUND,
        "operation %" G_GUINT64_FORMAT " has ended; there is nothing to cancel", id);
    return;
  }
  if (issuance != NULL)
    herd_issuance_cancel (issuance);
  else if (!herd_agent_cancel_aside (agent, id))
    herd_agent_cancel_other (agent, operation);
  herd_agent_return_ids (task, 0, id);
}

/* --- subscriptions --- */

static guint
count_subscriptions (HerdAgent *agent, guint32 uid)
{
  g_autoptr (GArray)
      ids = herd_registry_list_ids (agent->services.registry, HERD_NOUN_SUBSCRIPTION);
  guint n = 0;

  for (guint i = 0; i < ids->len; i++) {
    const HerdSubscription *subscription = herd_registry_get_subscription (
        agent->services.registry, g_array_index (ids, guint64, i));

    if (subscription->uid == uid)
      n++;
  }
  return n;
}

static gboolean
check_subscription (HerdAgent *agent, guint32 uid, const char *const *patterns, GError **error)
{
  gboolean exempt = uid == 0 || agent->services.session;
  guint limit = herd_agent_get_number (agent, "subscriptions-per-user", SUBSCRIPTIONS_PER_USER);

  if (patterns[0] == NULL || g_strv_length ((char **) patterns) > PATTERNS_MAX) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
                 "patterns: 1 to %d globs of names; \"*\" for all", PATTERNS_MAX);
    return FALSE;
  }
  if (!exempt && count_subscriptions (agent, uid) >= limit) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_LIMIT_EXCEEDED,
                 "user %u has %u subscriptions already; close one first", uid, limit);
    return FALSE;
  }
  return TRUE;
}

static char *
make_target_name (HerdAgent *agent, guint32 uid, const char *target)
{
  return herd_deliveries_has_target (agent->deliveries, target)
             ? g_strdup (target)
             : g_strdup_printf ("%u:%s", uid, target);
}

const char *
herd_agent_get_holder (HerdAgent *agent, guint32 uid, const char *target)
{
  g_autofree char *name = target != NULL ? make_target_name (agent, uid, target) : NULL;
  const HerdSubscription *holder = name != NULL
                                       ? herd_deliveries_get_holder (agent->deliveries, name)
                                       : NULL;

  return holder != NULL ? holder->sender : NULL;
}

HerdSubscription *
herd_agent_subscribe (HerdAgent *agent, const char *sender, guint32 uid,
                      const char *const *patterns, const char *target, gboolean allowed,
                      const char *server, GError **error)
{
  HerdServices *services = &agent->services;
  g_autoptr (HerdSubscription) subscription = NULL;
  HerdSubscription *row;

  if (!check_subscription (agent, uid, patterns, error)
      || (target != NULL && !herd_name_check ("target", target, error)))
    return NULL;
  subscription = herd_subscription_new (herd_state_new_id (services->state), sender, uid, patterns);
  subscription->server = g_strdup (server);
  if (target != NULL) {
    subscription->target_is_configured = herd_deliveries_has_target (agent->deliveries, target);
    subscription->target = make_target_name (agent, uid, target);
  }
  subscription->allowed = allowed;
  if (!herd_deliveries_attach (agent->deliveries, subscription, error))
    return NULL;
  row = g_steal_pointer (&subscription);
  herd_registry_add_subscription (services->registry, row);
  return row;
}

void
herd_agent_unsubscribe (HerdAgent *agent, guint64 id)
{
  HerdSubscription *subscription = herd_registry_get_subscription (agent->services.registry, id);

  if (subscription == NULL)
    return;
  herd_deliveries_detach (agent->deliveries, subscription);
  herd_registry_remove (agent->services.registry, HERD_NOUN_SUBSCRIPTION, id);
}

void
herd_agent_unsubscribe_all (HerdAgent *agent)
{
  g_autoptr (GArray)
      ids = herd_registry_list_ids (agent->services.registry, HERD_NOUN_SUBSCRIPTION);

  for (guint i = 0; i < ids->len; i++)
    herd_agent_unsubscribe (agent, g_array_index (ids, guint64, i));
}
