// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * DNS questions: each waits for its turn, since it costs sockets, and is then one exchange.
 */
#include "net/dns.h"

#include <string.h>

#include "net/dns-exchange.h"
#include "plugin/error.h"
#include "util/follow.h"
#include "util/gate.h"
#include "util/steps.h"
#include "util/text.h"

#define CONCURRENCY 64
#define DEADLINE (20 * HERD_SECOND)
#define PORT 53

struct HerdDns {
  int references;
  HerdClock *clock;
  char *resolvers;
  guint16 port;
  HerdGate *gate;
};

typedef struct {
  HerdDns *dns;
  GTask *task;
  HerdRun *run;
  HerdFollow *follow;
  char *name;
  HerdDnsType type;
  char *server; /* NULL: the resolvers */
  gboolean inside;
  HerdDnsAnswer *answer;
} Query;

HerdDns *
herd_dns_new (const HerdDnsOptions *options)
{
  HerdDns *dns = g_new0 (HerdDns, 1);

  dns->references = 1;
  dns->clock = herd_clock_ref (options->clock);
  dns->resolvers = g_strdup (options->resolvers);
  dns->port = options->port != 0 ? options->port : PORT;
  dns->gate = herd_gate_new (CONCURRENCY);
  return dns;
}

HerdDns *
herd_dns_ref (HerdDns *dns)
{
  dns->references++;
  return dns;
}

void
herd_dns_unref (HerdDns *dns)
{
  if (dns == NULL || --dns->references > 0)
    return;
  herd_gate_free (dns->gate);
  herd_clock_unref (dns->clock);
  g_free (dns->resolvers);
  g_free (dns);
}

HerdClock *
herd_dns_get_clock (HerdDns *dns)
{
  return dns->clock;
}

char *
herd_dns_format_server (HerdDns *dns, const char *address)
{
  return g_strdup_printf (strchr (address, ':') != NULL ? "[%s]:%u" : "%s:%u", address, dns->port);
}

static gboolean
enter_turn (HerdRun *run, gpointer operation, GError **error G_GNUC_UNUSED)
{
  Query *query = operation;

  herd_gate_enter_async (query->dns->gate, herd_run_get_cancellable (run), herd_run_ready,
                         herd_run_slot (run));
  return TRUE;
}

static gboolean
leave_turn (HerdRun *run, gpointer operation, GError **error)
{
  Query *query = operation;

  query->inside = herd_gate_enter_finish (query->dns->gate, herd_run_get_result (run, 0), error);
  return query->inside;
}

static gboolean
enter_ask (HerdRun *run, gpointer operation, GError **error G_GNUC_UNUSED)
{
  Query *query = operation;
  HerdDnsQuestion question = {
    .clock = query->dns->clock,
    .name = query->name,
    .type = query->type,
    .servers = query->server != NULL ? query->server : query->dns->resolvers,
    .recursive = query->server == NULL,
    .deadline = DEADLINE,
  };

  herd_dns_exchange_async (&question, herd_run_get_cancellable (run), herd_run_ready,
                           herd_run_slot (run));
  return TRUE;
}

static gboolean
leave_ask (HerdRun *run, gpointer operation, GError **error)
{
  Query *query = operation;

  query->answer = herd_dns_exchange_finish (herd_run_get_result (run, 0), error);
  return query->answer != NULL;
}

static gboolean
leave_done (HerdRun *run G_GNUC_UNUSED, gpointer operation, GError **error G_GNUC_UNUSED)
{
  Query *query = operation;

  if (query->inside)
    herd_gate_leave (query->dns->gate);
  return TRUE;
}

static const HerdStep steps[] = {
  { "turn", enter_turn, leave_turn, HERD_COMMIT_NONE },
  { "ask", enter_ask, leave_ask, HERD_COMMIT_NONE },
  { "done", NULL, leave_done, HERD_COMMIT_NONE },
};

static void
finished (gpointer operation, const GError *error)
{
  Query *query = operation;
  g_autoptr (GTask) task = g_steal_pointer (&query->task);
  g_autofree char *shown = herd_text_from_remote (query->name, -1);
  GError *failure = error != NULL ? g_error_copy (error) : NULL;

  herd_error_translate (&failure, HERD_ERROR_UNREACHABLE, "%s of %s from %s",
                        herd_dns_type_to_string (query->type), shown,
                        query->server != NULL ? query->server : "the system's DNS resolvers");
  herd_follow_free (query->follow);
  herd_run_unref (query->run);
  if (failure != NULL)
    g_task_return_error (task, failure);
  else
    g_task_return_pointer (task, g_steal_pointer (&query->answer),
                           (GDestroyNotify) herd_dns_answer_free);
  herd_dns_answer_free (query->answer);
  g_free (query->name);
  g_free (query->server);
  herd_dns_unref (query->dns);
  g_free (query);
}

static const HerdRunOps operations = { .finished = finished };

void
herd_dns_query_async (HerdDns *dns, const char *name, HerdDnsType type, const char *server,
                      GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data)
{
  Query *query = g_new0 (Query, 1);

  query->dns = herd_dns_ref (dns);
  /* The run reports a cancel itself. */
  query->task = g_task_new (NULL, NULL, callback, data);
  query->name = g_strdup (name);
  query->type = type;
  query->server = g_strdup (server);
  query->run = herd_run_new ("dns", steps, G_N_ELEMENTS (steps), &operations, query, dns->clock,
                             NULL);
  herd_run_start (query->run, NULL);
  query->follow = herd_follow_new (query->run, cancellable);
}

HerdDnsAnswer *
herd_dns_query_finish (HerdDns *dns G_GNUC_UNUSED, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
