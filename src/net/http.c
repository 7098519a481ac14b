// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Requests to one CA. Each is a run: through the gate, send, read the body piece by piece, end. The
 * session belongs to HerdHttp, which lives until its last request has ended. Main loop only.
 */
#include "net/http.h"

#include <libsoup/soup.h>

#include "net/connections.h"
#include "net/response.h"
#include "net/tls.h"
#include "plugin/error.h"
#include "util/follow.h"
#include "util/gate.h"
#include "util/secret.h"
#include "util/steps.h"
#include "util/text.h"

#define TIMEOUT 30           /* seconds */
#define DEADLINE_TIMEOUTS 10 /* a whole request may take this many timeouts */
#define REDIRECTS_MAX 5
#define PIECE 16384

struct HerdHttp {
  int references;
  HerdConnections *connections;
  HerdGate *gate;
  HerdClock *clock;
  const HerdCrash *crash;
  guint timeout;
  GHashTable *requests; /* set of Request, under way */
};

/* Why a request was ended from within. */
typedef enum {
  ABORT_NONE,
  ABORT_CANCELLED,
  ABORT_STALLED,
  ABORT_EXPIRED,
  ABORT_UNTRUSTED,
} Abort;

typedef struct {
  HerdHttp *http;
  GTask *task;
  HerdRun *run;
  HerdFollow *follow;

  char *label;
  char *method;
  char *url;
  char *host; /* for messages */
  char *content_type;
  char *accept;
  char **headers;
  GBytes *body;
  gsize limit;
  gboolean redirects;

  gboolean inside;
  guint deadline;
  guint stall;
  Abort aborted;
  GTlsCertificateFlags flaws; /* of the certificate that ended it */

  gboolean repeated; /* by libsoup */
  guint n_redirects;
  SoupMessage *message;
  HerdExchange *exchange; /* the message's */
  GInputStream *stream;
  gboolean complete;
  GByteArray *answer;
  HerdHttpResponse *response;
} Request;

/* --- the session --- */

HerdHttp *
herd_http_new (const HerdHttpOptions *options, GError **error)
{
  g_autoptr (GTlsDatabase) trust = NULL;
  HerdConnectionsOptions connections = { .user_agent = options->user_agent,
                                         .http1 = options->http1 };
  HerdHttp *http;

  if (options->trust != NULL) {
    trust = herd_tls_database_new (options->trust, error);
    if (trust == NULL)
      return NULL;
  }
  http = g_new0 (HerdHttp, 1);
  http->references = 1;
  http->timeout = options->timeout != 0 ? options->timeout : TIMEOUT;
  http->gate = herd_gate_new (options->concurrency != 0 ? options->concurrency
                                                        : HERD_HTTP_CONCURRENCY);
  http->clock = herd_clock_ref (options->clock);
  http->crash = options->crash;
  http->requests = g_hash_table_new (NULL, NULL);
  connections.trust = trust;
  connections.timeout = http->timeout;
  http->connections = herd_connections_new (&connections);
  return http;
}

static void
http_unref (HerdHttp *http)
{
  if (--http->references > 0)
    return;
  herd_connections_free (http->connections);
  herd_gate_free (http->gate);
  herd_clock_unref (http->clock);
  g_hash_table_unref (http->requests);
  g_free (http);
}

/* --- one request --- */

static void
abort_request (Request *request, Abort reason)
{
  if (request->aborted == ABORT_NONE)
    request->aborted = reason;
  herd_run_cancel (request->run);
}

void
herd_http_free (HerdHttp *http)
{
  g_autoptr (GList) requests = NULL;

  if (http == NULL)
    return;
  requests = g_hash_table_get_keys (http->requests);
  for (GList *link = requests; link != NULL; link = link->next) {
    if (g_hash_table_contains (http->requests, link->data))
      abort_request (link->data, ABORT_CANCELLED);
  }
  http_unref (http);
}

