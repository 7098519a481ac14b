// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the core gives to one solver (HerdSolverHost): its settings, the responder, programs, https
 * requests and the DNS. Owned by the solvers; main loop only.
 */
#pragma once

#include "core/responder-link.h"
#include "net/dns.h"
#include "plugin/solver.h"
#include "util/clock.h"

G_BEGIN_DECLS

#define HERD_TYPE_CORE_SOLVER_HOST (herd_core_solver_host_get_type ())
G_DECLARE_FINAL_TYPE (HerdCoreSolverHost, herd_core_solver_host, HERD, CORE_SOLVER_HOST, GObject)

/* For [solver NAME] with VALUES (a{sv} in normal form; may be NULL). LINK (to the responder; may be NULL:
 * solvers that need it say so) outlives the host. */
HerdCoreSolverHost *herd_core_solver_host_new (const char *name, GVariant *values,
                                               HerdResponderLink *link, HerdDns *dns,
                                               HerdClock *clock);

G_END_DECLS
