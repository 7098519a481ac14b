// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Link header fields (RFC 8288). Pure function.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The target of the first link with the relation REL in a Link field VALUE (several links are
 * possible, each with several relations in quotes), as written there; NULL if there is none. What
 * cannot be parsed ends the search. */
char *herd_link_find (const char *value, const char *rel);

G_END_DECLS
