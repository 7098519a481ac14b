// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * solver-http-01: proves control of names and addresses by answering on port 80 (RFC 8555 section
 * 8.3, RFC 8738 section 4). It says which identifiers that fits; the answering is certherd-responder's,
 * through the host. Loaded by the agent; main loop only.
 */
#include "plugin/identifier.h"
#include "plugin/plugin.h"
#include "plugin/solver.h"

#define HERD_TYPE_SOLVER_HTTP_01 (herd_solver_http_01_get_type ())
G_DECLARE_FINAL_TYPE (HerdSolverHttp01, herd_solver_http_01, HERD, SOLVER_HTTP_01, GObject)

struct _HerdSolverHttp01 {
  GObject parent;
  HerdSolverHost *host; /* not owned: it owns us */
};

static void herd_solver_http_01_iface_init (HerdSolverInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (HerdSolverHttp01, herd_solver_http_01, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (HERD_TYPE_SOLVER,
                                                      herd_solver_http_01_iface_init))

enum {
  PROP_0,
  PROP_HOST,
};

/* A wildcard has no host that could answer (RFC 8555 section 7.1.3). */
static const char *const *
http_01_get_challenge_types (HerdSolver *solver, const char *identifier)
{
  static const char *const http_01[] = { "http-01", NULL };

  return herd_identifier_is_wildcard (identifier) ? http_01 + 1 : http_01;
}

static void
http_01_present_async (HerdSolver *solver, GPtrArray *challenges, GCancellable *cancellable,
                       GAsyncReadyCallback callback, gpointer data)
{
  herd_solver_host_answer_async (HERD_SOLVER_HTTP_01 (solver)->host, challenges, cancellable,
                                 callback, data);
}

static gboolean
http_01_present_finish (HerdSolver *solver, GAsyncResult *result, GError **error)
{
  return herd_solver_host_answer_finish (HERD_SOLVER_HTTP_01 (solver)->host, result, error);
}

static void
http_01_cleanup_async (HerdSolver *solver, GPtrArray *challenges, GAsyncReadyCallback callback,
                       gpointer data)
{
  herd_solver_host_withdraw_async (HERD_SOLVER_HTTP_01 (solver)->host, challenges, callback, data);
}

static gboolean
http_01_cleanup_finish (HerdSolver *solver, GAsyncResult *result, GError **error)
{
  return herd_solver_host_withdraw_finish (HERD_SOLVER_HTTP_01 (solver)->host, result, error);
}

static void
herd_solver_http_01_iface_init (HerdSolverInterface *iface)
{
  iface->get_challenge_types = http_01_get_challenge_types;
  iface->present_async = http_01_present_async;
  iface->present_finish = http_01_present_finish;
  iface->cleanup_async = http_01_cleanup_async;
  iface->cleanup_finish = http_01_cleanup_finish;
}

static void
http_01_set_property (GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  if (id == PROP_HOST)
    HERD_SOLVER_HTTP_01 (object)->host = g_value_get_object (value);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
}

static void
http_01_get_property (GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  if (id == PROP_HOST)
    g_value_set_object (value, HERD_SOLVER_HTTP_01 (object)->host);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
}

static void
herd_solver_http_01_class_init (HerdSolverHttp01Class *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->set_property = http_01_set_property;
  object_class->get_property = http_01_get_property;
  g_object_class_override_property (object_class, PROP_HOST, "host");
}

static void
herd_solver_http_01_init (HerdSolverHttp01 *solver)
{}

HERD_PLUGIN_DEFINE ("solver", "http-01", herd_solver_http_01_get_type)
