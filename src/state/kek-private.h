// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The three places of the key-encryption key. Private to src/state; main thread.
 */
#pragma once

#include "state/kek.h"
#include "util/clock.h"

G_BEGIN_DECLS

/* Blocking: small local files. */
GBytes *herd_kek_load_credential (GError **error);
GBytes *herd_kek_load_file (const char *directory, gboolean create, GError **error);
/* Asynchronous: returns into TASK (GBytes), which it takes. Gives up after 40 s of CLOCK. */
void herd_kek_load_secret_service (const char *directory, gboolean create, HerdClock *clock,
                                   GTask *task);

/* BYTES if they are a key, else NULL with HERD_ERROR_REFUSED; PLACE says where they came from. */
GBytes *herd_kek_check (GBytes *bytes, const char *place, GError **error);

G_END_DECLS
