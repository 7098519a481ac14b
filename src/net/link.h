// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Link header fields (RFC 8288). Pure function.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Adds to TARGETS (of char *), up to LIMIT, the targets of the links with the relation REL in a Link
 * field VALUE (several links are possible, each with several relations in quotes), as written there.
 * What cannot be parsed ends the search. */
void herd_link_find_all (const char *value, const char *rel, guint limit, GPtrArray *targets);

G_END_DECLS
