// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Staging siblings: the issuers that others name for their rehearsals. Pure functions.
 */
#pragma once

#include "config/config.h"

G_BEGIN_DECLS

/* What is wrong with the staging sibling of ENTRY, an issuer of CONFIG: there is none of that name, or it is
 * its own, perhaps by way of others. NULL: nothing, or it has none. (transfer full) */
char *herd_siblings_find_fault (HerdConfig *config, const HerdConfigEntry *entry);

G_END_DECLS
