// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The key-encryption key as one item of the Secret Service. libsecret's simple calls answer
 * "locked" with "absent", and choose their backend by an environment variable that makes them hang
 * if it is wrong; so it is spoken to by its lower level: search, look at what is locked, and only
 * where nothing can be hidden conclude that there is no item. Main loop only.
 */
#include <libsecret/secret.h>
#include <stdlib.h>

#include "crypto/seal.h"
#include "plugin/error.h"
#include "state/kek-private.h"
#include "util/secret.h"
#include "util/steps.h"
#include "util/text.h"

/* Longer than a bus takes to give up starting a service (25 s). */
#define PATIENCE (40 * HERD_SECOND)
#define CONTENT_TYPE "application/octet-stream"

static const SecretSchema schema = {
  "org.certherd.Kek",
  SECRET_SCHEMA_NONE,
  { { "state-directory", SECRET_SCHEMA_ATTRIBUTE_STRING }, { NULL, 0 } },
};

typedef struct {
  GTask *task;
  HerdRun *run;
  HerdClock *clock;
  guint timer;
  gboolean timed_out;
  gulong cancelled;
  gboolean create;
  char *directory;
  GHashTable *attributes;
  SecretService *service;
  SecretItem *item;
  SecretCollection *collection; /* where a new one goes */
  GBytes *made;                 /* what was stored, until it was read again */
  GBytes *kek;
} Search;

static void
search_free (Search *search)
{
  herd_run_unref (search->run);
  herd_clock_unref (search->clock);
  g_free (search->directory);
  g_hash_table_unref (search->attributes);
  g_clear_object (&search->service);
  g_clear_object (&search->item);
  g_clear_object (&search->collection);
  g_clear_pointer (&search->made, g_bytes_unref);
  g_clear_pointer (&search->kek, g_bytes_unref);
  g_object_unref (search->task);
  g_free (search);
}

static gboolean
fail (Search *search, HerdError code, GError **error, const char *cause)
{
  g_set_error (error, HERD_ERROR, code, "The key-encryption key of %s in the Secret Service: %s",
               search->directory, cause);
  return FALSE;
}

static gboolean
fail_locked (Search *search, GError **error)
{
  return fail (search, HERD_ERROR_LOCKED, error,
               "the keyring is locked; unlock it, as logging in does");
}