static void
on_deadline (gpointer data)
{
  Request *request = data;

  request->deadline = 0;
  abort_request (request, ABORT_EXPIRED);
}

static void
on_stall (gpointer data)
{
  Request *request = data;

  request->stall = 0;
  if (request->exchange != NULL)
    herd_exchange_give_up (request->exchange);
  abort_request (request, ABORT_STALLED);
}

static void
arm_stall (Request *request)
{
  herd_clock_disarm (request->http->clock, request->stall);
  request->stall = herd_clock_arm (
      request->http->clock, request->http->timeout * (gint64) HERD_SECOND, on_stall, request);
}

static void
disarm (Request *request, guint *timer)
{
  herd_clock_disarm (request->http->clock, *timer);
  *timer = 0;
}

/* A request must not leave to a server whose certificate has errors. GIO refuses such handshakes;
 * this catches sessions that were resumed past the check (herd_net_init). */
static void
check_peer (Request *request, GTlsCertificateFlags flags)
{
  if (flags == 0)
    return;
  request->flaws = flags;
  abort_request (request, ABORT_UNTRUSTED);
}

static void
on_network_event (SoupMessage *message G_GNUC_UNUSED, GSocketClientEvent event,
                  GIOStream *connection, gpointer data)
{
  if (event == G_SOCKET_CLIENT_TLS_HANDSHAKED && G_IS_TLS_CONNECTION (connection))
    check_peer (data, g_tls_connection_get_peer_certificate_errors (G_TLS_CONNECTION (connection)));
}

static void
on_starting (SoupMessage *message, gpointer data)
{
  check_peer (data, soup_message_get_tls_peer_certificate_errors (message));
}

/* libsoup sends a message again on another connection when an HTTP/2 server ends the first one (GOAWAY),
 * and would do so without the body, which it has read. What is signed has a nonce, so that a CA takes it
 * once at most; the response tells that it was sent twice. */
static void
on_restarted (SoupMessage *message, gpointer data)
{
  Request *request = data;

  request->repeated = TRUE;
  if (request->body != NULL)
    soup_message_set_request_body_from_bytes (message, request->content_type, request->body);
}

static SoupMessage *
new_message (Request *request, GError **error)
{
  g_autoptr (GUri) uri = herd_http_url_parse (request->url, request->label, error);
  SoupMessage *message;
  SoupMessageHeaders *headers;

  if (uri == NULL)
    return NULL;
  g_free (request->host);
  request->host = g_uri_get_port (uri) > 0
                      ? g_strdup_printf ("%s:%d", g_uri_get_host (uri), g_uri_get_port (uri))
                      : g_strdup (g_uri_get_host (uri));
  message = soup_message_new_from_uri (request->method, uri);
  /* Redirects are followed by the table below, which bounds and checks them. */
  soup_message_add_flags (message, SOUP_MESSAGE_NO_REDIRECT);
  /* Else libsoup opens a connection for each POST, even beside a warm HTTP/2 one. The flag does not
   * make it repeat a POST whose connection broke: that it decides by the method alone. */
  soup_message_add_flags (message, SOUP_MESSAGE_IDEMPOTENT);
  headers = soup_message_get_request_headers (message);
  if (request->accept != NULL)
    soup_message_headers_replace (headers, "Accept", request->accept);
  for (char **header = request->headers; header != NULL && *header != NULL; header += 2)
    soup_message_headers_replace (headers, header[0], header[1]);
  if (request->body != NULL)
    soup_message_set_request_body_from_bytes (message, request->content_type, request->body);
  g_signal_connect (message, "network-event", G_CALLBACK (on_network_event), request);
  g_signal_connect (message, "starting", G_CALLBACK (on_starting), request);
  g_signal_connect (message, "restarted", G_CALLBACK (on_restarted), request);
  return message;
}

