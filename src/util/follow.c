// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Runs that follow a cancellable.
 */
#include "util/follow.h"

struct HerdFollow {
  HerdRun *run;
  GCancellable *cancellable;
  gulong handler;
};

static void
on_cancelled (GCancellable *cancellable G_GNUC_UNUSED, gpointer data)
{
  HerdFollow *follow = data;
  g_autoptr (HerdRun) run = herd_run_ref (follow->run);

  /* The run may end here, and free FOLLOW. */
  herd_run_cancel (run);
}

HerdFollow *
herd_follow_new (HerdRun *run, GCancellable *cancellable)
{
  HerdFollow *follow;

  if (cancellable == NULL)
    return NULL;
  follow = g_new0 (HerdFollow, 1);
  follow->run = herd_run_ref (run);
  follow->cancellable = g_object_ref (cancellable);
  /* Not g_cancellable_connect(): its disconnect blocks when called from the handler. */
  follow->handler = g_signal_connect (cancellable, "cancelled", G_CALLBACK (on_cancelled), follow);
  if (g_cancellable_is_cancelled (cancellable))
    on_cancelled (cancellable, follow);
  return follow;
}

void
herd_follow_free (HerdFollow *follow)
{
  if (follow == NULL)
    return;
  g_signal_handler_disconnect (follow->cancellable, follow->handler);
  g_object_unref (follow->cancellable);
  herd_run_unref (follow->run);
  g_free (follow);
}
