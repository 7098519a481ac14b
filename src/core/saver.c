// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What is still to be written is a set of ids: the rows are in the registry, as they are by then.
 */
#include "core/saver.h"

#include "plugin/error.h"

/* Seconds until the first, and between later attempts. */
#define FIRST_DELAY 1
#define LONGEST_DELAY 60

struct HerdSaver {
  HerdClock *clock;
  HerdState *state;
  HerdRegistry *registry;
  HerdAttentions *attentions;
  HerdLedger *ledger;
  GPtrArray *attempts; /* Attempt, under way; theirs */
  GHashTable *unsaved; /* ids of certificates and operations (set of guint64*) */
  guint delay;         /* seconds */
  guint timer;
};

/* One commit under way: what is unsaved if it fails. */
typedef struct {
  HerdSaver *saver; /* NULL: it is gone */
  GArray *ids;
} Attempt;

HerdSaver *
herd_saver_new (HerdClock *clock, HerdState *state, HerdRegistry *registry,
                HerdAttentions *attentions, HerdLedger *ledger)
{
  HerdSaver *saver = g_new0 (HerdSaver, 1);

  saver->clock = herd_clock_ref (clock);
  saver->state = state;
  saver->registry = registry;
  saver->attentions = attentions;
  saver->ledger = herd_ledger_ref (ledger);
  saver->unsaved = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  saver->attempts = g_ptr_array_new ();
  saver->delay = FIRST_DELAY;
  return saver;
}

static void
attempt_free (Attempt *attempt)
{
  if (attempt->saver != NULL)
    g_ptr_array_remove_fast (attempt->saver->attempts, attempt);
  g_array_unref (attempt->ids);
  g_free (attempt);
}

void
herd_saver_put_certificate (HerdBatch *batch, const HerdCertificate *certificate)
{
  herd_batch_put_certificate (batch, certificate);
  for (const HerdGeneration *generation = certificate->generations; generation != NULL;
       generation = generation->next) {
    if (generation->rejected || generation->revoked != HERD_REVOCATION_NONE)
      herd_batch_put_generation (batch, certificate->id, generation, NULL, NULL);
  }
}

static void
put_operation (HerdBatch *batch, const HerdOperation *operation)
{
  herd_batch_put_operation (batch, operation);
  if (operation->state == HERD_OPERATION_RUNNING)
    return;
  herd_batch_put_checkpoint (batch, operation->id, NULL);
  herd_batch_put_pending_key (batch, operation->id, NULL);
}

/* All that is unsaved, in one batch; what is gone by now needs no saving. */
static HerdBatch *
make_batch (HerdSaver *saver, GArray *ids)
{
  HerdBatch *batch = herd_batch_new ();
  GHashTableIter iter;
  gpointer key;

  g_hash_table_iter_init (&iter, saver->unsaved);
  while (g_hash_table_iter_next (&iter, &key, NULL)) {
    guint64 id = *(guint64 *) key;
    const HerdCertificate *certificate = herd_registry_get_certificate (saver->registry, id);
    const HerdOperation *operation = herd_registry_get_operation (saver->registry, id);

    if (certificate != NULL)
      herd_saver_put_certificate (batch, certificate);
    if (operation != NULL)
      put_operation (batch, operation);
    g_array_append_val (ids, id);
  }
  g_hash_table_remove_all (saver->unsaved);
  return batch;
}

static void
start (HerdSaver *saver, HerdBatch *batch, GArray *ids, GAsyncReadyCallback callback)
{
  Attempt *attempt = g_new0 (Attempt, 1);

  attempt->saver = saver;
  attempt->ids = ids;
  herd_ledger_put (saver->ledger, batch);
  g_ptr_array_add (saver->attempts, attempt);
  herd_state_commit_async (saver->state, batch, callback, attempt);
}

static void try_again (gpointer data);

static void
keep (HerdSaver *saver, guint64 id)
{
  if (id != 0)
    g_hash_table_add (saver->unsaved, g_memdup2 (&id, sizeof id));
}

static void
wait (HerdSaver *saver, const GError *error)
{
  g_autofree char *message = g_strdup_printf (
      "what has happened cannot be written down, and is kept in memory until it can: %s",
      error->message);

  herd_attentions_raise (saver->attentions, HERD_NOUN_AGENT, 0, "critical", "not-saved", message);
  if (saver->timer != 0)
    return;
  g_warning ("%s", message);
  saver->timer = herd_clock_arm (saver->clock, saver->delay * HERD_SECOND, try_again, saver);
  saver->delay = MIN (saver->delay * 2, LONGEST_DELAY);
}

static void
saved (GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
  Attempt *attempt = data;
  HerdSaver *saver = attempt->saver;
  g_autoptr (GError) error = NULL;

  if (saver == NULL) {
    attempt_free (attempt);
    return;
  }
  if (!herd_state_commit_finish (saver->state, result, &error)) {
    for (guint i = 0; i < attempt->ids->len; i++)
      keep (saver, g_array_index (attempt->ids, guint64, i));
    herd_ledger_put_again (saver->ledger);
    wait (saver, error);
  } else if (g_hash_table_size (saver->unsaved) == 0) {
    saver->delay = FIRST_DELAY;
    herd_attentions_clear (saver->attentions, HERD_NOUN_AGENT, 0, "not-saved");
  }
  attempt_free (attempt);
}

static void
try_again (gpointer data)
{
  HerdSaver *saver = data;
  GArray *ids = g_array_new (FALSE, FALSE, sizeof (guint64));

  saver->timer = 0;
  start (saver, make_batch (saver, ids), ids, saved);
}

void
herd_saver_free (HerdSaver *saver)
{
  g_autoptr (GArray) ids = NULL;

  if (saver == NULL)
    return;
  for (guint i = 0; i < saver->attempts->len; i++)
    ((Attempt *) g_ptr_array_index (saver->attempts, i))->saver = NULL;
  g_ptr_array_unref (saver->attempts);
  herd_clock_disarm (saver->clock, saver->timer);
  ids = g_array_new (FALSE, FALSE, sizeof (guint64));
  if (g_hash_table_size (saver->unsaved) > 0)
    herd_state_commit_async (saver->state, make_batch (saver, ids), NULL, NULL);
  g_hash_table_unref (saver->unsaved);
  herd_ledger_unref (saver->ledger);
  herd_clock_unref (saver->clock);
  g_free (saver);
}

void
herd_saver_commit (HerdSaver *saver, HerdBatch *batch, guint64 certificate, guint64 operation)
{
  GArray *ids = g_array_new (FALSE, FALSE, sizeof (guint64));

  g_array_append_val (ids, certificate);
  g_array_append_val (ids, operation);
  start (saver, batch, ids, saved);
}

void
herd_saver_add (HerdSaver *saver, guint64 certificate, guint64 operation, const GError *error)
{
  keep (saver, certificate);
  keep (saver, operation);
  wait (saver, error);
}
