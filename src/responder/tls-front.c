// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The tls-alpn-01 front, on GnuTLS itself: GIO's TLS server cannot choose its certificate by the
 * ClientHello. One handshake a connection.
 */
#include "responder/tls-front.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <string.h>
#include <sys/socket.h>

#include "plugin/error.h"
#include "responder/tls-proof.h"

#define PROTOCOL "acme-tls/1"
#define PRIORITY "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2" /* RFC 8737 section 3 */
/* Bytes that a client may send until it has shaken hands; a validator needs some hundred. GnuTLS has a
 * limit of its own, but keeps 16 MB of a message before it looks. */
#define INPUT_LIMIT 16384
#define SERVER_NAME_LIMIT 256

typedef struct {
  HerdFlight *flight;
  gnutls_priority_t priority;
  gnutls_certificate_credentials_t credentials;
  gnutls_privkey_t key;
} TlsFront;

typedef struct {
  HerdClient base;
  gnutls_session_t session;
  gnutls_pcert_st proof;
  gboolean has_proof;
  HerdChallenge *challenge; /* whose proof it is */
  gsize received;           /* by GnuTLS */
  gboolean shaken;          /* what is left is to say goodbye */
} TlsClient;

/* --- the choice --- */

/* Whom the client asks for, in lower case; NULL: nobody, or what is no name. */
static char *
get_server_name (gnutls_session_t session)
{
  char name[SERVER_NAME_LIMIT + 1] = "";
  gsize size = SERVER_NAME_LIMIT;
  guint type;

  if (gnutls_server_name_get (session, name, &size, &type, 0) < 0 || type != GNUTLS_NAME_DNS
      || size == 0 || strlen (name) != size)
    return NULL;
  return g_ascii_strdown (name, -1);
}

static gboolean
has_agreed (gnutls_session_t session)
{
  gnutls_datum_t protocol = { NULL, 0 };

  return gnutls_alpn_get_selected_protocol (session, &protocol) >= 0
         && protocol.size == strlen (PROTOCOL)
         && memcmp (protocol.data, PROTOCOL, protocol.size) == 0;
}

/* Called with a ClientHello that was read whole. What it returns becomes the alert. */
static int
on_client_hello (gnutls_session_t session)
{
  TlsClient *client = gnutls_session_get_ptr (session);
  TlsFront *front = herd_front_get_data (client->base.front);
  g_autofree char *name = get_server_name (session);
  HerdChallenge *challenge = NULL;
  gboolean by_protocol = has_agreed (session);
  gboolean is_alpn;

  if (name != NULL)
    challenge = herd_flight_find_by_server_name (front->flight, name);
  is_alpn = challenge == NULL || g_str_equal (challenge->type, "tls-alpn-01");
  if (is_alpn && !by_protocol)
    return GNUTLS_E_NO_APPLICATION_PROTOCOL;
  if (challenge == NULL || is_alpn != by_protocol)
    return GNUTLS_E_UNRECOGNIZED_NAME;
  /* Again after a HelloRetryRequest, perhaps with another name. */
  if (client->has_proof)
    gnutls_pcert_deinit (&client->proof);
  herd_challenge_unref (client->challenge);
  client->challenge = herd_challenge_ref (challenge);
  client->has_proof = herd_tls_proof_make (
      challenge, front->key, herd_front_get_seconds (client->base.front), &client->proof, NULL);
  return client->has_proof ? GNUTLS_E_SUCCESS : GNUTLS_E_INTERNAL_ERROR;
}

static int
give_proof (gnutls_session_t session, const gnutls_datum_t *names, int n_names,
            const gnutls_pk_algorithm_t *algorithms, int n_algorithms, gnutls_pcert_st **chain,
            unsigned int *length, gnutls_privkey_t *key)
{
  TlsClient *client = gnutls_session_get_ptr (session);
  TlsFront *front = herd_front_get_data (client->base.front);

  if (!client->has_proof)
    return -1;
  *chain = &client->proof;
  *length = 1;
  *key = front->key;
  return 0;
}

/* --- the client --- */

/* gnutls_pull_func, with a limit. */
static ssize_t
pull (gnutls_transport_ptr_t data, void *buffer, size_t size)
{
  TlsClient *client = data;
  gsize wanted = MIN (size, INPUT_LIMIT - client->received);
  ssize_t got = -1;

  if (wanted > 0)
    got = recv (g_socket_get_fd (client->base.socket), buffer, wanted, 0);
  else
    errno = EMSGSIZE;
  if (got < 0)
    gnutls_transport_set_errno (client->session, errno);
  else
    client->received += (gsize) got;
  return got;
}

