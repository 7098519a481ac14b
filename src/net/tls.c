// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * TLS settings: the process-wide ticket cache is switched off, and anchors come from memory.
 */
#include "net/tls.h"

#include <gio/gunixsocketaddress.h>
#include <libsoup/soup.h>
#include <unistd.h>

#include "net/http.h"
#include "plugin/error.h"
#include "util/memfd.h"

#define PRIORITY_VARIABLE "G_TLS_GNUTLS_PRIORITY"
#define PRIORITY_DEFAULT "NORMAL:%COMPAT:-VERS-TLS1.0:-VERS-TLS1.1" /* glib-networking's own */
#define NO_TICKETS "%NO_TICKETS"

/* A class that is made on one thread while another registers a type that it uses can stop both for
 * ever: GObject takes its two locks in either order. The agent's first session was made while GDBus
 * connected on a thread of its own; so these are there before there are threads. */
static void
ensure_types (void)
{
  g_type_ensure (G_TYPE_INET_SOCKET_ADDRESS);
  g_type_ensure (G_TYPE_PROXY_ADDRESS);
  g_type_ensure (G_TYPE_UNIX_SOCKET_ADDRESS);
  g_type_ensure (G_TYPE_SOCKET_CLIENT);
  g_type_class_unref (g_type_class_ref (SOUP_TYPE_SESSION));
  g_type_class_unref (g_type_class_ref (SOUP_TYPE_MESSAGE));
}

void
herd_net_init (void)
{
  const char *priority = g_getenv (PRIORITY_VARIABLE);
  g_autofree char *without_tickets = NULL;

  /* An empty value would break every handshake. */
  if (priority == NULL || *priority == '\0')
    priority = PRIORITY_DEFAULT;
  if (strstr (priority, NO_TICKETS) == NULL) {
    without_tickets = g_strconcat (priority, ":" NO_TICKETS, NULL);
    g_setenv (PRIORITY_VARIABLE, without_tickets, TRUE);
  }
  ensure_types ();
}

static void
close_descriptor (gpointer data)
{
  close (GPOINTER_TO_INT (data));
}

GTlsDatabase *
herd_tls_database_new (const char *pem, GError **error)
{
  g_autoptr (GBytes) bytes = g_bytes_new (pem, strlen (pem));
  g_autofree char *path = NULL;
  g_autolist (GTlsCertificate) anchors = NULL;
  g_autoptr (GTlsDatabase) database = NULL;
  g_autoptr (GError) cause = NULL;
  int descriptor = herd_memfd_new ("trust", bytes, error);

  if (descriptor < 0) {
    herd_error_translate (error, HERD_ERROR_FAILED, "trust");
    return NULL;
  }
  /* GIO makes databases from files only; this one is the memfd. */
  path = g_strdup_printf ("/proc/self/fd/%d", descriptor);
  anchors = g_tls_certificate_list_new_from_file (path, &cause);
  if (anchors != NULL)
    database = g_tls_file_database_new (path, &cause);
  if (database == NULL) {
    close (descriptor);
    g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
                 "trust holds no usable PEM certificate (%s); give the CA's root certificate",
                 cause != NULL ? cause->message : "no -----BEGIN CERTIFICATE-----");
    return NULL;
  }
  /* The database reads its file again when it likes. */
  g_object_set_data_full (G_OBJECT (database), "descriptor", GINT_TO_POINTER (descriptor),
                          close_descriptor);
  return g_steal_pointer (&database);
}

char *
herd_tls_describe_flags (GTlsCertificateFlags flags)
{
  static const struct {
    GTlsCertificateFlags flag;
    const char *text;
  } texts[] = {
    { G_TLS_CERTIFICATE_UNKNOWN_CA, "signed by a CA that is not trusted" },
    { G_TLS_CERTIFICATE_BAD_IDENTITY, "for another name" },
    { G_TLS_CERTIFICATE_NOT_ACTIVATED, "not valid yet" },
    { G_TLS_CERTIFICATE_EXPIRED, "expired" },
    { G_TLS_CERTIFICATE_REVOKED, "revoked" },
    { G_TLS_CERTIFICATE_INSECURE, "signed by an insecure algorithm" },
    { G_TLS_CERTIFICATE_GENERIC_ERROR, "not valid" },
  };
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
    if ((flags & texts[i].flag) != 0)
      g_string_append_printf (text, "%s%s", text->len > 0 ? ", " : "", texts[i].text);
  }
  if (text->len == 0)
    g_string_append (text, "not valid");
  return g_string_free (g_steal_pointer (&text), FALSE);
}
