// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The head of an HTTP/1 request.
 */
#include "responder/http-head.h"

#include <gio/gio.h>
#include <string.h>

#define HOST_MAX 255

gssize
herd_http_head_measure (const char *data, gsize size, gsize seen)
{
  for (gsize i = seen; i < size; i++) {
    guint8 c = (guint8) data[i];

    if ((c < 0x20 && c != '\r' && c != '\n' && c != '\t') || c == 0x7f)
      return -1;
    if (c == '\n' && (i == 0 || data[i - 1] != '\r'))
      return -1;
    if (c == '\n' && i >= 3 && data[i - 2] == '\n')
      return (gssize) i + 1;
  }
  return 0;
}

/* RFC 9110 section 5.6.2. */
static gboolean
is_token (const char *text)
{
  if (*text == '\0')
    return FALSE;
  for (; *text != '\0'; text++) {
    if (!g_ascii_isalnum (*text) && strchr ("!#$%&'*+-.^_`|~", *text) == NULL)
      return FALSE;
  }
  return TRUE;
}

static gboolean
is_visible (const char *text)
{
  if (*text == '\0')
    return FALSE;
  for (; *text != '\0'; text++) {
    if (!g_ascii_isgraph (*text))
      return FALSE;
  }
  return TRUE;
}

/* METHOD SP TARGET SP VERSION, and nothing else (RFC 9112 section 3). */
static gboolean
parse_request_line (HerdHttpHead *head, const char *line, gboolean *host_required)
{
  g_auto (GStrv) words = g_strsplit (line, " ", 4);

  if (g_strv_length (words) != 3 || !is_token (words[0]) || !is_visible (words[1]))
    return FALSE;
  *host_required = g_str_equal (words[2], "HTTP/1.1");
  if (!*host_required && !g_str_equal (words[2], "HTTP/1.0"))
    return FALSE;
  if (g_str_equal (words[0], "GET"))
    head->method = HERD_HTTP_GET;
  else if (g_str_equal (words[0], "HEAD"))
    head->method = HERD_HTTP_HEAD;
  else
    head->method = HERD_HTTP_OTHER;
  head->target = g_strdup (words[1]);
  return TRUE;
}

/* "example.org:80" and "[2001:db8::1]:80" (RFC 9110 section 7.2) without the port. */
static char *
strip_port (const char *value)
{
  const char *end = strrchr (value, ':');

  if (*value == '[') {
    end = strchr (value, ']');
    return end != NULL ? g_strndup (value + 1, (gsize) (end - value - 1)) : g_strdup ("");
  }
  return end != NULL ? g_strndup (value, (gsize) (end - value)) : g_strdup (value);
}

static char *
normalize_host (const char *value)
{
  g_autofree char *host = strip_port (value);
  g_autoptr (GInetAddress) address = NULL;
  gsize length = strlen (host);

  if (length > HOST_MAX || !is_visible (host))
    return g_strdup ("");
  address = g_inet_address_new_from_string (host);
  if (address != NULL)
    return g_inet_address_to_string (address);
  if (host[length - 1] == '.')
    host[length - 1] = '\0';
  return g_ascii_strdown (host, -1);
}

/* NAME ":" OWS VALUE OWS (RFC 9112 section 5); folded lines are refused with the white space before
 * their name, and so is a second Host (section 3.2). */
static gboolean
parse_field (HerdHttpHead *head, char *line)
{
  char *colon = strchr (line, ':');

  if (colon == NULL)
    return FALSE;
  *colon = '\0';
  if (!is_token (line))
    return FALSE;
  if (g_ascii_strcasecmp (line, "Host") != 0)
    return TRUE;
  if (head->identifier != NULL)
    return FALSE;
  head->identifier = normalize_host (g_strstrip (colon + 1));
  return TRUE;
}

HerdHttpHead *
herd_http_head_parse (const char *data, gsize length)
{
  g_autoptr (HerdHttpHead) head = g_new0 (HerdHttpHead, 1);
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;
  gboolean host_required;
  gsize count;

  if (length == 0 || herd_http_head_measure (data, length, 0) != (gssize) length)
    return NULL;
  text = g_strndup (data, length);
  lines = g_strsplit (text, "\r\n", -1);
  count = g_strv_length (lines);
  if (!parse_request_line (head, lines[0], &host_required))
    return NULL;
  /* The last two are the empty line and what follows it: nothing. */
  for (gsize i = 1; i + 2 < count; i++) {
    if (strchr (lines[i], '\r') != NULL || !parse_field (head, lines[i]))
      return NULL;
  }
  if (host_required && head->identifier == NULL)
    return NULL;
  return g_steal_pointer (&head);
}

void
herd_http_head_free (HerdHttpHead *head)
{
  if (head == NULL)
    return;
  g_free (head->target);
  g_free (head->identifier);
  g_free (head);
}