/* The end of the present message, whatever became of it. */
static void
drop_message (Request *request)
{
  if (request->message == NULL)
    return;
  g_signal_handlers_disconnect_by_data (request->message, request);
  /* Else libsoup would read the rest of an answer that nobody wants. */
  if (!request->complete)
    herd_exchange_cancel (request->exchange);
  g_clear_object (&request->stream);
  g_clear_pointer (&request->exchange, herd_exchange_free);
  g_clear_object (&request->message);
}

static gboolean
refuse (Request *request, GError **error, const char *what)
{
  g_set_error (error, HERD_ERROR, HERD_ERROR_REFUSED, "%s: %s %s", request->label, request->host,
               what);
  return FALSE;
}

/* --- the steps --- */

static gboolean
gate_enter (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  Request *request = data;

  herd_gate_enter_async (request->http->gate, herd_run_get_cancellable (run), herd_run_ready,
                         herd_run_slot (run));
  return TRUE;
}

static gboolean
gate_leave (HerdRun *run, gpointer data, GError **error)
{
  Request *request = data;

  if (!herd_gate_enter_finish (request->http->gate, herd_run_get_result (run, 0), error))
    return FALSE;
  request->inside = TRUE;
  request->deadline = herd_clock_arm (
      request->http->clock, DEADLINE_TIMEOUTS * request->http->timeout * (gint64) HERD_SECOND,
      on_deadline, request);
  return TRUE;
}

static gboolean
send_enter (HerdRun *run, gpointer data, GError **error)
{
  Request *request = data;

  request->message = new_message (request, error);
  if (request->message == NULL)
    return FALSE;
  request->complete = FALSE;
  herd_crash_point (request->http->crash, "net:%s:before-send", request->label);
  arm_stall (request);
  request->exchange = herd_exchange_new (request->http->connections, request->message);
  herd_exchange_send_async (request->exchange, herd_run_ready, herd_run_slot (run));
  return TRUE;
}

static gboolean
follow_redirect (HerdRun *run, Request *request, GError **error)
{
  SoupMessageHeaders *headers = soup_message_get_response_headers (request->message);
  const char *location = soup_message_headers_get_one (headers, "Location");
  g_autofree char *target = NULL;

  if (!request->redirects) {
    g_autofree char *where = herd_text_from_remote (location, -1);

    g_set_error (error, HERD_ERROR, HERD_ERROR_REFUSED,
                 "%s: %s answered with a redirect to %s, which is not followed; give the URL that "
                 "is meant",
                 request->label, request->host, *where != '\0' ? where : "nowhere");
    return FALSE;
  }
  if (location != NULL)
    target = g_uri_resolve_relative (request->url, location, G_URI_FLAGS_ENCODED, NULL);
  if (target == NULL)
    return refuse (request, error, "answered with a redirect to nowhere");
  if (++request->n_redirects > REDIRECTS_MAX)
    return refuse (request, error, "redirects again and again");
  /* Reading what came with it lets the connection be used again; but it is not worth a wait. */
  drop_message (request);
  g_free (request->url);
  request->url = g_steal_pointer (&target);
  herd_run_jump (run, "send");
  return TRUE;
}

static gboolean
is_redirect (guint status)
{
  return status == SOUP_STATUS_MOVED_PERMANENTLY || status == SOUP_STATUS_FOUND
         || status == SOUP_STATUS_SEE_OTHER || status == SOUP_STATUS_TEMPORARY_REDIRECT
         || status == SOUP_STATUS_PERMANENT_REDIRECT;
}

static gboolean
send_leave (HerdRun *run, gpointer data, GError **error)
{
  Request *request = data;
  SoupMessageHeaders *headers;

  disarm (request, &request->stall);
  request->stream = herd_exchange_send_finish (herd_run_get_result (run, 0), error);
  if (request->stream == NULL)
    return FALSE;
  herd_crash_point (request->http->crash, "net:%s:answered", request->label);
  if (is_redirect (soup_message_get_status (request->message)))
    return follow_redirect (run, request, error);
  headers = soup_message_get_response_headers (request->message);
  if (g_ascii_strcasecmp (request->method, "HEAD") != 0
      && soup_message_headers_get_content_length (headers) > (goffset) request->limit)
    return refuse (request, error, "sent an answer that is too large");
  return TRUE;
}

