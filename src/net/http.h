// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * HTTP to one CA: one session (trust is per session in libsoup 3.2), one gate, and limits on
 * everything that comes back. src/net is the only place with <libsoup/…>. Main loop only.
 */
#pragma once

#include <gio/gio.h>

#include "util/clock.h"
#include "util/crash.h"

G_BEGIN_DECLS

/* To be called first thing in main(), before any thread and any use of TLS: glib-networking's TLS
 * 1.3 ticket cache is shared by all sessions of a process, so that a session that trusts CA A
 * would be resumed with a server of CA B; it is switched off here. */
void herd_net_init (void);

/* Requests in flight: libsoup's queue costs O(n) for each event, so that more wait in a gate. */
#define HERD_HTTP_CONCURRENCY 32

typedef struct HerdHttp HerdHttp;

typedef struct {
  const char *user_agent; /* required: CAs refuse requests without one */
  const char *trust;      /* PEM of the only trust anchors; NULL: the system's */
  guint concurrency;      /* requests in flight; 0: HERD_HTTP_CONCURRENCY */
  guint timeout;          /* seconds without progress; 0: 30 */
  gboolean http1;         /* speak HTTP/1.1 even where the server knows HTTP/2 */
  const HerdCrash *crash; /* points "net:LABEL:before-send", "net:LABEL:answered"; may be NULL */
  HerdClock *clock;       /* for the deadline of a whole request, 10 timeouts */
} HerdHttpOptions;

/* Errors: HERD_ERROR_INVALID_ARGUMENT if TRUST holds no certificate. */
HerdHttp *herd_http_new (const HerdHttpOptions *options, GError **error);
/* Requests under way are cancelled. */
void herd_http_free (HerdHttp *http);

typedef struct {
  const char *label;          /* what it is, for errors, logs and crash points: "newOrder" */
  const char *method;         /* "GET", "HEAD", "POST" */
  const char *url;            /* https only, no user info, no fragment */
  GBytes *body;               /* NULL: none */
  const char *content_type;   /* of the body */
  const char *accept;         /* NULL: none */
  const char *const *headers; /* others: NAME, VALUE, …, NULL; may be secrets; NULL: none */
  gsize limit;                /* bytes of the answer's body; more is an error */
  gboolean redirects;         /* follow a few https ones; never for signed requests */
} HerdHttpRequest;

typedef struct HerdHttpResponse HerdHttpResponse;

/* Finishes with an answer of any HTTP status. Errors: HERD_ERROR_UNREACHABLE (network, DNS, TLS,
 * time out, closed; names host and cause), HERD_ERROR_REFUSED (too large, a redirect where none
 * is allowed, a URL that is not https), HERD_ERROR_CANCELLED. REQUEST is copied. */
void herd_http_send_async (HerdHttp *http, const HerdHttpRequest *request,
                           GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
HerdHttpResponse *herd_http_send_finish (HerdHttp *http, GAsyncResult *result, GError **error);

void herd_http_response_free (HerdHttpResponse *response);
guint herd_http_response_get_status (HerdHttpResponse *response);
/* The request was sent twice, on two connections, the first of which the server ended: what the answer says
 * may come of the first. */
gboolean herd_http_response_was_repeated (HerdHttpResponse *response);
GBytes *herd_http_response_get_body (HerdHttpResponse *response);
/* The first header field NAME, or NULL. */
const char *herd_http_response_get_header (HerdHttpResponse *response, const char *name);
/* The targets of the first LIMIT links with the relation REL in the Link fields (RFC 8288),
 * absolute; a new NULL-terminated vector. Not checked: they may be URLs of any kind. */
char **herd_http_response_get_links (HerdHttpResponse *response, const char *rel, guint limit);
/* Retry-After (RFC 9110 section 10.2.3: seconds or a date), as seconds since the epoch; 0 if
 * absent or invalid. Not capped. */
gint64 herd_http_response_get_retry_at (HerdHttpResponse *response);
/* Date (RFC 9110 section 6.6.1) as seconds since the epoch; 0 if absent or invalid. */
gint64 herd_http_response_get_date (HerdHttpResponse *response);

/* What a URL of a request must be: https, a host, no user info, no fragment, at most 2048 bytes,
 * printable ASCII (so that it may be shown as it is).
 * NULL with HERD_ERROR_REFUSED, its message beginning with WHAT, if it is not. */
GUri *herd_http_url_parse (const char *url, const char *what, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdHttp, herd_http_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdHttpResponse, herd_http_response_free)

G_END_DECLS
