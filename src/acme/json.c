// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * JSON with bounds and checked types.
 */
#include "acme/json.h"

#include <string.h>

#include "plugin/error.h"
#include "util/text.h"

/* Nesting, without recursion; brackets in strings do not count. */
static gboolean
depth_is_bounded (const char *text, gsize length)
{
  gboolean in_string = FALSE;
  guint depth = 0;

  for (gsize i = 0; i < length; i++) {
    if (in_string) {
      if (text[i] == '\\')
        i++;
      else if (text[i] == '"')
        in_string = FALSE;
    } else if (text[i] == '"') {
      in_string = TRUE;
    } else if (text[i] == '{' || text[i] == '[') {
      if (++depth > HERD_JSON_DEPTH_MAX)
        return FALSE;
    } else if ((text[i] == '}' || text[i] == ']') && depth > 0) {
      depth--;
    }
  }
  return TRUE;
}

typedef struct {
  GHashTable *members; /* JsonObject → how many members were read into it */
  gboolean repeated;
} Count;

static void
on_member (JsonParser *parser G_GNUC_UNUSED, JsonObject *object, const char *name G_GNUC_UNUSED,
           gpointer data)
{
  Count *count = data;
  guint members = GPOINTER_TO_UINT (g_hash_table_lookup (count->members, object));

  g_hash_table_insert (count->members, object, GUINT_TO_POINTER (members + 1));
}

static void
on_object_end (JsonParser *parser G_GNUC_UNUSED, JsonObject *object, gpointer data)
{
  Count *count = data;
  guint members = GPOINTER_TO_UINT (g_hash_table_lookup (count->members, object));

  /* json-glib keeps the last of equal names: two readers could see two different objects. */
  if (members != json_object_get_size (object))
    count->repeated = TRUE;
  g_hash_table_remove (count->members, object);
}

static gboolean
load (JsonParser *parser, const char *text, gsize length, const char *what, GError **error)
{
  g_autoptr (GHashTable) members = g_hash_table_new (NULL, NULL);
  Count count = { .members = members };
  g_autoptr (GError) cause = NULL;

  g_signal_connect (parser, "object-member", G_CALLBACK (on_member), &count);
  g_signal_connect (parser, "object-end", G_CALLBACK (on_object_end), &count);
  if (!json_parser_load_from_data (parser, text, (gssize) length, &cause)) {
    g_autofree char *start = herd_text_from_remote (text, (gssize) MIN (length, 40));

    g_set_error (error, HERD_ERROR, HERD_ERROR_REFUSED,
                 "%s: not JSON; it begins with \"%s\". Is the directory's URL right?", what, start);
    return FALSE;
  }
  if (count.repeated) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_REFUSED, "%s: a JSON member occurs twice", what);
    return FALSE;
  }
  return TRUE;
}

JsonObject *
herd_json_parse (GBytes *bytes, const char *what, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  gsize length;
  const char *text = g_bytes_get_data (bytes, &length);
  JsonNode *root;

  if (length == 0) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_REFUSED, "%s: empty, and not a JSON object", what);
    return NULL;
  }
  if (!g_utf8_validate_len (text, length, NULL)) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_REFUSED, "%s: not UTF-8", what);
    return NULL;
  }
  if (!depth_is_bounded (text, length)) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_REFUSED, "%s: JSON nested too deeply", what);
    return NULL;
  }
  if (!load (parser, text, length, what, error))
    return NULL;
  root = json_parser_get_root (parser);
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root)) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_REFUSED, "%s: not a JSON object", what);
    return NULL;
  }
  return json_object_ref (json_node_get_object (root));
}

static void
set_wrong_type (GError **error, const char *what, const char *member, const char *wanted)
{
  g_set_error (error, HERD_ERROR, HERD_ERROR_REFUSED, "%s: \"%s\" is not %s", what, member, wanted);
}

/* NULL: absent. */
static JsonNode *
find (JsonObject *object, const char *member)
{
  JsonNode *node = json_object_get_member (object, member);

  return node != NULL && !JSON_NODE_HOLDS_NULL (node) ? node : NULL;
}

static gboolean
holds (JsonNode *node, GType type)
{
  return JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == type;
}

