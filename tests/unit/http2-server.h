// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A protocol double: an HTTP/2 server that does what real ones do once in a thousand times, at the moment
 * that a test chooses. It reads frames on a thread for each connection, and says nothing but what the
 * test has it say.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct Http2Server Http2Server;

/* On a free port of the loopback. */
Http2Server *http2_server_new (GTlsCertificate *certificate);
void http2_server_free (Http2Server *server);
char *http2_server_get_url (Http2Server *server);
/* Whole requests, and connections that were made, so far. */
guint http2_server_count_requests (Http2Server *server);
guint http2_server_count_connections (Http2Server *server);

/* What follows is about the last connection. Its client's socket, in this process. */
int http2_server_find_client (Http2Server *server);
/* An answer of status 200 and one byte on STREAM (1, 3, …); END: it has an end. With PING: a ping before
 * it, in the same TLS record. */
void http2_server_answer (Http2Server *server, guint32 stream, gboolean end, gboolean ping);
/* "I have seen streams up to LAST, and go." */
void http2_server_go_away (Http2Server *server, guint32 last);
/* The end of the connection, with and without warning. */
void http2_server_shut_down (Http2Server *server);
void http2_server_reset (Http2Server *server);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Http2Server, http2_server_free)

G_END_DECLS
