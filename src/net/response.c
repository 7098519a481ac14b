// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Answers of a CA's HTTP server: bounded by whoever read them, not yet believed.
 */
#include "net/response.h"

#include "net/link.h"

#define LINKS_MAX 32                                /* fields looked at */
#define DELAY_MAX (366 * G_GINT64_CONSTANT (86400)) /* so that no sum overflows */

struct HerdHttpResponse {
  guint status;
  char *url;
  GBytes *body;
  SoupMessageHeaders *headers;
  gint64 received; /* seconds since the epoch */
  gboolean repeated;
};

HerdHttpResponse *
herd_http_response_new (SoupMessage *message, const char *url, GBytes *body, gint64 now,
                        gboolean repeated)
{
  HerdHttpResponse *response = g_new0 (HerdHttpResponse, 1);

  response->status = soup_message_get_status (message);
  response->url = g_strdup (url);
  response->body = g_bytes_ref (body);
  response->headers = soup_message_headers_ref (soup_message_get_response_headers (message));
  response->received = now;
  response->repeated = repeated;
  return response;
}

void
herd_http_response_free (HerdHttpResponse *response)
{
  if (response == NULL)
    return;
  g_free (response->url);
  g_bytes_unref (response->body);
  soup_message_headers_unref (response->headers);
  g_free (response);
}

guint
herd_http_response_get_status (HerdHttpResponse *response)
{
  return response->status;
}

gboolean
herd_http_response_was_repeated (HerdHttpResponse *response)
{
  return response->repeated;
}

GBytes *
herd_http_response_get_body (HerdHttpResponse *response)
{
  return response->body;
}

const char *
herd_http_response_get_header (HerdHttpResponse *response, const char *name)
{
  SoupMessageHeadersIter iter;
  const char *field;
  const char *value;

  soup_message_headers_iter_init (&iter, response->headers);
  while (soup_message_headers_iter_next (&iter, &field, &value)) {
    if (g_ascii_strcasecmp (field, name) == 0)
      return value;
  }
  return NULL;
}

/* TARGET as BASE means it, or NULL. */
static char *
resolve (const char *base, const char *target)
{
  g_autoptr (GUri) from = g_uri_parse (base, G_URI_FLAGS_ENCODED, NULL);
  g_autoptr (GUri)
      to = from != NULL ? g_uri_parse_relative (from, target, G_URI_FLAGS_ENCODED, NULL) : NULL;

  /* GLib complains of what it has read itself: no host, and a path that looks as if it began with one. */
  if (to == NULL || (g_uri_get_host (to) == NULL && g_str_has_prefix (g_uri_get_path (to), "//")))
    return NULL;
  return g_uri_to_string (to);
}

char **
herd_http_response_get_links (HerdHttpResponse *response, const char *rel, guint limit)
{
  g_autoptr (GPtrArray) targets = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GStrvBuilder) links = g_strv_builder_new ();
  SoupMessageHeadersIter iter;
  const char *field;
  const char *value;
  guint fields = 0;

  soup_message_headers_iter_init (&iter, response->headers);
  while (fields < LINKS_MAX && soup_message_headers_iter_next (&iter, &field, &value)) {
    if (g_ascii_strcasecmp (field, "Link") != 0)
      continue;
    fields++;
    herd_link_find_all (value, rel, limit, targets);
  }
  for (guint i = 0; i < targets->len; i++) {
    g_autofree char *url = resolve (response->url, targets->pdata[i]);

    if (url != NULL)
      g_strv_builder_add (links, url);
  }
  return g_strv_builder_end (links);
}

gint64
herd_http_response_get_retry_at (HerdHttpResponse *response)
{
  const char *value = herd_http_response_get_header (response, "Retry-After");
  g_autoptr (GDateTime) date = NULL;
  guint64 delay;

  if (value == NULL)
    return 0;
  if (g_ascii_string_to_unsigned (value, 10, 0, DELAY_MAX, &delay, NULL))
    return response->received + (gint64) delay;
  if (*value != '\0' && value[strspn (value, "0123456789")] == '\0')
    return response->received + DELAY_MAX;
  date = soup_date_time_new_from_http_string (value);
  return date != NULL ? MAX (g_date_time_to_unix (date), 0) : 0;
}

gint64
herd_http_response_get_date (HerdHttpResponse *response)
{
  const char *value = herd_http_response_get_header (response, "Date");
  g_autoptr (GDateTime) date = value != NULL ? soup_date_time_new_from_http_string (value) : NULL;

  return date != NULL ? MAX (g_date_time_to_unix (date), 0) : 0;
}
