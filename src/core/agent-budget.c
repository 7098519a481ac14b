// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What is due and has no room in the limits of its CAs: it waits without an operation of its own. Main loop only.
 */
#include "core/agent-private.h"
#include "core/choice.h"

gboolean
herd_agent_hold_back (HerdAgent *agent, HerdCertificate *certificate)
{
  HerdServices *services = &agent->services;
  const HerdChoiceQuery query = { .now = herd_clock_get_seconds (services->clock),
                                  .services = services,
                                  .waits = TRUE };
  g_auto (HerdChoice) choice = { 0 };

  /* Whatever else is wrong is the operation's to find out. */
  if (!herd_choice_make (services->registry, certificate, certificate->spec, &query, &choice, NULL)
      || choice.issuer != NULL)
    return FALSE;
  herd_certificate_set_action (certificate, certificate->action, choice.until, choice.why);
  herd_scheduler_put (agent->scheduler, certificate->id, certificate->action_time);
  herd_registry_touch (services->registry, HERD_NOUN_CERTIFICATE, certificate->id);
  return TRUE;
}
