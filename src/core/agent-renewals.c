// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What CAs suggest about renewals, on its way to the schedule, to the disk and to people. Main loop only.
 */
#include "core/agent-private.h"
#include "core/renewal-info.h"

/* A CA that wants a certificate renewed out of turn mostly has a reason that people should know: it may
 * be about to revoke it. */
static void
tell (HerdAgent *agent, const HerdCertificate *certificate)
{
  HerdAttentions *attentions = agent->services.attentions;
  const HerdSuggestion *suggestion = certificate->suggestion;
  g_autofree char *message = NULL;

  if (!herd_renewal_info_is_early (certificate)
      || suggestion->pick > herd_clock_get_seconds (agent->services.clock)) {
    herd_attentions_clear (attentions, HERD_NOUN_CERTIFICATE, certificate->id,
                           HERD_RENEWAL_SUGGESTED);
    return;
  }
  message = g_strdup_printf ("%s: the CA suggests to renew it at once%s%s%s", certificate->name,
                             *suggestion->explanation_url != '\0' ? ", and explains that at " : "",
                             suggestion->explanation_url,
                             suggestion->floor > suggestion->pick
                                 ? "; it had it renewed a short while ago, and so this waits"
                                 : "");
  herd_attentions_raise (attentions, HERD_NOUN_CERTIFICATE, certificate->id, "warning",
                         HERD_RENEWAL_SUGGESTED, message);
}

void
herd_agent_suggested (HerdCertificate *certificate, gpointer data)
{
  HerdAgent *agent = data;
  HerdBatch *batch = herd_batch_new ();

  tell (agent, certificate);
  herd_agent_reschedule (agent, certificate);
  herd_registry_touch (agent->services.registry, HERD_NOUN_AGENT, 0);
  herd_batch_put_certificate (batch, certificate);
  herd_saver_commit (agent->services.saver, batch, certificate->id, 0);
}

void
herd_agent_follow_account (guint64 authority, gpointer data)
{
  HerdAgent *agent = data;

  herd_polls_follow_authority (agent->polls, authority);
}
