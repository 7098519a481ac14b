// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A TLS client on GnuTLS.
 */
#include "tls-client.h"

#include <string.h>

#include "manual-clock.h"

void
tls_client_begin (FrontFixture *fixture, const TlsHello *hello, TlsClient *client)
{
  const char *priority = hello->priority != NULL ? hello->priority : "NORMAL";
  gnutls_datum_t protocol = { (guchar *) hello->protocol, 0 };

  client->socket = front_fixture_join (fixture,
                                       herd_manual_clock_get_n_timers (fixture->clock) + 1);
  g_assert_cmpint (gnutls_init (&client->session, GNUTLS_CLIENT | GNUTLS_NONBLOCK), ==, 0);
  g_assert_cmpint (gnutls_certificate_allocate_credentials (&client->credentials), ==, 0);
  gnutls_credentials_set (client->session, GNUTLS_CRD_CERTIFICATE, client->credentials);
  g_assert_cmpint (gnutls_priority_set_direct (client->session, priority, NULL), ==, 0);
  if (hello->name != NULL)
    gnutls_server_name_set (client->session, GNUTLS_NAME_DNS, hello->name, strlen (hello->name));
  if (hello->protocol != NULL) {
    protocol.size = (guint) strlen (hello->protocol);
    gnutls_alpn_set_protocols (client->session, &protocol, 1, 0);
  }
  gnutls_transport_set_int (client->session, g_socket_get_fd (client->socket));
}

void
tls_client_end (TlsClient *client)
{
  gnutls_deinit (client->session);
  gnutls_certificate_free_credentials (client->credentials);
  g_object_unref (client->socket);
}

/* Runs the main loop until the handshake is over; GnuTLS's code. */
int
tls_client_shake (TlsClient *client)
{
  int code;

  while ((code = gnutls_handshake (client->session)) == GNUTLS_E_AGAIN)
    g_main_context_iteration (NULL, FALSE);
  return code;
}

gssize
tls_client_receive (TlsClient *client)
{
  char data[64];
  gssize code;

  while ((code = gnutls_record_recv (client->session, data, sizeof data)) == GNUTLS_E_AGAIN)
    g_main_context_iteration (NULL, FALSE);
  return code;
}

gnutls_x509_crt_t
tls_client_get_certificate (TlsClient *client)
{
  guint length = 0;
  const gnutls_datum_t *chain = gnutls_certificate_get_peers (client->session, &length);
  gnutls_x509_crt_t certificate;

  g_assert_cmpuint (length, ==, 1);
  gnutls_x509_crt_init (&certificate);
  g_assert_cmpint (gnutls_x509_crt_import (certificate, chain, GNUTLS_X509_FMT_DER), ==, 0);
  return certificate;
}

void
tls_client_assert_alert (FrontFixture *fixture, const TlsHello *hello,
                         gnutls_alert_description_t alert)
{
  TlsClient client;

  tls_client_begin (fixture, hello, &client);
  g_assert_cmpint (tls_client_shake (&client), ==, GNUTLS_E_FATAL_ALERT_RECEIVED);
  g_assert_cmpint (gnutls_alert_get (client.session), ==, alert);
  tls_client_end (&client);
  front_fixture_wait (fixture, 0);
}

void
tls_client_assert_one_name (gnutls_x509_crt_t certificate, guint type, gconstpointer name,
                            gsize length)
{
  guint8 got[256];
  gsize size = sizeof got;
  guint critical;

  g_assert_cmpint (gnutls_x509_crt_get_subject_alt_name (certificate, 0, got, &size, &critical), ==,
                   type);
  g_assert_cmpmem (got, size, name, length);
  size = sizeof got;
  g_assert_cmpint (gnutls_x509_crt_get_subject_alt_name (certificate, 1, got, &size, &critical), ==,
                   GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE);
}

void
tls_client_assert_self_signed (gnutls_x509_crt_t certificate, HerdClock *clock)
{
  gint64 now = herd_clock_get_seconds (clock);
  guint status = 0;

  g_assert_cmpint (gnutls_x509_crt_check_issuer (certificate, certificate), ==, 1);
  g_assert_cmpint (gnutls_x509_crt_verify (
                       certificate, &certificate, 1,
                       GNUTLS_VERIFY_DISABLE_CA_SIGN | GNUTLS_VERIFY_DISABLE_TIME_CHECKS, &status),
                   ==, 0);
  g_assert_cmpuint (status & GNUTLS_CERT_SIGNATURE_FAILURE, ==, 0);
  g_assert_cmpint (gnutls_x509_crt_get_activation_time (certificate), <, now);
  g_assert_cmpint (gnutls_x509_crt_get_expiration_time (certificate), >, now);
}
