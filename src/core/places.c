// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Several names at a time: a batch of searches.
 */
#include "core/places.h"

#include "plugin/error.h"
#include "util/follow.h"
#include "util/steps.h"

typedef struct {
  HerdDns *dns;
  GTask *task;
  HerdRun *run;
  HerdFollow *follow;
  char **names;
  GPtrArray *found; /* of char * */
} Search;

static gboolean
find_enter (HerdRun *run, gpointer operation, GError **error G_GNUC_UNUSED)
{
  Search *search = operation;

  for (char **name = search->names; *name != NULL; name++)
    herd_dns_place_find_async (search->dns, *name, herd_run_get_cancellable (run), herd_run_ready,
                               herd_run_slot (run));
  return TRUE;
}

static gboolean
find_leave (HerdRun *run, gpointer operation, GError **error)
{
  Search *search = operation;

  for (guint i = 0; i < herd_run_get_n_results (run); i++) {
    g_autoptr (HerdDnsPlace)
        place = herd_dns_place_find_finish (search->dns, herd_run_get_result (run, i), error);

    if (place == NULL)
      return FALSE;
    g_ptr_array_add (search->found, g_steal_pointer (&place->name));
    g_ptr_array_add (search->found, g_steal_pointer (&place->zone));
  }
  return TRUE;
}

static const HerdStep steps[] = {
  { "find", find_enter, find_leave, HERD_COMMIT_NONE },
  { "done", NULL, NULL, HERD_COMMIT_NONE },
};

static void
finished (gpointer operation, const GError *error)
{
  Search *search = operation;
  g_autoptr (GTask) task = g_steal_pointer (&search->task);
  GError *failure = error != NULL ? g_error_copy (error) : NULL;

  herd_error_translate (&failure, HERD_ERROR_UNREACHABLE, "DNS");
  if (failure != NULL) {
    g_task_return_error (task, failure);
  } else {
    g_ptr_array_set_free_func (search->found, NULL);
    g_ptr_array_add (search->found, NULL);
    g_task_return_pointer (task, g_ptr_array_free (g_steal_pointer (&search->found), FALSE),
                           (GDestroyNotify) g_strfreev);
  }
  herd_follow_free (search->follow);
  herd_run_unref (search->run);
  g_strfreev (search->names);
  g_clear_pointer (&search->found, g_ptr_array_unref);
  herd_dns_unref (search->dns);
  g_free (search);
}

static const HerdRunOps operations = { .finished = finished };

void
herd_places_find_async (HerdDns *dns, const char *const *names, GCancellable *cancellable,
                        GAsyncReadyCallback callback, gpointer data)
{
  Search *search = g_new0 (Search, 1);

  search->dns = herd_dns_ref (dns);
  search->task = g_task_new (NULL, NULL, callback, data);
  search->names = g_strdupv ((char **) names);
  search->found = g_ptr_array_new_with_free_func (g_free);
  search->run = herd_run_new ("places", steps, G_N_ELEMENTS (steps), &operations, search,
                              herd_dns_get_clock (dns), NULL);
  herd_run_start (search->run, NULL);
  search->follow = herd_follow_new (search->run, cancellable);
}

char **
herd_places_find_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
