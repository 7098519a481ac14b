// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Rounds of two values. serve() is the one place that gives out places.
 */
#include "slots.h"

#include "plugin/error.h"

struct Slots {
  GHashTable *values; /* char * → whether it is shown; those that are needed, of this round */
  guint used;         /* places of this round, also of values that are not needed any more */
  GQueue waiting;     /* of Claim */
};

typedef struct {
  Slots *slots;
  GTask *task;
  char **values;
  gulong handler; /* of the task's cancellable */
} Claim;

Slots *
slots_new (void)
{
  Slots *slots = g_new0 (Slots, 1);

  slots->values = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_queue_init (&slots->waiting);
  return slots;
}

void
slots_free (Slots *slots)
{
  if (slots == NULL)
    return;
  g_hash_table_unref (slots->values);
  g_free (slots);
}

static guint
count_new (Slots *slots, char **values)
{
  guint n = 0;

  for (; *values != NULL; values++)
    n += !g_hash_table_contains (slots->values, *values);
  return n;
}

/* Ends CLAIM, which is not in the queue any more. */
static void
claim_end (Claim *claim, gboolean taken)
{
  GCancellable *cancellable = g_task_get_cancellable (claim->task);

  if (claim->handler != 0)
    g_signal_handler_disconnect (cancellable, claim->handler);
  if (taken)
    g_task_return_boolean (claim->task, TRUE);
  else
    g_task_return_new_error (claim->task, HERD_ERROR, HERD_ERROR_CANCELLED,
                             "cancelled while waiting for other proofs at the same subdomain");
  g_object_unref (claim->task);
  g_strfreev (claim->values);
  g_free (claim);
}

static void
serve (Slots *slots)
{
  Claim *claim;

  while ((claim = g_queue_peek_head (&slots->waiting)) != NULL) {
    guint n = count_new (slots, claim->values);

    if (slots->used + n > SLOTS)
      return;
    slots->used += n;
    for (char **value = claim->values; *value != NULL; value++) {
      if (!g_hash_table_contains (slots->values, *value))
        g_hash_table_insert (slots->values, g_strdup (*value), GINT_TO_POINTER (FALSE));
    }
    g_queue_pop_head (&slots->waiting);
    claim_end (claim, TRUE);
  }
}

static void
on_cancelled (GCancellable *cancellable G_GNUC_UNUSED, gpointer data)
{
  Claim *claim = data;
  Slots *slots = claim->slots;

  g_queue_remove (&slots->waiting, claim);
  claim_end (claim, FALSE);
  serve (slots); /* the next may want less */
}

void
slots_take_async (Slots *slots, const char *const *values, GCancellable *cancellable,
                  GAsyncReadyCallback callback, gpointer data)
{
  Claim *claim = g_new0 (Claim, 1);

  claim->slots = slots;
  claim->task = g_task_new (NULL, cancellable, callback, data);
  g_task_set_check_cancellable (claim->task, FALSE);
  claim->values = g_strdupv ((char **) values);
  if (cancellable != NULL && g_cancellable_is_cancelled (cancellable)) {
    claim_end (claim, FALSE);
    return;
  }
  /* Who waited for those that wait for him would wait for ever. */
  if (count_new (slots, claim->values) == 0) {
    claim_end (claim, TRUE);
    return;
  }
  /* Not g_cancellable_connect(): its disconnect blocks when called from the handler. */
  if (cancellable != NULL)
    claim->handler = g_signal_connect (cancellable, "cancelled", G_CALLBACK (on_cancelled), claim);
  g_queue_push_tail (&slots->waiting, claim);
  serve (slots);
}

gboolean
slots_take_finish (Slots *slots G_GNUC_UNUSED, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

void
slots_note_shown (Slots *slots, const char *value)
{
  if (g_hash_table_contains (slots->values, value))
    g_hash_table_replace (slots->values, g_strdup (value), GINT_TO_POINTER (TRUE));
}

gboolean
slots_is_shown (Slots *slots, const char *value)
{
  return GPOINTER_TO_INT (g_hash_table_lookup (slots->values, value));
}

void
slots_release (Slots *slots, const char *const *values)
{
  for (; *values != NULL; values++)
    g_hash_table_remove (slots->values, *values);
  if (g_hash_table_size (slots->values) == 0)
    slots->used = 0;
  serve (slots);
}
