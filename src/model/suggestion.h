// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A suggestion: when a certificate's CA would like it to be renewed (ARI, RFC 9773), what was made of that,
 * and when the CA is asked again. Plain data; owned by its certificate; main loop only.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* All times are seconds since the epoch, 0 = none. */
typedef struct {
  guint64 generation; /* that it is about: of any other it says nothing */
  gint64 start;       /* the CA's window … */
  gint64 end;
  gint64 pick;     /* … and the moment in it, picked once for each window */
  gint64 floor;    /* no sooner because of the CA alone */
  gint64 asked_at; /* when the CA was asked last */
  gint64 ask_at;   /* when it is asked next */
  char *
      account; /* the URL of whose it is; "" = not known. These are never NULL, GRefStrings, interned */
  char *explanation_url; /* for people */
  char *problem;         /* why there is no window, or no newer one */
} HerdSuggestion;

HerdSuggestion *herd_suggestion_new (guint64 generation);
void herd_suggestion_free (HerdSuggestion *suggestion);
void herd_suggestion_set_account (HerdSuggestion *suggestion, const char *url);
void herd_suggestion_set_explanation_url (HerdSuggestion *suggestion, const char *url);
void herd_suggestion_set_problem (HerdSuggestion *suggestion, const char *problem);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdSuggestion, herd_suggestion_free)

G_END_DECLS
