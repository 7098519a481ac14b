// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The responder's sockets: inherited from the service manager (sd_listen_fds(3): LISTEN_PID,
 * LISTEN_FDS, LISTEN_FDNAMES; any number that are named by a challenge type, and "control"), or opened
 * at configured addresses. Used by main at the start.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* What is spoken on a socket. */
typedef enum {
  HERD_FRONT_HTTP,
  HERD_FRONT_TLS,
  HERD_FRONTS, /* how many there are */
} HerdFrontKind;

typedef struct {
  GPtrArray *listening[HERD_FRONTS]; /* of GSocket */
  GSocket *control;                  /* listening, or NULL */
} HerdSockets;

/* The challenge types that this build can answer: names of sockets and of [solver] sections.
 * NULL-terminated, static. */
const char *const *herd_sockets_get_known_types (void);

HerdSockets *herd_sockets_new (void);
void herd_sockets_free (HerdSockets *sockets);

/* Takes the inherited descriptors, and their variables out of the environment. INHERITED says whether
 * there were any. Errors: HERD_ERROR_INVALID_ARGUMENT (an unknown name, no socket). */
gboolean herd_sockets_inherit (HerdSockets *sockets, gboolean *inherited, GError **error);

/* Listens for TYPE, a known one, at ADDRESSES: numeric "ADDRESS:PORT" or "[ADDRESS]:PORT". "[::]:80" is
 * for IPv4 too. Errors name the address and the port: HERD_ERROR_INVALID_ARGUMENT, HERD_ERROR_BUSY (in
 * use), HERD_ERROR_NOT_AUTHORIZED, HERD_ERROR_FAILED. */
gboolean herd_sockets_listen (HerdSockets *sockets, const char *type, const char *const *addresses,
                              GError **error);

/* The types that can be answered on what is open now. NULL-terminated (transfer container; the strings
 * are static). */
const char **herd_sockets_get_types (HerdSockets *sockets);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdSockets, herd_sockets_free)

G_END_DECLS
