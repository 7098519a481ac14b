// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * certherd-responder as a child of the agent, where no service manager runs it: started at once, and
 * again whenever it ends. Owned by main; main loop only.
 */
#pragma once

#include "core/responder-link.h"
#include "util/clock.h"

G_BEGIN_DECLS

typedef struct HerdResponderChild HerdResponderChild;

/* Runs PROGRAM --control-fd N --config DIRECTORY. It ends when the agent does. Errors:
 * HERD_ERROR_FAILED (no socket pair). */
HerdResponderChild *herd_responder_child_new (const char *program, const char *directory,
                                              HerdClock *clock, GError **error);
void herd_responder_child_free (HerdResponderChild *child);

/* The link to it, across restarts. (transfer none) */
HerdResponderLink *herd_responder_child_get_link (HerdResponderChild *child);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdResponderChild, herd_responder_child_free)

G_END_DECLS
