// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The registry: hash tables by id, certificates in the order of their names, counts of their states,
 * operations in the order of their ends, and one observer.
 */
#include "core/registry.h"

#include <string.h>

struct HerdRegistry {
  GHashTable *rows[HERD_N_NOUNS]; /* guint64* (in the row) → row */
  GPtrArray *certificates; /* HerdCertificate by name, for pages in order: a tree's node is dearer
                                     than moving 8 bytes for each name behind a new one */
  guint n_sorted;          /* so many of them are in order: the rest was only added yet */
  GHashTable *authorities; /* name → HerdAuthority */
  GQueue ended;            /* HerdOperation, first ended first */
  guint counts[HERD_N_CERTIFICATE_STATES];
  gint64 counted_at; /* the counts are as of this time … */
  gint64 earliest;   /* … and true until this one, at least */
  guint n_recounts;
  guint walked; /* where the last answer of next_certificate stands */
  const HerdObserver *observer;
  gpointer observer_data;
  GArray *notes;        /* Note; NULL: nothing is noted */
  GHashTable *withheld; /* id → Withheld; the agent's is 0 */
};

typedef enum {
  EVENT_ADDED,
  EVENT_CHANGED,
  EVENT_REMOVED,
} Event;

typedef struct {
  HerdNoun noun;
  guint64 id;
  Event event;
} Note;

/* A row that there are notes of. */
typedef struct {
  guint64 id;
  guint n_notes;
  gboolean missed; /* a change was not told for them */
} Withheld;

guint
herd_row_key_hash (gconstpointer data)
{
  const HerdRowKey *key = data;

  return g_int64_hash (&key->id) * HERD_N_NOUNS + key->noun;
}

gboolean
herd_row_key_equal (gconstpointer a, gconstpointer b)
{
  const HerdRowKey *first = a, *second = b;

  return first->noun == second->noun && first->id == second->id;
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  const HerdCertificate *first = *(HerdCertificate *const *) a;
  const HerdCertificate *second = *(HerdCertificate *const *) b;

  return strcmp (first->name, second->name);
}

HerdRegistry *
herd_registry_new (void)
{
  HerdRegistry *registry = g_new0 (HerdRegistry, 1);
  const GDestroyNotify destroy[HERD_N_NOUNS] = {
    [HERD_NOUN_AGENT] = NULL,
    [HERD_NOUN_CERTIFICATE] = (GDestroyNotify) herd_certificate_free,
    [HERD_NOUN_ISSUER] = (GDestroyNotify) herd_authority_free,
    [HERD_NOUN_OPERATION] = (GDestroyNotify) herd_operation_free,
    [HERD_NOUN_SUBSCRIPTION] = (GDestroyNotify) herd_subscription_free,
  };

  for (guint noun = 0; noun < HERD_N_NOUNS; noun++)
    registry->rows[noun] = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, destroy[noun]);
  registry->certificates = g_ptr_array_new ();
  registry->authorities = g_hash_table_new (g_str_hash, g_str_equal);
  registry->counted_at = G_MININT64;
  registry->earliest = G_MAXINT64;
  g_queue_init (&registry->ended);
  registry->withheld = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, g_free);
  return registry;
}

void
herd_registry_free (HerdRegistry *registry)
{
  if (registry == NULL)
    return;
  g_ptr_array_unref (registry->certificates);
  g_queue_clear (&registry->ended);
  g_hash_table_unref (registry->authorities);
  g_hash_table_unref (registry->withheld);
  g_clear_pointer (&registry->notes, g_array_unref);
  for (guint noun = 0; noun < HERD_N_NOUNS; noun++)
    g_hash_table_unref (registry->rows[noun]);
  g_free (registry);
}

void
herd_registry_set_observer (HerdRegistry *registry, const HerdObserver *observer, gpointer data)
{
  registry->observer = observer;
  registry->observer_data = data;
}

const HerdObserver *
herd_registry_get_observer (HerdRegistry *registry, gpointer *data)
{
  *data = registry->observer_data;
  return registry->observer;
}

