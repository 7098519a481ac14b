// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Probes at a server of our own on loopback, by a clock that stands still.
 */
#include "net/probe.h"

#include <string.h>

#include "manual-clock.h"
#include "plugin/error.h"

typedef struct {
  HerdClock *clock;
  GSocketService *service;
  guint16 port;
  const char *answer; /* NULL: the server says nothing */
  char request[1024];
  GSocketConnection *connection; /* that it keeps */
} Fixture;

static gboolean
on_incoming (GSocketService *service G_GNUC_UNUSED, GSocketConnection *connection,
             GObject *source G_GNUC_UNUSED, gpointer data)
{
  Fixture *fixture = data;
  GInputStream *input = g_io_stream_get_input_stream (G_IO_STREAM (connection));
  GOutputStream *output = g_io_stream_get_output_stream (G_IO_STREAM (connection));

  g_set_object (&fixture->connection, connection);
  if (fixture->answer == NULL)
    return TRUE;
  /* The probe's bytes may come after its connection. */
  g_socket_set_blocking (g_socket_connection_get_socket (connection), TRUE);
  g_input_stream_read (input, fixture->request, sizeof fixture->request - 1, NULL, NULL);
  g_output_stream_write_all (output, fixture->answer, strlen (fixture->answer), NULL, NULL, NULL);
  g_io_stream_close (G_IO_STREAM (connection), NULL, NULL);
  return TRUE;
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  g_autoptr (GSocketAddress) any = g_inet_socket_address_new (loopback, 0);
  g_autoptr (GSocketAddress) bound = NULL;

  fixture->answer = data;
  fixture->clock = herd_manual_clock_new ();
  fixture->service = g_threaded_socket_service_new (1);
  g_socket_listener_add_address (G_SOCKET_LISTENER (fixture->service), any, G_SOCKET_TYPE_STREAM,
                                 G_SOCKET_PROTOCOL_TCP, NULL, &bound, NULL);
  fixture->port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound));
  g_signal_connect (fixture->service, "run", G_CALLBACK (on_incoming), fixture);
}

static void
tear_down (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  if (g_socket_service_is_active (fixture->service))
    g_socket_service_stop (fixture->service);
  g_object_unref (fixture->service);
  g_clear_object (&fixture->connection);
  g_assert_cmpuint (herd_manual_clock_get_n_timers (fixture->clock), ==, 0);
  herd_clock_unref (fixture->clock);
}

static void
on_result (GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

static void
start (Fixture *fixture, const char *path, GCancellable *cancellable, GAsyncResult **result)
{
  const HerdProbe probe = { "127.0.0.1", fixture->port, "www.example.org", path };

  herd_probe_async (fixture->clock, &probe, cancellable, on_result, result);
}

static HerdProbeAnswer *
finish (GAsyncResult **pending, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  while (*pending == NULL)
    g_main_context_iteration (NULL, TRUE);
  result = g_steal_pointer (pending);
  return herd_probe_finish (result, error);
}

static void
assert_answer (Fixture *fixture, guint status, const char *body)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (HerdProbeAnswer) answer = NULL;

  start (fixture, "/path", NULL, &result);
  answer = finish (&result, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (answer->status, ==, status);
  g_assert_cmpstr (answer->body, ==, body);
  g_assert_true (
      g_str_has_prefix (fixture->request, "GET /path HTTP/1.0\r\nHost: www.example.org\r\n"));
}

static void
test_answer (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  assert_answer (fixture, 200, "hello\n");
}

static void
test_no_http (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  assert_answer (fixture, 0, "");
}

/* Only the beginning of what is said is read. */
static void
test_long (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autofree char *body = g_strnfill (100000, 'x');
  g_autofree char *all = g_strconcat ("HTTP/1.1 200 OK\r\n\r\n", body, NULL);

  fixture->answer = all;
  body[4096 - strlen ("HTTP/1.1 200 OK\r\n\r\n")] = '\0';
  assert_answer (fixture, 200, body);
}

static void
test_connect (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (HerdProbeAnswer) answer = NULL;

  start (fixture, NULL, NULL, &result);
  answer = finish (&result, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (answer->status, ==, 0);
}

static void
test_refused (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autofree char *words = g_strdup_printf ("127.0.0.1 port %u: ", fixture->port);

  g_socket_service_stop (fixture->service);
  g_socket_listener_close (G_SOCKET_LISTENER (fixture->service));
  start (fixture, "/", NULL, &result);
  g_assert_null (finish (&result, &error));
  g_assert_error (error, HERD_ERROR, HERD_ERROR_UNREACHABLE);
  g_assert_true (g_str_has_prefix (error->message, words));
}

static void
test_silent (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GAsyncResult) result = NULL;

  start (fixture, "/", NULL, &result);
  herd_manual_clock_advance (fixture->clock, 10 * HERD_SECOND);
  g_assert_null (finish (&result, &error));
  g_assert_error (error, HERD_ERROR, HERD_ERROR_UNREACHABLE);
  g_assert_nonnull (strstr (error->message, "within 10 seconds"));
}

static void
test_cancel (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (GAsyncResult) result = NULL;

  start (fixture, "/", cancellable, &result);
  g_cancellable_cancel (cancellable);
  g_assert_null (finish (&result, &error));
  g_assert_error (error, HERD_ERROR, HERD_ERROR_CANCELLED);
}

#define ADD(name, answer, function)                                                                \
  g_test_add ("/probe/" name, Fixture, answer, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("answer", "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n", test_answer);
  ADD ("no-http", "220 mail.example.org ESMTP\r\n\r\n", test_no_http);
  ADD ("long", "", test_long);
  ADD ("connect", NULL, test_connect);
  ADD ("refused", NULL, test_refused);
  ADD ("silent", NULL, test_silent);
  ADD ("cancel", NULL, test_cancel);
  return g_test_run ();
}
