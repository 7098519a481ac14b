// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * An HTTPS server for tests that says exactly the bytes that a test wants to be said, on a thread
 * for each connection, so that it also serves tests whose main loop is busy.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct TestServer TestServer;

/* One request; valid during the handler. */
typedef struct {
  TestServer *server;
  const char *method;
  const char *path; /* with the query */
  const char *head; /* request line and fields, lines end in "\r\n" */
  GBytes *body;
  GIOStream *stream;
} TestExchange;

/* Called on the connection's thread. FALSE: the connection is closed at once. */
typedef gboolean (*TestHandler) (TestExchange *exchange, gpointer data);

/* Listens on 127.0.0.1:PORT (0: a free one below 32768). The handler may be called until
 * test_server_free() returns. */
TestServer *test_server_new (GTlsCertificate *certificate, guint16 port, TestHandler handler,
                             gpointer data);
/* Stops, closes every connection, waits for the threads. */
void test_server_free (TestServer *server);

guint16 test_server_get_port (TestServer *server);
/* "https://127.0.0.1:PORT" PATH */
char *test_server_get_url (TestServer *server, const char *path);
/* Requests seen whole so far. */
guint test_server_get_requests (TestServer *server);
/* Connections so far. */
guint test_server_get_connections (TestServer *server);

/* Writes a whole answer. FIELDS: more fields, each ending in "\r\n", or NULL. Returns TRUE. */
gboolean test_exchange_answer (TestExchange *exchange, guint status, const char *fields,
                               const char *body);
/* Writes bytes as they are. FALSE when the peer has gone. */
gboolean test_exchange_write (TestExchange *exchange, const char *text, gssize length);
/* Says nothing more until the peer closes or the server is freed. Returns FALSE. */
gboolean test_exchange_hang (TestExchange *exchange);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TestServer, test_server_free)

G_END_DECLS
