// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The control side: takes the agent's requests (config/wire.h) and changes the challenges in flight.
 * Either a listening socket, to which only root, this process's user and the socket's owner may
 * connect, or one descriptor that the agent handed to its child. Owned by main; main loop only.
 */
#pragma once

#include <gio/gio.h>

#include "responder/flight.h"
#include "util/clock.h"

G_BEGIN_DECLS

/* So long challenges stay when the agent that presented them is gone; it presents them again. */
#define HERD_CONTROL_ORPHANED ((gint64) 600 * HERD_SECOND)
#define HERD_CONTROL_CONNECTIONS 16
/* Sightings that follow each other so closely are told at once. */
#define HERD_CONTROL_TOGETHER ((gint64) 2 * HERD_SECOND / 1000)

typedef struct HerdControl HerdControl;

/* FLIGHT outlives the control, whose sightings it tells to those who presented something, and so does TYPES: the challenge types that are answered,
 * NULL-terminated. Others are refused with the next step. */
HerdControl *herd_control_new (HerdFlight *flight, const char *const *types, HerdClock *clock);
void herd_control_free (HerdControl *control);

/* Serves SOCKET, which listens already (SOCK_SEQPACKET). */
gboolean herd_control_add_listener (HerdControl *control, GSocket *socket, GError **error);
/* Serves SOCKET, which is connected to the agent; CLOSED is called when the agent has gone. */
gboolean herd_control_add_agent (HerdControl *control, GSocket *socket, void (*closed) (gpointer),
                                 gpointer data, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdControl, herd_control_free)

G_END_DECLS
