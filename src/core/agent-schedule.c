// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What comes next: each certificate's one next action, with its time and reason, and what is done when that
 * time has come.
 */
#include "core/agent-private.h"
#include "core/choice.h"
#include "core/renewal-info.h"
#include "core/renewal.h"
#include "model/spec.h"

static void
set_retry_action (HerdAgent *agent, HerdCertificate *certificate, gint64 when)
{
  g_autofree char *whom = herd_choice_describe (agent->services.registry, certificate, when);
  g_autofree char *reason = g_strdup_printf ("attempt %u failed: %s%s", certificate->failures,
                                             certificate->last_error_message, whom);

  herd_certificate_set_action (certificate, HERD_ACTION_RETRY, when, reason);
}

static void
set_issue_action (HerdAgent *agent, HerdCertificate *certificate, gint64 now)
{
  if (certificate->failures > 0) {
    set_retry_action (agent, certificate, MAX (certificate->retry_at, now));
  } else {
    herd_certificate_set_action (certificate, HERD_ACTION_ISSUE, now, "there is none yet");
  }
}

static void
set_renew_action (HerdAgent *agent, HerdCertificate *certificate)
{
  g_autofree char *reason = herd_renewal_info_get_reason (certificate);

  if (herd_certificate_get_newest (certificate)->revoked
      == HERD_REVOCATION_CESSATION_OF_OPERATION) {
    herd_certificate_set_action (certificate, HERD_ACTION_NONE, 0, reason);
  } else if (certificate->failures > 0 && certificate->retry_at > certificate->renew_at) {
    set_retry_action (agent, certificate, certificate->retry_at);
  } else {
    herd_certificate_set_action (certificate, HERD_ACTION_RENEW, certificate->renew_at, reason);
  }
}

/* What was to wait for a time that is no longer near, because the clock was set back, waits no longer. */
static void
heal_times (HerdCertificate *certificate, gint64 now)
{
  certificate->retry_at = herd_backoff_check_time (certificate->retry_at, now);
  for (guint i = 0; certificate->backoffs != NULL && i < certificate->backoffs->len; i++) {
    HerdBackoff *backoff = g_ptr_array_index (certificate->backoffs, i);

    backoff->retry_at = herd_backoff_check_time (backoff->retry_at, now);
  }
  for (HerdDelivery *delivery = certificate->deliveries; delivery != NULL;
       delivery = delivery->next) {
    delivery->retry_at = herd_backoff_check_time (delivery->retry_at, now);
  }
}

static void
schedule (HerdAgent *agent, HerdCertificate *certificate)
{
  const HerdGeneration *newest = herd_certificate_get_newest (certificate);
  const HerdOperation *running = herd_registry_get_operation (agent->services.registry,
                                                              certificate->operation);
  gint64 now = herd_clock_get_seconds (agent->services.clock);
  gint64 deliver;

  heal_times (certificate, now);
  deliver = herd_deliveries_get_retry_at (certificate);
  if (certificate->retired)
    herd_certificate_set_action (certificate, HERD_ACTION_NONE, 0, "its section was removed");
  else if (running != NULL)
    herd_certificate_set_action (certificate,
                                 newest == NULL ? HERD_ACTION_ISSUE : HERD_ACTION_RENEW,
                                 running->started, "under way");
  else if (newest == NULL)
    set_issue_action (agent, certificate, now);
  else
    set_renew_action (agent, certificate);
  if (deliver != 0
      && (certificate->operation != 0 || certificate->action_time == 0
          || deliver < certificate->action_time))
    herd_certificate_set_action (certificate, HERD_ACTION_DELIVER, deliver,
                                 "a target could not take it");
  /* What is under way is nothing to wake up for. */
  herd_scheduler_put (agent->scheduler, certificate->id,
                      certificate->operation != 0 && certificate->action != HERD_ACTION_DELIVER
                          ? 0
                          : certificate->action_time);
  herd_polls_put (agent->polls, certificate);
}

void
herd_agent_reschedule (HerdAgent *agent, HerdCertificate *certificate)
{
  schedule (agent, certificate);
  herd_registry_touch (agent->services.registry, HERD_NOUN_CERTIFICATE, certificate->id);
}

/* Seconds until it is tried again to begin what could not be written down. */
#define DUE_AGAIN 60

typedef struct {
  HerdAgent *agent;
  guint64 certificate;
} Due;

static void
begun (GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
  g_autofree Due *due = data;
  HerdServices *services = &due->agent->services;
  g_autoptr (GError) error = NULL;

  if (herd_agent_verb_finish (result, NULL, &error)
      || herd_registry_get_certificate (services->registry, due->certificate) == NULL)
    return;
  g_warning ("what is due was not begun: %s", error->message);
  herd_scheduler_put (due->agent->scheduler, due->certificate,
                      herd_clock_get_seconds (services->clock) + DUE_AGAIN);
  herd_attentions_raise (services->attentions, HERD_NOUN_CERTIFICATE, due->certificate, "critical",
                         "not-saved", error->message);
}

static void
begin_due (HerdAgent *agent, HerdCertificate *certificate)
{
  HerdBatch *batch = herd_agent_begin (agent);
  Due *due = g_new0 (Due, 1);
  guint64 operation;

  due->agent = agent;
  due->certificate = certificate->id;
  operation = herd_agent_begin_issuance (agent, certificate, agent->services.uid, batch)->id;
  herd_agent_commit (agent, batch, g_task_new (NULL, NULL, begun, due), certificate->id, operation);
}

void
herd_agent_schedule_first (HerdAgent *agent, HerdCertificate *certificate)
{
  g_autofree char *reason = g_strdup (certificate->action_reason);
  HerdAction action = certificate->action;
  gint64 when = certificate->action_time;

  schedule (agent, certificate);
  if (certificate->action != action || certificate->action_time != when
      || !g_str_equal (certificate->action_reason, reason))
    herd_registry_touch (agent->services.registry, HERD_NOUN_CERTIFICATE, certificate->id);
}

gboolean
herd_agent_due (guint64 id, gpointer data)
{
  HerdAgent *agent = data;
  HerdCertificate *certificate = herd_registry_get_certificate (agent->services.registry, id);

  if (certificate == NULL)
    return TRUE;
  switch (certificate->action) {
  case HERD_ACTION_NONE:
    break;
  case HERD_ACTION_ISSUE:
  case HERD_ACTION_RENEW:
  case HERD_ACTION_RETRY:
    if (certificate->operation != 0)
      break;
    /* Operations that wait, for a slot or for the keys, cost more than certificates that do. */
    if (herd_state_is_locked (agent->services.state) || !herd_gate_has_room (agent->slots))
      return FALSE;
    if (!herd_agent_hold_back (agent, certificate))
      begin_due (agent, certificate);
    break;
  case HERD_ACTION_DELIVER:
    herd_deliveries_release (certificate, herd_clock_get_seconds (agent->services.clock));
    herd_agent_reschedule (agent, certificate);
    herd_deliveries_kick (agent->deliveries, id);
    break;
  }
  return TRUE;
}
