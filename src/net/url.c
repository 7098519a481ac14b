// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a URL of a request must be. Pure, any thread.
 */
#include <libsoup/soup.h>

#include "net/http.h"
#include "plugin/error.h"
#include "util/text.h"

#define URL_MAX 2048

/* RFC 3986 section 2: whatever else there is has to be percent-encoded. GLib is more lenient. */
static gboolean
is_printable (const char *url)
{
  while (g_ascii_isgraph (*url))
    url++;
  return *url == '\0';
}

GUri *
herd_http_url_parse (const char *url, const char *what, GError **error)
{
  g_autoptr (GUri) uri = NULL;
  const char *cause = NULL;

  if (strlen (url) > URL_MAX)
    cause = "is too long";
  else if (!is_printable (url))
    cause = "has characters that no URL has";
  else
    uri = g_uri_parse (url, SOUP_HTTP_URI_FLAGS, NULL);
  if (uri == NULL)
    cause = cause != NULL ? cause : "is not a URL";
  else if (g_strcmp0 (g_uri_get_scheme (uri), "https") != 0)
    cause = "is not an https URL";
  else if (g_uri_get_host (uri) == NULL || *g_uri_get_host (uri) == '\0')
    cause = "names no host";
  else if (g_uri_get_userinfo (uri) != NULL || g_uri_get_fragment (uri) != NULL)
    cause = "has a user name or a fragment";
  if (cause != NULL) {
    g_autofree char *text = herd_text_from_remote (url, -1);

    g_set_error (error, HERD_ERROR, HERD_ERROR_REFUSED, "%s: %s %s", what, text, cause);
    return NULL;
  }
  return g_steal_pointer (&uri);
}
