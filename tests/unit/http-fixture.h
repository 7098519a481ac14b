// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A TLS server of a CA of its own, and a session that trusts that CA, with a clock that stands
 * still. Main loop only.
 */
#pragma once

#include "manual-clock.h"
#include "net/http.h"
#include "plugin/error.h"
#include "test-ca.h"
#include "test-server.h"

G_BEGIN_DECLS

#define HTTP_LIMIT 65536

typedef struct {
  TestCa *ca;
  GTlsCertificate *certificate;
  TestServer *server;
  HerdClock *clock;
  HerdHttp *http;
} HttpFixture;

typedef struct {
  gboolean done;
  HerdHttpResponse *response;
  GError *error;
} HttpAnswer;

void http_set_up (HttpFixture *fixture, TestHandler handler);
void http_tear_down (HttpFixture *fixture, gconstpointer data);
/* Another session on the fixture's clock. */
HerdHttp *http_new_session (HttpFixture *fixture, const char *trust, guint concurrency);

/* The callback of a request whose user data is a HttpAnswer. */
void http_on_answer (GObject *source, GAsyncResult *result, gpointer data);
void http_answer_clear (HttpAnswer *answer);
void http_start (HerdHttp *http, const char *url, gboolean redirects, GCancellable *cancellable,
                 HttpAnswer *answer);
void http_wait_for (HttpAnswer *answer);
/* Until the server has read NUMBER requests. */
void http_wait_for_requests (TestServer *server, guint number);
/* Gets PATH from the fixture's server. */
void http_get (HttpFixture *fixture, const char *path, HttpAnswer *answer);
/* The answer is an error with CODE, and its message says WORDS. Clears it. */
void http_assert_failed (HttpAnswer *answer, HerdError code, const char *words);

G_END_DECLS
