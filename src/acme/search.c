// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The list of orders, as a table: page (again for each), compare (all candidates at once), end.
 */
#include "acme/search.h"

#include "acme/json.h"
#include "acme/object.h"
#include "acme/post.h"
#include "plugin/error.h"
#include "util/follow.h"
#include "util/steps.h"

#define WHAT "list of orders"
#define PAGES_MAX 8
#define PAGE_ORDERS_MAX 1000
#define CANDIDATES_MAX 32 /* the last ones of the list are the newest */

typedef struct {
  HerdAcmeSession *session;
  HerdIssuerHost *host;
  char **identifiers;
  GTask *task;
  HerdRun *run;
  HerdFollow *follow;

  char *page; /* URL; NULL: no more */
  guint pages;
  GPtrArray *candidates; /* of char *: URLs */
  char *found;
} Search;

/* Some CAs name a list and do not have it. */
static gboolean
is_final (const GError *error)
{
  return error->domain == HERD_ERROR && herd_error_class (error) == HERD_ERROR_CLASS_PERMANENT
         && error->code != HERD_ERROR_CANCELLED;
}

static gboolean
page_enter (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  Search *search = data;
  HerdAcmePost post = { .label = "orders", .url = search->page, .repeatable = TRUE };

  herd_acme_post_async (search->session, search->host, &post, herd_run_get_cancellable (run),
                        herd_run_ready, herd_run_slot (run));
  return TRUE;
}

static gboolean
add_candidates (Search *search, HerdHttpResponse *response, GError **error)
{
  g_autoptr (JsonObject)
      object = herd_json_parse (herd_http_response_get_body (response), WHAT, error);
  g_auto (GStrv) urls = NULL;

  if (object == NULL
      || !herd_json_get_strings (object, WHAT, "orders", PAGE_ORDERS_MAX, &urls, error))
    return FALSE;
  for (char **url = urls; url != NULL && *url != NULL; url++) {
    if (g_hash_table_contains (search->session->orders, *url)
        || !herd_acme_session_check_url (search->session, *url, WHAT, NULL))
      continue;
    if (search->candidates->len == CANDIDATES_MAX)
      g_ptr_array_remove_index (search->candidates, 0);
    g_ptr_array_add (search->candidates, g_strdup (*url));
  }
  return TRUE;
}

static gboolean
page_leave (HerdRun *run, gpointer data, GError **error)
{
  Search *search = data;
  g_autoptr (GError) local = NULL;
  g_autoptr (HerdHttpResponse)
      response = herd_acme_post_finish (herd_run_get_result (run, 0), &local);
  g_auto (GStrv) next = NULL;

  if (response == NULL || !add_candidates (search, response, &local)) {
    if (is_final (local))
      return TRUE;
    g_propagate_error (error, g_steal_pointer (&local));
    return FALSE;
  }
  g_free (search->page);
  next = herd_http_response_get_links (response, "next", 1);
  search->page = g_strdup (next[0]);
  if (search->page != NULL && ++search->pages < PAGES_MAX
      && herd_acme_session_check_url (search->session, search->page, WHAT, NULL))
    herd_run_again (run, 0);
  return TRUE;
}

static gboolean
compare_enter (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  Search *search = data;

  for (guint i = 0; i < search->candidates->len; i++) {
    HerdAcmePost post = { .label = "order",
                          .url = search->candidates->pdata[i],
                          .repeatable = TRUE };

    herd_acme_post_async (search->session, search->host, &post, herd_run_get_cancellable (run),
                          herd_run_ready, herd_run_slot (run));
  }
  return TRUE;
}

static gboolean
compare_leave (HerdRun *run, gpointer data, GError **error)
{
  Search *search = data;

  for (guint i = 0; i < herd_run_get_n_results (run); i++) {
    g_autoptr (GError) local = NULL;
    g_autoptr (HerdHttpResponse)
        response = herd_acme_post_finish (herd_run_get_result (run, i), &local);

    if (response == NULL) {
      /* One that cannot be seen now may be ours: better later than twice. */
      if (!is_final (local) && error != NULL && *error == NULL)
        g_propagate_error (error, g_steal_pointer (&local));
    } else if (herd_order_waits_for (herd_http_response_get_body (response),
                                     (const char *const *) search->identifiers)) {
      g_free (search->found);
      search->found = g_strdup (search->candidates->pdata[i]);
    }
  }
  if (search->found != NULL)
    g_clear_error (error);
  return error == NULL || *error == NULL;
}

static const HerdStep steps[] = {
  { "page", page_enter, page_leave, HERD_COMMIT_NONE },
  { "compare", compare_enter, compare_leave, HERD_COMMIT_NONE },
  { "end", NULL, NULL, HERD_COMMIT_NONE },
};

static void
on_finished (gpointer data, const GError *error)
{
  Search *search = data;

  if (error != NULL)
    g_task_return_error (search->task, g_error_copy (error));
  else
    g_task_return_pointer (search->task, g_steal_pointer (&search->found), g_free);
  herd_follow_free (search->follow);
  herd_run_unref (search->run);
  g_object_unref (search->host);
  g_object_unref (search->task);
  g_strfreev (search->identifiers);
  g_ptr_array_unref (search->candidates);
  g_free (search->page);
  g_free (search->found);
  g_free (search);
}

static const HerdRunOps ops = { .finished = on_finished };

void
herd_acme_search_async (HerdAcmeSession *session, HerdIssuerHost *host,
                        const char *const *identifiers, GCancellable *cancellable,
                        GAsyncReadyCallback callback, gpointer data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, data);
  Search *search;

  if (*session->account->orders == '\0' || herd_traits_lack (&session->traits, "orders")) {
    g_task_return_pointer (task, NULL, NULL);
    return;
  }
  search = g_new0 (Search, 1);
  search->session = session;
  search->host = g_object_ref (host);
  search->identifiers = g_strdupv ((char **) identifiers);
  search->task = g_steal_pointer (&task);
  search->page = g_strdup (session->account->orders);
  search->candidates = g_ptr_array_new_with_free_func (g_free);
  search->run = herd_run_new ("search", steps, G_N_ELEMENTS (steps), &ops, search, session->clock,
                              NULL);
  herd_run_start (search->run, NULL);
  search->follow = herd_follow_new (search->run, cancellable);
}

char *
herd_acme_search_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