static gboolean
tls_begin (HerdClient *base)
{
  static const gnutls_datum_t protocol = { (guchar *) PROTOCOL, sizeof PROTOCOL - 1 };
  TlsClient *client = (TlsClient *) base;
  TlsFront *front = herd_front_get_data (base->front);

  if (gnutls_init (&client->session,
                   GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL | GNUTLS_NO_TICKETS)
      < 0)
    return FALSE;
  gnutls_session_set_ptr (client->session, client);
  gnutls_transport_set_ptr2 (client->session, client,
                             GINT_TO_POINTER (g_socket_get_fd (base->socket)));
  gnutls_transport_set_pull_function (client->session, pull);
  gnutls_handshake_set_post_client_hello_function (client->session, on_client_hello);
  return gnutls_priority_set (client->session, front->priority) >= 0
         && gnutls_credentials_set (client->session, GNUTLS_CRD_CERTIFICATE, front->credentials)
                >= 0
         && gnutls_alpn_set_protocols (client->session, &protocol, 1, GNUTLS_ALPN_MANDATORY) >= 0;
}

static gboolean
is_later (int code)
{
  return code == GNUTLS_E_AGAIN || code == GNUTLS_E_INTERRUPTED;
}

/* The proof was in the handshake. */
static void
note_sighting (TlsClient *client)
{
  TlsFront *front = herd_front_get_data (client->base.front);

  herd_flight_note_sighting (front->flight, client->challenge);
}

/* One look at whatever has come. Every end of the handshake is an end of the client. */
static gboolean
tls_ready (HerdClient *base)
{
  TlsClient *client = (TlsClient *) base;
  int code = GNUTLS_E_SUCCESS;

  if (!client->shaken) {
    code = gnutls_handshake (client->session);
    client->shaken = code == GNUTLS_E_SUCCESS;
    if (client->shaken)
      note_sighting (client);
    if (code < 0 && client->received == INPUT_LIMIT)
      code = gnutls_alert_send (client->session, GNUTLS_AL_FATAL, GNUTLS_A_RECORD_OVERFLOW);
    else if (code < 0 && !is_later (code))
      gnutls_alert_send_appropriate (client->session, code);
  }
  if (client->shaken)
    code = gnutls_bye (client->session, GNUTLS_SHUT_WR);
  if (is_later (code))
    herd_client_watch (base, gnutls_record_get_direction (client->session) ? G_IO_OUT : G_IO_IN);
  else
    herd_client_drain (base);
  return TRUE;
}

static void
tls_clear (HerdClient *base)
{
  TlsClient *client = (TlsClient *) base;

  if (client->session != NULL)
    gnutls_deinit (client->session);
  if (client->has_proof)
    gnutls_pcert_deinit (&client->proof);
  herd_challenge_unref (client->challenge);
}

/* --- the front --- */

static void
tls_front_free (gpointer data)
{
  TlsFront *front = data;

  if (front->credentials != NULL)
    gnutls_certificate_free_credentials (front->credentials);
  if (front->priority != NULL)
    gnutls_priority_deinit (front->priority);
  if (front->key != NULL)
    gnutls_privkey_deinit (front->key);
  g_free (front);
}

static gboolean
tls_front_prepare (TlsFront *front, GError **error)
{
  const char *where = NULL;
  int code = gnutls_priority_init (&front->priority, PRIORITY, &where);

  if (code >= 0)
    code = gnutls_certificate_allocate_credentials (&front->credentials);
  if (code < 0) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_FAILED, "TLS cannot be served: %s",
                 gnutls_strerror (code));
    return FALSE;
  }
  gnutls_certificate_set_retrieve_function2 (front->credentials, give_proof);
  front->key = herd_tls_proof_new_key (error);
  return front->key != NULL;
}

HerdFront *
herd_tls_front_new (HerdFlight *flight, HerdClock *clock, GError **error)
{
  static const HerdFrontOps ops = {
    .client_size = sizeof (TlsClient),
    .begin = tls_begin,
    .ready = tls_ready,
    .clear = tls_clear,
    .free_data = tls_front_free,
  };
  TlsFront *front = g_new0 (TlsFront, 1);

  front->flight = flight;
  if (tls_front_prepare (front, error))
    return herd_front_new (&ops, front, clock);
  tls_front_free (front);
  return NULL;
}
