// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A back-off: what came of a certificate's last attempts with one issuer. There is one for an issuer that has
 * failed and has not issued since. Plain data; owned by the certificate; main loop only.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  guint64 issuer;    /* id of one that the wish names */
  guint failures;    /* in a row */
  gint64 retry_at;   /* no attempt before, seconds since the epoch; 0 = at any time */
  gboolean rehearse; /* the next attempt goes to the issuer's staging sibling */
  char *error;       /* the last failure: D-Bus name … */
  char *message;     /* … and words; both never NULL; GRefStrings, interned */
} HerdBackoff;

HerdBackoff *herd_backoff_new (guint64 issuer);
void herd_backoff_free (HerdBackoff *backoff);
void herd_backoff_set_error (HerdBackoff *backoff, const char *error, const char *message);

/* Of a certificate's BACKOFFS, which are NULL while there are none: the one of ISSUER, or NULL. */
HerdBackoff *herd_backoffs_find (GPtrArray *backoffs, guint64 issuer);
/* The same; a new one where there is none. */
HerdBackoff *herd_backoffs_ensure (GPtrArray **backoffs, guint64 issuer);
/* One more (taken), of an issuer that has none. */
void herd_backoffs_add (GPtrArray **backoffs, HerdBackoff *backoff);
/* Forgets it. FALSE: there was none. */
gboolean herd_backoffs_remove (GPtrArray **backoffs, guint64 issuer);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdBackoff, herd_backoff_free)

G_END_DECLS
