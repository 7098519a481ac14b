// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Starts certherd-deliver for a target and waits for its end: as a unit of systemd's, or as a child
 * (without systemd, and in a user's instance). Owned by the agent; main loop only.
 */
#pragma once

#include <gio/gio.h>

#include "util/clock.h"

G_BEGIN_DECLS

typedef struct HerdLauncher HerdLauncher;

/* PROGRAM is run as PROGRAM ARGUMENTS… TARGET. */
HerdLauncher *herd_launcher_new_children (const char *program, const char *const *arguments);
/* certherd-deliver@TARGET.service is started by the systemd of the bus TYPE, in which only the system
 * bus has one that may write for others; CLOCK is referenced. */
HerdLauncher *herd_launcher_new_systemd (GBusType type, HerdClock *clock);
/* Are its runs children, with the agent's own user? */
gboolean herd_launcher_has_children (const HerdLauncher *launcher);
/* Runs under way go on, and still call back. */
void herd_launcher_free (HerdLauncher *launcher);

/* Finishes when the run for TARGET has ended; TRUE if it says that all went well. Errors:
 * HERD_ERROR_UNREACHABLE (could not be started), HERD_ERROR_NOT_AUTHORIZED (systemd may not start it
 * for us), HERD_ERROR_FAILED (its exit status, or the result of its unit). A cancelled wait ends with
 * G_IO_ERROR_CANCELLED, and leaves the run to itself. */
void herd_launcher_run_async (HerdLauncher *launcher, const char *target, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer data);
gboolean herd_launcher_run_finish (HerdLauncher *launcher, GAsyncResult *result, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdLauncher, herd_launcher_free)

G_END_DECLS
