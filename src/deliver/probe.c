// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The probe. A TLS session that is resumed shows the certificate of its beginning: main() turns
 * session tickets off.
 */
#include "deliver/probe.h"

#include <gio/gio.h>
#include <string.h>

#include "plugin/error.h"
#include "plugin/identifier.h"

#define ANSWER_TIMEOUT 5                    /* s, for a connection and for its handshake */
#define PAUSE (200 * G_USEC_PER_SEC / 1000) /* from one attempt to the next */

/* Does IDENTIFIER, perhaps a wildcard, cover NAME (RFC 6125 section 6.4.3)? */
static gboolean
covers (const char *identifier, const char *name)
{
  const char *dot = strchr (name, '.');

  if (herd_identifier_is_wildcard (identifier))
    return dot != NULL && g_str_equal (dot, identifier + 1);
  return g_str_equal (identifier, name);
}

static char *
name_for (const char *identifier)
{
  if (g_hostname_is_ip_address (identifier))
    return g_strdup ("");
  if (herd_identifier_is_wildcard (identifier))
    return g_strconcat ("certherd-probe", identifier + 1, NULL);
  return g_strdup (identifier);
}

char *
herd_probe_choose_name (const HerdProbe *probe, const HerdFacts *facts)
{
  char **identifiers = facts->identifiers;
  const char *chosen = identifiers[0];

  if (probe->server_name != NULL) {
    for (; *identifiers != NULL; identifiers++) {
      if (covers (*identifiers, probe->server_name))
        return g_strdup (probe->server_name);
    }
    return NULL;
  }
  /* Plain names first: a server need not have a host for every name of a wildcard. */
  for (; *identifiers != NULL; identifiers++) {
    if (!herd_identifier_is_wildcard (*identifiers) && !g_hostname_is_ip_address (*identifiers))
      return g_strdup (*identifiers);
  }
  return chosen != NULL ? name_for (chosen) : NULL;
}

/* Runs in the middle of the handshake, so it sees the leaf even if the server wants one of ours. */
static gboolean
on_certificate (GTlsConnection *connection, GTlsCertificate *certificate,
                GTlsCertificateFlags flags, gpointer data)
{
  GTlsCertificate **seen = data;

  g_set_object (seen, certificate);
  return TRUE;
}

static GTlsCertificate *
look (const HerdProbe *probe, const char *name, GError **error)
{
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketConnection) connection = NULL;
  g_autoptr (GSocketConnectable) identity = NULL;
  g_autoptr (GIOStream) tls = NULL;
  g_autoptr (GTlsCertificate) seen = NULL;

  g_socket_client_set_timeout (client, ANSWER_TIMEOUT);
  g_socket_client_set_enable_proxy (client, FALSE);
  connection = g_socket_client_connect_to_host (client, probe->host, probe->port, NULL, error);
  if (connection == NULL)
    return NULL;
  if (*name != '\0')
    identity = g_network_address_new (name, probe->port);
  tls = g_tls_client_connection_new (G_IO_STREAM (connection), identity, error);
  if (tls == NULL)
    return NULL;
  g_signal_connect (tls, "accept-certificate", G_CALLBACK (on_certificate), &seen);
  if (!g_tls_connection_handshake (G_TLS_CONNECTION (tls), NULL, error) && seen == NULL)
    return NULL;
  g_io_stream_close (G_IO_STREAM (connection), NULL, NULL);
  if (seen == NULL)
    seen = g_object_ref (g_tls_connection_get_peer_certificate (G_TLS_CONNECTION (tls)));
  g_clear_error (error);
  return g_steal_pointer (&seen);
}

static char *
get_fingerprint (GTlsCertificate *certificate)
{
  g_autoptr (GByteArray) der = NULL;

  g_object_get (certificate, "certificate", &der, NULL);
  return g_compute_checksum_for_data (G_CHECKSUM_SHA256, der->data, der->len);
}

static void
fail_other_leaf (const HerdProbe *probe, const char *name, GTlsCertificate *certificate,
                 const char *fingerprint, GError **error)
{
  g_autofree char *where = herd_probe_to_string (probe);
  g_autoptr (GDateTime) not_after = g_tls_certificate_get_not_valid_after (certificate);
  g_autofree char *until = not_after != NULL ? g_date_time_format (not_after, "%Y-%m-%d %H:%M:%SZ")
                                             : g_strdup ("?");

  g_set_error (
      error, HERD_ERROR, HERD_ERROR_REFUSED,
      "%s (asked for “%s”) shows another certificate: SHA-256 %s, valid until %s; does the "
      "server read the target's files?",
      where, name, fingerprint, until);
}

static gboolean
attempt (const HerdProbe *probe, const char *name, const HerdFacts *facts, GError **error)
{
  g_autoptr (GTlsCertificate) certificate = look (probe, name, error);
  g_autofree char *fingerprint = NULL;

  if (certificate == NULL) {
    g_autofree char *where = herd_probe_to_string (probe);

    herd_error_translate (error, HERD_ERROR_UNREACHABLE, "%s does not answer with TLS", where);
    return FALSE;
  }
  fingerprint = get_fingerprint (certificate);
  if (g_str_equal (fingerprint, facts->fingerprint))
    return TRUE;
  fail_other_leaf (probe, name, certificate, fingerprint, error);
  return FALSE;
}

gboolean
herd_probe_run (const HerdProbe *probe, const char *name, const HerdFacts *facts, gint64 patience,
                GError **error)
{
  gint64 deadline = g_get_monotonic_time () + patience;
  g_autoptr (GError) last = NULL;

  while (!attempt (probe, name, facts, &last)) {
    if (g_get_monotonic_time () + PAUSE > deadline) {
      g_propagate_error (error, g_steal_pointer (&last));
      return FALSE;
    }
    g_clear_error (&last);
    g_usleep (PAUSE);
  }
  return TRUE;
}
