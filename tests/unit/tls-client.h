// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A double of a CA's validator: a TLS client that asks a front in this process, on its main loop, and
 * looks at what it is shown.
 */
#pragma once

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "front-fixture.h"

G_BEGIN_DECLS

typedef struct {
  const char *name;     /* NULL: no SNI */
  const char *protocol; /* NULL: no ALPN */
  const char *priority; /* NULL: GnuTLS's */
} TlsHello;

typedef struct {
  GSocket *socket;
  gnutls_session_t session;
  gnutls_certificate_credentials_t credentials;
} TlsClient;

void tls_client_begin (FrontFixture *fixture, const TlsHello *hello, TlsClient *client);
void tls_client_end (TlsClient *client);
/* Runs the main loop until the handshake is over; GnuTLS's code. */
int tls_client_shake (TlsClient *client);
/* Waits for application data: 0 when the front closes, as it should. */
gssize tls_client_receive (TlsClient *client);
/* What was shown: one certificate. The caller frees it. */
gnutls_x509_crt_t tls_client_get_certificate (TlsClient *client);

/* HELLO gets ALERT, and the front is rid of its client. */
void tls_client_assert_alert (FrontFixture *fixture, const TlsHello *hello,
                              gnutls_alert_description_t alert);
/* The certificate is for NAME of TYPE (GNUTLS_SAN_…) and nothing else. */
void tls_client_assert_one_name (gnutls_x509_crt_t certificate, guint type, gconstpointer name,
                                 gsize length);
/* Its issuer is its subject, it is signed with its own key, and CLOCK is within its dates. */
void tls_client_assert_self_signed (gnutls_x509_crt_t certificate, HerdClock *clock);

G_END_DECLS
