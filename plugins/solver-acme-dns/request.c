// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Requests and answers of acme-dns.
 */
#include "request.h"

#include <string.h>

#include "plugin/error.h"

#define SHOWN 200 /* bytes */

gboolean
acme_dns_is_plain (const char *text)
{
  if (*text == '\0')
    return FALSE;
  for (; *text != '\0'; text++) {
    if (!g_ascii_isgraph (*text) || strchr ("\"'\\", *text) != NULL)
      return FALSE;
  }
  return TRUE;
}

char *
acme_dns_make_url (const char *url)
{
  gsize length = strlen (url);

  while (length > 0 && url[length - 1] == '/')
    length--;
  return g_strdup_printf ("%.*s/update", (int) length, url);
}

GBytes *
acme_dns_make_body (const char *subdomain, const char *value)
{
  char *text = g_strdup_printf ("{\"subdomain\":\"%s\",\"txt\":\"%s\"}", subdomain, value);

  return g_bytes_new_take (text, strlen (text));
}

static char *
clean (GBytes *body)
{
  gsize size;
  const char *bytes = g_bytes_get_data (body, &size);
  char *text = g_strndup (size > 0 ? bytes : "", MIN (size, SHOWN));

  for (char *at = text; *at != '\0'; at++) {
    if (!g_ascii_isprint (*at))
      *at = '?';
  }
  return text;
}

static const struct {
  guint first, last; /* status */
  HerdError code;
  const char *meaning;
} rows[] = {
  { 400, 400, HERD_ERROR_CHALLENGE_FAILED,
    "it does not take the update: compare subdomain with what the registration said" },
  { 401, 401, HERD_ERROR_CHALLENGE_FAILED,
    "it refuses username and password: compare them, and subdomain, with what the registration "
    "said; its allowfrom must have this machine's address" },
  { 403, 403, HERD_ERROR_CHALLENGE_FAILED,
    "it refuses us; is something else before it, such as a proxy with rules of its own?" },
  { 404, 405, HERD_ERROR_CHALLENGE_FAILED, "url is not that of an acme-dns; leave out /update" },
  { 429, 429, HERD_ERROR_UNREACHABLE, "it has had too many requests" },
  { 500, 599, HERD_ERROR_UNREACHABLE, "it failed: see its log" },
};

GError *
acme_dns_explain (const char *url, const char *subdomain, guint status, GBytes *body)
{
  HerdError code = HERD_ERROR_CHALLENGE_FAILED;
  const char *meaning = "url is not that of an acme-dns, it seems";
  g_autofree char *said = NULL;

  if (status == 200)
    return NULL;
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
    if (status >= rows[i].first && status <= rows[i].last) {
      code = rows[i].code;
      meaning = rows[i].meaning;
    }
  }
  said = clean (body);
  return g_error_new (HERD_ERROR, (int) code, "acme-dns at %s, subdomain %s: %s (status %u%s%s)",
                      url, subdomain, meaning, status, *said != '\0' ? ", " : "", said);
}
