// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The connections to one CA, and what is on its way over them: libsoup's session, and what libsoup does
 * not do itself, which is to tell a request that its HTTP/2 connection is gone, or that it was
 * cancelled. Private to src/net; HerdHttp owns it. Main loop only.
 */
#pragma once

#include <libsoup/soup.h>

G_BEGIN_DECLS

typedef struct HerdConnections HerdConnections;
/* One message on its way, for one owner. */
typedef struct HerdExchange HerdExchange;

typedef struct {
  const char *user_agent;
  GTlsDatabase *trust; /* NULL: the system's */
  guint timeout;       /* seconds */
  gboolean http1;      /* HTTP/1.1 is all that servers are offered */
} HerdConnectionsOptions;

HerdConnections *herd_connections_new (const HerdConnectionsOptions *options);
/* When no exchange is left. */
void herd_connections_free (HerdConnections *connections);

/* MESSAGE is about to be sent; CONNECTIONS must outlive it. */
HerdExchange *herd_exchange_new (HerdConnections *connections, SoupMessage *message);
/* Also in the midst of it: whatever comes later is dropped. */
void herd_exchange_free (HerdExchange *exchange);
/* Once. Errors: what libsoup says; G_IO_ERROR_CANCELLED, at once; G_IO_ERROR_CONNECTION_CLOSED. */
void herd_exchange_send_async (HerdExchange *exchange, GAsyncReadyCallback callback, gpointer data);
GInputStream *herd_exchange_send_finish (GAsyncResult *result, GError **error);
/* For what is read from the stream. */
GCancellable *herd_exchange_get_cancellable (HerdExchange *exchange);
void herd_exchange_cancel (HerdExchange *exchange);
/* The same for one whose server says nothing: no later message goes where this one went. */
void herd_exchange_give_up (HerdExchange *exchange);
/* Was it cancelled because its connection is gone? */
gboolean herd_exchange_is_lost (HerdExchange *exchange);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdConnections, herd_connections_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdExchange, herd_exchange_free)

G_END_DECLS
