// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * JSON with bounds and checked types.
 */
#include "acme/json.h"

#include <string.h>

#include "plugin/error.h"
#include "util/text.h"

typedef enum {
  SHAPE_GOOD,
  SHAPE_BAD,
  SHAPE_TOO_DEEP,
} Shape;

/* How far the look at a text's shape has come. */
typedef struct {
  guint depth;
  gboolean begun; /* the one value at the top */
  gboolean ended;
} Outline;

static Shape
outline_open (Outline *outline)
{
  if (outline->depth == 0 && outline->begun)
    return SHAPE_BAD;
  outline->begun = TRUE;
  return ++outline->depth > HERD_JSON_DEPTH_MAX ? SHAPE_TOO_DEEP : SHAPE_GOOD;
}

static void
outline_close (Outline *outline)
{
  if (outline->depth > 0)
    outline->depth--;
  outline->ended = outline->depth == 0;
}

/* Of a character that is in no string. */
static Shape
outline_take (Outline *outline, char c)
{
  if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
    outline->ended = outline->ended || (outline->depth == 0 && outline->begun);
    return SHAPE_GOOD;
  }
  if (outline->ended || (!g_ascii_isalnum (c) && strchr ("{}[]:,\"+-.", c) == NULL))
    return SHAPE_BAD;
  if (c == '{' || c == '[')
    return outline_open (outline);
  if (c == '}' || c == ']')
    outline_close (outline);
  outline->begun = TRUE;
  return SHAPE_GOOD;
}

/* The length of the escape sequence at TEXT, a backslash; 0: it is none (RFC 8259 section 7). */
static gsize
measure_escape (const char *text, gsize length)
{
  if (length < 2 || text[1] == '\0' || strchr ("\"\\/bfnrtu", text[1]) == NULL)
    return 0;
  if (text[1] != 'u')
    return 2;
  for (gsize i = 2; i < 6; i++) {
    if (i >= length || !g_ascii_isxdigit (text[i]))
      return 0;
  }
  return 6;
}

/* The length of the string at TEXT, a quote, with its quotes; 0: it does not end, or has other escape
 * sequences than JSON knows. */
static gsize
measure_string (const char *text, gsize length)
{
  for (gsize i = 1; i < length;) {
    gsize step = text[i] == '\\' ? measure_escape (text + i, length - i) : 1;

    if (text[i] == '"')
      return i + 1;
    if (step == 0)
      return 0;
    i += step;
  }
  return 0;
}

/* What has to be known before json-glib sees a text, without recursion: it would take comments, in which
 * brackets and quotes are not what they seem; of several values one after the other it frees the last
 * only, and never a string that is broken off. */
static Shape
read_shape (const char *text, gsize length)
{
  Outline outline = { 0 };

  for (gsize i = 0; i < length;) {
    Shape shape = outline_take (&outline, text[i]);
    gsize step = text[i] == '"' ? measure_string (text + i, length - i) : 1;

    if (shape != SHAPE_GOOD || step == 0)
      return shape != SHAPE_GOOD ? shape : SHAPE_BAD;
    i += step;
  }
  return outline.depth > 0 ? SHAPE_BAD : SHAPE_GOOD;
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

static void
set_not_json (GError **error, const char *what, const char *text, gsize length)
{
  g_autofree char *start = herd_text_from_remote (text, (gssize) MIN (length, 40));

  g_set_error (error, HERD_ERROR, HERD_ERROR_REFUSED,
               "%s: not JSON; it begins with \"%s\". Is the directory's URL right?", what, start);
}

static gboolean
load (JsonParser *parser, const char *text, gsize length, const char *what, GError **error)
{
  g_autoptr (GHashTable) members = g_hash_table_new (NULL, NULL);
  Count count = { .members = members };

  g_signal_connect (parser, "object-member", G_CALLBACK (on_member), &count);
  g_signal_connect (parser, "object-end", G_CALLBACK (on_object_end), &count);
  if (!json_parser_load_from_data (parser, text, (gssize) length, NULL)) {
    set_not_json (error, what, text, length);
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
  switch (read_shape (text, length)) {
  case SHAPE_GOOD:
    break;
  case SHAPE_BAD:
    set_not_json (error, what, text, length);
    return NULL;
  case SHAPE_TOO_DEEP:
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
