// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The registry: order of names, counts of states, ended operations; and what that may cost, counted in
 * looks at all rows.
 */
#include "core/registry.h"

#define DAY (24 * 3600)

static HerdGeneration *
make_generation (gint64 not_after)
{
  HerdFacts *facts = herd_facts_new ();

  facts->not_after = not_after;
  return herd_generation_new (1, 1, 0, facts);
}

static HerdCertificate *
make (guint64 id, const char *name, gint64 not_after)
{
  HerdCertificate *certificate = herd_certificate_new (id, name, 0, HERD_ORIGIN_BUS,
                                                       g_variant_new ("a{sv}", NULL));

  if (not_after == 0)
    return certificate;
  herd_certificate_add_generation (certificate, make_generation (not_after));
  certificate->current = 1;
  return certificate;
}

static void
assert_counts (HerdRegistry *registry, gint64 now, guint none, guint valid, guint expired)
{
  guint counts[HERD_N_CERTIFICATE_STATES];

  herd_registry_count_states (registry, now, counts);
  g_assert_cmpuint (counts[HERD_CERTIFICATE_NONE], ==, none);
  g_assert_cmpuint (counts[HERD_CERTIFICATE_VALID], ==, valid);
  g_assert_cmpuint (counts[HERD_CERTIFICATE_EXPIRED], ==, expired);
}

static void
test_counts (void)
{
  g_autoptr (HerdRegistry) registry = herd_registry_new ();
  HerdCertificate *first = make (1, "first", 0);
  gint64 now = 1000 * DAY;

  assert_counts (registry, now, 0, 0, 0);
  herd_registry_add_certificate (registry, first);
  herd_registry_add_certificate (registry, make (2, "second", now + 1));
  herd_registry_add_certificate (registry, make (3, "third", now - 1));
  assert_counts (registry, now, 1, 1, 1);
  assert_counts (registry, now + 1, 1, 0, 2);

  herd_certificate_add_generation (first, make_generation (now + DAY));
  first->current = 1;
  herd_registry_touch (registry, HERD_NOUN_CERTIFICATE, 1);
  assert_counts (registry, now + 1, 0, 1, 2);
  assert_counts (registry, now + DAY - 1, 0, 1, 2);
  assert_counts (registry, now + DAY, 0, 0, 3);
  assert_counts (registry, now, 0, 2, 1); /* the clock was set back */
  herd_registry_remove (registry, HERD_NOUN_CERTIFICATE, 2);
  assert_counts (registry, now, 0, 1, 1);
}

/* Counts are asked for with every change: none of these may look at all the others. */
static void
test_cost (void)
{
  g_autoptr (HerdRegistry) registry = herd_registry_new ();
  gint64 now = 1000 * DAY;
  guint before;

  for (guint id = 1; id <= 1000; id++) {
    g_autofree char *name = g_strdup_printf ("host%u", id);

    herd_registry_add_certificate (registry, make (id, name, now + DAY + id));
  }
  assert_counts (registry, now, 0, 1000, 0);
  before = herd_registry_get_n_recounts (registry);
  for (guint id = 1; id <= 1000; id++) {
    HerdCertificate *certificate = herd_registry_get_certificate (registry, id);

    certificate->current = 0;
    herd_registry_touch (registry, HERD_NOUN_CERTIFICATE, id);
    assert_counts (registry, now + id, id, 1000 - id, 0);
  }
  g_assert_cmpuint (herd_registry_get_n_recounts (registry), ==, before);
}

static void
assert_names (HerdRegistry *registry, const char *expected)
{
  g_autoptr (GString) names = g_string_new (NULL);
  HerdCertificate *certificate = NULL;

  while ((certificate = herd_registry_next_certificate (
              registry, certificate != NULL ? certificate->name : ""))
         != NULL)
    g_string_append_printf (names, "%s ", certificate->name);
  g_assert_cmpstr (names->str, ==, expected);
}

static void
test_names (void)
{
  g_autoptr (HerdRegistry) registry = herd_registry_new ();

  g_assert_null (herd_registry_find_certificate (registry, "a"));
  assert_names (registry, "");
  herd_registry_add_certificate (registry, make (1, "d", 0));
  herd_registry_add_certificate (registry, make (2, "b", 0));
  herd_registry_add_certificate (registry, make (3, "f", 0));
  assert_names (registry, "b d f ");
  herd_registry_add_certificate (registry, make (4, "c", 0));
  assert_names (registry, "b c d f ");
  herd_registry_add_certificate (registry, make (5, "a", 0));
  g_assert_cmpuint (herd_registry_find_certificate (registry, "a")->id, ==, 5);
  g_assert_null (herd_registry_find_certificate (registry, "e"));
  g_assert_cmpstr (herd_registry_next_certificate (registry, "e")->name, ==, "f");
  herd_registry_remove (registry, HERD_NOUN_CERTIFICATE, 1);
  g_assert_cmpstr (herd_registry_next_certificate (registry, "c")->name, ==, "f");
  g_assert_null (herd_registry_next_certificate (registry, "f"));
  assert_names (registry, "a b c f ");
}