/* What libsecret, or the bus, says. */
static gboolean
translate (Search *search, GError **error)
{
  g_autoptr (GError) old = g_steal_pointer (error);
  g_autofree char *cause = NULL;
  g_autofree char *message = NULL;

  if (g_error_matches (old, SECRET_ERROR, SECRET_ERROR_IS_LOCKED))
    return fail_locked (search, error);
  if (g_error_matches (old, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
    g_propagate_error (error, g_steal_pointer (&old));
    return FALSE;
  }
  g_dbus_error_strip_remote_error (old);
  cause = herd_text_from_remote (old->message, -1);
  message = g_strdup_printf ("%s; start one, such as gnome-keyring, in this session, or choose "
                             "another keystore in [agent]",
                             cause);
  return fail (search, HERD_ERROR_UNREACHABLE, error, message);
}

/* --- connect --- */

static gboolean
enter_connect (HerdRun *run, gpointer operation, GError **error)
{
  /* One of its own: the shared one outlives a bus that went away. */
  secret_service_open (SECRET_TYPE_SERVICE, NULL,
                       SECRET_SERVICE_OPEN_SESSION | SECRET_SERVICE_LOAD_COLLECTIONS,
                       herd_run_get_cancellable (run), herd_run_ready, herd_run_slot (run));
  return TRUE;
}

static gboolean
leave_connect (HerdRun *run, gpointer operation, GError **error)
{
  Search *search = operation;

  search->service = secret_service_open_finish (herd_run_get_result (run, 0), error);
  return search->service != NULL || translate (search, error);
}

/* --- search --- */

static gboolean
enter_search (HerdRun *run, gpointer operation, GError **error)
{
  Search *search = operation;

  /* ALL: locked ones are told too, and a second one is seen. Never UNLOCK: that would ask. */
  secret_service_search (search->service, &schema, search->attributes, SECRET_SEARCH_ALL,
                         herd_run_get_cancellable (run), herd_run_ready, herd_run_slot (run));
  return TRUE;
}

static gboolean
is_any_locked (Search *search)
{
  GList *collections = secret_service_get_collections (search->service);
  gboolean locked = FALSE;

  for (GList *i = collections; i != NULL; i = i->next)
    locked = locked || secret_collection_get_locked (i->data);
  g_list_free_full (collections, g_object_unref);
  return locked;
}

/* There is no item that can be seen. It is absent only where nothing may hide it: some services
 * do not tell of items in what is locked. */
static gboolean
judge_absence (Search *search, GError **error)
{
  if (search->made != NULL)
    return fail (search, HERD_ERROR_FAILED, error, "it was stored, and is not there");
  if (is_any_locked (search))
    return fail_locked (search, error);
  if (search->create)
    return TRUE;
  return fail (search, HERD_ERROR_NOT_FOUND, error,
               "there is none; restore the keyring that it was in");
}

static gboolean
leave_search (HerdRun *run, gpointer operation, GError **error)
{
  Search *search = operation;
  GError *failure = NULL;
  GList *items = secret_service_search_finish (search->service, herd_run_get_result (run, 0),
                                               &failure);
  guint n_items = g_list_length (items);

  if (n_items == 1)
    search->item = g_object_ref (items->data);
  g_list_free_full (items, g_object_unref);
  if (failure != NULL) {
    g_propagate_error (error, failure);
    return translate (search, error);
  }
  if (n_items > 1)
    return fail (search, HERD_ERROR_REFUSED, error,
                 "there are several items for it; remove all but the right one");
  if (n_items == 0)
    return judge_absence (search, error);
  if (secret_item_get_locked (search->item))
    return fail_locked (search, error);
  herd_run_jump (run, "load");
  return TRUE;
}

/* --- where a new one goes --- */

static gboolean
enter_collection (HerdRun *run, gpointer operation, GError **error)
{
  Search *search = operation;

  secret_collection_for_alias (search->service, SECRET_COLLECTION_DEFAULT, SECRET_COLLECTION_NONE,
                               herd_run_get_cancellable (run), herd_run_ready, herd_run_slot (run));
  return TRUE;
}

static gboolean
leave_collection (HerdRun *run, gpointer operation, GError **error)
{
  Search *search = operation;
  GError *failure = NULL;

  search->collection = secret_collection_for_alias_finish (herd_run_get_result (run, 0), &failure);
  if (failure != NULL) {
    g_propagate_error (error, failure);
    return translate (search, error);
  }
  if (search->collection == NULL)
    return fail (search, HERD_ERROR_UNREACHABLE, error,
                 "it has no default keyring; create one, as logging in to a desktop does");
  if (secret_collection_get_locked (search->collection))
    return fail_locked (search, error);
  return TRUE;
}

/* --- store --- */

static gboolean
enter_store (HerdRun *run, gpointer operation, GError **error)
{
  Search *search = operation;
  g_autofree char *label = g_strdup_printf ("certherd: key of %s", search->directory);
  SecretValue *value;

  search->made = herd_kek_new (error);
  if (search->made == NULL)
    return FALSE;
  value = secret_value_new (g_bytes_get_data (search->made, NULL),
                            (gssize) g_bytes_get_size (search->made), CONTENT_TYPE);
  secret_item_create (search->collection, &schema, search->attributes, label, value,
                      SECRET_ITEM_CREATE_NONE, herd_run_get_cancellable (run), herd_run_ready,
                      herd_run_slot (run));
  secret_value_unref (value);
  return TRUE;
}

static gboolean
leave_store (HerdRun *run, gpointer operation, GError **error)
{
  Search *search = operation;
  g_autoptr (SecretItem) item = secret_item_create_finish (herd_run_get_result (run, 0), error);

  if (item == NULL)
    return translate (search, error);
  /* It counts when it is found as it will be found the next time. */
  herd_run_jump (run, "search");
  return TRUE;
}

/* --- load --- */

static gboolean
enter_load (HerdRun *run, gpointer operation, GError **error)
{
  Search *search = operation;

  secret_item_load_secret (search->item, herd_run_get_cancellable (run), herd_run_ready,
                           herd_run_slot (run));
  return TRUE;
}

static gboolean
leave_load (HerdRun *run, gpointer operation, GError **error)
{
  Search *search = operation;
  SecretValue *value;
  g_autoptr (GBytes) kek = NULL;
  gconstpointer data;
  gsize size;

  if (!secret_item_load_secret_finish (search->item, herd_run_get_result (run, 0), error))
    return translate (search, error);
  value = secret_item_get_secret (search->item);
  if (value == NULL)
    return fail_locked (search, error);
  data = secret_value_get (value, &size);
  kek = herd_secret_new (data, size);
  secret_value_unref (value);
  if (herd_kek_check (kek, "The item of the Secret Service", error) == NULL)
    return FALSE;
  if (search->made != NULL && !herd_secret_equal (kek, search->made))
    return fail (search, HERD_ERROR_FAILED, error, "it was stored, and another one was read");
  search->kek = g_steal_pointer (&kek);
  return TRUE;
}

static const HerdStep steps[] = {
  { "connect", enter_connect, leave_connect, HERD_COMMIT_NONE },
  { "search", enter_search, leave_search, HERD_COMMIT_NONE },
  { "collection", enter_collection, leave_collection, HERD_COMMIT_NONE },
  { "store", enter_store, leave_store, HERD_COMMIT_NONE },
  { "load", enter_load, leave_load, HERD_COMMIT_NONE },
  { "done", NULL, NULL, HERD_COMMIT_NONE },
};

/* --- the run --- */

static void
on_timeout (gpointer data)
{
  Search *search = data;

  search->timer = 0;
  search->timed_out = TRUE;
  herd_run_cancel (search->run);
}

static void
on_cancelled (GCancellable *cancellable, gpointer data)
{
  herd_run_cancel (data);
}

static void
on_finished (gpointer operation, const GError *error)
{
  Search *search = operation;

  herd_clock_disarm (search->clock, search->timer);
  g_cancellable_disconnect (g_task_get_cancellable (search->task), search->cancelled);
  if (error == NULL)
    g_task_return_pointer (search->task, g_steal_pointer (&search->kek),
                           (GDestroyNotify) g_bytes_unref);
  else if (search->timed_out)
    g_task_return_new_error (search->task, HERD_ERROR, HERD_ERROR_UNREACHABLE,
                             "The key-encryption key of %s: the Secret Service did not answer; "
                             "start it, or choose another keystore in [agent]",
                             search->directory);
  else
    g_task_return_error (search->task, g_error_copy (error));
  search_free (search);
}

void
herd_kek_load_secret_service (const char *directory, gboolean create, HerdClock *clock, GTask *task)
{
  static const HerdRunOps ops = { .finished = on_finished };
  GCancellable *cancellable = g_task_get_cancellable (task);
  g_autofree char *real = realpath (directory, NULL);
  Search *search = g_new0 (Search, 1);

  search->task = task;
  search->create = create;
  search->directory = g_strdup (real != NULL ? real : directory);
  search->attributes = secret_attributes_build (&schema, "state-directory", search->directory,
                                                NULL);
  search->clock = herd_clock_ref (clock);
  search->run = herd_run_new ("kek", steps, G_N_ELEMENTS (steps), &ops, search, search->clock,
                              NULL);
  search->timer = herd_clock_arm (search->clock, PATIENCE, on_timeout, search);
  if (cancellable != NULL)
    search->cancelled = g_cancellable_connect (cancellable, G_CALLBACK (on_cancelled), search->run,
                                               NULL);
  herd_run_start (search->run, NULL);
}
