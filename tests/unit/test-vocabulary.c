// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The vocabulary: every key of every section against good values, values of its own that are bad,
 * and values that are bad for every key.
 */
#include "config/vocabulary.h"

#include <string.h>

#include "plugin/error.h"
#include "vocabulary-cases.h"

#define HUGE (100 * 1000)

static void
assert_refused (const GError *error)
{
  g_assert_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT);
  /* Whatever came in, what goes out is fit for a terminal, and short. */
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
  g_assert_cmpuint (strlen (error->message), <, 2048);
  for (const char *c = error->message; *c != '\0'; c++)
    g_assert_false (g_ascii_iscntrl (*c));
  g_assert_null (strstr (error->message, "\u202e"));
}

/* --- every key --- */

/* No key takes these. */
static const char *const hostile[] = { "",         "\n",          "a\nb",
                                       "a\rb",     "\x1b[31mred", "\x7f",
                                       "a\u202eb", "a\u2066b",    "a\u200eb",
                                       "a\u2028b", "a\xc2\x80z" };

static GVariant *
make_value (gboolean list, const char *text)
{
  g_auto (GStrv) entries = NULL;

  if (!list)
    return g_variant_new_string (text);
  /* "" is a list with an empty entry here; empty lists have a test of their own. */
  if (*text == '\0')
    return g_variant_new_strv ((const char *const[]){ "" }, 1);
  entries = g_strsplit (text, "|", -1);
  return g_variant_new_strv ((const char *const *) entries, -1);
}

/* Takes VALUE. */
static GVariant *
check (HerdSection section, HerdSource source, const char *key, GVariant *value, GError **error)
{
  g_autoptr (GVariant)
      dictionary = g_variant_ref_sink (g_variant_new_parsed ("{%s: %v}", key, value));

  return herd_vocabulary_check (section, source, dictionary, error);
}

static void
assert_check_refused (const Case *c, HerdSource source, GVariant *value)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) normal = check (c->section, source, c->key, value, &error);

  if (normal != NULL) {
    g_autofree char *text = g_variant_print (normal, FALSE);

    g_error ("%s: taken, as %.200s", c->key, text);
  }
  assert_refused (error);
  g_assert_true (g_str_has_prefix (error->message, c->key));
}

static void
test_good_values (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    const Case *c = &cases[i];
    g_autoptr (GError) error = NULL;
    g_autoptr (GVariant) normal = check (c->section, HERD_SOURCE_FILE, c->key,
                                         make_value (c->list, c->good), &error);
    g_autoptr (GVariant) expected = NULL;
    g_autoptr (GVariant) again = NULL;
    g_autoptr (GVariant) over_bus = NULL;

    g_assert_no_error (error);
    g_assert_false (g_variant_is_floating (normal));
    expected = g_variant_ref_sink (g_variant_new_parsed (
        "{%s: %v}", c->key, make_value (c->list, c->normal != NULL ? c->normal : c->good)));
    g_assert_cmpvariant (normal, expected);
    again = herd_vocabulary_check (c->section, HERD_SOURCE_FILE, normal, &error);
    g_assert_no_error (error);
    g_assert_cmpvariant (again, normal);

    over_bus = herd_vocabulary_check (c->section, HERD_SOURCE_BUS, normal, &error);
    if (c->file_only) {
      assert_refused (error);
      g_assert_nonnull (strstr (error->message, "configuration files only"));
    } else {
      g_assert_no_error (error);
      g_assert_cmpvariant (over_bus, normal);
    }
  }
}

static void
test_bad_values (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    const Case *c = &cases[i];
    g_autofree char *huge = g_strnfill (HUGE * 10, 'a');
    g_autofree char *huge_path = g_strconcat ("/", huge, NULL);

    for (guint j = 0; j < G_N_ELEMENTS (c->bad) && c->bad[j] != NULL; j++)
      assert_check_refused (c, HERD_SOURCE_FILE, make_value (c->list, c->bad[j]));
    for (guint j = 0; j < G_N_ELEMENTS (hostile); j++) {
      assert_check_refused (c, HERD_SOURCE_FILE, make_value (c->list, hostile[j]));
      assert_check_refused (c, HERD_SOURCE_BUS, make_value (c->list, hostile[j]));
    }
    assert_check_refused (c, HERD_SOURCE_FILE, make_value (c->list, huge));
    assert_check_refused (c, HERD_SOURCE_FILE, make_value (c->list, huge_path));
  }
}

