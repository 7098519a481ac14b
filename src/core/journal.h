// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the agent says in the journal about operations: one line a step, one at the end, with the
 * fields CERT=, ISSUER=, OPERATION=, STEP=.
 */
#pragma once

#include "core/registry.h"

G_BEGIN_DECLS

void herd_journal_step (HerdRegistry *registry, const HerdOperation *operation, const char *step);
void herd_journal_end (HerdRegistry *registry, const HerdOperation *operation);

G_END_DECLS
