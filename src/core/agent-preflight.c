// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The agent's verb Preflight, and what its findings are good for later.
 */
#include "core/agent-private.h"
#include "core/findings.h"
#include "core/operations.h"
#include "core/preflight.h"
#include "model/spec.h"
#include "plugin/error.h"

#define KIND "preflight"

typedef struct {
  HerdAgent *agent;
  guint64 operation;
} Flying;

static void
landed (GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
  g_autofree Flying *flying = data;
  HerdAgent *agent = flying->agent;
  HerdOperation *operation = herd_registry_get_operation (agent->services.registry,
                                                          flying->operation);
  HerdBatch *batch = herd_batch_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) findings = herd_preflight_run_finish (result, &error);

  if (operation != NULL && findings != NULL)
    herd_operation_set_findings (operation, findings);
  herd_operations_end (&agent->services, flying->operation, error, batch);
  herd_saver_commit (agent->services.saver, batch, 0, flying->operation);
  g_hash_table_remove (agent->asides, &flying->operation);
}

gboolean
herd_agent_is_preflight (const HerdOperation *operation)
{
  return g_str_equal (operation->kind, KIND);
}

void
herd_agent_begin_preflight (HerdAgent *agent, HerdOperation *operation, GCancellable *cancellable)
{
  Flying *flying = g_new0 (Flying, 1);

  flying->agent = agent;
  flying->operation = operation->id;
  herd_preflight_run_async (agent->issuers, agent->solvers, operation, cancellable, landed, flying);
}

void
herd_agent_preflight_async (HerdAgent *agent, guint32 uid, guint64 id, GVariant *wish,
                            GAsyncReadyCallback callback, gpointer data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, data);
  HerdServices *services = &agent->services;
  HerdCertificate *certificate = herd_registry_get_certificate (services->registry, id);
  g_autoptr (GVariant) spec = certificate != NULL ? herd_spec_modify (certificate->spec, wish, NULL)
                                                  : g_variant_ref (wish);
  HerdAuthority *authority;
  HerdOperation *operation;
  HerdBatch *batch;
  GError *error = NULL;

  if (!herd_agent_check_spec (agent, certificate, spec, &error)
      || !herd_agent_check_quota (agent, uid, certificate, &error)) {
    g_task_return_error (task, error);
    return;
  }
  authority = herd_issuers_choose (services->registry, certificate, spec, NULL);
  batch = herd_agent_begin (agent);
  operation = herd_agent_add_operation (agent, KIND, uid, id, authority->id, batch);
  g_variant_unref (operation->options);
  operation->options = g_steal_pointer (&spec);
  herd_batch_put_operation (batch, operation);
  herd_agent_commit (agent, batch, g_steal_pointer (&task), id, operation->id);
}

/* Of CERTIFICATE, the preflight that ended last. */
static const HerdOperation *
find_latest (HerdAgent *agent, guint64 certificate)
{
  HerdRegistry *registry = agent->services.registry;
  g_autoptr (GArray) ids = herd_registry_list_ids (registry, HERD_NOUN_OPERATION);
  const HerdOperation *latest = NULL;

  for (guint i = 0; i < ids->len; i++) {
    const HerdOperation *operation = herd_registry_get_operation (registry,
                                                                  g_array_index (ids, guint64, i));

    if (operation->certificate == certificate && herd_agent_is_preflight (operation)
        && operation->state == HERD_OPERATION_DONE
        && (latest == NULL || operation->id > latest->id))
      latest = operation;
  }
  return latest;
}

void
herd_agent_recall_findings (HerdAgent *agent, HerdOperation *failed)
{
  const HerdOperation *preflight = find_latest (agent, failed->certificate);
  g_autoptr (GVariant) bad = NULL;

  if (preflight == NULL || preflight->findings == NULL)
    return;
  bad = herd_findings_select_bad (preflight->findings);
  if (g_variant_n_children (bad) > 0)
    herd_operation_set_findings (failed, bad);
}
