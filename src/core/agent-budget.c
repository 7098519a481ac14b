// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What is due and has no room in its CA's limits: it waits without an operation of its own. Main loop only.
 */
#include "core/agent-private.h"
#include "core/budget.h"
#include "plugin/error.h"

gboolean
herd_agent_hold_back (HerdAgent *agent, HerdCertificate *certificate)
{
  HerdServices *services = &agent->services;
  const HerdAuthority *authority = herd_issuers_choose (services->registry, certificate,
                                                        certificate->spec, NULL);
  g_autoptr (GError) error = NULL;

  /* Whatever else is wrong is the operation's to find out. */
  if (authority == NULL
      || herd_budget_ask (services, authority, certificate, certificate->spec, &error))
    return FALSE;
  herd_certificate_set_action (certificate, certificate->action, herd_error_get_retry_at (error),
                               error->message);
  herd_scheduler_put (agent->scheduler, certificate->id, certificate->action_time);
  herd_registry_touch (services->registry, HERD_NOUN_CERTIFICATE, certificate->id);
  return TRUE;
}
