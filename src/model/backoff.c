// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Back-offs, in lists that are not there while they would be empty: few certificates have any.
 */
#include "model/backoff.h"

static void
set_interned (char **field, const char *text)
{
  char *old = *field;

  *field = g_ref_string_new_intern (text);
  if (old != NULL)
    g_ref_string_release (old);
}

HerdBackoff *
herd_backoff_new (guint64 issuer)
{
  HerdBackoff *backoff = g_new0 (HerdBackoff, 1);

  backoff->issuer = issuer;
  herd_backoff_set_error (backoff, "", "");
  return backoff;
}

void
herd_backoff_free (HerdBackoff *backoff)
{
  if (backoff == NULL)
    return;
  g_ref_string_release (backoff->error);
  g_ref_string_release (backoff->message);
  g_free (backoff);
}

void
herd_backoff_set_error (HerdBackoff *backoff, const char *error, const char *message)
{
  set_interned (&backoff->error, error);
  set_interned (&backoff->message, message);
}

HerdBackoff *
herd_backoffs_find (GPtrArray *backoffs, guint64 issuer)
{
  for (guint i = 0; backoffs != NULL && i < backoffs->len; i++) {
    HerdBackoff *backoff = g_ptr_array_index (backoffs, i);

    if (backoff->issuer == issuer)
      return backoff;
  }
  return NULL;
}

HerdBackoff *
herd_backoffs_ensure (GPtrArray **backoffs, guint64 issuer)
{
  HerdBackoff *backoff = herd_backoffs_find (*backoffs, issuer);

  if (backoff != NULL)
    return backoff;
  backoff = herd_backoff_new (issuer);
  herd_backoffs_add (backoffs, backoff);
  return backoff;
}

void
herd_backoffs_add (GPtrArray **backoffs, HerdBackoff *backoff)
{
  if (*backoffs == NULL)
    *backoffs = g_ptr_array_new_with_free_func ((GDestroyNotify) herd_backoff_free);
  g_ptr_array_add (*backoffs, backoff);
}

gboolean
herd_backoffs_remove (GPtrArray **backoffs, guint64 issuer)
{
  HerdBackoff *backoff = herd_backoffs_find (*backoffs, issuer);

  if (backoff == NULL)
    return FALSE;
  g_ptr_array_remove (*backoffs, backoff);
  if ((*backoffs)->len == 0)
    g_clear_pointer (backoffs, g_ptr_array_unref);
  return TRUE;
}
