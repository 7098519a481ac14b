// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Connections to one CA. Over HTTP/2, libsoup (3.2, and later ones) tells the messages on a connection
 * of its end only if it hears of it by reading. Where writing fails first, it stops reading and says
 * nothing, for ever; a message whose body is being read is never told; a cancelled message is told when
 * something else arrives; and a connection that was reset may count as one of the few of its host for
 * ever. So each HTTP/2 connection's socket is watched here, a message's wait ends when we say so, whether
 * libsoup comes back to it or not, and a session that has lost its way is left behind.
 */
#include "net/connections.h"

#include <gio/gio.h>
#include <glib-unix.h>
#include <poll.h>

#define CONNECTIONS 4   /* HTTP/2 needs one; HTTP/1.1 servers are spared more */
#define IDLE_TIMEOUT 30 /* seconds; shorter than servers', lest a POST meets a closed one */

/* A connection that speaks HTTP/2. */
typedef struct {
  HerdConnections *connections;
  SoupSession *session; /* whose it is */
  guint64 id;           /* within the session */
  GSocket *socket;
  GSource *watch;
  gboolean down;
} Line;

struct HerdConnections {
  SoupSession *session; /* that new messages go to */
  char *user_agent;
  GTlsDatabase *trust;
  guint timeout;
  gboolean http1;
  GHashTable *exchanges; /* set of HerdExchange */
  GPtrArray *lines;      /* of Line */
};

struct HerdExchange {
  HerdConnections *connections;
  SoupSession *session;
  SoupMessage *message;
  GCancellable *io; /* libsoup listens to it until the message is done */
  GTask *wait;      /* for the answer's head; NULL: not under way */
  gboolean lost;
};

/* --- the session --- */

static SoupSession *
new_session (HerdConnections *connections)
{
  /* Our own timer ends a request that stalls; the session's ends the connection below it. */
  SoupSession *session = soup_session_new_with_options (
      "user-agent", connections->user_agent, "accept-language-auto", TRUE, "max-conns",
      2 * CONNECTIONS, "max-conns-per-host", CONNECTIONS, "timeout", connections->timeout,
      "idle-timeout", IDLE_TIMEOUT, NULL);

  if (connections->trust != NULL)
    soup_session_set_tls_database (session, connections->trust);
  /* Nothing that a CA says may make us send credentials or unpack what it packed. */
  soup_session_remove_feature_by_type (session, SOUP_TYPE_AUTH_MANAGER);
  soup_session_remove_feature_by_type (session, SOUP_TYPE_CONTENT_DECODER);
  return session;
}

static gboolean
forget (gpointer session G_GNUC_UNUSED)
{
  return G_SOURCE_REMOVE;
}

/* Drops a reference, but not before connections that libsoup is about to close are closed: it warns of
 * sessions that end with such. */
static void
release (SoupSession *session)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_priority (source, G_PRIORITY_LOW);
  g_source_set_callback (source, forget, session, g_object_unref);
  g_source_attach (source, g_main_context_get_thread_default ());
}

/* The present session is held by CONNECTIONS, too. */
static void
drop (HerdConnections *connections, SoupSession *session)
{
  if (session == connections->session)
    g_object_unref (session);
  else
    release (session);
}

static void
line_free (gpointer data)
{
  Line *line = data;

  g_source_destroy (line->watch);
  g_source_unref (line->watch);
  /* A connection that was reset, and that libsoup has not closed by now, it keeps, and warns of a session
   * that is dropped with one: such a session, which has little more than its socket, stays. */
  if (!g_socket_is_closed (line->socket)
      && (line->down || g_socket_condition_check (line->socket, G_IO_HUP | G_IO_ERR) != 0))
    g_socket_close (line->socket, NULL);
  else
    drop (line->connections, line->session);
  g_object_unref (line->socket);
  g_free (line);
}

