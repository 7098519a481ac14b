// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * solver-tls-sni-01: proves control of names in a TLS handshake on port 443, as the drafts of ACME had
 * it before 2018 (draft-ietf-acme-acme-01). Unsafe where several people share an address, and gone from
 * every public CA; in builds with legacy only. It says which identifiers that fits; the answering is
 * certherd-responder's, through the host. Loaded by the agent; main loop only.
 */
#include "answered.h"
#include "plugin/identifier.h"
#include "plugin/plugin.h"

#define HERD_TYPE_SOLVER_TLS_SNI_01 (herd_solver_tls_sni_01_get_type ())
G_DECLARE_FINAL_TYPE (HerdSolverTlsSni01, herd_solver_tls_sni_01, HERD, SOLVER_TLS_SNI_01, GObject)

struct _HerdSolverTlsSni01 {
  HerdSolverBase base;
};

static void herd_solver_tls_sni_01_iface_init (HerdSolverInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (HerdSolverTlsSni01, herd_solver_tls_sni_01, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (HERD_TYPE_SOLVER,
                                                      herd_solver_tls_sni_01_iface_init))

/* The drafts know no addresses, and a wildcard has no host that could answer. */
static const char *const *
get_challenge_types (HerdSolver *solver, const char *identifier)
{
  static const char *const types[] = { "tls-sni-01", NULL };

  gboolean is_dns = g_str_equal (herd_identifier_get_type_name (identifier), "dns");

  return is_dns && !herd_identifier_is_wildcard (identifier) ? types : types + 1;
}

static void
herd_solver_tls_sni_01_iface_init (HerdSolverInterface *iface)
{
  herd_answered_iface_init (iface);
  iface->get_challenge_types = get_challenge_types;
}

static void
herd_solver_tls_sni_01_class_init (HerdSolverTlsSni01Class *klass)
{
  herd_solver_base_class_init (G_OBJECT_CLASS (klass));
}

static void
herd_solver_tls_sni_01_init (HerdSolverTlsSni01 *solver)
{}

HERD_PLUGIN_DEFINE ("solver", "tls-sni-01", herd_solver_tls_sni_01_get_type)
