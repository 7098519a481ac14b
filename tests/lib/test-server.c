// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * An HTTPS server for tests.
 */
#include "test-server.h"

#include <stdlib.h>
#include <string.h>

#define HEAD_MAX 65536
#define PORT_FIRST 20000
#define PORT_LAST 32000

struct TestServer {
  GSocketService *service;
  GTlsCertificate *certificate;
  TestHandler handler;
  gpointer data;
  guint16 port;
  GCancellable *stopped;
  GPtrArray *threads; /* of GThread: one for each connection so far */
  gint requests;      /* atomic */
};

typedef struct {
  TestServer *server;
  GSocketConnection *socket;
} Connection;

static char *
read_head (GIOStream *stream, GCancellable *cancellable)
{
  GInputStream *input = g_io_stream_get_input_stream (stream);
  g_autoptr (GString) head = g_string_new (NULL);

  while (!g_str_has_suffix (head->str, "\r\n\r\n")) {
    char byte;

    if (head->len > HEAD_MAX || g_input_stream_read (input, &byte, 1, cancellable, NULL) != 1)
      return NULL;
    g_string_append_c (head, byte);
  }
  return g_string_free (g_steal_pointer (&head), FALSE);
}

static GBytes *
read_body (GIOStream *stream, const char *head, GCancellable *cancellable)
{
  g_autofree char *lower = g_ascii_strdown (head, -1);
  const char *field = strstr (lower, "\r\ncontent-length:");
  gsize size = field != NULL ? strtoul (field + strlen ("\r\ncontent-length:"), NULL, 10) : 0;
  g_autofree char *body = g_malloc (size + 1);
  gsize got = 0;

  if (!g_input_stream_read_all (g_io_stream_get_input_stream (stream), body, size, &got,
                                cancellable, NULL)
      || got != size)
    return NULL;
  return g_bytes_new (body, size);
}

/* FALSE: no more of this connection. */
static gboolean
serve_one (TestServer *server, GIOStream *stream)
{
  g_autofree char *head = read_head (stream, server->stopped);
  g_auto (GStrv) words = NULL;
  g_autoptr (GBytes) body = NULL;
  TestExchange exchange;

  if (head == NULL)
    return FALSE;
  body = read_body (stream, head, server->stopped);
  words = g_strsplit (head, " ", 3);
  if (body == NULL || g_strv_length (words) != 3)
    return FALSE;
  exchange = (TestExchange){ server, words[0], words[1], head, body, stream };
  g_atomic_int_inc (&server->requests);
  return server->handler (&exchange, server->data);
}

static gpointer
serve_connection (gpointer data)
{
  g_autofree Connection *connection = data;
  TestServer *server = connection->server;
  g_autoptr (GIOStream) stream = g_tls_server_connection_new (G_IO_STREAM (connection->socket),
                                                              server->certificate, NULL);

  if (g_tls_connection_handshake (G_TLS_CONNECTION (stream), server->stopped, NULL)) {
    while (serve_one (server, stream))
      continue;
  }
  /* Not the TLS stream, whose farewell a peer may never read. */
  g_io_stream_close (G_IO_STREAM (connection->socket), NULL, NULL);
  g_object_unref (connection->socket);
  return NULL;
}

static gboolean
on_connection (GSocketService *service G_GNUC_UNUSED, GSocketConnection *socket,
               GObject *source G_GNUC_UNUSED, gpointer data)
{
  TestServer *server = data;
  Connection *connection = g_new0 (Connection, 1);

  connection->server = server;
  connection->socket = g_object_ref (socket);
  g_ptr_array_add (server->threads, g_thread_new ("test-server", serve_connection, connection));
  return TRUE;
}

TestServer *
test_server_new (GTlsCertificate *certificate, guint16 port, TestHandler handler, gpointer data)
{
  TestServer *server = g_new0 (TestServer, 1);

  server->certificate = g_object_ref (certificate);
  server->handler = handler;
  server->data = data;
  server->stopped = g_cancellable_new ();
  server->service = g_socket_service_new ();
  server->threads = g_ptr_array_new ();
  for (guint i = 0; server->port == 0; i++) {
    guint16 wanted = port != 0 ? port : (guint16) g_random_int_range (PORT_FIRST, PORT_LAST);
    g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
    g_autoptr (GSocketAddress) address = g_inet_socket_address_new (loopback, wanted);

    if (g_socket_listener_add_address (G_SOCKET_LISTENER (server->service), address,
                                       G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL, NULL,
                                       NULL))
      server->port = wanted;
    else
      g_assert_cmpuint (i, <, 100);
  }
  g_signal_connect (server->service, "incoming", G_CALLBACK (on_connection), server);
  g_socket_service_start (server->service);
  return server;
}

void
test_server_free (TestServer *server)
{
  if (server == NULL)
    return;
  g_socket_service_stop (server->service);
  g_socket_listener_close (G_SOCKET_LISTENER (server->service));
  g_cancellable_cancel (server->stopped);
  g_signal_handlers_disconnect_by_data (server->service, server);
  for (guint i = 0; i < server->threads->len; i++)
    g_thread_join (server->threads->pdata[i]);
  g_ptr_array_unref (server->threads);
  g_object_unref (server->service);
  g_object_unref (server->certificate);
  g_object_unref (server->stopped);
  g_free (server);
}

guint16
test_server_get_port (TestServer *server)
{
  return server->port;
}

char *
test_server_get_url (TestServer *server, const char *path)
{
  return g_strdup_printf ("https://127.0.0.1:%u%s", server->port, path);
}

guint
test_server_get_requests (TestServer *server)
{
  return (guint) g_atomic_int_get (&server->requests);
}

guint
test_server_get_connections (TestServer *server)
{
  return server->threads->len;
}

gboolean
test_exchange_write (TestExchange *exchange, const char *text, gssize length)
{
  return g_output_stream_write_all (g_io_stream_get_output_stream (exchange->stream), text,
                                    length < 0 ? strlen (text) : (gsize) length, NULL,
                                    exchange->server->stopped, NULL);
}

gboolean
test_exchange_answer (TestExchange *exchange, guint status, const char *fields, const char *body)
{
  /* One write: two would wait for the peer's delayed acknowledgement, 40 ms each time. */
  g_autofree char *all = g_strdup_printf ("HTTP/1.1 %u Answer\r\nContent-Length: %zu\r\n%s\r\n%s",
                                          status, strlen (body), fields != NULL ? fields : "",
                                          g_str_equal (exchange->method, "HEAD") ? "" : body);

  return test_exchange_write (exchange, all, -1);
}

gboolean
test_exchange_hang (TestExchange *exchange)
{
  GInputStream *input = g_io_stream_get_input_stream (exchange->stream);
  char byte;

  while (g_input_stream_read (input, &byte, 1, exchange->server->stopped, NULL) == 1)
    continue;
  return FALSE;
}
