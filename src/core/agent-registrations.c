// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The agent's operations of the kind "register": how they begin and end, and what waited for their end.
 * Owned by the agent; main loop only.
 */
#include "core/agent-private.h"
#include "core/operations.h"
#include "core/registration.h"

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
    if (certificate->failures == 0
        || !g_str_equal (certificate->last_error, "org.certherd.Error.ActionRequired")
        || herd_issuers_choose (registry, certificate, certificate->spec, NULL) != authority)
      continue;
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
  if (authority != NULL && error == NULL)
    release_waiting (agent, authority);
  herd_operations_end (&agent->services, registering->operation, error, batch);
  herd_saver_commit (agent->services.saver, batch, 0, registering->operation);
  g_hash_table_remove (agent->registrations, &registering->operation);
}

void
herd_agent_begin_registration (HerdAgent *agent, HerdAuthority *authority, HerdOperation *operation,
                               GVariant *options)
{
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
  herd_registration_run_async (agent->issuers, authority->id, operation->id, options, TRUE,
                               cancellable, registered, registering);
}
