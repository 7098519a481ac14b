// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A run follows the cancellable of whoever asked for it: cancelling the one cancels the other. For
 * the folder borders, where a GTask answers a caller and a run does the work. Main loop only.
 */
#pragma once

#include "util/steps.h"

G_BEGIN_DECLS

typedef struct HerdFollow HerdFollow;

/* To be called after herd_run_start(). CANCELLABLE may be NULL (then NULL is returned), or be
 * cancelled already (then RUN is cancelled at once). */
HerdFollow *herd_follow_new (HerdRun *run, GCancellable *cancellable);
/* Follows no longer; NULL is ignored. May be called while CANCELLABLE is being cancelled. */
void herd_follow_free (HerdFollow *follow);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdFollow, herd_follow_free)

G_END_DECLS
