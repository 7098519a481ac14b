// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Which issuer is asked.
 */
#include "core/choice.h"

#include "core/budget.h"
#include "core/issuers.h"
#include "plugin/error.h"

static gboolean
was_tried (const HerdChoiceQuery *query, guint64 issuer)
{
  for (guint i = 0; query->tried != NULL && i < query->tried->len; i++) {
    if (g_array_index (query->tried, guint64, i) == issuer)
      return TRUE;
  }
  return FALSE;
}

/* Who plays the part of AUTHORITY while it is rehearsed; itself where there is no other that could. */
static HerdAuthority *
get_understudy (HerdRegistry *registry, HerdAuthority *authority)
{
  const char *name = herd_authority_get_setting (authority, "staging", NULL);
  HerdAuthority *staging = name != NULL ? herd_registry_find_authority (registry, name) : NULL;

  return staging != NULL && !staging->retired ? staging : authority;
}

void
herd_choice_clear (HerdChoice *choice)
{
  g_clear_pointer (&choice->why, g_free);
}

/* May ASKED be asked, for what its CA permits? */
static gboolean
is_permitted (const HerdChoiceQuery *query, const HerdAuthority *asked, guint64 issuer,
              const HerdCertificate *certificate, GVariant *spec, GError **error)
{
  if (query->services == NULL || (query->begun && issuer == query->preferred))
    return TRUE;
  return query->waits ? herd_budget_ask_waiting (query->services, asked, certificate, spec, error)
                      : herd_budget_ask (query->services, asked, certificate, spec, error);
}

/* Until when nobody can be asked, if this is sooner than what is known of the others. */
static void
wait_until (HerdChoice *choice, gint64 when, const char *why)
{
  if (when >= choice->until)
    return;
  choice->until = when;
  g_free (choice->why);
  choice->why = g_strdup (why);
}

/* Looks at one of the list. */
static void
consider (HerdRegistry *registry, const HerdCertificate *certificate, GVariant *spec,
          const HerdChoiceQuery *query, HerdAuthority *authority, HerdChoice *choice)
{
  const HerdBackoff *backoff = herd_backoffs_find (certificate->backoffs, authority->id);
  gint64 retry_at = backoff != NULL && !query->force ? backoff->retry_at : 0;
  HerdAuthority *asked = authority;
  g_autoptr (GError) error = NULL;

  if (was_tried (query, authority->id))
    retry_at = MAX (retry_at, query->now + 1);
  if (retry_at > query->now) {
    wait_until (choice, retry_at, backoff != NULL ? backoff->message : "");
    return;
  }
  if (backoff != NULL && backoff->rehearse)
    asked = get_understudy (registry, authority);
  if (!is_permitted (query, asked, authority->id, certificate, spec, &error)) {
    wait_until (choice, MAX (herd_error_get_retry_at (error), query->now + 1), error->message);
    return;
  }
  choice->issuer = authority;
  choice->asked = asked;
}

/* The one that was begun with comes first, the others keep their order. */
static void
move_to_front (GPtrArray *list, guint64 issuer)
{
  for (guint i = 1; i < list->len; i++) {
    HerdAuthority *authority = g_ptr_array_index (list, i);

    if (authority->id != issuer)
      continue;
    g_ptr_array_remove_index (list, i);
    g_ptr_array_insert (list, 0, authority);
    return;
  }
}

gboolean
herd_choice_make (HerdRegistry *registry, const HerdCertificate *certificate, GVariant *spec,
                  const HerdChoiceQuery *query, HerdChoice *choice, GError **error)
{
  g_autoptr (GPtrArray) list = herd_issuers_list (registry, certificate, spec, error);
  HerdChoice found = { .until = G_MAXINT64 };

  if (list == NULL)
    return FALSE;
  move_to_front (list, query->preferred);
  for (guint i = 0; i < list->len && found.issuer == NULL; i++)
    consider (registry, certificate, spec, query, g_ptr_array_index (list, i), &found);
  if (found.issuer != NULL)
    herd_choice_clear (&found);
  *choice = found;
  return TRUE;
}

guint64
herd_choice_get_first (HerdRegistry *registry, const HerdCertificate *certificate, gint64 now,
                       gboolean force)
{
  const HerdChoiceQuery query = { .now = now, .force = force };
  g_auto (HerdChoice) choice = { 0 };

  if (!herd_choice_make (registry, certificate, certificate->spec, &query, &choice, NULL)
      || choice.issuer == NULL)
    return 0;
  return choice.issuer->id;
}

char *
herd_choice_describe (HerdRegistry *registry, const HerdCertificate *certificate, gint64 when)
{
  const HerdChoiceQuery query = { .now = when };
  g_autoptr (GPtrArray) list = herd_issuers_list (registry, certificate, certificate->spec, NULL);
  g_auto (HerdChoice) choice = { 0 };

  if (list == NULL
      || !herd_choice_make (registry, certificate, certificate->spec, &query, &choice, NULL)
      || choice.issuer == NULL)
    return g_strdup ("");
  if (choice.asked != choice.issuer)
    return g_strdup_printf ("; next: a rehearsal with issuer %s", choice.asked->name);
  return list->len > 1 ? g_strdup_printf ("; next issuer: %s", choice.issuer->name) : g_strdup ("");
}
