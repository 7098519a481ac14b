// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Present and cleanup of solvers whose challenges certherd-responder answers. Their instances begin with
 * a HerdSolverBase. Main loop only.
 */
#pragma once

#include "solver-base.h"

G_BEGIN_DECLS

/* For the interface's init: present and cleanup. get_challenge_types is the solver's own. */
void herd_answered_iface_init (HerdSolverInterface *iface);

G_END_DECLS
