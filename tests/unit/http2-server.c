// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Frames of RFC 9113, by hand: of the header compression it needs one byte.
 */
#include "http2-server.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#define PREFACE 24 /* bytes that a client begins with */
#define HEAD 9     /* bytes of a frame's head */
#define PORT_FIRST 20000
#define PORT_LAST 32000

enum {
  FRAME_DATA = 0,
  FRAME_HEADERS = 1,
  FRAME_SETTINGS = 4,
  FRAME_PING = 6,
  FRAME_GOAWAY = 7,
};

enum {
  FLAG_ACK = 1,
  FLAG_END_STREAM = 1,
  FLAG_END_HEADERS = 4,
};

struct Http2Server {
  GSocketService *service;
  GTlsCertificate *certificate;
  guint16 port;
  GCancellable *stopped;
  GPtrArray *threads; /* of GThread */
  gint requests;      /* atomic */
  gint connections;   /* atomic: handshakes done */
  GMutex mutex;       /* for what follows, and for writing */
  GIOStream *stream;  /* of the last connection */
  GSocket *socket;
};

typedef struct {
  Http2Server *server;
  GSocketConnection *socket;
} Connection;

/* --- frames --- */

static void
add_frame (GByteArray *bytes, guint8 type, guint8 flags, guint32 stream, const void *payload,
           guint8 size)
{
  guint8 head[HEAD] = { 0, 0, size, type, flags };

  stream = GUINT32_TO_BE (stream);
  memcpy (head + 5, &stream, sizeof stream);
  g_byte_array_append (bytes, head, HEAD);
  if (size > 0)
    g_byte_array_append (bytes, payload, size);
}

static void
write_frames (Http2Server *server, GIOStream *stream, GByteArray *bytes)
{
  g_output_stream_write_all (g_io_stream_get_output_stream (stream), bytes->data, bytes->len, NULL,
                             server->stopped, NULL);
}

static void
say (Http2Server *server, GIOStream *stream, guint8 type, guint8 flags)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();

  add_frame (bytes, type, flags, 0, NULL, 0);
  g_mutex_lock (&server->mutex);
  write_frames (server, stream, bytes);
  g_mutex_unlock (&server->mutex);
}

/* --- the connection's thread --- */

static gboolean
read_exactly (Http2Server *server, GIOStream *stream, guint8 *buffer, gsize size)
{
  gsize got = 0;

  return g_input_stream_read_all (g_io_stream_get_input_stream (stream), buffer, size, &got,
                                  server->stopped, NULL)
         && got == size;
}

static gboolean
read_frame (Http2Server *server, GIOStream *stream)
{
  guint8 head[HEAD];
  g_autofree guint8 *payload = NULL;
  gsize size;

  if (!read_exactly (server, stream, head, HEAD))
    return FALSE;
  size = (gsize) head[0] << 16 | (gsize) head[1] << 8 | head[2];
  payload = g_malloc (size + 1);
  if (!read_exactly (server, stream, payload, size))
    return FALSE;
  if (head[3] == FRAME_SETTINGS && (head[4] & FLAG_ACK) == 0)
    say (server, stream, FRAME_SETTINGS, FLAG_ACK);
  if ((head[3] == FRAME_HEADERS || head[3] == FRAME_DATA) && (head[4] & FLAG_END_STREAM) != 0)
    g_atomic_int_inc (&server->requests);
  return TRUE;
}

static gpointer
serve (gpointer data)
{
  static const char *const protocols[] = { "h2", "http/1.1", NULL };
  g_autofree Connection *connection = data;
  Http2Server *server = connection->server;
  g_autoptr (GIOStream) stream = g_tls_server_connection_new (G_IO_STREAM (connection->socket),
                                                              server->certificate, NULL);
  guint8 preface[PREFACE];

  g_tls_connection_set_advertised_protocols (G_TLS_CONNECTION (stream), protocols);
  if (g_tls_connection_handshake (G_TLS_CONNECTION (stream), server->stopped, NULL)
      && read_exactly (server, stream, preface, PREFACE)) {
    say (server, stream, FRAME_SETTINGS, 0);
    g_mutex_lock (&server->mutex);
    g_set_object (&server->stream, stream);
    g_set_object (&server->socket, g_socket_connection_get_socket (connection->socket));
    g_mutex_unlock (&server->mutex);
    g_atomic_int_inc (&server->connections);
    while (read_frame (server, stream))
      continue;
  }
  g_object_unref (connection->socket);
  return NULL;
}