/* A row that goes, or comes, while somebody walks. */
static void
test_walk (void)
{
  g_autoptr (HerdRegistry) registry = herd_registry_new ();
  HerdCertificate *certificate;

  herd_registry_add_certificate (registry, make (1, "b", 0));
  herd_registry_add_certificate (registry, make (2, "c", 0));
  herd_registry_add_certificate (registry, make (3, "d", 0));
  certificate = herd_registry_next_certificate (registry, "");
  herd_registry_add_certificate (registry, make (4, "a", 0));
  certificate = herd_registry_next_certificate (registry, certificate->name);
  g_assert_cmpstr (certificate->name, ==, "c");
  herd_registry_remove (registry, HERD_NOUN_CERTIFICATE, 4);
  certificate = herd_registry_next_certificate (registry, certificate->name);
  g_assert_cmpstr (certificate->name, ==, "d");
  g_assert_null (herd_registry_next_certificate (registry, certificate->name));
}

static void
add_ended (HerdRegistry *registry, guint64 id, gint64 ended)
{
  HerdOperation *operation = herd_operation_new (id, "issue", 0, 0);

  operation->ended = ended;
  herd_registry_add_operation (registry, operation);
}

static void
test_ended (void)
{
  g_autoptr (HerdRegistry) registry = herd_registry_new ();
  HerdOperation *running = herd_operation_new (1, "issue", 0, 0);

  herd_registry_add_operation (registry, running);
  g_assert_null (herd_registry_get_first_ended (registry));
  add_ended (registry, 2, 50);
  add_ended (registry, 3, 40);
  add_ended (registry, 4, 60);
  running->ended = 55;
  herd_registry_end_operation (registry, running);
  g_assert_cmpuint (herd_registry_count_ended (registry), ==, 4);
  herd_registry_remove (registry, HERD_NOUN_OPERATION, 4);
  for (guint i = 0; i < 3; i++) {
    const guint64 order[] = { 3, 2, 1 };

    g_assert_cmpuint (herd_registry_get_first_ended (registry)->id, ==, order[i]);
    herd_registry_remove (registry, HERD_NOUN_OPERATION, order[i]);
  }
  g_assert_null (herd_registry_get_first_ended (registry));
}

/* --- what is told --- */

static void
on_added (HerdNoun noun G_GNUC_UNUSED, guint64 id, gboolean changed, gpointer data)
{
  g_string_append_printf (data, "+%" G_GUINT64_FORMAT "%s", id, changed ? "!" : "");
}

static void
on_changed (HerdNoun noun G_GNUC_UNUSED, guint64 id, gpointer data)
{
  g_string_append_printf (data, "~%" G_GUINT64_FORMAT, id);
}

static void
on_removed (HerdNoun noun G_GNUC_UNUSED, guint64 id, gpointer data)
{
  g_string_append_printf (data, "-%" G_GUINT64_FORMAT, id);
}

/* A change while another one of the row waits for the disk is told after that one, whatever became of it. */
static void
test_notes (void)
{
  static const HerdObserver observer = { on_added, on_changed, on_removed };
  g_autoptr (HerdRegistry) registry = herd_registry_new ();
  g_autoptr (GString) told = g_string_new (NULL);
  HerdNotices *first, *second;

  herd_registry_set_observer (registry, &observer, told);
  herd_registry_begin_notes (registry);
  herd_registry_add_certificate (registry, make (1, "first", 0));
  first = herd_registry_end_notes (registry);
  herd_registry_touch (registry, HERD_NOUN_CERTIFICATE, 1);
  g_assert_cmpstr (told->str, ==, "");
  herd_registry_settle_notes (registry, first, TRUE);
  g_assert_cmpstr (told->str, ==, "+1!~1");

  g_string_truncate (told, 0);
  herd_registry_begin_notes (registry);
  herd_registry_add_certificate (registry, make (2, "second", 0));
  first = herd_registry_end_notes (registry);
  herd_registry_begin_notes (registry);
  herd_registry_touch (registry, HERD_NOUN_CERTIFICATE, 2);
  second = herd_registry_end_notes (registry);
  herd_registry_settle_notes (registry, first, TRUE);
  g_assert_cmpstr (told->str, ==, "+2!");
  herd_registry_settle_notes (registry, second, TRUE);
  g_assert_cmpstr (told->str, ==, "+2!~2");
  herd_registry_add_certificate (registry, make (3, "third", 0));
  g_assert_cmpstr (told->str, ==, "+2!~2+3");

  g_string_truncate (told, 0);
  herd_registry_begin_notes (registry);
  herd_registry_touch (registry, HERD_NOUN_CERTIFICATE, 1);
  first = herd_registry_end_notes (registry);
  herd_registry_begin_notes (registry);
  herd_registry_touch (registry, HERD_NOUN_CERTIFICATE, 1);
  second = herd_registry_end_notes (registry);
  herd_registry_touch (registry, HERD_NOUN_CERTIFICATE, 1);
  herd_registry_settle_notes (registry, first, FALSE);
  g_assert_cmpstr (told->str, ==, "");
  herd_registry_settle_notes (registry, second, FALSE);
  g_assert_cmpstr (told->str, ==, "~1");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/registry/counts", test_counts);
  g_test_add_func ("/registry/cost", test_cost);
  g_test_add_func ("/registry/names", test_names);
  g_test_add_func ("/registry/walk", test_walk);
  g_test_add_func ("/registry/ended", test_ended);
  g_test_add_func ("/registry/notes", test_notes);
  return g_test_run ();
}
