// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Operations beside the issuances: preflights and revocations. They wait for no turn, and any number of a
 * certificate's runs at once; one that was cut off begins anew.
 */
#include "core/agent-private.h"

gboolean
herd_agent_is_aside (const HerdOperation *operation)
{
  return herd_agent_is_preflight (operation) || herd_agent_is_revocation (operation);
}

gboolean
herd_agent_follow_aside (HerdAgent *agent, guint64 id)
{
  HerdOperation *operation = herd_registry_get_operation (agent->services.registry, id);
  GCancellable *cancellable;

  if (operation == NULL || !herd_agent_is_aside (operation))
    return FALSE;
  if (operation->state != HERD_OPERATION_RUNNING || g_hash_table_contains (agent->asides, &id)
      || (herd_agent_is_revocation (operation) && herd_agent_waits_for_keys (agent, operation)))
    return TRUE;
  cancellable = g_cancellable_new ();
  g_hash_table_insert (agent->asides, g_memdup2 (&id, sizeof id), cancellable);
  if (herd_agent_is_preflight (operation))
    herd_agent_begin_preflight (agent, operation, cancellable);
  else
    herd_agent_begin_revocation (agent, operation, cancellable);
  return TRUE;
}

gboolean
herd_agent_cancel_aside (HerdAgent *agent, guint64 operation)
{
  GCancellable *cancellable = g_hash_table_lookup (agent->asides, &operation);

  if (cancellable == NULL)
    return FALSE;
  g_cancellable_cancel (cancellable);
  return TRUE;
}
