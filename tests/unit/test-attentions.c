// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Attentions: one for each (object, code), the most severe ones first, and a list that stays short.
 */
#include "core/attentions.h"
#include "manual-clock.h"

typedef struct {
  HerdClock *clock;
  HerdRegistry *registry;
  HerdAttentions *attentions;
  guint told;
} Fixture;

static void
on_attention (HerdNoun noun G_GNUC_UNUSED, guint64 id G_GNUC_UNUSED,
              const char *severity G_GNUC_UNUSED, const char *code G_GNUC_UNUSED,
              const char *message G_GNUC_UNUSED, gpointer data)
{
  ((Fixture *) data)->told++;
}

static void
on_change (HerdNoun noun G_GNUC_UNUSED, guint64 id G_GNUC_UNUSED, gpointer data G_GNUC_UNUSED)
{}

static const HerdObserver observer = { .attention = on_attention, .changed = on_change };

static void
set_up (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  fixture->clock = herd_manual_clock_new ();
  fixture->registry = herd_registry_new ();
  fixture->attentions = herd_attentions_new (fixture->registry, fixture->clock);
  herd_registry_set_observer (fixture->registry, &observer, fixture);
}

static void
tear_down (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  herd_attentions_free (fixture->attentions);
  herd_registry_free (fixture->registry);
  herd_clock_unref (fixture->clock);
}

static void
raise_one (Fixture *fixture, guint64 id, const char *severity, const char *code,
           const char *message)
{
  herd_attentions_raise (fixture->attentions, HERD_NOUN_CERTIFICATE, id, severity, code, message);
}

static void
assert_list (Fixture *fixture, const char *expected)
{
  g_autoptr (GPtrArray) list = herd_attentions_list (fixture->attentions);
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < list->len; i++) {
    const HerdAttention *attention = g_ptr_array_index (list, i);

    g_string_append_printf (text, "%u:%s:%s ", (guint) attention->row.id, attention->code,
                            attention->message);
  }
  g_assert_cmpstr (text->str, ==, expected);
}

static void
test_list (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  raise_one (fixture, 1, "notice", "held", "a");
  raise_one (fixture, 2, "warning", "failed", "b");
  raise_one (fixture, 3, "critical", "failed", "c");
  raise_one (fixture, 2, "warning", "held", "d");
  assert_list (fixture, "3:failed:c 2:failed:b 2:held:d 1:held:a ");
  g_assert_cmpuint (fixture->told, ==, 4);
  /* Not new: nobody is told again, and it keeps its place unless it has got worse. */
  raise_one (fixture, 2, "warning", "failed", "e");
  raise_one (fixture, 1, "critical", "held", "f");
  assert_list (fixture, "3:failed:c 1:held:f 2:failed:e 2:held:d ");
  g_assert_cmpuint (fixture->told, ==, 4);

  herd_attentions_clear (fixture->attentions, HERD_NOUN_CERTIFICATE, 2, "failed");
  assert_list (fixture, "3:failed:c 1:held:f 2:held:d ");
  herd_attentions_clear (fixture->attentions, HERD_NOUN_ISSUER, 3, NULL);
  herd_attentions_clear (fixture->attentions, HERD_NOUN_CERTIFICATE, 3, "held");
  assert_list (fixture, "3:failed:c 1:held:f 2:held:d ");
  raise_one (fixture, 2, "warning", "failed", "g");
  herd_attentions_clear (fixture->attentions, HERD_NOUN_CERTIFICATE, 2, NULL);
  herd_attentions_clear (fixture->attentions, HERD_NOUN_CERTIFICATE, 1, NULL);
  assert_list (fixture, "3:failed:c ");
}

/* What comes after a full list does not change it, but for a worse one. */
static void
test_bounded (Fixture *fixture, gconstpointer data G_GNUC_UNUSED)
{
  for (guint id = 1; id <= 10 * HERD_ATTENTIONS_LISTED; id++) {
    g_autoptr (GPtrArray) list = NULL;

    raise_one (fixture, id, "warning", "failed", "the CA is down");
    list = herd_attentions_list (fixture->attentions);
    g_assert_cmpuint (list->len, ==, MIN (id, HERD_ATTENTIONS_LISTED));
    g_assert_cmpuint (((HerdAttention *) g_ptr_array_index (list, list->len - 1))->row.id, ==,
                      list->len);
  }
  for (guint id = 1; id < 10 * HERD_ATTENTIONS_LISTED; id++)
    herd_attentions_clear (fixture->attentions, HERD_NOUN_CERTIFICATE, id, NULL);
  raise_one (fixture, 1, "critical", "failed", "it has expired");
  assert_list (fixture, "1:failed:it has expired 1000:failed:the CA is down ");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/attentions/list", Fixture, NULL, set_up, test_list, tear_down);
  g_test_add ("/attentions/bounded", Fixture, NULL, set_up, test_bounded, tear_down);
  return g_test_run ();
}
