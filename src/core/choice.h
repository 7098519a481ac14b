// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Choosing: which of a certificate's issuers is asked now, or until when to wait, and why. Looks at rows and
 * changes none. Main loop only.
 *
 * The issuers of the wish are tried in its order, and every renewal begins with the first one. One that has
 * failed is not asked before its own back-off is over (model/backoff.h); the next one is, at once, whatever
 * the failure was: what one CA refuses (a name, a key type, a profile, for the CAA record) another may not.
 * After a failed validation the next attempts with an issuer go to its staging sibling, if it has one, until
 * one succeeds: mistakes are made where they cost nothing.
 */
#pragma once

#include "core/services.h"

G_BEGIN_DECLS

typedef struct {
  HerdAuthority *issuer; /* one that the wish names; NULL: none may be asked now */
  HerdAuthority *asked;  /* the same one, or its staging sibling: then it is a rehearsal */
  gint64 until;          /* where there is none: not before, seconds since the epoch … */
  char *why;             /* … and why, for people; owned; NULL where there is one */
} HerdChoice;

void herd_choice_clear (HerdChoice *choice);

/* What the one who asks is at. */
typedef struct {
  gint64 now;
  const HerdServices *services; /* what CAs permit counts (core/budget.h); NULL: it does not */
  gboolean waits;               /* it comes again by itself at `until` */
  gboolean begun;    /* the preferred one has been asked already: what it permits has been spent */
  guint64 preferred; /* an issuer (its id) that goes first: it was begun with; 0: none */
  const GArray *tried; /* ids (guint64) of those that are not asked again; NULL: none */
  gboolean force;      /* back-offs do not count */
} HerdChoiceQuery;

/* For CERTIFICATE as SPEC wishes it; herd_choice_clear() it then. Errors: HERD_ERROR_NOT_FOUND,
 * HERD_ERROR_INVALID_ARGUMENT (there is no issuer that could ever be asked), with the next step. */
gboolean herd_choice_make (HerdRegistry *registry, const HerdCertificate *certificate,
                           GVariant *spec, const HerdChoiceQuery *query, HerdChoice *choice,
                           GError **error);

/* The same in short: the id of the issuer that an operation begins with, which begins NOW; 0: none. */
guint64 herd_choice_get_first (HerdRegistry *registry, const HerdCertificate *certificate,
                               gint64 now, gboolean force);
/* Whom CERTIFICATE turns to at WHEN, as the end of a sentence: "; next issuer: NAME", "; next: a rehearsal
 * with issuer NAME"; "" where it goes without saying. (transfer full) */
char *herd_choice_describe (HerdRegistry *registry, const HerdCertificate *certificate,
                            gint64 when);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (HerdChoice, herd_choice_clear)

G_END_DECLS
