// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * solver-tls-alpn-01: proves control of names and addresses in a TLS handshake on port 443 (RFC 8737,
 * RFC 8738 section 6). It says which identifiers that fits; the answering is certherd-responder's,
 * through the host. Loaded by the agent; main loop only.
 */
#include "answered.h"
#include "plugin/plugin.h"

#define HERD_TYPE_SOLVER_TLS_ALPN_01 (herd_solver_tls_alpn_01_get_type ())
G_DECLARE_FINAL_TYPE (HerdSolverTlsAlpn01, herd_solver_tls_alpn_01, HERD, SOLVER_TLS_ALPN_01,
                      GObject)

struct _HerdSolverTlsAlpn01 {
  HerdSolverBase base;
};

static void herd_solver_tls_alpn_01_iface_init (HerdSolverInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (HerdSolverTlsAlpn01, herd_solver_tls_alpn_01, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (HERD_TYPE_SOLVER,
                                                      herd_solver_tls_alpn_01_iface_init))

/* A wildcard has no host that could answer (RFC 8737 section 3). */
static const char *const *
get_challenge_types (HerdSolver *solver, const char *identifier)
{
  return herd_solver_base_list_type ("tls-alpn-01", identifier);
}

static void
herd_solver_tls_alpn_01_iface_init (HerdSolverInterface *iface)
{
  herd_answered_iface_init (iface);
  iface->get_challenge_types = get_challenge_types;
}

static void
herd_solver_tls_alpn_01_class_init (HerdSolverTlsAlpn01Class *klass)
{
  herd_solver_base_class_init (G_OBJECT_CLASS (klass));
}

static void
herd_solver_tls_alpn_01_init (HerdSolverTlsAlpn01 *solver)
{}

HERD_PLUGIN_DEFINE ("solver", "tls-alpn-01", herd_solver_tls_alpn_01_get_type)
