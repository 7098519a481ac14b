// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Which challenge types have failed for an identifier at this CA. An attempt begins with a type that has
 * not, and where all have, with the one that failed the longest time ago: so each gets its turn, and one
 * that works is what a renewal begins with. A record of the issuer, not of the certificate: what fails
 * is between this CA and the identifier, whichever certificate it is in. A plain value; the session
 * owns it.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define HERD_TRIED_RECORD "tried"
#define HERD_TRIED_LIMIT 1000 /* identifiers; of more, those that failed last are kept */

typedef struct HerdTried HerdTried;

/* From a record; NULL, or one that cannot be read, is an empty one: it is only a preference. */
HerdTried *herd_tried_new (GBytes *bytes);
void herd_tried_free (HerdTried *tried);
GBytes *herd_tried_to_bytes (HerdTried *tried);

/* TYPE has failed for WISH (an identifier, with its "*."), or has worked. */
void herd_tried_note_failure (HerdTried *tried, const char *wish, const char *type);
void herd_tried_note_success (HerdTried *tried, const char *wish, const char *type);
/* 0: TYPE has not failed for WISH; else the lower, the longer ago. */
guint herd_tried_get_rank (HerdTried *tried, const char *wish, const char *type);
/* Whether it has changed since it was last asked. */
gboolean herd_tried_take_change (HerdTried *tried);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdTried, herd_tried_free)

G_END_DECLS
