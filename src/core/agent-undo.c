// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Changes of the agent: how they begin, what follows when they are on disk, and how the rows in memory
 * become what the disk has where they fail. Main loop only.
 */
#include "core/agent-private.h"

/* --- what follows --- */

static void
cancel_issuances (HerdAgent *agent, guint64 certificate)
{
  GHashTableIter iter;
  gpointer issuance;

  g_hash_table_iter_init (&iter, agent->issuances);
  while (g_hash_table_iter_next (&iter, NULL, &issuance)) {
    if (herd_issuance_get_certificate (issuance) == certificate)
      herd_issuance_cancel (issuance);
  }
}

/* A registration that was asked for begins: not every issuer reads from the state first. */
static void
follow_authority (HerdAgent *agent, guint64 id)
{
  HerdAuthority *authority = herd_registry_get_authority (agent->services.registry, id);
  HerdOperation *operation;

  if (authority == NULL) {
    herd_attentions_clear (agent->services.attentions, HERD_NOUN_ISSUER, id, NULL);
    return;
  }
  operation = herd_registry_get_operation (agent->services.registry, authority->operation);
  if (operation != NULL && operation->state == HERD_OPERATION_RUNNING
      && !g_hash_table_contains (agent->registrations, &operation->id))
    herd_agent_begin_account (agent, authority, operation);
}

void
herd_agent_follow (HerdAgent *agent, guint64 id)
{
  HerdCertificate *certificate = herd_registry_get_certificate (agent->services.registry, id);

  if (id == 0)
    return;
  herd_deliveries_confirm (agent->deliveries, id);
  if (certificate == NULL) {
    herd_agent_drop_operations (agent, id);
    cancel_issuances (agent, id);
    herd_attentions_clear (agent->services.attentions, HERD_NOUN_CERTIFICATE, id, NULL);
  } else {
    herd_agent_follow_queue (agent, certificate);
  }
  follow_authority (agent, id);
  if (agent->start == NULL)
    return;
  herd_deliveries_kick (agent->deliveries, id);
  herd_deliveries_kick_withdrawals (agent->deliveries);
}

/* --- undoing --- */

typedef struct {
  HerdAgent *agent;
  HerdRegistry *registry;
  const GArray *ids;
  GHashTable *there; /* ids of what is on disk (set of guint64*) */
} Undo;

static void
mark (Undo *undo, guint64 id)
{
  g_hash_table_add (undo->there, g_memdup2 (&id, sizeof id));
}

static void
restore_authority (Undo *undo, HerdAuthority *saved)
{
  HerdAuthority *authority = herd_registry_get_authority (undo->registry, saved->id);
  guint64 id = saved->id;

  mark (undo, id);
  herd_issuers_forget (undo->agent->issuers, id);
  if (authority != NULL)
    herd_authority_restore (authority, saved);
  else
    herd_registry_add_authority (undo->registry, saved);
  herd_agent_load_account (undo->agent, id);
}

static void
restore_certificate (Undo *undo, HerdCertificate *saved)
{
  HerdCertificate *certificate = herd_registry_get_certificate (undo->registry, saved->id);

  mark (undo, saved->id);
  if (certificate != NULL)
    herd_certificate_restore (certificate, saved);
  else
    herd_registry_add_certificate (undo->registry, saved);
}

static void
restore_operation (Undo *undo, HerdOperation *saved)
{
  HerdOperation *operation = herd_registry_get_operation (undo->registry, saved->id);

  mark (undo, saved->id);
  if (operation != NULL)
    herd_operation_restore (operation, saved);
  else
    herd_registry_add_operation (undo->registry, saved);
}

static void
restore_all (Undo *undo, HerdStateContents *contents)
{
  GPtrArray *authorities = contents->authorities;
  GPtrArray *certificates = contents->certificates;
  GPtrArray *operations = contents->operations;

  while (authorities->len > 0)
    restore_authority (undo, g_ptr_array_steal_index_fast (authorities, authorities->len - 1));
  while (certificates->len > 0)
    restore_certificate (undo, g_ptr_array_steal_index_fast (certificates, certificates->len - 1));
  while (operations->len > 0)
    restore_operation (undo, g_ptr_array_steal_index_fast (operations, operations->len - 1));
}

/* An operation that never was: what it had begun ends. */
static void
drop_operation (Undo *undo, guint64 id)
{
  HerdIssuance *issuance = g_hash_table_lookup (undo->agent->issuances, &id);
  GCancellable *registration = g_hash_table_lookup (undo->agent->registrations, &id);
  const HerdOperation *operation = herd_registry_get_operation (undo->registry, id);
  HerdAuthority *authority = herd_registry_get_authority (undo->registry, operation->issuer);

  if (authority != NULL && authority->operation == id)
    authority->operation = 0;
  herd_registry_remove (undo->registry, HERD_NOUN_OPERATION, id);
  herd_agent_drop_secrets (undo->agent, id);
  if (issuance != NULL)
    herd_issuance_cancel (issuance);
  if (registration != NULL)
    g_cancellable_cancel (registration);
  herd_agent_cancel_aside (undo->agent, id);
}

/* Also those that began since: their own changes stand on this one. */
static void
drop_operations_of (Undo *undo, guint64 certificate)
{
  g_autoptr (GArray) ids = herd_registry_list_ids (undo->registry, HERD_NOUN_OPERATION);

  for (guint i = 0; i < ids->len; i++) {
    guint64 id = g_array_index (ids, guint64, i);

    if (herd_registry_get_operation (undo->registry, id)->certificate == certificate)
      drop_operation (undo, id);
  }
}