static void
test_types (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    const Case *c = &cases[i];
    GVariant *right = make_value (c->list, c->good);
    const char *type = c->list ? "\"as\"" : "\"s\"";
    GVariant *wrong[] = {
      make_value (!c->list, c->good),    g_variant_new_variant (right),
      g_variant_new_int32 (3),           g_variant_new_boolean (TRUE),
      g_variant_new_bytestring ("/etc"), g_variant_new_object_path ("/etc"),
      g_variant_new ("a{sv}", NULL),     g_variant_new ("av", NULL),
      g_variant_new_tuple (NULL, 0),     g_variant_new_handle (0),
    };

    for (guint j = 0; j < G_N_ELEMENTS (wrong); j++) {
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) normal = check (c->section, HERD_SOURCE_FILE, c->key, wrong[j], &error);

      g_assert_null (normal);
      assert_refused (error);
      g_assert_nonnull (strstr (error->message, type));
    }
  }
}

static GVariant *
make_long_list (guint n)
{
  GVariantBuilder builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_STRING_ARRAY);

  for (guint i = 0; i < n; i++)
    g_variant_builder_add_value (&builder,
                                 g_variant_new_take_string (g_strdup_printf ("a%u.example", i)));
  return g_variant_builder_end (&builder);
}

static void
test_lists (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) hundred = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    const Case *c = &cases[i];
    gboolean may_be_empty = g_str_equal (c->key, "deliver") || g_str_equal (c->key, "readers")
                            || g_str_equal (c->key, "contact")
                            || g_str_equal (c->key, "allow-users");
    g_autoptr (GVariant) empty = NULL;

    if (!c->list)
      continue;
    assert_check_refused (c, HERD_SOURCE_FILE, make_long_list (10000));
    assert_check_refused (c, HERD_SOURCE_FILE, make_long_list (101));
    if (!g_str_equal (c->key, "identifiers"))
      assert_check_refused (c, HERD_SOURCE_FILE, make_long_list (65));
    empty = check (c->section, HERD_SOURCE_FILE, c->key, g_variant_new_strv (NULL, 0), NULL);
    g_assert_cmpint (empty != NULL, ==, may_be_empty);
  }
  hundred = check (HERD_SECTION_CERTIFICATE, HERD_SOURCE_BUS, "identifiers", make_long_list (100),
                   &error);
  g_assert_no_error (error);
}

/* --- dictionaries --- */

static GVariant *
check_parsed (HerdSection section, const char *text, GError **error)
{
  g_autoptr (GVariant) dictionary = g_variant_parse (NULL, text, NULL, NULL, error);

  g_assert_no_error (*error);
  return herd_vocabulary_check (section, HERD_SOURCE_BUS, dictionary, error);
}

static void
test_dictionaries (void)
{
  static const struct {
    const char *text;
    const char *cause;
  } bad[] = {
    { "{'dentifiers': <['a.example']>}", "known are challenge, common-name," },
    { "{'': <'x'>}", "no such key" },
    { "{'Identifiers': <['a.example']>}", "no such key" },
    { "{'directory-url': <'https://a.example/'>}", "[certificate]" },
    { "{'country': <'DE'>, 'country': <'FR'>}", "twice" },
    { "{'identifiers': <['a.example']>, 'common-name': <'b.example'>}", "not one of" },
    { "@a{ss} {}", "a{sv}" },
    { "[<'x'>]", "a{sv}" },
    { "'x'", "a{sv}" },
  };
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) sorted = NULL;
  g_autoptr (GVariant) expected = NULL;
  g_autoptr (GVariant) empty = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) cause = NULL;
    g_autoptr (GVariant) normal = check_parsed (HERD_SECTION_CERTIFICATE, bad[i].text, &cause);

    g_assert_null (normal);
    assert_refused (cause);
    g_assert_nonnull (strstr (cause->message, bad[i].cause));
  }
  sorted = check_parsed (HERD_SECTION_CERTIFICATE,
                         "{'renew': <'14d'>, 'common-name': <'B.example'>, "
                         "'identifiers': <['a.example', 'b.EXAMPLE']>}",
                         &error);
  g_assert_no_error (error);
  expected = g_variant_parse (NULL,
                              "{'common-name': <'b.example'>, "
                              "'identifiers': <['a.example', 'b.example']>, 'renew': <'14d'>}",
                              NULL, NULL, &error);
  g_assert_cmpvariant (sorted, expected);
  empty = check_parsed (HERD_SECTION_CERTIFICATE, "@a{sv} {}", &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_variant_n_children (empty), ==, 0);
}