static gboolean
read_enter (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  Request *request = data;

  arm_stall (request);
  g_input_stream_read_bytes_async (request->stream, PIECE, G_PRIORITY_DEFAULT,
                                   herd_exchange_get_cancellable (request->exchange),
                                   herd_run_ready, herd_run_slot (run));
  return TRUE;
}

static gboolean
read_leave (HerdRun *run, gpointer data, GError **error)
{
  Request *request = data;
  g_autoptr (GBytes) piece = NULL;
  g_autoptr (GBytes) body = NULL;
  gsize size;

  disarm (request, &request->stall);
  piece = g_input_stream_read_bytes_finish (request->stream, herd_run_get_result (run, 0), error);
  if (piece == NULL)
    return FALSE;
  size = g_bytes_get_size (piece);
  if (size > 0) {
    if (request->answer->len + size > request->limit)
      return refuse (request, error, "sent an answer that is too large");
    g_byte_array_append (request->answer, g_bytes_get_data (piece, NULL), (guint) size);
    herd_run_again (run, 0);
    return TRUE;
  }
  request->complete = TRUE;
  body = g_byte_array_free_to_bytes (g_steal_pointer (&request->answer));
  request->response = herd_http_response_new (request->message, request->url, body,
                                              herd_clock_get_seconds (request->http->clock),
                                              request->repeated);
  return TRUE;
}

static gboolean
end_enter (HerdRun *run G_GNUC_UNUSED, gpointer data, GError **error G_GNUC_UNUSED)
{
  Request *request = data;

  disarm (request, &request->stall);
  disarm (request, &request->deadline);
  return TRUE;
}

static const HerdStep steps[] = {
  { "gate", gate_enter, gate_leave, HERD_COMMIT_NONE },
  { "send", send_enter, send_leave, HERD_COMMIT_NONE },
  { "read", read_enter, read_leave, HERD_COMMIT_NONE },
  { "end", end_enter, NULL, HERD_COMMIT_NONE },
};

/* --- the end --- */

static GError *
new_untrusted (Request *request)
{
  GTlsCertificateFlags flags = request->flaws;
  g_autofree char *text = NULL;

  if (flags == 0 && request->message != NULL)
    flags = soup_message_get_tls_peer_certificate_errors (request->message);
  text = herd_tls_describe_flags (flags);
  return g_error_new (HERD_ERROR, HERD_ERROR_UNREACHABLE,
                      "%s: the certificate of %s is %s; if that is a private CA, give its root as "
                      "the issuer's trust",
                      request->label, request->host, text);
}

static GError *
new_error (Request *request, const GError *cause)
{
  GError *error;

  if (request->aborted == ABORT_UNTRUSTED
      || g_error_matches (cause, G_TLS_ERROR, G_TLS_ERROR_BAD_CERTIFICATE))
    return new_untrusted (request);
  if (request->aborted == ABORT_STALLED)
    return g_error_new (HERD_ERROR, HERD_ERROR_UNREACHABLE, "%s: %s did not answer for %u seconds",
                        request->label, request->host, request->http->timeout);
  if (request->aborted == ABORT_EXPIRED)
    return g_error_new (HERD_ERROR, HERD_ERROR_UNREACHABLE,
                        "%s: %s had not sent its whole answer after %u seconds", request->label,
                        request->host, DEADLINE_TIMEOUTS * request->http->timeout);
  if (request->exchange != NULL && herd_exchange_is_lost (request->exchange))
    return g_error_new (HERD_ERROR, HERD_ERROR_UNREACHABLE,
                        "%s: the connection to %s ended before the answer was there",
                        request->label, request->host);
  error = g_error_copy (cause);
  if (error->domain == HERD_ERROR)
    return error;
  if (error->domain == G_IO_ERROR && error->code == G_IO_ERROR_CANCELLED)
    herd_error_translate (&error, HERD_ERROR_CANCELLED, "%s", request->label);
  else
    herd_error_translate (&error, HERD_ERROR_UNREACHABLE, "%s: %s cannot be reached",
                          request->label, request->host != NULL ? request->host : request->url);
  return error;
}

