// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Probes, each a run: connect, send, receive, end. HTTP/1.0, so that the end of the answer is the end of the
 * connection.
 */
#include "net/probe.h"

#include <stdlib.h>
#include <string.h>

#include "plugin/error.h"
#include "util/follow.h"
#include "util/steps.h"

#define DEADLINE (10 * HERD_SECOND)
#define ANSWER_MAX 4096 /* bytes, head and body */

typedef struct {
  char *address;
  guint16 port;
  char *request; /* NULL: connect only */
  GTask *task;
  HerdClock *clock;
  HerdRun *run;
  HerdFollow *follow;
  guint deadline; /* a timer; 0: it has run out */
  GSocketConnection *connection;
  char buffer[ANSWER_MAX + 1];
  HerdProbeAnswer *answer;
} Probe;

void
herd_probe_answer_free (HerdProbeAnswer *answer)
{
  if (answer == NULL)
    return;
  g_free (answer->body);
  g_free (answer);
}

static gboolean
connect_enter (HerdRun *run, gpointer operation, GError **error)
{
  Probe *probe = operation;
  g_autoptr (GSocketAddress)
      address = g_inet_socket_address_new_from_string (probe->address, probe->port);
  g_autoptr (GSocketClient) client = g_socket_client_new ();

  if (address == NULL) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT, "%s is no IP address",
                 probe->address);
    return FALSE;
  }
  g_socket_client_set_enable_proxy (client, FALSE);
  g_socket_client_connect_async (client, G_SOCKET_CONNECTABLE (address),
                                 herd_run_get_cancellable (run), herd_run_ready,
                                 herd_run_slot (run));
  return TRUE;
}

static gboolean
connect_leave (HerdRun *run, gpointer operation, GError **error)
{
  Probe *probe = operation;
  GAsyncResult *result = herd_run_get_result (run, 0);
  g_autoptr (GObject) client = g_async_result_get_source_object (result);

  probe->connection = g_socket_client_connect_finish (G_SOCKET_CLIENT (client), result, error);
  if (probe->connection == NULL)
    return FALSE;
  if (probe->request == NULL)
    herd_run_jump (run, "end");
  return TRUE;
}

static gboolean
send_enter (HerdRun *run, gpointer operation, GError **error G_GNUC_UNUSED)
{
  Probe *probe = operation;
  GOutputStream *stream = g_io_stream_get_output_stream (G_IO_STREAM (probe->connection));

  g_output_stream_write_all_async (stream, probe->request, strlen (probe->request),
                                   G_PRIORITY_DEFAULT, herd_run_get_cancellable (run),
                                   herd_run_ready, herd_run_slot (run));
  return TRUE;
}

static gboolean
send_leave (HerdRun *run, gpointer operation, GError **error)
{
  Probe *probe = operation;
  GOutputStream *stream = g_io_stream_get_output_stream (G_IO_STREAM (probe->connection));

  return g_output_stream_write_all_finish (stream, herd_run_get_result (run, 0), NULL, error);
}

static gboolean
receive_enter (HerdRun *run, gpointer operation, GError **error G_GNUC_UNUSED)
{
  Probe *probe = operation;
  GInputStream *stream = g_io_stream_get_input_stream (G_IO_STREAM (probe->connection));

  g_input_stream_read_all_async (stream, probe->buffer, ANSWER_MAX, G_PRIORITY_DEFAULT,
                                 herd_run_get_cancellable (run), herd_run_ready,
                                 herd_run_slot (run));
  return TRUE;
}

/* "HTTP/1.x NNN …", an empty line, a body. */
static void
read_answer (Probe *probe)
{
  const char *body = strstr (probe->buffer, "\r\n\r\n");
  const char *status = strchr (probe->buffer, ' ');

  if (!g_str_has_prefix (probe->buffer, "HTTP/1.") || body == NULL || status == NULL)
    return;
  probe->answer->status = (guint) CLAMP (atoi (status + 1), 0, 999);
  g_free (probe->answer->body);
  probe->answer->body = g_strdup (body + 4);
}

static gboolean
receive_leave (HerdRun *run, gpointer operation, GError **error)
{
  Probe *probe = operation;
  GInputStream *stream = g_io_stream_get_input_stream (G_IO_STREAM (probe->connection));

  if (!g_input_stream_read_all_finish (stream, herd_run_get_result (run, 0), NULL, error))
    return FALSE;
  read_answer (probe);
  return TRUE;
}

static const HerdStep steps[] = {
  { "connect", connect_enter, connect_leave, HERD_COMMIT_NONE },
  { "send", send_enter, send_leave, HERD_COMMIT_NONE },
  { "receive", receive_enter, receive_leave, HERD_COMMIT_NONE },
  { "end", NULL, NULL, HERD_COMMIT_NONE },
};

static void
on_deadline (gpointer data)
{
  Probe *probe = data;

  probe->deadline = 0;
  herd_run_cancel (probe->run);
}

static GError *
translate (const Probe *probe, const GError *error)
{
  GError *failure = NULL;

  if (probe->deadline == 0)
    return g_error_new (HERD_ERROR, HERD_ERROR_UNREACHABLE,
                        "%s port %u: no answer within %d seconds", probe->address, probe->port,
                        (int) (DEADLINE / HERD_SECOND));
  failure = g_error_copy (error);
  herd_error_translate (&failure, HERD_ERROR_UNREACHABLE, "%s port %u", probe->address,
                        probe->port);
  return failure;
}

static void
finished (gpointer operation, const GError *error)
{
  Probe *probe = operation;
  g_autoptr (GTask) task = g_steal_pointer (&probe->task);

  if (error != NULL)
    g_task_return_error (task, translate (probe, error));
  else
    g_task_return_pointer (task, g_steal_pointer (&probe->answer),
                           (GDestroyNotify) herd_probe_answer_free);
  if (probe->deadline != 0)
    herd_clock_disarm (probe->clock, probe->deadline);
  herd_follow_free (probe->follow);
  herd_run_unref (probe->run);
  herd_clock_unref (probe->clock);
  herd_probe_answer_free (probe->answer);
  g_clear_object (&probe->connection);
  g_free (probe->address);
  g_free (probe->request);
  g_free (probe);
}

static const HerdRunOps operations = { .finished = finished };

void
herd_probe_async (HerdClock *clock, const HerdProbe *what, GCancellable *cancellable,
                  GAsyncReadyCallback callback, gpointer data)
{
  Probe *probe = g_new0 (Probe, 1);

  probe->address = g_strdup (what->address);
  probe->port = what->port;
  if (what->path != NULL)
    probe->request = g_strdup_printf (
        "GET %s HTTP/1.0\r\nHost: %s\r\nUser-Agent: certherd\r\nConnection: close\r\n\r\n",
        what->path, what->host);
  probe->task = g_task_new (NULL, NULL, callback, data);
  probe->clock = herd_clock_ref (clock);
  probe->answer = g_new0 (HerdProbeAnswer, 1);
  probe->answer->body = g_strdup ("");
  probe->deadline = herd_clock_arm (clock, DEADLINE, on_deadline, probe);
  probe->run = herd_run_new ("probe", steps, G_N_ELEMENTS (steps), &operations, probe, clock, NULL);
  herd_run_start (probe->run, NULL);
  probe->follow = herd_follow_new (probe->run, cancellable);
}

HerdProbeAnswer *
herd_probe_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
