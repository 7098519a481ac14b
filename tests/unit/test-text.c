// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Text on its way in and out: base64url, and what is made of hostile text.
 */
#include <string.h>

#include "util/base64url.h"
#include "util/text.h"

static const struct {
  const char *label;
  const char *in;
  gssize length;
  const char *out;
} texts[] = {
  { "plain", "Grüße, 世界 🐑", -1, "Grüße, 世界 🐑" },
  { "empty", "", -1, "" },
  { "null", NULL, -1, "" },
  { "null-counted", NULL, 3, "" },
  { "counted", "abcdef", 3, "abc" },
  { "counted-none", "abcdef", 0, "" },
  { "lines", "a\nb\tc\rd", -1, "a\\nb\\tc\\x0dd" },
  { "escape-sequence", "\033[31mred\a\177", -1, "\\x1b[31mred\\x07\\x7f" },
  { "c1", "a\302\233b\302\200", -1, "a\\u{009b}b\\u{0080}" },
  { "separators", "a\342\200\250b\342\200\251", -1, "a\\u{2028}b\\u{2029}" },
  { "bidi", "\342\200\256moc.\342\201\246x\330\234\342\200\217", -1,
    "\\u{202e}moc.\\u{2066}x\\u{061c}\\u{200f}" },
  { "invisible", "a\342\200\213b\357\273\277c\302\255d\363\240\201\201", -1,
    "a\\u{200b}b\\u{feff}c\\u{00ad}d\\u{e0041}" },
  { "nul-inside", "a\0b", 3, "a\\x00b" },
  { "nul-ends", "a\0b", -1, "a" },
  { "lone-bytes", "a\377b\200", -1, "a\\xffb\\x80" },
  { "truncated", "a\342\202", -1, "a\\xe2\\x82" },
  { "truncated-by-count", "\342\202\254", 2, "\\xe2\\x82" },
  { "overlong", "\300\257", -1, "\\xc0\\xaf" },
  { "surrogate", "\355\240\200", -1, "\\xed\\xa0\\x80" },
  { "beyond", "\364\220\200\200", -1, "\\xf4\\x90\\x80\\x80" },
};

static void
clean (gconstpointer data)
{
  guint i = GPOINTER_TO_UINT (data);
  g_autofree char *out = herd_text_from_remote (texts[i].in, texts[i].length);

  g_assert_cmpstr (out, ==, texts[i].out);
}

/* PREFIX times "a", then TAIL; what comes out must be EXPECTED_PREFIX times "a", then TAIL_OUT. */
static void
assert_cut (guint prefix, const char *tail, guint expected_prefix, const char *tail_out)
{
  g_autofree char *in_prefix = g_strnfill (prefix, 'a');
  g_autofree char *in = g_strconcat (in_prefix, tail, NULL);
  g_autofree char *out_prefix = g_strnfill (expected_prefix, 'a');
  g_autofree char *expected = g_strconcat (out_prefix, tail_out, NULL);
  g_autofree char *out = herd_text_from_remote (in, -1);

  g_assert_cmpstr (out, ==, expected);
  g_assert_cmpuint (strlen (out), <=, HERD_TEXT_LIMIT);
}

static void
cut (void)
{
  assert_cut (512, "", 512, "");
  assert_cut (513, "", 509, "…");
  assert_cut (5000, "", 509, "…");
  assert_cut (508, "世", 508, "世");
  assert_cut (509, "世", 509, "世");
  assert_cut (510, "世", 509, "…");
  assert_cut (506, "世ab", 506, "世ab");
  assert_cut (506, "世abcd", 506, "世…");
  assert_cut (507, "世abcd", 507, "…");
  assert_cut (508, "\n\n", 508, "\\n\\n");
  assert_cut (508, "\n\nx", 508, "…");
  assert_cut (500, "\342\200\256\342\200\256", 500, "\\u{202e}…");
  assert_cut (509, "\033", 509, "…");
}

