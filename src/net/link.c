// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Link header fields: a scanner for 1#( "<" target ">" *( ";" name [ "=" ( token / quoted ) ] ) ).
 */
#include "net/link.h"

#include <string.h>

static const char *
skip_blanks (const char *at)
{
  return at + strspn (at, " \t");
}

/* One token or quoted string at *AT, unquoted. */
static char *
read_value (const char **at)
{
  g_autoptr (GString) value = g_string_new (NULL);
  const char *next = *at;

  if (*next != '"') {
    gsize length = strcspn (next, " \t;,");

    *at = next + length;
    return g_strndup (next, length);
  }
  for (next++; *next != '\0' && *next != '"'; next++) {
    if (*next == '\\' && next[1] != '\0')
      next++;
    g_string_append_c (value, *next);
  }
  *at = *next == '"' ? next + 1 : next;
  return g_string_free (g_steal_pointer (&value), FALSE);
}

static gboolean
has_relation (const char *relations, const char *rel)
{
  g_auto (GStrv) words = g_strsplit_set (relations, " \t", -1);

  for (char **word = words; *word != NULL; word++) {
    if (g_ascii_strcasecmp (*word, rel) == 0)
      return TRUE;
  }
  return FALSE;
}

/* The parameters of one link, from *AT up to the next comma; whether the first rel names REL
 * (RFC 8288 section 3.3: later ones are ignored). */
static gboolean
read_parameters (const char **at, const char *rel)
{
  gboolean found = FALSE;
  gboolean seen = FALSE;

  for (*at = skip_blanks (*at); **at == ';'; *at = skip_blanks (*at)) {
    g_autofree char *name = NULL;
    gsize length;

    *at = skip_blanks (*at + 1);
    length = strcspn (*at, " \t;,=");
    name = g_strndup (*at, length);
    *at = skip_blanks (*at + length);
    if (**at == '=') {
      g_autofree char *value = NULL;

      *at = skip_blanks (*at + 1);
      value = read_value (at);
      if (!seen && g_ascii_strcasecmp (name, "rel") == 0) {
        seen = TRUE;
        found = has_relation (value, rel);
      }
    }
  }
  return found;
}

void
herd_link_find_all (const char *value, const char *rel, guint limit, GPtrArray *targets)
{
  const char *at = skip_blanks (value);

  while (*at == '<' && targets->len < limit) {
    const char *target = at + 1;
    gsize length = strcspn (target, ">");

    if (target[length] != '>')
      return;
    at = target + length + 1;
    if (read_parameters (&at, rel))
      g_ptr_array_add (targets, g_strndup (target, length));
    if (*at != ',')
      return;
    at = skip_blanks (at + 1);
  }
}
