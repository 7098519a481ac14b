// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What an issuance does not go on with: an order of another issuer, or of another directory of it; and its own,
 * where it ends before its issuer was asked to go on.
 */
#include "core/abandonment.h"
#include "core/issuance-private.h"

static void
abandon (HerdIssuance *issuance, HerdRun *run)
{
  herd_abandonment_run_async (issuance->context->issuers, issuance->operation, issuance->checkpoint,
                              herd_run_ready, herd_run_slot (run));
}

gboolean
herd_issuance_enter_abandon (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  HerdIssuance *issuance = data;
  g_autoptr (GBytes) resume = herd_issuers_open_checkpoint (issuance->context->issuers,
                                                            issuance->asked, issuance->checkpoint);

  if (issuance->checkpoint != NULL && resume == NULL)
    abandon (issuance, run);
  return TRUE;
}

gboolean
herd_issuance_leave_abandon (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  HerdIssuance *issuance = data;

  if (herd_run_get_n_results (run) == 0)
    return TRUE;
  herd_abandonment_run_finish (herd_run_get_result (run, 0));
  g_clear_pointer (&issuance->checkpoint, g_bytes_unref);
  return TRUE;
}

/* An issuer that was asked has cleaned up; and what is kept for a later operation goes on with that. */
gboolean
herd_issuance_enter_done (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  HerdIssuance *issuance = data;
  const HerdOperation *operation = herd_issuance_find_operation (issuance, NULL);

  if (herd_run_get_error (run) != NULL && !issuance->handed && issuance->left == 0
      && operation != NULL && operation->generation == 0)
    abandon (issuance, run);
  return TRUE;
}