/* --- names --- */

/* The place of the first certificate whose name is not below NAME. */
static guint
find_place (HerdRegistry *registry, const char *name)
{
  guint low = 0;
  guint high = registry->n_sorted;

  while (low < high) {
    guint middle = low + (high - low) / 2;
    const HerdCertificate *certificate = g_ptr_array_index (registry->certificates, middle);

    if (strcmp (certificate->name, name) < 0)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* Rows that come in crowds, as at the load, are put in order once. */
static void
sort_names (HerdRegistry *registry)
{
  guint n = registry->certificates->len;
  HerdCertificate *last;

  if (registry->n_sorted == n)
    return;
  if (registry->n_sorted + 1 == n) {
    last = g_ptr_array_steal_index (registry->certificates, n - 1);
    g_ptr_array_insert (registry->certificates, (int) find_place (registry, last->name), last);
  } else {
    g_ptr_array_sort (registry->certificates, compare_names);
  }
  registry->n_sorted = n;
}

static HerdCertificate *
get_at (HerdRegistry *registry, guint place)
{
  return place < registry->certificates->len ? g_ptr_array_index (registry->certificates, place)
                                             : NULL;
}

/* --- counts --- */

static void
recount (HerdRegistry *registry, gint64 now)
{
  memset (registry->counts, 0, sizeof registry->counts);
  registry->counted_at = now;
  registry->earliest = G_MAXINT64;
  registry->n_recounts++;
  for (guint i = 0; i < registry->certificates->len; i++) {
    HerdCertificate *certificate = g_ptr_array_index (registry->certificates, i);
    const HerdGeneration *current = herd_certificate_get_current (certificate);

    certificate->counted = herd_certificate_get_state (certificate, now);
    registry->counts[certificate->counted]++;
    if (certificate->counted == HERD_CERTIFICATE_VALID)
      registry->earliest = MIN (registry->earliest, current->not_after);
  }
}

/* CERTIFICATE, which is not counted, as of the time of the counts. */
static void
count (HerdRegistry *registry, HerdCertificate *certificate)
{
  certificate->counted = herd_certificate_get_state (certificate, registry->counted_at);
  registry->counts[certificate->counted]++;
  if (certificate->counted == HERD_CERTIFICATE_VALID)
    registry->earliest = MIN (registry->earliest,
                              herd_certificate_get_current (certificate)->not_after);
}

void
herd_registry_count_states (HerdRegistry *registry, gint64 now,
                            guint counts[HERD_N_CERTIFICATE_STATES])
{
  if (now >= registry->earliest || now < registry->counted_at)
    recount (registry, now);
  memcpy (counts, registry->counts, sizeof registry->counts);
}

guint
herd_registry_get_n_recounts (HerdRegistry *registry)
{
  return registry->n_recounts;
}

/* --- rows --- */

static Withheld *
find_withheld (HerdRegistry *registry, guint64 id)
{
  return g_hash_table_lookup (registry->withheld, &id);
}

/* Is something of the row told later, or does it wait for the disk? */
static gboolean
has_changed_since (HerdRegistry *registry, guint64 id)
{
  const Withheld *withheld = find_withheld (registry, id);

  return withheld != NULL && (withheld->missed || withheld->n_notes > 0);
}

static void
tell (HerdRegistry *registry, const Note *note)
{
  const HerdObserver *observer = registry->observer;

  if (observer == NULL)
    return;
  switch (note->event) {
  case EVENT_ADDED:
    observer->added (note->noun, note->id, has_changed_since (registry, note->id),
                     registry->observer_data);
    break;
  case EVENT_CHANGED:
    observer->changed (note->noun, note->id, registry->observer_data);
    break;
  case EVENT_REMOVED:
    observer->removed (note->noun, note->id, registry->observer_data);
    break;
  }
}

static void
withhold (HerdRegistry *registry, guint64 id)
{
  Withheld *withheld = find_withheld (registry, id);

  if (withheld == NULL) {
    withheld = g_new0 (Withheld, 1);
    withheld->id = id;
    g_hash_table_insert (registry->withheld, &withheld->id, withheld);
  }
  withheld->n_notes++;
}

/* One note of the row of NOTE waits no more: when the last one does not, a change that was not told for them
 * is, now. */
static void
release (HerdRegistry *registry, const Note *note)
{
  Withheld *withheld = find_withheld (registry, note->id);
  const Note change = { note->noun, note->id, EVENT_CHANGED };
  gboolean missed;

  if (withheld == NULL || withheld->n_notes > 0)
    return;
  missed = withheld->missed;
  g_hash_table_remove (registry->withheld, &note->id);
  if (missed)
    tell (registry, &change);
}

static void
notify (HerdRegistry *registry, HerdNoun noun, guint64 id, Event event)
{
  const Note note = { noun, id, event };
  Withheld *withheld = find_withheld (registry, id);

  if (registry->notes != NULL) {
    g_array_append_val (registry->notes, note);
    withhold (registry, id);
  } else if (event == EVENT_CHANGED && withheld != NULL) {
    withheld->missed = TRUE;
  } else {
    tell (registry, &note);
  }
}

void
herd_registry_begin_notes (HerdRegistry *registry)
{
  g_return_if_fail (registry->notes == NULL);
  registry->notes = g_array_new (FALSE, TRUE, sizeof (Note));
}

HerdNotices *
herd_registry_end_notes (HerdRegistry *registry)
{
  return (HerdNotices *) g_steal_pointer (&registry->notes);
}

void
herd_registry_settle_notes (HerdRegistry *registry, HerdNotices *notices, gboolean happened)
{
  g_autoptr (GArray) notes = (GArray *) notices;

  for (guint i = 0; i < notes->len; i++)
    find_withheld (registry, g_array_index (notes, Note, i).id)->n_notes--;
  for (guint i = 0; happened && i < notes->len; i++)
    tell (registry, &g_array_index (notes, Note, i));
  for (guint i = 0; i < notes->len; i++)
    release (registry, &g_array_index (notes, Note, i));
}

static void
add (HerdRegistry *registry, HerdNoun noun, guint64 *id, gpointer row)
{
  g_hash_table_insert (registry->rows[noun], id, row);
  notify (registry, noun, *id, EVENT_ADDED);
}

void
herd_registry_add_certificate (HerdRegistry *registry, HerdCertificate *certificate)
{
  g_ptr_array_add (registry->certificates, certificate);
  count (registry, certificate);
  add (registry, HERD_NOUN_CERTIFICATE, &certificate->id, certificate);
}

void
herd_registry_add_authority (HerdRegistry *registry, HerdAuthority *authority)
{
  g_hash_table_insert (registry->authorities, authority->name, authority);
  add (registry, HERD_NOUN_ISSUER, &authority->id, authority);
}

void
herd_registry_add_operation (HerdRegistry *registry, HerdOperation *operation)
{
  if (operation->ended != 0)
    herd_registry_end_operation (registry, operation);
  add (registry, HERD_NOUN_OPERATION, &operation->id, operation);
}

void
herd_registry_end_operation (HerdRegistry *registry, HerdOperation *operation)
{
  GList *before = registry->ended.tail;

  /* Nearly always the last one; where the clock was set back, and at the load, a few steps. */
  while (before != NULL && ((HerdOperation *) before->data)->ended > operation->ended)
    before = before->prev;
  if (before == NULL)
    g_queue_push_head (&registry->ended, operation);
  else
    g_queue_insert_after (&registry->ended, before, operation);
}

HerdOperation *
herd_registry_get_first_ended (HerdRegistry *registry)
{
  return g_queue_peek_head (&registry->ended);
}

guint
herd_registry_count_ended (HerdRegistry *registry)
{
  return registry->ended.length;
}

void
herd_registry_add_subscription (HerdRegistry *registry, HerdSubscription *subscription)
{
  add (registry, HERD_NOUN_SUBSCRIPTION, &subscription->id, subscription);
}

void
herd_registry_remove (HerdRegistry *registry, HerdNoun noun, guint64 id)
{
  HerdCertificate *certificate;
  HerdAuthority *authority;
  HerdOperation *operation;

  if (!g_hash_table_contains (registry->rows[noun], &id))
    return;
  if (noun == HERD_NOUN_CERTIFICATE) {
    certificate = herd_registry_get_certificate (registry, id);
    sort_names (registry);
    g_ptr_array_remove_index (registry->certificates, find_place (registry, certificate->name));
    registry->n_sorted--;
    registry->counts[certificate->counted]--;
  } else if (noun == HERD_NOUN_ISSUER) {
    authority = herd_registry_get_authority (registry, id);
    g_hash_table_remove (registry->authorities, authority->name);
  } else if (noun == HERD_NOUN_OPERATION) {
    operation = herd_registry_get_operation (registry, id);
    if (operation->ended != 0)
      g_queue_remove (&registry->ended, operation);
  }
  g_hash_table_remove (registry->rows[noun], &id);
  notify (registry, noun, id, EVENT_REMOVED);
}

void
herd_registry_touch (HerdRegistry *registry, HerdNoun noun, guint64 id)
{
  HerdCertificate *certificate = noun == HERD_NOUN_CERTIFICATE
                                     ? herd_registry_get_certificate (registry, id)
                                     : NULL;

  if (certificate != NULL) {
    registry->counts[certificate->counted]--;
    count (registry, certificate);
  }
  notify (registry, noun, id, EVENT_CHANGED);
}

HerdCertificate *
herd_registry_get_certificate (HerdRegistry *registry, guint64 id)
{
  return g_hash_table_lookup (registry->rows[HERD_NOUN_CERTIFICATE], &id);
}

HerdAuthority *
herd_registry_get_authority (HerdRegistry *registry, guint64 id)
{
  return g_hash_table_lookup (registry->rows[HERD_NOUN_ISSUER], &id);
}

HerdOperation *
herd_registry_get_operation (HerdRegistry *registry, guint64 id)
{
  return g_hash_table_lookup (registry->rows[HERD_NOUN_OPERATION], &id);
}

HerdSubscription *
herd_registry_get_subscription (HerdRegistry *registry, guint64 id)
{
  return g_hash_table_lookup (registry->rows[HERD_NOUN_SUBSCRIPTION], &id);
}

HerdCertificate *
herd_registry_find_certificate (HerdRegistry *registry, const char *name)
{
  HerdCertificate *found;

  sort_names (registry);
  found = get_at (registry, find_place (registry, name));
  return found != NULL && g_str_equal (found->name, name) ? found : NULL;
}

HerdAuthority *
herd_registry_find_authority (HerdRegistry *registry, const char *name)
{
  return g_hash_table_lookup (registry->authorities, name);
}

HerdCertificate *
herd_registry_next_certificate (HerdRegistry *registry, const char *after)
{
  HerdCertificate *found;

  sort_names (registry);
  /* Whoever walks through all says the name of the last answer: that costs no search. */
  found = get_at (registry, registry->walked);
  if (found == NULL || found->name != after) {
    registry->walked = find_place (registry, after);
    found = get_at (registry, registry->walked);
    if (found == NULL || !g_str_equal (found->name, after))
      return found;
  }
  return get_at (registry, ++registry->walked);
}

guint
herd_registry_count (HerdRegistry *registry, HerdNoun noun)
{
  return g_hash_table_size (registry->rows[noun]);
}

GArray *
herd_registry_list_ids (HerdRegistry *registry, HerdNoun noun)
{
  GArray *ids = g_array_new (FALSE, FALSE, sizeof (guint64));
  GHashTableIter iter;
  gpointer key;

  g_hash_table_iter_init (&iter, registry->rows[noun]);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    g_array_append_vals (ids, key, 1);
  return ids;
}