/* json-glib makes invalid UTF-8 of lone surrogates ("\ud800x"), which must not reach the bus. */
static gboolean
holds_text (JsonNode *node)
{
  return holds (node, G_TYPE_STRING) && g_utf8_validate (json_node_get_string (node), -1, NULL);
}

gboolean
herd_json_get_string (JsonObject *object, const char *what, const char *member, const char **value,
                      GError **error)
{
  JsonNode *node = find (object, member);

  if (node == NULL)
    return TRUE;
  if (!holds_text (node)) {
    set_wrong_type (error, what, member, "a string");
    return FALSE;
  }
  *value = json_node_get_string (node);
  return TRUE;
}

gboolean
herd_json_get_boolean (JsonObject *object, const char *what, const char *member, gboolean *value,
                       GError **error)
{
  JsonNode *node = find (object, member);

  if (node == NULL)
    return TRUE;
  if (!holds (node, G_TYPE_BOOLEAN)) {
    set_wrong_type (error, what, member, "a boolean");
    return FALSE;
  }
  *value = json_node_get_boolean (node);
  return TRUE;
}

gboolean
herd_json_get_object (JsonObject *object, const char *what, const char *member, JsonObject **value,
                      GError **error)
{
  JsonNode *node = find (object, member);

  if (node == NULL)
    return TRUE;
  if (!JSON_NODE_HOLDS_OBJECT (node)) {
    set_wrong_type (error, what, member, "an object");
    return FALSE;
  }
  *value = json_node_get_object (node);
  return TRUE;
}

/* NULL with *ABSENT, or NULL with ERROR. */
static JsonArray *
find_array (JsonObject *object, const char *what, const char *member, guint limit, gboolean *absent,
            GError **error)
{
  JsonNode *node = find (object, member);

  *absent = node == NULL;
  if (node == NULL)
    return NULL;
  if (!JSON_NODE_HOLDS_ARRAY (node)) {
    set_wrong_type (error, what, member, "an array");
    return NULL;
  }
  if (json_array_get_length (json_node_get_array (node)) > limit) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_REFUSED, "%s: \"%s\" has more than %u elements",
                 what, member, limit);
    return NULL;
  }
  return json_node_get_array (node);
}

gboolean
herd_json_get_strings (JsonObject *object, const char *what, const char *member, guint limit,
                       char ***value, GError **error)
{
  g_autoptr (GStrvBuilder) strings = g_strv_builder_new ();
  gboolean absent;
  JsonArray *array = find_array (object, what, member, limit, &absent, error);

  if (array == NULL)
    return absent;
  for (guint i = 0; i < json_array_get_length (array); i++) {
    JsonNode *node = json_array_get_element (array, i);

    if (!holds_text (node)) {
      set_wrong_type (error, what, member, "an array of strings");
      return FALSE;
    }
    g_strv_builder_add (strings, json_node_get_string (node));
  }
  *value = g_strv_builder_end (strings);
  return TRUE;
}

gboolean
herd_json_get_objects (JsonObject *object, const char *what, const char *member, guint limit,
                       GPtrArray **value, GError **error)
{
  g_autoptr (GPtrArray) objects = g_ptr_array_new ();
  gboolean absent;
  JsonArray *array = find_array (object, what, member, limit, &absent, error);

  if (array == NULL)
    return absent;
  for (guint i = 0; i < json_array_get_length (array); i++) {
    JsonNode *node = json_array_get_element (array, i);

    if (!JSON_NODE_HOLDS_OBJECT (node)) {
      set_wrong_type (error, what, member, "an array of objects");
      return FALSE;
    }
    g_ptr_array_add (objects, json_node_get_object (node));
  }
  *value = g_steal_pointer (&objects);
  return TRUE;
}

const char *
herd_json_need_string (JsonObject *object, const char *what, const char *member, GError **error)
{
  const char *value = NULL;

  if (!herd_json_get_string (object, what, member, &value, error))
    return NULL;
  if (value == NULL)
    g_set_error (error, HERD_ERROR, HERD_ERROR_REFUSED, "%s: \"%s\" is missing", what, member);
  return value;
}

char *
herd_json_to_text (JsonObject *object)
{
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);

  json_node_set_object (node, object);
  return json_to_string (node, FALSE);
}
