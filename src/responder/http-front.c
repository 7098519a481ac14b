// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The http-01 front: one request a connection, in three phases.
 */
#include "responder/http-front.h"

#include <string.h>

#include "responder/http-head.h"

#define PREFIX "/.well-known/acme-challenge/"
#define DRAIN_LIMIT 65536

typedef enum {
  READING,
  WRITING,
  DRAINING, /* closing with bytes unread would reset the connection under the answer */
} Phase;

struct HerdHttpFront {
  HerdFlight *flight;
  HerdClock *clock;
  GSocketService *service;
  GQueue clients; /* oldest first */
};

typedef struct {
  HerdHttpFront *front;
  GList link; /* in clients */
  GSocketConnection *connection;
  GSource *source;
  guint timer;
  Phase phase;
  gsize length; /* of what was read into head; while draining, of what was thrown away */
  char head[HERD_HTTP_HEAD_LIMIT];
  GString *answer;
  gsize written;
} Client;

static void client_watch (Client *client, GIOCondition condition);

static void
client_unwatch (Client *client)
{
  if (client->source == NULL)
    return;
  g_source_destroy (client->source);
  g_clear_pointer (&client->source, g_source_unref);
}

static void
client_free (Client *client)
{
  g_queue_unlink (&client->front->clients, &client->link);
  herd_clock_disarm (client->front->clock, client->timer);
  client_unwatch (client);
  g_io_stream_close (G_IO_STREAM (client->connection), NULL, NULL);
  g_object_unref (client->connection);
  if (client->answer != NULL)
    g_string_free (client->answer, TRUE);
  g_free (client);
}

static void
deadline_passed (gpointer data)
{
  Client *client = data;

  client->timer = 0;
  client_free (client);
}

static void
client_arm (Client *client)
{
  herd_clock_disarm (client->front->clock, client->timer);
  client->timer = herd_clock_arm (client->front->clock, HERD_HTTP_DEADLINE, deadline_passed,
                                  client);
}

/* --- answers --- */

static void
client_answer (Client *client, const char *status, const char *fields, const char *body,
               gboolean with_body)
{
  client->answer = g_string_new (NULL);
  g_string_printf (client->answer,
                   "HTTP/1.1 %s\r\n"
                   "Content-Type: text/plain\r\n"
                   "Content-Length: %" G_GSIZE_FORMAT "\r\n"
                   "%s"
                   "Connection: close\r\n"
                   "\r\n"
                   "%s",
                   status, strlen (body), fields, with_body ? body : "");
  client->phase = WRITING;
  client_arm (client);
  client_watch (client, G_IO_OUT);
}

static const HerdChallenge *
find_challenge (HerdHttpFront *front, const HerdHttpHead *head)
{
  const char *token = head->target + strlen (PREFIX);

  if (!g_str_has_prefix (head->target, PREFIX) || !herd_challenge_token_is_valid (token))
    return NULL;
  return herd_flight_find (front->flight, "http-01", token, head->identifier);
}

static void
client_answer_head (Client *client, gsize length)
{
  g_autoptr (HerdHttpHead) head = herd_http_head_parse (client->head, length);
  const HerdChallenge *challenge;

  if (head == NULL) {
    client_answer (client, "400 Bad Request", "", "bad request\n", TRUE);
    return;
  }
  if (head->method == HERD_HTTP_OTHER) {
    client_answer (client, "405 Method Not Allowed", "Allow: GET, HEAD\r\n", "method not allowed\n",
                   TRUE);
    return;
  }
  challenge = find_challenge (client->front, head);
  if (challenge == NULL)
    client_answer (client, "404 Not Found", "", "not found\n", head->method == HERD_HTTP_GET);
  else
    client_answer (client, "200 OK", "", challenge->key_authorization,
                   head->method == HERD_HTTP_GET);
}

/* --- phases: TRUE while there is a client --- */

static gboolean
is_later (const GError *error)
{
  return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
}

static gboolean
client_read (Client *client, GSocket *socket)
{
  g_autoptr (GError) error = NULL;
  gssize size = g_socket_receive (socket, client->head + client->length,
                                  sizeof client->head - client->length, NULL, &error);
  gssize length;

  if (size < 0 && is_later (error))
    return TRUE;
  if (size <= 0) {
    client_free (client);
    return FALSE;
  }
  length = herd_http_head_measure (client->head, client->length + (gsize) size, client->length);
  client->length += (gsize) size;
  if (length > 0)
    client_answer_head (client, (gsize) length);
  else if (length < 0)
    client_answer (client, "400 Bad Request", "", "bad request\n", TRUE);
  else if (client->length == sizeof client->head)
    client_answer (client, "431 Request Header Fields Too Large", "", "too large\n", TRUE);
  return TRUE;
}

