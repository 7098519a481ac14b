// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Which challenge types have failed: turns, what is remembered, and how much of it.
 */
#include "acme/tried.h"

static void
test_turns (void)
{
  g_autoptr (HerdTried) tried = herd_tried_new (NULL);

  g_assert_cmpuint (herd_tried_get_rank (tried, "a.example", "http-01"), ==, 0);
  g_assert_false (herd_tried_take_change (tried));
  herd_tried_note_failure (tried, "a.example", "http-01");
  herd_tried_note_failure (tried, "a.example", "tls-alpn-01");
  g_assert_true (herd_tried_take_change (tried));
  g_assert_false (herd_tried_take_change (tried));
  g_assert_cmpuint (herd_tried_get_rank (tried, "a.example", "http-01"), ==, 1);
  g_assert_cmpuint (herd_tried_get_rank (tried, "a.example", "tls-alpn-01"), ==, 2);
  g_assert_cmpuint (herd_tried_get_rank (tried, "a.example", "dns-01"), ==, 0);
  g_assert_cmpuint (herd_tried_get_rank (tried, "*.a.example", "http-01"), ==, 0);
  herd_tried_note_failure (tried, "a.example", "http-01");
  g_assert_cmpuint (herd_tried_get_rank (tried, "a.example", "tls-alpn-01"), ==, 1);
  g_assert_cmpuint (herd_tried_get_rank (tried, "a.example", "http-01"), ==, 2);
}

static void
test_success (void)
{
  g_autoptr (HerdTried) tried = herd_tried_new (NULL);

  herd_tried_note_success (tried, "a.example", "http-01");
  g_assert_false (herd_tried_take_change (tried));
  herd_tried_note_failure (tried, "a.example", "http-01");
  herd_tried_note_failure (tried, "a.example", "tls-alpn-01");
  herd_tried_take_change (tried);
  herd_tried_note_success (tried, "a.example", "dns-01");
  g_assert_false (herd_tried_take_change (tried));
  herd_tried_note_success (tried, "a.example", "tls-alpn-01");
  g_assert_true (herd_tried_take_change (tried));
  g_assert_cmpuint (herd_tried_get_rank (tried, "a.example", "tls-alpn-01"), ==, 0);
  g_assert_cmpuint (herd_tried_get_rank (tried, "a.example", "http-01"), ==, 1);
}

static void
test_bytes (void)
{
  g_autoptr (HerdTried) tried = herd_tried_new (NULL);
  g_autoptr (HerdTried) again = NULL;
  g_autoptr (GBytes) bytes = NULL;

  herd_tried_note_failure (tried, "a.example", "http-01");
  herd_tried_note_failure (tried, "a.example", "tls-alpn-01");
  herd_tried_note_failure (tried, "192.0.2.1", "http-01");
  bytes = herd_tried_to_bytes (tried);
  again = herd_tried_new (bytes);
  g_assert_false (herd_tried_take_change (again));
  g_assert_cmpuint (herd_tried_get_rank (again, "a.example", "http-01"), ==, 1);
  g_assert_cmpuint (herd_tried_get_rank (again, "a.example", "tls-alpn-01"), ==, 2);
  g_assert_cmpuint (herd_tried_get_rank (again, "192.0.2.1", "http-01"), ==, 1);
}

/* A record that is damaged, or of another version, costs the preference and nothing else. */
static void
test_damaged (void)
{
  g_autoptr (HerdTried) full = herd_tried_new (NULL);
  g_autoptr (GBytes) good = NULL;

  herd_tried_note_failure (full, "a.example", "http-01");
  good = herd_tried_to_bytes (full);
  for (gsize size = 0; size < g_bytes_get_size (good); size++) {
    g_autoptr (GBytes) cut = g_bytes_new_from_bytes (good, 0, size);
    g_autoptr (HerdTried) tried = herd_tried_new (cut);

    g_assert_cmpuint (herd_tried_get_rank (tried, "a.example", "http-01"), ==, 0);
  }
  for (gsize i = 0; i < g_bytes_get_size (good); i++) {
    g_autoptr (GByteArray) copy = g_byte_array_new ();
    g_autoptr (GBytes) bad = NULL;
    g_autoptr (HerdTried) tried = NULL;

    g_byte_array_append (copy, g_bytes_get_data (good, NULL), (guint) g_bytes_get_size (good));
    copy->data[i] ^= 0xff;
    bad = g_byte_array_free_to_bytes (g_steal_pointer (&copy));
    tried = herd_tried_new (bad);
    herd_tried_note_failure (tried, "b.example", "http-01");
    g_assert_cmpuint (herd_tried_get_rank (tried, "b.example", "http-01"), ==, 1);
  }
}

static void
test_bounded (void)
{
  g_autoptr (HerdTried) tried = herd_tried_new (NULL);

  for (guint i = 0; i <= HERD_TRIED_LIMIT; i++) {
    g_autofree char *wish = g_strdup_printf ("n%u.example", i);

    herd_tried_note_failure (tried, wish, "http-01");
    herd_tried_note_failure (tried, "n0.example", "tls-alpn-01");
  }
  g_assert_cmpuint (herd_tried_get_rank (tried, "n0.example", "http-01"), ==, 1);
  g_assert_cmpuint (herd_tried_get_rank (tried, "n1.example", "http-01"), ==, 0);
  g_assert_cmpuint (herd_tried_get_rank (tried, "n2.example", "http-01"), ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/acme-tried/turns", test_turns);
  g_test_add_func ("/acme-tried/success", test_success);
  g_test_add_func ("/acme-tried/bytes", test_bytes);
  g_test_add_func ("/acme-tried/damaged", test_damaged);
  g_test_add_func ("/acme-tried/bounded", test_bounded);
  return g_test_run ();
}
