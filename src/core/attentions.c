// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Attentions: a table by object, and a queue for each severity. When a CA fails, every certificate may
 * have one: raising and clearing cost the same however many there are, and equal messages are one.
 */
#include "core/attentions.h"

#include <string.h>

typedef enum {
  SEVERITY_CRITICAL,
  SEVERITY_WARNING,
  SEVERITY_NOTICE,
} Severity;
#define N_SEVERITIES 3

typedef struct Entry Entry;

struct Entry {
  HerdAttention attention; /* first: the list hands these out */
  GList link;              /* in its severity's queue */
  Entry *next;             /* of the same object; few */
};

struct HerdAttentions {
  HerdRegistry *registry;
  HerdClock *clock;
  GHashTable *objects;         /* set of Entry, by noun and id: the first of each object */
  GQueue queues[N_SEVERITIES]; /* Entry, oldest first */
};

static Severity
parse_severity (const char *severity)
{
  if (g_str_equal (severity, "critical"))
    return SEVERITY_CRITICAL;
  return g_str_equal (severity, "warning") ? SEVERITY_WARNING : SEVERITY_NOTICE;
}

HerdAttentions *
herd_attentions_new (HerdRegistry *registry, HerdClock *clock)
{
  HerdAttentions *attentions = g_new0 (HerdAttentions, 1);

  attentions->registry = registry;
  attentions->clock = clock;
  attentions->objects = g_hash_table_new (herd_row_key_hash, herd_row_key_equal);
  for (guint i = 0; i < N_SEVERITIES; i++)
    g_queue_init (&attentions->queues[i]);
  return attentions;
}

static void
entry_free (Entry *entry)
{
  g_ref_string_release (entry->attention.message);
  g_free (entry);
}

void
herd_attentions_free (HerdAttentions *attentions)
{
  if (attentions == NULL)
    return;
  g_hash_table_unref (attentions->objects);
  for (guint i = 0; i < N_SEVERITIES; i++) {
    GList *link;

    while ((link = g_queue_pop_head_link (&attentions->queues[i])) != NULL)
      entry_free (link->data);
  }
  g_free (attentions);
}

static Entry *
find_object (HerdAttentions *attentions, HerdNoun noun, guint64 id)
{
  const HerdRowKey key = { noun, id };

  return g_hash_table_lookup (attentions->objects, &key);
}

static Entry *
find (HerdAttentions *attentions, HerdNoun noun, guint64 id, const char *code)
{
  Entry *entry = find_object (attentions, noun, id);

  while (entry != NULL && !g_str_equal (entry->attention.code, code))
    entry = entry->next;
  return entry;
}

static void
tell (HerdAttentions *attentions, const HerdAttention *attention)
{
  gpointer data;
  const HerdObserver *observer = herd_registry_get_observer (attentions->registry, &data);

  if (observer != NULL) {
    observer->attention (attention->row.noun, attention->row.id, attention->severity,
                         attention->code, attention->message, data);
  }
}

static void
enqueue (HerdAttentions *attentions, Entry *entry)
{
  g_queue_push_tail_link (&attentions->queues[parse_severity (entry->attention.severity)],
                          &entry->link);
}

static void
dequeue (HerdAttentions *attentions, Entry *entry)
{
  g_queue_unlink (&attentions->queues[parse_severity (entry->attention.severity)], &entry->link);
}

static Entry *
add (HerdAttentions *attentions, HerdNoun noun, guint64 id, const char *severity, const char *code)
{
  Entry *entry = g_new0 (Entry, 1);
  Entry *first = find_object (attentions, noun, id);

  entry->attention.row = (HerdRowKey){ noun, id };
  entry->attention.severity = severity;
  entry->attention.code = code;
  entry->attention.since = herd_clock_get_seconds (attentions->clock);
  entry->link.data = entry;
  enqueue (attentions, entry);
  if (first != NULL) {
    entry->next = first->next;
    first->next = entry;
  } else {
    g_hash_table_add (attentions->objects, entry);
  }
  return entry;
}

void
herd_attentions_raise (HerdAttentions *attentions, HerdNoun noun, guint64 id, const char *severity,
                       const char *code, const char *message)
{
  Entry *entry = find (attentions, noun, id, code);
  gboolean is_new = entry == NULL;
  char *old;

  if (is_new) {
    entry = add (attentions, noun, id, severity, code);
  } else if (!g_str_equal (entry->attention.severity, severity)) {
    dequeue (attentions, entry);
    entry->attention.severity = severity;
    enqueue (attentions, entry);
  }
  old = entry->attention.message;
  entry->attention.message = g_ref_string_new_intern (message);
  if (old != NULL)
    g_ref_string_release (old);
  if (is_new)
    tell (attentions, &entry->attention);
  herd_registry_touch (attentions->registry, HERD_NOUN_AGENT, 0);
}

void
herd_attentions_clear (HerdAttentions *attentions, HerdNoun noun, guint64 id, const char *code)
{
  Entry *entry = find_object (attentions, noun, id);
  Entry *kept = NULL;
  gboolean cleared = FALSE;

  if (entry == NULL)
    return;
  g_hash_table_remove (attentions->objects, entry);
  while (entry != NULL) {
    Entry *next = entry->next;

    if (code == NULL || g_str_equal (entry->attention.code, code)) {
      dequeue (attentions, entry);
      entry_free (entry);
      cleared = TRUE;
    } else {
      entry->next = kept;
      kept = entry;
    }
    entry = next;
  }
  if (kept != NULL)
    g_hash_table_add (attentions->objects, kept);
  if (cleared)
    herd_registry_touch (attentions->registry, HERD_NOUN_AGENT, 0);
}

GPtrArray *
herd_attentions_list (HerdAttentions *attentions)
{
  GPtrArray *list = g_ptr_array_new ();

  for (guint i = 0; i < N_SEVERITIES; i++) {
    for (GList *link = attentions->queues[i].head;
         link != NULL && list->len < HERD_ATTENTIONS_LISTED; link = link->next)
      g_ptr_array_add (list, link->data);
  }
  return list;
}