static void
drop_missing (Undo *undo, guint64 id)
{
  HerdAgent *agent = undo->agent;
  const HerdCertificate *certificate = herd_registry_get_certificate (undo->registry, id);

  if (g_hash_table_contains (undo->there, &id))
    return;
  if (herd_registry_get_operation (undo->registry, id) != NULL)
    drop_operation (undo, id);
  if (herd_registry_get_authority (undo->registry, id) != NULL) {
    herd_issuers_forget (agent->issuers, id);
    herd_registry_remove (undo->registry, HERD_NOUN_ISSUER, id);
  }
  if (certificate != NULL) {
    drop_operations_of (undo, id);
    herd_deliveries_forget (agent->deliveries, certificate);
    herd_scheduler_put (agent->scheduler, id, 0);
    g_hash_table_remove (agent->queued, &id);
    herd_registry_remove (undo->registry, HERD_NOUN_CERTIFICATE, id);
  }
}

/* What is not saved follows from the operations that are left. */
static void
find_operations (Undo *undo)
{
  g_autoptr (GArray) operations = herd_registry_list_ids (undo->registry, HERD_NOUN_OPERATION);

  for (guint i = 0; i < undo->ids->len; i++) {
    guint64 id = g_array_index (undo->ids, guint64, i);
    HerdCertificate *certificate = herd_registry_get_certificate (undo->registry, id);
    HerdAuthority *authority = herd_registry_get_authority (undo->registry, id);

    if (certificate != NULL)
      certificate->operation = 0;
    if (authority != NULL)
      authority->operation = 0;
  }
  for (guint i = 0; i < operations->len; i++) {
    const HerdOperation *operation = herd_registry_get_operation (
        undo->registry, g_array_index (operations, guint64, i));
    HerdCertificate *certificate = herd_registry_get_certificate (undo->registry,
                                                                  operation->certificate);
    HerdAuthority *authority = herd_registry_get_authority (undo->registry, operation->issuer);

    if (certificate != NULL && operation->state == HERD_OPERATION_RUNNING
        && operation->generation == 0
        && g_hash_table_contains (undo->agent->issuances, &operation->id))
      certificate->operation = operation->id;
    if (authority != NULL && g_hash_table_contains (undo->agent->registrations, &operation->id))
      authority->operation = operation->id;
  }
}

/* Tells what listeners may have seen otherwise; whoever has seen the same is not told. */
static void
touch (Undo *undo, guint64 id)
{
  HerdCertificate *certificate = herd_registry_get_certificate (undo->registry, id);

  if (certificate != NULL)
    herd_agent_reschedule (undo->agent, certificate);
  if (undo->agent->start != NULL)
    herd_deliveries_kick (undo->agent->deliveries, id);
  if (herd_registry_get_authority (undo->registry, id) != NULL)
    herd_registry_touch (undo->registry, HERD_NOUN_ISSUER, id);
  if (herd_registry_get_operation (undo->registry, id) != NULL)
    herd_registry_touch (undo->registry, HERD_NOUN_OPERATION, id);
}

void
herd_agent_undo (const GArray *ids, HerdStateContents *contents, gpointer data)
{
  HerdAgent *agent = data;
  g_autoptr (GHashTable) there = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  Undo undo = { agent, agent->services.registry, ids, there };

  /* Nothing of the change was told, so nothing of its end is. */
  herd_registry_begin_notes (undo.registry);
  restore_all (&undo, contents);
  for (guint i = 0; i < ids->len; i++)
    drop_missing (&undo, g_array_index (ids, guint64, i));
  herd_deliveries_undo (agent->deliveries, ids, contents->withdrawals);
  find_operations (&undo);
  herd_agent_requeue (agent);
  herd_registry_settle_notes (undo.registry, herd_registry_end_notes (undo.registry), FALSE);
  for (guint i = 0; i < ids->len; i++)
    touch (&undo, g_array_index (ids, guint64, i));
  if (agent->start != NULL)
    herd_deliveries_kick_withdrawals (agent->deliveries);
}

/* --- a change --- */

typedef struct {
  HerdAgent *agent;
  HerdNotices *notices;
  GTask *task;
  HerdVerbResult ids;
} Change;

HerdBatch *
herd_agent_begin (HerdAgent *agent)
{
  herd_registry_begin_notes (agent->services.registry);
  return herd_batch_new ();
}

static void
changed (GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
  g_autofree Change *change = data;
  g_autoptr (GTask) task = change->task;
  HerdAgent *agent = change->agent;
  HerdServices *services = &agent->services;
  GError *error = NULL;

  if (herd_state_change_finish (services->state, result, services->undo, services->undo_data,
                                &error)) {
    herd_registry_settle_notes (services->registry, change->notices, TRUE);
    herd_agent_follow (agent, change->ids.object);
    herd_agent_follow_aside (agent, change->ids.operation);
    herd_agent_return_ids (task, change->ids.object, change->ids.operation);
    return;
  }
  herd_registry_settle_notes (services->registry, change->notices, FALSE);
  g_task_return_error (task, error);
}

void
herd_agent_commit (HerdAgent *agent, HerdBatch *batch, GTask *task, guint64 object,
                   guint64 operation)
{
  Change *change = g_new0 (Change, 1);

  change->agent = agent;
  change->notices = herd_registry_end_notes (agent->services.registry);
  change->task = task;
  change->ids.object = object;
  change->ids.operation = operation;
  herd_state_change_async (agent->services.state, batch, changed, change);
}
