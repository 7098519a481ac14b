// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The double of an issuer, as far as it revokes.
 */
#include "revocation-double.h"

#include <stdio.h>

#include "plugin/error.h"

/* Can HOST sign with the certificate's key? */
static gboolean
has_own_key (HerdIssuerHost *host)
{
  g_autoptr (GBytes) digest = g_bytes_new_static ("0123456789abcdef0123456789abcdef", 32);
  g_autoptr (GBytes)
      signature = herd_issuer_host_sign (host, HERD_RECORD_CERTIFICATE_KEY, digest, NULL);

  return signature != NULL;
}

static void
revoke_leaf (HerdIssuer *issuer, GBytes *chain G_GNUC_UNUSED, guint reason, GBytes *public_key,
             HerdIssuerHost *host, GCancellable *cancellable, GAsyncReadyCallback callback,
             gpointer data)
{
  g_autoptr (GTask) task = g_task_new (issuer, cancellable, callback, data);
  const char *name = g_object_get_data (G_OBJECT (issuer), "name");
  HerdProblem problem = { .type = "unauthorized", .detail = "not yours", .status = 403 };
  gboolean deaf = g_str_equal (name, "deaf");

  printf ("revoke: %s, reason %u, as %s\n", name, reason,
          public_key == NULL   ? "account"
          : has_own_key (host) ? "key"
                               : "nobody");
  fflush (stdout);
  herd_issuer_host_progress (host, "revoke", 0.5);
  if (g_str_equal (name, "hold")) {
    g_signal_connect_object (cancellable, "cancelled",
                             G_CALLBACK (g_task_return_error_if_cancelled), g_steal_pointer (&task),
                             G_CONNECT_SWAPPED);
  } else if (g_str_equal (name, "down")) {
    g_task_return_new_error (task, HERD_ERROR, HERD_ERROR_UNREACHABLE, "the double is down");
  } else if (g_str_equal (name, "lost") && public_key == NULL) {
    g_task_return_new_error (task, HERD_ERROR, HERD_ERROR_ACTION_REQUIRED, "there is no account");
  } else if (deaf || (g_str_equal (name, "foreign") && public_key == NULL)) {
    g_task_return_error (task, herd_error_new_problem (&problem, "revokeCert"));
  } else if (g_str_equal (name, "picky") && reason != 0) {
    problem.type = "badRevocationReason";
    g_task_return_error (task, herd_error_new_problem (&problem, "revokeCert"));
  } else {
    g_task_return_boolean (task, TRUE);
  }
}

static gboolean
revoke_finish (HerdIssuer *issuer G_GNUC_UNUSED, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

void
revocation_double_init (HerdIssuerInterface *iface)
{
  iface->revoke_async = revoke_leaf;
  iface->revoke_finish = revoke_finish;
}
