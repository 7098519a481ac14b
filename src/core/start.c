// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The agent's start: goes on with what an earlier process was at, then works out what comes next for
 * every certificate, a slice in each turn of the loop, so that calls are answered meanwhile. Nobody
 * outside notices: what comes next is mostly what it was. Owned by the agent; main loop only.
 */
#include "core/agent-private.h"

/* Takes a millisecond or two. */
#define SLICE 500

static int
newest_first (gconstpointer a, gconstpointer b)
{
  guint64 first = *(const guint64 *) a, second = *(const guint64 *) b;

  return (first < second) - (first > second);
}

void
herd_agent_resume_operations (HerdAgent *agent)
{
  HerdRegistry *registry = agent->services.registry;
  g_autoptr (GArray) operations = herd_registry_list_ids (registry, HERD_NOUN_OPERATION);

  g_array_sort (operations, newest_first);
  for (guint i = 0; i < operations->len; i++) {
    HerdOperation *operation = herd_registry_get_operation (registry,
                                                            g_array_index (operations, guint64, i));

    /* What a changed file began at the load is under way already. */
    if (operation->state == HERD_OPERATION_RUNNING
        && !g_hash_table_contains (agent->issuances, &operation->id)
        && !g_hash_table_contains (agent->registrations, &operation->id)
        && !g_hash_table_contains (agent->abandonments, &operation->id))
      herd_agent_resume (agent, operation);
  }
}

/* --- the steps --- */

static gboolean
leave_operations (HerdRun *run G_GNUC_UNUSED, gpointer data, GError **error G_GNUC_UNUSED)
{
  HerdAgent *agent = data;

  herd_agent_resume_operations (agent);
  herd_agent_watch_keys (agent);
  return TRUE;
}

static gboolean
leave_schedule (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  HerdAgent *agent = data;
  HerdRegistry *registry = agent->services.registry;
  const char *after = agent->start_at;

  for (guint i = 0; i < SLICE; i++) {
    HerdCertificate *certificate = herd_registry_next_certificate (registry, after);

    if (certificate == NULL)
      return TRUE;
    herd_agent_schedule_first (agent, certificate);
    herd_deliveries_say_missing (agent->deliveries, certificate);
    after = certificate->name;
  }
  /* By name: the row may be gone at the next slice. */
  after = g_strdup (after);
  g_free (agent->start_at);
  agent->start_at = (char *) after;
  herd_run_again (run, 1);
  return TRUE;
}

static gboolean
leave_deliver (HerdRun *run G_GNUC_UNUSED, gpointer data, GError **error G_GNUC_UNUSED)
{
  HerdAgent *agent = data;

  herd_deliveries_kick_all (agent->deliveries);
  herd_deliveries_kick_withdrawals (agent->deliveries);
  return TRUE;
}

static const HerdStep steps[] = {
  { "operations", NULL, leave_operations, HERD_COMMIT_NONE },
  { "schedule", NULL, leave_schedule, HERD_COMMIT_NONE },
  { "deliver", NULL, leave_deliver, HERD_COMMIT_NONE },
};

/* The agent may be gone by now. */
static void
finished (gpointer data G_GNUC_UNUSED, const GError *error G_GNUC_UNUSED)
{}

static const HerdRunOps operations = { .finished = finished };

static void
begin (HerdAgent *agent, const char *step)
{
  herd_run_unref (agent->start);
  g_free (agent->start_at);
  agent->start_at = g_strdup ("");
  /* It has no crash points: what it begins has them. */
  agent->start = herd_run_new ("start", steps, G_N_ELEMENTS (steps), &operations, agent,
                               agent->services.clock, NULL);
  herd_run_start (agent->start, step);
}

void
herd_agent_start (HerdAgent *agent)
{
  if (agent->start == NULL)
    begin (agent, NULL);
}

void
herd_agent_look_again (gpointer data)
{
  HerdAgent *agent = data;

  g_message ("the clock was set back: what comes next is worked out again");
  if (agent->start != NULL)
    begin (agent, "schedule");
}
