// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A gate: at most LIMIT are inside, the others wait in the order in which they came. Stands before
 * libsoup, whose own queue costs O(n) per event, and before whatever else is dear. Main loop only.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct HerdGate HerdGate;

HerdGate *herd_gate_new (guint limit);
/* Waiters get G_IO_ERROR_CANCELLED. Nobody may be inside any more. */
void herd_gate_free (HerdGate *gate);
/* A higher one lets in who waits; with a lower one, those who are inside stay. */
void herd_gate_set_limit (HerdGate *gate, guint limit);

/* Finishes when inside; a success must be followed by exactly one herd_gate_leave(). Cancelling
 * while waiting gives G_IO_ERROR_CANCELLED, and nothing is to be left. */
void herd_gate_enter_async (HerdGate *gate, GCancellable *cancellable, GAsyncReadyCallback callback,
                            gpointer data);
/* The same, alone: when nobody else is inside; whoever comes later waits until it has left. */
void herd_gate_enter_alone_async (HerdGate *gate, GCancellable *cancellable,
                                  GAsyncReadyCallback callback, gpointer data);
/* Of both. */
gboolean herd_gate_enter_finish (HerdGate *gate, GAsyncResult *result, GError **error);
void herd_gate_leave (HerdGate *gate);

/* Would somebody who enters now be inside at once? */
gboolean herd_gate_has_room (HerdGate *gate);
guint herd_gate_get_inside (HerdGate *gate);
guint herd_gate_get_waiting (HerdGate *gate);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdGate, herd_gate_free)

G_END_DECLS