/* Bytes that only claim to be an a{sv}, as a client may send them in a memfd or a broken client
 * over the bus: never a crash, and whatever is taken is in normal form. */
static void
test_mangled_dictionaries (void)
{
  g_autoptr (GVariant) good = g_variant_ref_sink (g_variant_new_parsed (
      "{'identifiers': <['a.example', 'b.example']>, 'country': <'DE'>, 'deliver': <['live']>}"));
  gsize size = g_variant_get_size (good);

  for (gsize i = 0; i < size; i++) {
    for (guint bit = 0; bit < 8; bit++) {
      g_autofree guint8 *bytes = g_memdup2 (g_variant_get_data (good), size);
      g_autoptr (GVariant) mangled = NULL;
      g_autoptr (GVariant) normal = NULL;
      g_autoptr (GError) error = NULL;

      bytes[i] ^= (guint8) (1u << bit);
      mangled = g_variant_ref_sink (
          g_variant_new_from_data (G_VARIANT_TYPE_VARDICT, bytes, size, FALSE, NULL, NULL));
      normal = herd_vocabulary_check (HERD_SECTION_CERTIFICATE, HERD_SOURCE_BUS, mangled, &error);
      if (normal == NULL)
        assert_refused (error);
      else
        g_assert_true (g_variant_is_normal_form (normal));
    }
  }
}

static void
test_keys (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (
      herd_vocabulary_check_key (HERD_SECTION_CERTIFICATE, HERD_SOURCE_BUS, "renew", &error));
  g_assert_no_error (error);
  g_assert_false (
      herd_vocabulary_check_key (HERD_SECTION_CERTIFICATE, HERD_SOURCE_BUS, "path", &error));
  assert_refused (error);
  g_clear_error (&error);
  g_assert_false (herd_vocabulary_check_key (HERD_SECTION_TARGET, HERD_SOURCE_BUS, "path", &error));
  assert_refused (error);
  g_assert_true (herd_vocabulary_check_key (HERD_SECTION_TARGET, HERD_SOURCE_FILE, "path", NULL));
}

static void
test_parse (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) list = herd_vocabulary_parse (HERD_SECTION_CERTIFICATE, "identifiers",
                                                     " a.example;b.example\t c.example ; ", &error);
  g_autoptr (GVariant)
      text = herd_vocabulary_parse (HERD_SECTION_CERTIFICATE, "organization", "A; B C", &error);
  g_autoptr (GVariant) expected = g_variant_ref_sink (
      g_variant_new_parsed ("['a.example', 'b.example', 'c.example']"));

  g_assert_no_error (error);
  g_assert_cmpvariant (list, expected);
  g_assert_cmpstr (g_variant_get_string (text, NULL), ==, "A; B C");
  g_assert_null (herd_vocabulary_parse (HERD_SECTION_CERTIFICATE, "path", "/x", &error));
  assert_refused (error);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/vocabulary/values/good", test_good_values);
  g_test_add_func ("/vocabulary/values/bad", test_bad_values);
  g_test_add_func ("/vocabulary/values/types", test_types);
  g_test_add_func ("/vocabulary/lists", test_lists);
  g_test_add_func ("/vocabulary/dictionaries", test_dictionaries);
  g_test_add_func ("/vocabulary/dictionaries/mangled", test_mangled_dictionaries);
  g_test_add_func ("/vocabulary/keys", test_keys);
  g_test_add_func ("/vocabulary/parse", test_parse);
  return g_test_run ();
}
