// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Waiting for the key-encryption key of a state that could not be unlocked. The Secret Service is
 * listened to, and asked now and then besides; a file and a credential are looked for when they are
 * asked for only. Main loop only.
 */
#pragma once

#include "state/kek.h"
#include "state/state.h"
#include "util/clock.h"

G_BEGIN_DECLS

typedef struct HerdKekWatch HerdKekWatch;

/* It was looked for. ERROR NULL: STATE is unlocked, and the watch does nothing more; else those of
 * herd_kek_load_async() and herd_state_unlock(). The watch may be freed. */
typedef void (*HerdKekLooked) (const GError *error, gpointer data);

/* Looks at once. A new KEK is made only for a STATE that never had one. STATE must outlive it;
 * DIRECTORY is the state's. */
HerdKekWatch *herd_kek_watch_new (HerdState *state, HerdKeystore keystore, const char *directory,
                                  HerdClock *clock, HerdKekLooked looked, gpointer data);
void herd_kek_watch_free (HerdKekWatch *watch);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdKekWatch, herd_kek_watch_free)

G_END_DECLS