static void
lines (void)
{
  g_autofree char *kept = herd_text_lines_from_remote ("a\n\tb\r\n\033", -1, 100);
  g_autofree char *cut_off = herd_text_lines_from_remote ("0123456789\n123456789", -1, 16);

  g_assert_cmpstr (kept, ==, "a\n\tb\\x0d\n\\x1b");
  g_assert_cmpstr (cut_off, ==, "0123456789\n12…");
}

static void
never_torn (void)
{
  for (guint i = 0; i < 2000; i++) {
    g_autofree char *in = g_malloc (700);
    g_autofree char *out = NULL;

    for (guint j = 0; j < 700; j++)
      in[j] = (char) g_test_rand_int_range (0, 256);
    out = herd_text_from_remote (in, 700);
    g_assert_true (g_utf8_validate (out, -1, NULL));
    g_assert_cmpuint (strlen (out), <=, HERD_TEXT_LIMIT);
    g_assert_true (g_str_has_suffix (out, "…"));
  }
}

static void
base64url_vectors (void)
{
  static const struct {
    const char *plain, *encoded;
  } vectors[] = { { "", "" },        { "f", "Zg" },         { "fo", "Zm8" },
                  { "foo", "Zm9v" }, { "foob", "Zm9vYg" },  { "fooba", "Zm9vYmE" },
                  { "{}", "e30" },   { "\377\376", "__4" }, { "\373\357\276", "----" } };

  for (guint i = 0; i < G_N_ELEMENTS (vectors); i++) {
    g_autofree char *encoded = herd_base64url_encode (vectors[i].plain, strlen (vectors[i].plain));
    g_autoptr (GBytes) decoded = herd_base64url_decode (vectors[i].encoded);

    g_assert_cmpstr (encoded, ==, vectors[i].encoded);
    g_assert_nonnull (decoded);
    g_assert_cmpmem (g_bytes_get_data (decoded, NULL), g_bytes_get_size (decoded), vectors[i].plain,
                     strlen (vectors[i].plain));
  }
}

static void
base64url_roundtrip (void)
{
  guint8 data[67];

  for (guint size = 0; size <= sizeof data; size++) {
    g_autoptr (GBytes) bytes = NULL;
    g_autoptr (GBytes) decoded = NULL;
    g_autofree char *encoded = NULL;

    for (guint i = 0; i < size; i++)
      data[i] = (guint8) g_test_rand_int_range (0, 256);
    bytes = g_bytes_new (data, size);
    encoded = herd_base64url_encode_bytes (bytes);
    g_assert_null (strpbrk (encoded, "+/="));
    decoded = herd_base64url_decode (encoded);
    g_assert_true (g_bytes_equal (decoded, bytes));
  }
}

static void
base64url_refused (void)
{
  static const char *const refused[] = { "Zg==",  "Zg=",          "Zh",    "Zm9",  "Z",
                                         "Zm9vY", "Zm 8",         "Zm8\n", " Zm8", "Zm+8",
                                         "Zm/8",  "Zm9v\303\266", "Zm9v.", "Zm8%", "__5" };

  for (guint i = 0; i < G_N_ELEMENTS (refused); i++) {
    g_autoptr (GBytes) decoded = herd_base64url_decode (refused[i]);

    g_assert_null (decoded);
  }
}

static void
times (void)
{
  g_autofree char *first = herd_text_from_time (0);
  g_autofree char *last = herd_text_from_time (G_MAXINT64);

  g_assert_cmpstr (first, ==, "1970-01-01T00:00:00Z");
  g_assert_cmpstr (last, ==, "the end of time");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++) {
    g_autofree char *path = g_strconcat ("/text/", texts[i].label, NULL);

    g_test_add_data_func (path, GUINT_TO_POINTER (i), clean);
  }
  g_test_add_func ("/text/cut", cut);
  g_test_add_func ("/text/kept-lines", lines);
  g_test_add_func ("/text/never-torn", never_torn);
  g_test_add_func ("/text/times", times);
  g_test_add_func ("/base64url/vectors", base64url_vectors);
  g_test_add_func ("/base64url/roundtrip", base64url_roundtrip);
  g_test_add_func ("/base64url/refused", base64url_refused);
  return g_test_run ();
}
