// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Values from the bus: members of dictionaries, and dictionaries as JSON. An agent that is newer or
 * older than this program may leave a member out or give it another type; that reads as "nothing".
 * Owned by certherdctl; one thread.
 */
#include "ctl/output.h"

const char *
herd_ctl_get_text (GVariant *dictionary, const char *key)
{
  const char *text = "";
  if (dictionary != NULL)
    (void) (g_variant_lookup (dictionary, key, "&s", &text)
            || g_variant_lookup (dictionary, key, "&o", &text));
  return text;
}

gint64
herd_ctl_get_int64 (GVariant *dictionary, const char *key)
{
  gint64 value = 0;
  if (dictionary != NULL)
    g_variant_lookup (dictionary, key, "x", &value);
  return value;
}

guint64
herd_ctl_get_uint64 (GVariant *dictionary, const char *key)
{
  guint64 value = 0;
  if (dictionary != NULL)
    g_variant_lookup (dictionary, key, "t", &value);
  return value;
}

char *
herd_ctl_get_joined (GVariant *dictionary, const char *key)
{
  g_autofree const char **list = NULL;
  if (dictionary == NULL || !g_variant_lookup (dictionary, key, "^a&s", &list))
    return g_strdup ("");
  return g_strjoinv (", ", (char **) list);
}

/* "NotAfter" becomes "not-after"; what is in that form already stays. */
static char *
to_word (const char *name)
{
  GString *word = g_string_new (NULL);
  for (const char *next = name; *next != '\0'; next++) {
    if (g_ascii_isupper (*next) && next != name)
      g_string_append_c (word, '-');
    g_string_append_c (word, g_ascii_tolower (*next));
  }
  return g_string_free (word, FALSE);
}

JsonObject *
herd_ctl_json_new (GVariant *properties)
{
  JsonObject *object = json_object_new ();
  if (properties == NULL)
    return object;
  GVariantIter iter;
  const char *name;
  GVariant *value;
  g_variant_iter_init (&iter, properties);
  while (g_variant_iter_loop (&iter, "{&sv}", &name, &value)) {
    g_autofree char *word = to_word (name);
    json_object_set_member (object, word, json_gvariant_serialize (value));
  }
  return object;
}

void
herd_ctl_json_print (JsonNode *node, gboolean one_line)
{
  g_autofree char *text = json_to_string (node, !one_line);
  g_print ("%s\n", text);
  json_node_unref (node);
}

void
herd_ctl_json_print_object (JsonObject *object, gboolean one_line)
{
  JsonNode *node = json_node_new (JSON_NODE_OBJECT);
  json_node_take_object (node, object);
  herd_ctl_json_print (node, one_line);
}
