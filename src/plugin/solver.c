// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The Solver contract: dispatchers.
 */
#include "plugin/solver.h"

G_DEFINE_INTERFACE (HerdSolverHost, herd_solver_host, G_TYPE_OBJECT)
G_DEFINE_INTERFACE (HerdSolver, herd_solver, G_TYPE_OBJECT)

static void
herd_solver_host_default_init (HerdSolverHostInterface *iface G_GNUC_UNUSED)
{}

static void
herd_solver_default_init (HerdSolverInterface *iface)
{
  g_object_interface_install_property (
      iface,
      g_param_spec_object ("host", NULL, NULL, HERD_TYPE_SOLVER_HOST,
                           G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS));
}

void
herd_solver_host_answer_async (HerdSolverHost *host, GPtrArray *challenges,
                               GCancellable *cancellable, GAsyncReadyCallback callback,
                               gpointer data)
{
  HERD_SOLVER_HOST_GET_IFACE (host)->answer_async (host, challenges, cancellable, callback, data);
}

gboolean
herd_solver_host_answer_finish (HerdSolverHost *host, GAsyncResult *result, GError **error)
{
  return HERD_SOLVER_HOST_GET_IFACE (host)->answer_finish (host, result, error);
}

void
herd_solver_host_withdraw_async (HerdSolverHost *host, GPtrArray *challenges,
                                 GAsyncReadyCallback callback, gpointer data)
{
  HERD_SOLVER_HOST_GET_IFACE (host)->withdraw_async (host, challenges, callback, data);
}

gboolean
herd_solver_host_withdraw_finish (HerdSolverHost *host, GAsyncResult *result, GError **error)
{
  return HERD_SOLVER_HOST_GET_IFACE (host)->withdraw_finish (host, result, error);
}

const char *
herd_solver_host_get_name (HerdSolverHost *host)
{
  return HERD_SOLVER_HOST_GET_IFACE (host)->get_name (host);
}

const char *
herd_solver_host_get_setting (HerdSolverHost *host, const char *key)
{
  return HERD_SOLVER_HOST_GET_IFACE (host)->get_setting (host, key);
}

void
herd_solver_host_run_async (HerdSolverHost *host, const char *const *argv,
                            const char *const *environment, GBytes *input,
                            GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data)
{
  HERD_SOLVER_HOST_GET_IFACE (host)->run_async (host, argv, environment, input, cancellable,
                                                callback, data);
}

char *
herd_solver_host_run_finish (HerdSolverHost *host, GAsyncResult *result, int *status,
                             char **complaint, GError **error)
{
  return HERD_SOLVER_HOST_GET_IFACE (host)->run_finish (host, result, status, complaint, error);
}

void
herd_solver_host_request_async (HerdSolverHost *host, const char *method, const char *url,
                                const char *const *headers, GBytes *body, GCancellable *cancellable,
                                GAsyncReadyCallback callback, gpointer data)
{
  HERD_SOLVER_HOST_GET_IFACE (host)->request_async (host, method, url, headers, body, cancellable,
                                                    callback, data);
}

GBytes *
herd_solver_host_request_finish (HerdSolverHost *host, GAsyncResult *result, guint *status,
                                 GError **error)
{
  return HERD_SOLVER_HOST_GET_IFACE (host)->request_finish (host, result, status, error);
}

void
herd_solver_host_find_places_async (HerdSolverHost *host, const char *const *names,
                                    GCancellable *cancellable, GAsyncReadyCallback callback,
                                    gpointer data)
{
  HERD_SOLVER_HOST_GET_IFACE (host)->find_places_async (host, names, cancellable, callback, data);
}

char **
herd_solver_host_find_places_finish (HerdSolverHost *host, GAsyncResult *result, GError **error)
{
  return HERD_SOLVER_HOST_GET_IFACE (host)->find_places_finish (host, result, error);
}

void
herd_solver_host_await_txt_async (HerdSolverHost *host, const char *const *records,
                                  GCancellable *cancellable, GAsyncReadyCallback callback,
                                  gpointer data)
{
  HERD_SOLVER_HOST_GET_IFACE (host)->await_txt_async (host, records, cancellable, callback, data);
}

gboolean
herd_solver_host_await_txt_finish (HerdSolverHost *host, GAsyncResult *result, GError **error)
{
  return HERD_SOLVER_HOST_GET_IFACE (host)->await_txt_finish (host, result, error);
}

gboolean
herd_solver_check (HerdSolver *solver, GError **error)
{
  HerdSolverInterface *iface = HERD_SOLVER_GET_IFACE (solver);

  return iface->check == NULL || iface->check (solver, error);
}

const char *const *
herd_solver_get_challenge_types (HerdSolver *solver, const char *identifier)
{
  return HERD_SOLVER_GET_IFACE (solver)->get_challenge_types (solver, identifier);
}

void
herd_solver_present_async (HerdSolver *solver, GPtrArray *challenges, GCancellable *cancellable,
                           GAsyncReadyCallback callback, gpointer data)
{
  HERD_SOLVER_GET_IFACE (solver)->present_async (solver, challenges, cancellable, callback, data);
}

gboolean
herd_solver_present_finish (HerdSolver *solver, GAsyncResult *result, GError **error)
{
  return HERD_SOLVER_GET_IFACE (solver)->present_finish (solver, result, error);
}

void
herd_solver_cleanup_async (HerdSolver *solver, GPtrArray *challenges, GAsyncReadyCallback callback,
                           gpointer data)
{
  HERD_SOLVER_GET_IFACE (solver)->cleanup_async (solver, challenges, callback, data);
}

gboolean
herd_solver_cleanup_finish (HerdSolver *solver, GAsyncResult *result, GError **error)
{
  return HERD_SOLVER_GET_IFACE (solver)->cleanup_finish (solver, result, error);
}
