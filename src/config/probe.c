// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Parsing probes and the addresses in them.
 */
#include "config/probe.h"

#include <string.h>

#include "config/checks.h"
#include "plugin/error.h"
#include "util/text.h"

#define SCHEME "tls:"

static void
refuse (GError **error, const char *text, const char *cause)
{
  g_autofree char *shown = herd_text_from_remote (text, -1);

  g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT, "\"%s\" %s", shown, cause);
}

/* Splits TEXT before the colon of its port. */
static char *
split_host (const char *text, const char **port)
{
  const char *end;

  if (text[0] == '[') {
    end = strchr (text, ']');
    if (end == NULL || end[1] != ':')
      return NULL;
    *port = end + 2;
    return g_strndup (text + 1, (gsize) (end - text) - 1);
  }
  end = strchr (text, ':');
  if (end == NULL || strchr (end + 1, ':') != NULL)
    return NULL;
  *port = end + 1;
  return g_strndup (text, (gsize) (end - text));
}

gboolean
herd_address_parse (const char *text, char **host, guint16 *port, GError **error)
{
  const char *port_text = NULL;
  g_autofree char *host_text = split_host (text, &port_text);
  g_autofree char *normal = NULL;
  guint64 number;

  if (host_text == NULL) {
    refuse (error, text, "is not HOST:PORT (an IPv6 address stands in brackets)");
    return FALSE;
  }
  if (!g_ascii_isdigit (*port_text)
      || !g_ascii_string_to_unsigned (port_text, 10, 1, G_MAXUINT16, &number, NULL)) {
    refuse (error, text, "has no port from 1 to 65535 at its end");
    return FALSE;
  }
  normal = herd_host_normalize (host_text, error);
  if (normal == NULL)
    return FALSE;
  if ((text[0] == '[') != (strchr (normal, ':') != NULL)) {
    refuse (error, text, "has brackets around what is not an IPv6 address");
    return FALSE;
  }
  *host = g_steal_pointer (&normal);
  *port = (guint16) number;
  return TRUE;
}

static gboolean
parse_parameter (HerdProbe *probe, const char *parameter, GError **error)
{
  if (!g_str_has_prefix (parameter, "sni=") || probe->server_name != NULL) {
    refuse (error, parameter, "is not a parameter of a probe; the only one is sni=NAME, once");
    return FALSE;
  }
  probe->server_name = herd_host_normalize (parameter + strlen ("sni="), error);
  return probe->server_name != NULL;
}

HerdProbe *
herd_probe_parse (const char *text, GError **error)
{
  g_autoptr (HerdProbe) probe = g_new0 (HerdProbe, 1);
  g_auto (GStrv) parts = NULL;
  g_auto (GStrv) parameters = NULL;

  if (!g_str_has_prefix (text, SCHEME)) {
    refuse (error, text, "is not a probe: it begins with \"tls:\"");
    return NULL;
  }
  parts = g_strsplit (text + strlen (SCHEME), "?", 2);
  if (!herd_address_parse (parts[0] != NULL ? parts[0] : "", &probe->host, &probe->port, error))
    return NULL;
  parameters = g_strsplit (parts[1] != NULL ? parts[1] : "", "&", 8);
  for (guint i = 0; parameters[i] != NULL; i++) {
    if (!parse_parameter (probe, parameters[i], error))
      return NULL;
  }
  return g_steal_pointer (&probe);
}

void
herd_probe_free (HerdProbe *probe)
{
  if (probe == NULL)
    return;
  g_free (probe->host);
  g_free (probe->server_name);
  g_free (probe);
}

char *
herd_probe_to_string (const HerdProbe *probe)
{
  gboolean brackets = strchr (probe->host, ':') != NULL;

  return g_strdup_printf (SCHEME "%s%s%s:%u%s%s", brackets ? "[" : "", probe->host,
                          brackets ? "]" : "", probe->port,
                          probe->server_name != NULL ? "?sni=" : "",
                          probe->server_name != NULL ? probe->server_name : "");
}