HerdConnections *
herd_connections_new (const HerdConnectionsOptions *options)
{
  HerdConnections *connections = g_new0 (HerdConnections, 1);

  /* The space at the end makes libsoup add its own name and version (RFC 8555 section 6.1). */
  connections->user_agent = g_strconcat (options->user_agent, " ", NULL);
  connections->trust = options->trust != NULL ? g_object_ref (options->trust) : NULL;
  connections->timeout = options->timeout;
  connections->http1 = options->http1;
  connections->exchanges = g_hash_table_new (NULL, NULL);
  connections->lines = g_ptr_array_new_with_free_func (line_free);
  connections->session = new_session (connections);
  return connections;
}

void
herd_connections_free (HerdConnections *connections)
{
  if (connections == NULL)
    return;
  g_ptr_array_unref (connections->lines);
  g_hash_table_unref (connections->exchanges);
  soup_session_abort (connections->session);
  release (connections->session);
  g_clear_object (&connections->trust);
  g_free (connections->user_agent);
  g_free (connections);
}

/* New messages get connections of their own: the old session may count those that it no longer reads
 * from as in use for ever. It lives until what is on its way over it has ended. */
static void
renew (HerdConnections *connections)
{
  release (connections->session);
  connections->session = new_session (connections);
}

/* --- one message --- */

/* The first answer counts, ours or libsoup's. Takes STREAM and ERROR. */
static void
answer (GTask *wait, GInputStream *stream, GError *error)
{
  g_autoptr (GInputStream) owned = stream;
  g_autoptr (GError) owned_error = error;

  if (g_task_get_task_data (wait) != NULL)
    return;
  g_task_set_task_data (wait, wait, NULL);
  if (owned != NULL)
    g_task_return_pointer (wait, g_steal_pointer (&owned), g_object_unref);
  else
    g_task_return_error (wait, g_steal_pointer (&owned_error));
}

static void
on_sent (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) wait = data;
  GError *error = NULL;
  GInputStream *stream = soup_session_send_finish (SOUP_SESSION (source), result, &error);

  answer (wait, stream, error);
}

static void
end (HerdExchange *exchange, GIOErrorEnum code, const char *why)
{
  g_autoptr (GTask) wait = g_steal_pointer (&exchange->wait);

  g_cancellable_cancel (exchange->io);
  if (wait != NULL)
    answer (wait, NULL, g_error_new_literal (G_IO_ERROR, (int) code, why));
}

void
herd_exchange_cancel (HerdExchange *exchange)
{
  end (exchange, G_IO_ERROR_CANCELLED, "cancelled");
}

void
herd_exchange_give_up (HerdExchange *exchange)
{
  if (exchange->session == exchange->connections->session)
    renew (exchange->connections);
  herd_exchange_cancel (exchange);
}

gboolean
herd_exchange_is_lost (HerdExchange *exchange)
{
  return exchange->lost;
}

/* --- the end of a connection --- */

static gboolean
is_on (HerdExchange *exchange, const Line *line)
{
  return exchange->session == line->session
         && soup_message_get_connection_id (exchange->message) == line->id;
}

static void
lose (HerdExchange *exchange)
{
  exchange->lost = TRUE;
  end (exchange, G_IO_ERROR_CONNECTION_CLOSED, "the connection ended before the answer");
}

static void
lose_all (Line *line)
{
  HerdConnections *connections = line->connections;
  g_autoptr (GPtrArray) losers = g_ptr_array_new ();
  GHashTableIter iter;
  HerdExchange *exchange;

  g_hash_table_iter_init (&iter, connections->exchanges);
  while (g_hash_table_iter_next (&iter, (gpointer *) &exchange, NULL)) {
    if (is_on (exchange, line))
      g_ptr_array_add (losers, exchange);
  }
  for (guint i = 0; i < losers->len; i++) {
    if (g_hash_table_contains (connections->exchanges, losers->pdata[i]))
      lose (losers->pdata[i]);
  }
}

static gboolean
on_hang_up (int fd G_GNUC_UNUSED, GIOCondition condition G_GNUC_UNUSED, gpointer data)
{
  Line *line = data;
  HerdConnections *connections = line->connections;

  /* Else libsoup has closed it, and the descriptor may be another's by now. */
  if (!g_socket_is_closed (line->socket)) {
    if (line->session == connections->session)
      renew (connections);
    line->down = TRUE;
    lose_all (line);
  }
  g_ptr_array_remove_fast (connections->lines, line);
  return G_SOURCE_REMOVE;
}

