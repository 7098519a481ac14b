// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * certherd-deliver's side of the bus: an ordinary subscriber (org.certherd.Agent1.Subscribe and
 * Subscription1, see data/dbus). A connection of its own; blocking; its context is the thread's
 * default one while it lives.
 */
#pragma once

#include <gio/gio.h>

#include "plugin/bundle.h"

G_BEGIN_DECLS

/* One delivery that the agent wants: what Updated said. */
typedef struct {
  char *path;
  char *name;
  guint64 generation; /* 0: the certificate was removed */
} HerdPending;

void herd_pending_free (HerdPending *pending);

typedef struct HerdSubscriber HerdSubscriber;

/* Connects to the session or the system bus, and subscribes as TARGET. Errors of all functions are of
 * HERD_ERROR, as the agent sent them, or HERD_ERROR_UNREACHABLE. */
HerdSubscriber *herd_subscriber_new (gboolean session, const char *target, GError **error);
/* Closes subscription and connection. */
void herd_subscriber_free (HerdSubscriber *subscriber);

/* Waits for the whole first batch: HerdPending, one for each certificate. */
GPtrArray *herd_subscriber_collect (HerdSubscriber *subscriber, GError **error);
/* Takes GENERATION of the certificate NAME at PATH. Seals and sizes are checked. */
HerdBundle *herd_subscriber_open_bundle (HerdSubscriber *subscriber, const char *path,
                                         const char *name, guint64 generation, GError **error);
/* The generation of the certificate at PATH that the target has applied, and can go back to; 0 = none, or one
 * that is revoked or over. */
gboolean herd_subscriber_get_previous (HerdSubscriber *subscriber, const char *path,
                                       guint64 *generation, GError **error);
gboolean herd_subscriber_acknowledge (HerdSubscriber *subscriber, const char *path,
                                      guint64 generation, gboolean applied, const char *message,
                                      GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdPending, herd_pending_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdSubscriber, herd_subscriber_free)

G_END_DECLS
