// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * acme/json: JSON from a CA, with bounds and checked types.
 */
#include "acme/json.h"

#include <string.h>

#include "plugin/error.h"

static JsonObject *
parse (const char *text, GError **error)
{
  g_autoptr (GBytes) bytes = g_bytes_new (text, strlen (text));

  return herd_json_parse (bytes, "thing", error);
}

static void
assert_refused (GError *error, const char *words)
{
  g_assert_error (error, HERD_ERROR, HERD_ERROR_REFUSED);
  g_assert_true (g_str_has_prefix (error->message, "thing: "));
  if (strstr (error->message, words) == NULL)
    g_error ("\"%s\" does not say \"%s\"", error->message, words);
}

static char *
nest (guint depth, char open, char close)
{
  g_autoptr (GString) text = g_string_new ("{\"a\":");

  for (guint i = 1; i < depth; i++)
    g_string_append_c (text, open);
  if (depth == 1)
    g_string_append_c (text, '1');
  for (guint i = 1; i < depth; i++)
    g_string_append_c (text, close);
  g_string_append_c (text, '}');
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
test_parse (void)
{
  static const struct {
    const char *text;
    const char *words; /* NULL: good */
  } cases[] = {
    { "{}", NULL },
    { " {\"a\":{\"b\":1},\"c\":{\"b\":2}} ", NULL },
    { "{\"a\":\"[[[[[[[[[[[[[[[[[[[[[[\"}", NULL },
    { "{\"a\":\"\\\"[[[[[[[[[[[[[[[[[[[[\"}", NULL },
    { "", "empty" },
    { "[]", "not a JSON object" },
    { "\"x\"", "not a JSON object" },
    { "null", "not a JSON object" },
    { "<html>\x1b[31m", "<html>" },
    { "{\"a\":1", "not JSON" },
    { "{\"a\":\"\\ud800", "not JSON" },
    { "{\"a\":\"\\u12x4\"}", "not JSON" },
    { "{\"a\":\"\\v\"}", "not JSON" },
    { "{}{}", "not JSON" },
    { "2{}", "not JSON" },
    { "1 2", "not JSON" },
    { "\"x\" {}", "not JSON" },
    { "{}}", "not JSON" },
    { "{\"a\":1 /* a comment */}", "not JSON" },
    { "{\"a\":1 // another\n}", "not JSON" },
    { "{\"a\":1 # another\n}", "not JSON" },
    { "{\"a\":1,\"a\":1}", "twice" },
    { "{\"a\":{\"b\":1,\"c\":2,\"b\":3}}", "twice" },
    { "{\"a\":[{\"b\":1,\"b\":1}]}", "twice" },
    { "{\"a\\u0000b\":1,\"a\":1}", "twice" },
    { "{\"a\":\"\\ud800\"}", "not JSON" },
    { "{\"a\":\"\xff\"}", "UTF-8" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (JsonObject) object = parse (cases[i].text, &error);

    if (cases[i].words == NULL) {
      g_assert_no_error (error);
      g_assert_nonnull (object);
    } else {
      g_assert_null (object);
      assert_refused (error, cases[i].words);
      g_assert_null (strchr (error->message, '\x1b'));
    }
  }
}

static void
test_depth (void)
{
  g_autofree char *most = nest (HERD_JSON_DEPTH_MAX, '[', ']');
  g_autofree char *more = nest (HERD_JSON_DEPTH_MAX + 1, '[', ']');
  g_autofree char *far_more = nest (1000000, '[', ']');
  g_autofree char *unclosed = g_strnfill (1000000, '{');
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) object = parse (most, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (json_object_get_size (object), ==, 1);
  g_assert_null (parse (more, &error));
  assert_refused (error, "nested");
  g_clear_error (&error);
  g_assert_null (parse (far_more, &error));
  assert_refused (error, "nested");
  g_clear_error (&error);
  g_assert_null (parse (unclosed, &error));
  assert_refused (error, "nested");
  g_clear_error (&error);
  /* Brackets that a comment makes look as if they were in a string. */
  memcpy (unclosed, "{\"a\":/*\"*/", 11);
  memset (unclosed + 11, '[', 1000000 - 11);
  g_assert_null (parse (unclosed, &error));
  assert_refused (error, "not JSON");
}

#define EVERYTHING                                                                                 \
  "{\"s\":\"text\",\"b\":true,\"o\":{\"x\":1},\"ss\":[\"a\",\"b\"],\"oo\":[{},{}],\"n\":null,"     \
  "\"i\":7,\"mixed\":[\"a\",1],\"bad\":\"\\ud800x\",\"bads\":[\"\\ud800x\"]}"

static void
test_members (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) object = parse (EVERYTHING, &error);
  const char *string = "before";
  gboolean boolean = FALSE;
  JsonObject *inner = NULL;
  g_auto (GStrv) strings = NULL;
  g_autoptr (GPtrArray) objects = NULL;

  g_assert_no_error (error);
  g_assert_true (herd_json_get_string (object, "thing", "absent", &string, &error));
  g_assert_true (herd_json_get_string (object, "thing", "n", &string, &error));
  g_assert_cmpstr (string, ==, "before");
  g_assert_true (herd_json_get_string (object, "thing", "s", &string, &error));
  g_assert_cmpstr (string, ==, "text");
  g_assert_true (herd_json_get_boolean (object, "thing", "b", &boolean, &error));
  g_assert_true (boolean);
  g_assert_true (herd_json_get_object (object, "thing", "o", &inner, &error));
  g_assert_cmpint (json_object_get_int_member (inner, "x"), ==, 1);
  g_assert_true (herd_json_get_strings (object, "thing", "ss", 2, &strings, &error));
  g_assert_cmpuint (g_strv_length (strings), ==, 2);
  g_assert_true (herd_json_get_objects (object, "thing", "oo", 2, &objects, &error));
  g_assert_cmpuint (objects->len, ==, 2);
  g_assert_cmpstr (herd_json_need_string (object, "thing", "s", &error), ==, "text");
  g_assert_no_error (error);
}

static void
assert_refused_and_clear (gboolean result, GError **error, const char *words)
{
  g_assert_false (result);
  assert_refused (*error, words);
  g_clear_error (error);
}

static void
test_types (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) object = parse (EVERYTHING, &error);
  const char *string = NULL;
  gboolean boolean = FALSE;
  JsonObject *inner = NULL;
  char **strings = NULL;
  GPtrArray *objects = NULL;

#define REFUSED(call, words) assert_refused_and_clear (call, &error, words)
  REFUSED (herd_json_get_string (object, "thing", "i", &string, &error), "\"i\" is not a string");
  REFUSED (herd_json_get_string (object, "thing", "o", &string, &error), "not a string");
  REFUSED (herd_json_get_string (object, "thing", "bad", &string, &error), "not a string");
  REFUSED (herd_json_get_boolean (object, "thing", "s", &boolean, &error), "not a boolean");
  REFUSED (herd_json_get_object (object, "thing", "ss", &inner, &error), "not an object");
  REFUSED (herd_json_get_strings (object, "thing", "s", 9, &strings, &error), "not an array");
  REFUSED (herd_json_get_strings (object, "thing", "ss", 1, &strings, &error), "more than 1");
  REFUSED (herd_json_get_strings (object, "thing", "mixed", 9, &strings, &error), "of strings");
  REFUSED (herd_json_get_strings (object, "thing", "bads", 9, &strings, &error), "of strings");
  REFUSED (herd_json_get_objects (object, "thing", "ss", 9, &objects, &error), "of objects");
  REFUSED (herd_json_get_objects (object, "thing", "oo", 1, &objects, &error), "more than 1");
  REFUSED (herd_json_need_string (object, "thing", "absent", &error) != NULL,
           "\"absent\" is missing");
  REFUSED (herd_json_need_string (object, "thing", "n", &error) != NULL, "\"n\" is missing");
#undef REFUSED
  g_assert_null (string);
  g_assert_null (inner);
  g_assert_null (strings);
  g_assert_null (objects);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/acme/json/parse", test_parse);
  g_test_add_func ("/acme/json/depth", test_depth);
  g_test_add_func ("/acme/json/members", test_members);
  g_test_add_func ("/acme/json/types", test_types);
  return g_test_run ();
}