static void
watch (HerdExchange *exchange, GTlsConnection *tls)
{
  HerdConnections *connections = exchange->connections;
  g_autoptr (GIOStream) base = NULL;
  Line *line;

  g_object_get (tls, "base-io-stream", &base, NULL);
  if (!G_IS_SOCKET_CONNECTION (base))
    return;
  line = g_new0 (Line, 1);
  line->connections = connections;
  line->session = g_object_ref (exchange->session);
  line->id = soup_message_get_connection_id (exchange->message);
  line->socket = g_object_ref (g_socket_connection_get_socket (G_SOCKET_CONNECTION (base)));
  /* Not the socket's own source, which would take part in its time-outs. */
  line->watch = g_unix_fd_source_new (g_socket_get_fd (line->socket),
                                      (GIOCondition) (POLLRDHUP | POLLHUP | POLLERR));
  /* Whatever has arrived is read first, and whoever libsoup tells itself is told. */
  g_source_set_priority (line->watch, G_PRIORITY_LOW);
  g_source_set_callback (line->watch, G_SOURCE_FUNC (on_hang_up), line, NULL);
  g_source_attach (line->watch, g_main_context_get_thread_default ());
  g_ptr_array_add (connections->lines, line);
}

static void
drop_closed_lines (HerdConnections *connections)
{
  for (guint i = connections->lines->len; i > 0; i--) {
    Line *line = connections->lines->pdata[i - 1];

    if (g_socket_is_closed (line->socket))
      g_ptr_array_remove_index_fast (connections->lines, i - 1);
  }
}

static void
on_network_event (SoupMessage *message G_GNUC_UNUSED, GSocketClientEvent event,
                  GIOStream *connection, gpointer data)
{
  static const char *const http1[] = { "http/1.1", NULL };
  HerdExchange *exchange = data;
  GTlsConnection *tls;

  if (!G_IS_TLS_CONNECTION (connection))
    return;
  tls = G_TLS_CONNECTION (connection);
  if (event == G_SOCKET_CLIENT_TLS_HANDSHAKING && exchange->connections->http1)
    g_tls_connection_set_advertised_protocols (tls, http1);
  if (event != G_SOCKET_CLIENT_TLS_HANDSHAKED
      || g_strcmp0 (g_tls_connection_get_negotiated_protocol (tls), "h2") != 0)
    return;
  drop_closed_lines (exchange->connections);
  watch (exchange, tls);
}

/* --- its life --- */

HerdExchange *
herd_exchange_new (HerdConnections *connections, SoupMessage *message)
{
  HerdExchange *exchange = g_new0 (HerdExchange, 1);

  exchange->connections = connections;
  exchange->session = g_object_ref (connections->session);
  exchange->message = g_object_ref (message);
  exchange->io = g_cancellable_new ();
  g_signal_connect (message, "network-event", G_CALLBACK (on_network_event), exchange);
  g_hash_table_add (connections->exchanges, exchange);
  return exchange;
}

void
herd_exchange_free (HerdExchange *exchange)
{
  if (exchange == NULL)
    return;
  g_hash_table_remove (exchange->connections->exchanges, exchange);
  g_signal_handlers_disconnect_by_data (exchange->message, exchange);
  herd_exchange_cancel (exchange);
  g_object_unref (exchange->message);
  drop (exchange->connections, exchange->session);
  g_object_unref (exchange->io);
  g_free (exchange);
}

void
herd_exchange_send_async (HerdExchange *exchange, GAsyncReadyCallback callback, gpointer data)
{
  exchange->wait = g_task_new (NULL, NULL, callback, data);
  soup_session_send_async (exchange->session, exchange->message, G_PRIORITY_DEFAULT, exchange->io,
                           on_sent, g_object_ref (exchange->wait));
}

GInputStream *
herd_exchange_send_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

GCancellable *
herd_exchange_get_cancellable (HerdExchange *exchange)
{
  return exchange->io;
}
