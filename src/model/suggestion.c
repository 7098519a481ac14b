// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a CA suggests of one generation.
 */
#include "model/suggestion.h"

static void
set_interned (char **field, const char *text)
{
  char *old = *field;

  *field = g_ref_string_new_intern (text);
  if (old != NULL)
    g_ref_string_release (old);
}

HerdSuggestion *
herd_suggestion_new (guint64 generation)
{
  HerdSuggestion *suggestion = g_new0 (HerdSuggestion, 1);

  suggestion->generation = generation;
  set_interned (&suggestion->account, "");
  set_interned (&suggestion->explanation_url, "");
  set_interned (&suggestion->problem, "");
  return suggestion;
}

void
herd_suggestion_free (HerdSuggestion *suggestion)
{
  if (suggestion == NULL)
    return;
  g_ref_string_release (suggestion->account);
  g_ref_string_release (suggestion->explanation_url);
  g_ref_string_release (suggestion->problem);
  g_free (suggestion);
}

void
herd_suggestion_set_account (HerdSuggestion *suggestion, const char *url)
{
  set_interned (&suggestion->account, url);
}

void
herd_suggestion_set_explanation_url (HerdSuggestion *suggestion, const char *url)
{
  set_interned (&suggestion->explanation_url, url);
}

void
herd_suggestion_set_problem (HerdSuggestion *suggestion, const char *problem)
{
  set_interned (&suggestion->problem, problem);
}
