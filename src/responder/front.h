// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the fronts that face the Internet share: sockets that listen, and clients whose number and
 * time are bounded. A front is made by herd_http_front_new() or herd_tls_front_new(), which say how
 * one client is served. Owned by main; main loop only.
 */
#pragma once

#include <gio/gio.h>

#include "util/clock.h"

G_BEGIN_DECLS

#define HERD_FRONT_CLIENTS 256                 /* one more drops the oldest */
#define HERD_FRONT_DEADLINE (10 * HERD_SECOND) /* until a client is gone, or its deadline anew */

typedef struct HerdFront HerdFront;

/* What a front's own struct of a client begins with. */
typedef struct {
  HerdFront *front;
  GSocket *socket; /* not blocking; the client's */
  GList link;
  GSocketConnection *connection;
  GSource *source;
  guint timer;
  gboolean draining;
  gsize drained;
} HerdClient;

typedef struct {
  gsize client_size;
  /* A new client, zeroed but for the beginning, which waits for input. FALSE: drop it. */
  gboolean (*begin) (HerdClient *client);
  /* What was waited for has come. FALSE: drop it. */
  gboolean (*ready) (HerdClient *client);
  /* Frees what the client's struct holds beyond the beginning. */
  void (*clear) (HerdClient *client);
  /* The same of the front's DATA; may be NULL. */
  void (*free_data) (gpointer data);
} HerdFrontOps;

/* For the fronts. OPS is static; takes DATA. */
HerdFront *herd_front_new (const HerdFrontOps *ops, gpointer data, HerdClock *clock);
gpointer herd_front_get_data (HerdFront *front);
gint64 herd_front_get_seconds (HerdFront *front);
/* Waits for CONDITION instead of what was waited for. */
void herd_client_watch (HerdClient *client, GIOCondition condition);
/* The deadline begins anew. */
void herd_client_arm (HerdClient *client);
/* All was said. Closing with bytes unread would reset the connection under the last of it, so the
 * client is given until its deadline to close first, and what it still says is thrown away. */
void herd_client_drain (HerdClient *client);

/* For main. */
void herd_front_free (HerdFront *front);
/* Will serve SOCKET, which listens already. */
gboolean herd_front_add (HerdFront *front, GSocket *socket, GError **error);
/* Begins to serve; nothing is added any more. */
void herd_front_start (HerdFront *front);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdFront, herd_front_free)

G_END_DECLS
