// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The solvers: plugins that the configuration names (http-01 needs no section), each with its host; one
 * plugin may serve several sections. One that cannot be loaded, or whose settings are wrong, is disabled
 * and shown, never fatal. Owned by the agent; main loop only.
 */
#pragma once

#include "core/responder-link.h"
#include "core/services.h"
#include "plugin/plugin.h"
#include "plugin/solver.h"

G_BEGIN_DECLS

typedef struct HerdSolvers HerdSolvers;

/* Loads from DIRECTORY. LINK (to the responder) may be NULL: solvers that need it then say so. */
HerdSolvers *herd_solvers_new (HerdServices *services, const char *directory,
                               HerdResponderLink *link);
void herd_solvers_free (HerdSolvers *solvers);
/* The services' configuration is another: sections that are new or changed, and those that were disabled,
 * are made anew; the others stay. An order that is under way keeps those that it has chosen. COMPLETE:
 * sections that are not there have gone; else they may be such that could not be read, and stay. */
void herd_solvers_configure (HerdSolvers *solvers, gboolean complete);

/* Those that can solve a challenge for IDENTIFIER: of NAMES in their order, or, where NAMES is NULL or
 * empty, all in the configuration's. (transfer container) */
GPtrArray *herd_solvers_find (HerdSolvers *solvers, const char *identifier,
                              const char *const *names);
/* NAME of the [solver NAME] that SOLVER, a loaded one, is for; the solver's. */
const char *herd_solvers_get_name (HerdSolver *solver);
gboolean herd_solvers_has (HerdSolvers *solvers, const char *name);

typedef struct {
  const char *kind;
  char *name;
  const char *version;
  gboolean loaded;
  char *message; /* why not */
} HerdPluginState;

/* HerdPluginState of everything that was asked for; the solvers'. */
GPtrArray *herd_solvers_list (HerdSolvers *solvers);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdSolvers, herd_solvers_free)

G_END_DECLS
