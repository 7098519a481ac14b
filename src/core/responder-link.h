// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The agent's end of the responder's control socket. It sends one message at a time and waits for its
 * reply, remembers what is presented, and presents all of it again after every reconnect: at once
 * where something is presented, since a validator may be on its way, else on demand. Owned by the
 * agent; main loop only.
 */
#pragma once

#include <gio/gio.h>

#include "util/clock.h"

G_BEGIN_DECLS

#define HERD_TYPE_RESPONDER_LINK (herd_responder_link_get_type ())
G_DECLARE_FINAL_TYPE (HerdResponderLink, herd_responder_link, HERD, RESPONDER_LINK, GObject)

/* To the SOCK_SEQPACKET socket at PATH, which is not opened yet. What is connected to must belong to
 * root or to this process's user, and so must whoever listens there. */
HerdResponderLink *herd_responder_link_new_socket (const char *path, HerdClock *clock);
/* To a child, over one end of a socket pair of that type; takes FD. */
HerdResponderLink *herd_responder_link_new_fd (int fd, HerdClock *clock);
/* The child was started again: FD (taken) leads to the new one. */
void herd_responder_link_set_fd (HerdResponderLink *link, int fd);

/* Finishes when the responder answers every one of CHALLENGES (HerdChallenge), whose sightings are
 * noted from then on (challenge.h). Twice is as good as once. Errors: HERD_ERROR_UNREACHABLE (no responder, or none that answers within 10 s; says how to
 * get one), HERD_ERROR_FAILED (it will not; its reason), HERD_ERROR_CANCELLED. After an error, some
 * may be presented: withdraw them. */
void herd_responder_link_answer_async (HerdResponderLink *link, GPtrArray *challenges,
                                       GCancellable *cancellable, GAsyncReadyCallback callback,
                                       gpointer data);
gboolean herd_responder_link_answer_finish (HerdResponderLink *link, GAsyncResult *result,
                                            GError **error);

/* Finishes when the responder answers none of CHALLENGES any longer. What was never presented, or a
 * responder that is not there, is a success. */
void herd_responder_link_withdraw_async (HerdResponderLink *link, GPtrArray *challenges,
                                         GAsyncReadyCallback callback, gpointer data);
gboolean herd_responder_link_withdraw_finish (HerdResponderLink *link, GAsyncResult *result,
                                              GError **error);

G_END_DECLS