static gboolean
client_write (Client *client, GSocket *socket)
{
  g_autoptr (GError) error = NULL;
  gssize size = g_socket_send (socket, client->answer->str + client->written,
                               client->answer->len - client->written, NULL, &error);

  if (size < 0 && is_later (error))
    return TRUE;
  if (size < 0) {
    client_free (client);
    return FALSE;
  }
  client->written += (gsize) size;
  if (client->written < client->answer->len)
    return TRUE;
  client->phase = DRAINING;
  client->length = 0;
  g_socket_shutdown (socket, FALSE, TRUE, NULL);
  client_watch (client, G_IO_IN);
  return TRUE;
}

static gboolean
client_drain (Client *client, GSocket *socket)
{
  g_autoptr (GError) error = NULL;
  gssize size = g_socket_receive (socket, client->head, sizeof client->head, NULL, &error);

  if (size < 0 && is_later (error))
    return TRUE;
  if (size > 0)
    client->length += (gsize) size;
  if (size > 0 && client->length < DRAIN_LIMIT)
    return TRUE;
  client_free (client);
  return FALSE;
}

static gboolean
on_ready (GSocket *socket, GIOCondition condition, gpointer data)
{
  Client *client = data;
  GSource *source = g_main_current_source ();
  gboolean alive = FALSE;

  switch (client->phase) {
  case READING:
    alive = client_read (client, socket);
    break;
  case WRITING:
    alive = client_write (client, socket);
    break;
  case DRAINING:
    alive = client_drain (client, socket);
    break;
  }
  /* A phase that ended has replaced the source. */
  return alive && !g_source_is_destroyed (source) ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

static void
client_watch (Client *client, GIOCondition condition)
{
  client_unwatch (client);
  client->source = g_socket_create_source (g_socket_connection_get_socket (client->connection),
                                           condition, NULL);
  g_source_set_callback (client->source, G_SOURCE_FUNC (on_ready), client, NULL);
  g_source_attach (client->source, NULL);
}

static gboolean
on_incoming (GSocketService *service, GSocketConnection *connection, GObject *source, gpointer data)
{
  HerdHttpFront *front = data;
  Client *client;

  /* Those who came first have had most of their time. */
  while (front->clients.length >= HERD_HTTP_CONNECTIONS)
    client_free (g_queue_peek_head (&front->clients));
  client = g_new0 (Client, 1);
  client->front = front;
  client->link.data = client;
  client->connection = g_object_ref (connection);
  g_queue_push_tail_link (&front->clients, &client->link);
  g_socket_set_blocking (g_socket_connection_get_socket (connection), FALSE);
  client_arm (client);
  client_watch (client, G_IO_IN);
  return TRUE;
}

HerdHttpFront *
herd_http_front_new (HerdFlight *flight, HerdClock *clock)
{
  HerdHttpFront *front = g_new0 (HerdHttpFront, 1);

  front->flight = flight;
  front->clock = herd_clock_ref (clock);
  /* An active GSocketService begins its accept anew when a socket is added, and loses the connection
   * that the old one had accepted: often the very one that systemd started us for. */
  front->service = g_socket_service_new ();
  g_socket_service_stop (front->service);
  g_queue_init (&front->clients);
  g_signal_connect (front->service, "incoming", G_CALLBACK (on_incoming), front);
  return front;
}

void
herd_http_front_free (HerdHttpFront *front)
{
  if (front == NULL)
    return;
  g_signal_handlers_disconnect_by_data (front->service, front);
  g_socket_service_stop (front->service);
  g_socket_listener_close (G_SOCKET_LISTENER (front->service));
  g_object_unref (front->service);
  while (!g_queue_is_empty (&front->clients))
    client_free (g_queue_peek_head (&front->clients));
  herd_clock_unref (front->clock);
  g_free (front);
}

gboolean
herd_http_front_add (HerdHttpFront *front, GSocket *socket, GError **error)
{
  return g_socket_listener_add_socket (G_SOCKET_LISTENER (front->service), socket, NULL, error);
}

void
herd_http_front_start (HerdHttpFront *front)
{
  g_socket_service_start (front->service);
}
