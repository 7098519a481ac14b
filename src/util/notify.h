// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Words to the service manager (sd_notify(3)) without its library: one datagram to the socket that
 * the environment names. Used by the agent and the responder; any thread.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Sends STATE ("READY=1", "STOPPING=1", "STATUS=…", lines separated by "\n") to $NOTIFY_SOCKET. TRUE
 * without that variable: nobody asked. Errors (G_IO_ERROR) name the socket. */
gboolean herd_notify (const char *state, GError **error);

G_END_DECLS
