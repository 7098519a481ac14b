// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Text on its way to a log, the bus or a terminal: what came from elsewhere (a CA, a server, a file), and
 * times.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* At most this many bytes come out, the mark of a cut ("…") included, the final NUL not. */
#define HERD_TEXT_LIMIT 512

/* LENGTH bytes (-1: up to the NUL) as clean UTF-8: invalid bytes become \xNN, control characters
 * (C0, DEL, C1, line and paragraph separators) become \n, \t or \xNN / \u{NNNN}, bidirectional
 * controls (U+061C, U+200E/F, U+202A to U+202E, U+2066 to U+2069) and other invisible format
 * characters become \u{NNNN}; whatever is longer than HERD_TEXT_LIMIT is cut between characters
 * and ends in "…". NULL gives "". Never NULL. */
char *herd_text_from_remote (const char *text, gssize length);
/* The same, but newlines and tabs stay, and at most LIMIT bytes come out (at least 16). */
char *herd_text_lines_from_remote (const char *text, gssize length, gsize limit);

/* SECONDS since the epoch as ISO 8601, UTC; what no calendar has is "the end of time". Never NULL. */
char *herd_text_from_time (gint64 seconds);

G_END_DECLS
