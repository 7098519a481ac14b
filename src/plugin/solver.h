// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The Solver contract: proves control of identifiers to a CA's validators. Loaded by the agent,
 * runs on its main loop, and must not block it: timers and children go through the host.
 */
#pragma once

#include <gio/gio.h>

#include "plugin/challenge.h"

G_BEGIN_DECLS

/* --- what the host gives (the core implements it, one for each solver) --- */

#define HERD_TYPE_SOLVER_HOST (herd_solver_host_get_type ())
G_DECLARE_INTERFACE (HerdSolverHost, herd_solver_host, HERD, SOLVER_HOST, GObject)

struct _HerdSolverHostInterface {
  GTypeInterface parent;

  /* Lets certherd-responder answer CHALLENGES (HerdChallenge), and no longer. answer finishes
   * when every one of them can be seen; withdraw of what is not there succeeds. Errors:
   * HERD_ERROR_UNREACHABLE (no responder; its message says how to get one), class backoff. */
  void (*answer_async) (HerdSolverHost *host, GPtrArray *challenges, GCancellable *cancellable,
                        GAsyncReadyCallback callback, gpointer data);
  gboolean (*answer_finish) (HerdSolverHost *host, GAsyncResult *result, GError **error);
  void (*withdraw_async) (HerdSolverHost *host, GPtrArray *challenges, GAsyncReadyCallback callback,
                          gpointer data);
  gboolean (*withdraw_finish) (HerdSolverHost *host, GAsyncResult *result, GError **error);

  /* The value of KEY in the configuration's [solver NAME], or NULL. The host's for its lifetime. */
  const char *(*get_setting) (HerdSolverHost *host, const char *key);
};

void herd_solver_host_answer_async (HerdSolverHost *host, GPtrArray *challenges,
                                    GCancellable *cancellable, GAsyncReadyCallback callback,
                                    gpointer data);
gboolean herd_solver_host_answer_finish (HerdSolverHost *host, GAsyncResult *result,
                                         GError **error);
void herd_solver_host_withdraw_async (HerdSolverHost *host, GPtrArray *challenges,
                                      GAsyncReadyCallback callback, gpointer data);
gboolean herd_solver_host_withdraw_finish (HerdSolverHost *host, GAsyncResult *result,
                                           GError **error);
const char *herd_solver_host_get_setting (HerdSolverHost *host, const char *key);

/* --- the solver --- */

#define HERD_TYPE_SOLVER (herd_solver_get_type ())
G_DECLARE_INTERFACE (HerdSolver, herd_solver, HERD, SOLVER, GObject)

/* A solver is constructed with the property "host" (HerdSolverHost, construct-only, not owned). */
struct _HerdSolverInterface {
  GTypeInterface parent;

  /* The challenge types that it can solve for IDENTIFIER, best first, NULL-terminated; static. */
  const char *const *(*get_challenge_types) (HerdSolver *solver, const char *identifier);

  /* Makes CHALLENGES (HerdChallenge; all of one order that are for this solver, in one call)
   * visible. Finishing means that a validator that came now would see every one of them. After an
   * error none needs to be visible; cleanup follows in any case. May be called again with the
   * same ones after a restart. Errors: unreachable services are transient (class backoff). */
  void (*present_async) (HerdSolver *solver, GPtrArray *challenges, GCancellable *cancellable,
                         GAsyncReadyCallback callback, gpointer data);
  gboolean (*present_finish) (HerdSolver *solver, GAsyncResult *result, GError **error);

  /* Takes them away again; also what was presented before a restart, or never. Not cancellable. */
  void (*cleanup_async) (HerdSolver *solver, GPtrArray *challenges, GAsyncReadyCallback callback,
                         gpointer data);
  gboolean (*cleanup_finish) (HerdSolver *solver, GAsyncResult *result, GError **error);
};

const char *const *herd_solver_get_challenge_types (HerdSolver *solver, const char *identifier);
void herd_solver_present_async (HerdSolver *solver, GPtrArray *challenges,
                                GCancellable *cancellable, GAsyncReadyCallback callback,
                                gpointer data);
gboolean herd_solver_present_finish (HerdSolver *solver, GAsyncResult *result, GError **error);
void herd_solver_cleanup_async (HerdSolver *solver, GPtrArray *challenges,
                                GAsyncReadyCallback callback, gpointer data);
gboolean herd_solver_cleanup_finish (HerdSolver *solver, GAsyncResult *result, GError **error);

G_END_DECLS
