// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Sockets that listen, and their bounded clients.
 */
#include "responder/front.h"

#define DRAIN_LIMIT 65536

struct HerdFront {
  const HerdFrontOps *ops;
  gpointer data;
  HerdClock *clock;
  GSocketService *service;
  GQueue clients; /* oldest first */
};

static void
client_unwatch (HerdClient *client)
{
  if (client->source == NULL)
    return;
  g_source_destroy (client->source);
  g_clear_pointer (&client->source, g_source_unref);
}

static void
client_free (HerdClient *client)
{
  HerdFront *front = client->front;

  g_queue_unlink (&front->clients, &client->link);
  herd_clock_disarm (front->clock, client->timer);
  client_unwatch (client);
  front->ops->clear (client);
  g_io_stream_close (G_IO_STREAM (client->connection), NULL, NULL);
  g_object_unref (client->connection);
  g_free (client);
}

static void
deadline_passed (gpointer data)
{
  HerdClient *client = data;

  client->timer = 0;
  client_free (client);
}

void
herd_client_arm (HerdClient *client)
{
  herd_clock_disarm (client->front->clock, client->timer);
  client->timer = herd_clock_arm (client->front->clock, HERD_FRONT_DEADLINE, deadline_passed,
                                  client);
}

/* FALSE: it has closed, or it says too much. */
static gboolean
client_throw_away (HerdClient *client)
{
  g_autoptr (GError) error = NULL;
  char data[4096];
  gssize size = g_socket_receive (client->socket, data, sizeof data, NULL, &error);

  if (size < 0)
    return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK);
  client->drained += (gsize) size;
  return size > 0 && client->drained < DRAIN_LIMIT;
}

static gboolean
on_ready (GSocket *socket, GIOCondition condition, gpointer data)
{
  HerdClient *client = data;
  GSource *source = g_main_current_source ();

  if (!(client->draining ? client_throw_away (client) : client->front->ops->ready (client))) {
    client_free (client);
    return G_SOURCE_REMOVE;
  }
  /* Who waits for something else has replaced the source. */
  return g_source_is_destroyed (source) ? G_SOURCE_REMOVE : G_SOURCE_CONTINUE;
}

void
herd_client_watch (HerdClient *client, GIOCondition condition)
{
  client_unwatch (client);
  client->source = g_socket_create_source (client->socket, condition, NULL);
  g_source_set_callback (client->source, G_SOURCE_FUNC (on_ready), client, NULL);
  g_source_attach (client->source, NULL);
}

void
herd_client_drain (HerdClient *client)
{
  client->draining = TRUE;
  g_socket_shutdown (client->socket, FALSE, TRUE, NULL);
  herd_client_watch (client, G_IO_IN);
}

static gboolean
on_incoming (GSocketService *service, GSocketConnection *connection, GObject *source, gpointer data)
{
  HerdFront *front = data;
  HerdClient *client;

  /* Those who came first have had most of their time. */
  while (front->clients.length >= HERD_FRONT_CLIENTS)
    client_free (g_queue_peek_head (&front->clients));
  client = g_malloc0 (front->ops->client_size);
  client->front = front;
  client->link.data = client;
  client->connection = g_object_ref (connection);
  client->socket = g_socket_connection_get_socket (connection);
  g_queue_push_tail_link (&front->clients, &client->link);
  g_socket_set_blocking (client->socket, FALSE);
  herd_client_arm (client);
  herd_client_watch (client, G_IO_IN);
  if (!front->ops->begin (client))
    client_free (client);
  return TRUE;
}

HerdFront *
herd_front_new (const HerdFrontOps *ops, gpointer data, HerdClock *clock)
{
  HerdFront *front = g_new0 (HerdFront, 1);

  front->ops = ops;
  front->data = data;
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
herd_front_free (HerdFront *front)
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
  if (front->ops->free_data != NULL)
    front->ops->free_data (front->data);
  g_free (front);
}

gpointer
herd_front_get_data (HerdFront *front)
{
  return front->data;
}

gint64
herd_front_get_seconds (HerdFront *front)
{
  return herd_clock_get_seconds (front->clock);
}

gboolean
herd_front_add (HerdFront *front, GSocket *socket, GError **error)
{
  return g_socket_listener_add_socket (G_SOCKET_LISTENER (front->service), socket, NULL, error);
}

void
herd_front_start (HerdFront *front)
{
  g_socket_service_start (front->service);
}
