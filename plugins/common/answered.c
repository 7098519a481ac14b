// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Solvers whose challenges the responder answers.
 */
#include "answered.h"

static HerdSolverHost *
host_of (HerdSolver *solver)
{
  return ((HerdSolverBase *) solver)->host;
}

static void
answered_present_async (HerdSolver *solver, GPtrArray *challenges, GCancellable *cancellable,
                        GAsyncReadyCallback callback, gpointer data)
{
  herd_solver_host_answer_async (host_of (solver), challenges, cancellable, callback, data);
}

static gboolean
answered_present_finish (HerdSolver *solver, GAsyncResult *result, GError **error)
{
  return herd_solver_host_answer_finish (host_of (solver), result, error);
}

static void
answered_cleanup_async (HerdSolver *solver, GPtrArray *challenges, GAsyncReadyCallback callback,
                        gpointer data)
{
  herd_solver_host_withdraw_async (host_of (solver), challenges, callback, data);
}

static gboolean
answered_cleanup_finish (HerdSolver *solver, GAsyncResult *result, GError **error)
{
  return herd_solver_host_withdraw_finish (host_of (solver), result, error);
}

void
herd_answered_iface_init (HerdSolverInterface *iface)
{
  iface->present_async = answered_present_async;
  iface->present_finish = answered_present_finish;
  iface->cleanup_async = answered_cleanup_async;
  iface->cleanup_finish = answered_cleanup_finish;
}