static void
request_free (Request *request)
{
  drop_message (request);
  herd_follow_free (request->follow);
  if (request->inside)
    herd_gate_leave (request->http->gate);
  g_hash_table_remove (request->http->requests, request);
  herd_run_unref (request->run);
  http_unref (request->http);
  g_free (request->label);
  g_free (request->method);
  g_free (request->url);
  g_free (request->host);
  g_free (request->content_type);
  g_free (request->accept);
  for (char **header = request->headers; header != NULL && *header != NULL; header++)
    herd_secret_free (*header);
  g_free (request->headers);
  g_clear_pointer (&request->body, g_bytes_unref);
  g_clear_pointer (&request->answer, g_byte_array_unref);
  herd_http_response_free (request->response);
  g_clear_object (&request->task);
  g_free (request);
}

static void
on_finished (gpointer data, const GError *error)
{
  Request *request = data;

  /* A whole answer counts, even if it was cancelled at the last moment. */
  if (request->response != NULL)
    g_task_return_pointer (request->task, g_steal_pointer (&request->response),
                           (GDestroyNotify) herd_http_response_free);
  else
    g_task_return_error (request->task, new_error (request, error));
  request_free (request);
}

static const HerdRunOps ops = { .finished = on_finished };

/* Whoever cancels the run means what is under way too: that has a cancellable of its own, since a message
 * is also dropped in the midst of a run. Nobody cancels a run that has ended. */
static void
on_cancelled (GCancellable *cancellable G_GNUC_UNUSED, gpointer data)
{
  Request *request = data;

  if (request->exchange != NULL)
    herd_exchange_cancel (request->exchange);
}

void
herd_http_send_async (HerdHttp *http, const HerdHttpRequest *given, GCancellable *cancellable,
                      GAsyncReadyCallback callback, gpointer data)
{
  GTask *task = g_task_new (NULL, cancellable, callback, data);
  g_autoptr (GUri) uri = NULL;
  GError *error = NULL;
  Request *request;

  g_task_set_check_cancellable (task, FALSE);
  if (g_cancellable_is_cancelled (cancellable)) {
    g_task_return_new_error (task, HERD_ERROR, HERD_ERROR_CANCELLED, "%s: cancelled", given->label);
    g_object_unref (task);
    return;
  }
  uri = herd_http_url_parse (given->url, given->label, &error);
  if (uri == NULL) {
    g_task_return_error (task, error);
    g_object_unref (task);
    return;
  }
  request = g_new0 (Request, 1);
  request->http = http;
  http->references++;
  request->task = task;
  request->label = g_strdup (given->label);
  request->method = g_strdup (given->method);
  request->url = g_strdup (given->url);
  request->host = g_strdup (g_uri_get_host (uri));
  request->content_type = g_strdup (given->content_type);
  request->accept = g_strdup (given->accept);
  request->headers = g_strdupv ((char **) given->headers);
  request->body = given->body != NULL ? g_bytes_ref (given->body) : NULL;
  request->limit = given->limit;
  request->redirects = given->redirects;
  request->answer = g_byte_array_new ();
  request->run = herd_run_new ("http", steps, G_N_ELEMENTS (steps), &ops, request, http->clock,
                               NULL);
  g_hash_table_add (http->requests, request);
  g_signal_connect (herd_run_get_cancellable (request->run), "cancelled", G_CALLBACK (on_cancelled),
                    request);
  herd_run_start (request->run, NULL);
  request->follow = herd_follow_new (request->run, cancellable);
}

HerdHttpResponse *
herd_http_send_finish (HerdHttp *http G_GNUC_UNUSED, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