/* --- the server --- */

static gboolean
on_connection (GSocketService *service G_GNUC_UNUSED, GSocketConnection *socket,
               GObject *source G_GNUC_UNUSED, gpointer data)
{
  Http2Server *server = data;
  Connection *connection = g_new0 (Connection, 1);

  connection->server = server;
  connection->socket = g_object_ref (socket);
  g_ptr_array_add (server->threads, g_thread_new ("http2-server", serve, connection));
  return TRUE;
}

Http2Server *
http2_server_new (GTlsCertificate *certificate)
{
  Http2Server *server = g_new0 (Http2Server, 1);

  server->certificate = g_object_ref (certificate);
  server->stopped = g_cancellable_new ();
  server->threads = g_ptr_array_new ();
  server->service = g_socket_service_new ();
  g_mutex_init (&server->mutex);
  for (guint i = 0; server->port == 0; i++) {
    guint16 wanted = (guint16) g_random_int_range (PORT_FIRST, PORT_LAST);
    g_autoptr (GInetAddress) loopback = g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
    g_autoptr (GSocketAddress) address = g_inet_socket_address_new (loopback, wanted);

    g_assert_cmpuint (i, <, 100);
    if (g_socket_listener_add_address (G_SOCKET_LISTENER (server->service), address,
                                       G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL, NULL,
                                       NULL))
      server->port = wanted;
  }
  g_signal_connect (server->service, "incoming", G_CALLBACK (on_connection), server);
  g_socket_service_start (server->service);
  return server;
}

void
http2_server_free (Http2Server *server)
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
  g_clear_object (&server->stream);
  g_clear_object (&server->socket);
  g_mutex_clear (&server->mutex);
  g_free (server);
}

char *
http2_server_get_url (Http2Server *server)
{
  return g_strdup_printf ("https://127.0.0.1:%u/", server->port);
}

guint
http2_server_count_requests (Http2Server *server)
{
  return (guint) g_atomic_int_get (&server->requests);
}

guint
http2_server_count_connections (Http2Server *server)
{
  return (guint) g_atomic_int_get (&server->connections);
}

/* --- what a test has it say and do --- */

int
http2_server_find_client (Http2Server *server)
{
  struct sockaddr_in peer = { 0 };
  socklen_t size = sizeof peer;

  g_assert_cmpint (getpeername (g_socket_get_fd (server->socket), (struct sockaddr *) &peer, &size),
                   ==, 0);
  for (int fd = 0; fd < 1024; fd++) {
    struct sockaddr_in own = { 0 };

    size = sizeof own;
    if (getsockname (fd, (struct sockaddr *) &own, &size) == 0 && own.sin_family == AF_INET
        && own.sin_port == peer.sin_port)
      return fd;
  }
  g_assert_not_reached ();
}

static void
say_last (Http2Server *server, GByteArray *bytes)
{
  g_mutex_lock (&server->mutex);
  write_frames (server, server->stream, bytes);
  g_mutex_unlock (&server->mutex);
}

void
http2_server_answer (Http2Server *server, guint32 stream, gboolean end, gboolean ping)
{
  static const guint8 status_200[] = { 0x88 }; /* RFC 7541 appendix A, entry 8 */
  g_autoptr (GByteArray) bytes = g_byte_array_new ();

  if (ping)
    add_frame (bytes, FRAME_PING, 0, 0, "12345678", 8);
  add_frame (bytes, FRAME_HEADERS, FLAG_END_HEADERS, stream, status_200, sizeof status_200);
  add_frame (bytes, FRAME_DATA, end ? FLAG_END_STREAM : 0, stream, "x", 1);
  say_last (server, bytes);
}

void
http2_server_go_away (Http2Server *server, guint32 last)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  guint32 payload[2] = { GUINT32_TO_BE (last), 0 };

  add_frame (bytes, FRAME_GOAWAY, 0, 0, payload, sizeof payload);
  say_last (server, bytes);
}

void
http2_server_shut_down (Http2Server *server)
{
  g_assert_cmpint (shutdown (g_socket_get_fd (server->socket), SHUT_RDWR), ==, 0);
}

void
http2_server_reset (Http2Server *server)
{
  /* Dissolves the association at once, whoever waits for the socket. */
  struct sockaddr nowhere = { .sa_family = AF_UNSPEC };

  g_assert_cmpint (connect (g_socket_get_fd (server->socket), &nowhere, sizeof nowhere), ==, 0);
}
