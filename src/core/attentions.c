// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Attentions, a short list: they are few, or something is very wrong.
 */
#include "core/attentions.h"

struct HerdAttentions {
  HerdRegistry *registry;
  HerdClock *clock;
  GPtrArray *list;
};

static void
attention_free (HerdAttention *attention)
{
  g_free (attention->message);
  g_free (attention);
}

HerdAttentions *
herd_attentions_new (HerdRegistry *registry, HerdClock *clock)
{
  HerdAttentions *attentions = g_new0 (HerdAttentions, 1);

  attentions->registry = registry;
  attentions->clock = clock;
  attentions->list = g_ptr_array_new_with_free_func ((GDestroyNotify) attention_free);
  return attentions;
}

void
herd_attentions_free (HerdAttentions *attentions)
{
  if (attentions == NULL)
    return;
  g_ptr_array_unref (attentions->list);
  g_free (attentions);
}

static HerdAttention *
find (HerdAttentions *attentions, HerdNoun noun, guint64 id, const char *code)
{
  for (guint i = 0; i < attentions->list->len; i++) {
    HerdAttention *attention = g_ptr_array_index (attentions->list, i);

    if (attention->noun == noun && attention->id == id && g_str_equal (attention->code, code))
      return attention;
  }
  return NULL;
}

static void
tell (HerdAttentions *attentions, const HerdAttention *attention)
{
  gpointer data;
  const HerdObserver *observer = herd_registry_get_observer (attentions->registry, &data);

  if (observer != NULL) {
    observer->attention (attention->noun, attention->id, attention->severity, attention->code,
                         attention->message, data);
  }
}

void
herd_attentions_raise (HerdAttentions *attentions, HerdNoun noun, guint64 id, const char *severity,
                       const char *code, const char *message)
{
  HerdAttention *attention = find (attentions, noun, id, code);
  gboolean is_new = attention == NULL;

  if (is_new) {
    attention = g_new0 (HerdAttention, 1);
    attention->noun = noun;
    attention->id = id;
    attention->code = code;
    attention->since = herd_clock_get_seconds (attentions->clock);
    g_ptr_array_add (attentions->list, attention);
  }
  attention->severity = severity;
  g_free (attention->message);
  attention->message = g_strdup (message);
  if (is_new)
    tell (attentions, attention);
  herd_registry_touch (attentions->registry, HERD_NOUN_AGENT, 0);
}

void
herd_attentions_clear (HerdAttentions *attentions, HerdNoun noun, guint64 id, const char *code)
{
  gboolean cleared = FALSE;

  for (guint i = attentions->list->len; i > 0; i--) {
    HerdAttention *attention = g_ptr_array_index (attentions->list, i - 1);

    if (attention->noun != noun || attention->id != id)
      continue;
    if (code != NULL && !g_str_equal (attention->code, code))
      continue;
    g_ptr_array_remove_index (attentions->list, i - 1);
    cleared = TRUE;
  }
  if (cleared)
    herd_registry_touch (attentions->registry, HERD_NOUN_AGENT, 0);
}

GPtrArray *
herd_attentions_list (HerdAttentions *attentions)
{
  return attentions->list;
}
