// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * solver-http-01: proves control of names and addresses by answering on port 80 (RFC 8555 section
 * 8.3, RFC 8738 section 4). The answering is certherd-responder's, through the host, or that of a web
 * server in whose web root the answers are put. Loaded by the agent; main loop only.
 */
#include "plugin/error.h"
#include "plugin/plugin.h"
#include "solver-base.h"
#include "webroot.h"

#define HERD_TYPE_SOLVER_HTTP_01 (herd_solver_http_01_get_type ())
G_DECLARE_FINAL_TYPE (HerdSolverHttp01, herd_solver_http_01, HERD, SOLVER_HTTP_01, GObject)

struct _HerdSolverHttp01 {
  HerdSolverBase base;
  const char *webroot; /* the host's; NULL: the responder answers */
};

static void herd_solver_http_01_iface_init (HerdSolverInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (HerdSolverHttp01, herd_solver_http_01, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (HERD_TYPE_SOLVER,
                                                      herd_solver_http_01_iface_init))

static gboolean
http_01_check (HerdSolver *solver, GError **error)
{
  HerdSolverHttp01 *self = HERD_SOLVER_HTTP_01 (solver);

  self->webroot = herd_solver_base_get (&self->base, "webroot");
  if (self->webroot != NULL && herd_solver_base_get (&self->base, "listen") != NULL)
    return herd_solver_base_fail (
        &self->base, "webroot", "either a web server answers, or we listen; leave one out", error);
  return TRUE;
}

/* A wildcard has no host that could answer (RFC 8555 section 7.1.3). */
static const char *const *
http_01_get_challenge_types (HerdSolver *solver, const char *identifier)
{
  return herd_solver_base_list_type ("http-01", identifier);
}

typedef gboolean (*WebrootFunc) (const char *webroot, GPtrArray *challenges, GError **error);

/* Done when it returns: TASK only tells. */
static void
do_webroot (HerdSolverHttp01 *self, WebrootFunc func, GPtrArray *challenges,
            GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data)
{
  g_autoptr (GTask) task = g_task_new (self, cancellable, callback, data);
  GError *error = NULL;

  g_task_set_check_cancellable (task, FALSE);
  if (func (self->webroot, challenges, &error)) {
    g_task_return_boolean (task, TRUE);
    return;
  }
  herd_error_translate (&error, HERD_ERROR_FAILED, "solver %s",
                        herd_solver_host_get_name (self->base.host));
  g_task_return_error (task, error);
}

static void
http_01_present_async (HerdSolver *solver, GPtrArray *challenges, GCancellable *cancellable,
                       GAsyncReadyCallback callback, gpointer data)
{
  HerdSolverHttp01 *self = HERD_SOLVER_HTTP_01 (solver);

  if (self->webroot != NULL)
    do_webroot (self, herd_webroot_write, challenges, cancellable, callback, data);
  else
    herd_solver_host_answer_async (self->base.host, challenges, cancellable, callback, data);
}

static gboolean
http_01_present_finish (HerdSolver *solver, GAsyncResult *result, GError **error)
{
  HerdSolverHttp01 *self = HERD_SOLVER_HTTP_01 (solver);

  return self->webroot != NULL ? g_task_propagate_boolean (G_TASK (result), error)
                               : herd_solver_host_answer_finish (self->base.host, result, error);
}

static void
http_01_cleanup_async (HerdSolver *solver, GPtrArray *challenges, GAsyncReadyCallback callback,
                       gpointer data)
{
  HerdSolverHttp01 *self = HERD_SOLVER_HTTP_01 (solver);

  if (self->webroot != NULL)
    do_webroot (self, herd_webroot_remove, challenges, NULL, callback, data);
  else
    herd_solver_host_withdraw_async (self->base.host, challenges, callback, data);
}

static gboolean
http_01_cleanup_finish (HerdSolver *solver, GAsyncResult *result, GError **error)
{
  HerdSolverHttp01 *self = HERD_SOLVER_HTTP_01 (solver);

  return self->webroot != NULL ? g_task_propagate_boolean (G_TASK (result), error)
                               : herd_solver_host_withdraw_finish (self->base.host, result, error);
}

static void
herd_solver_http_01_iface_init (HerdSolverInterface *iface)
{
  iface->check = http_01_check;
  iface->get_challenge_types = http_01_get_challenge_types;
  iface->present_async = http_01_present_async;
  iface->present_finish = http_01_present_finish;
  iface->cleanup_async = http_01_cleanup_async;
  iface->cleanup_finish = http_01_cleanup_finish;
}

static void
herd_solver_http_01_class_init (HerdSolverHttp01Class *klass)
{
  herd_solver_base_class_init (G_OBJECT_CLASS (klass));
}

static void
herd_solver_http_01_init (HerdSolverHttp01 *solver)
{}

HERD_PLUGIN_DEFINE ("solver", "http-01", herd_solver_http_01_get_type)
