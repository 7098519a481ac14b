// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A subscription: a bus client that is told of new generations, and perhaps acknowledges as a target.
 * Ends with its connection; not saved. Owned by the registry; main loop only.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  guint64 id;
  char *sender; /* the connection's unique name */
  guint32 uid;
  char **patterns;
  char *target; /* what its deliveries are filed under; NULL: it observes */
  gboolean target_is_configured;
  gboolean allowed; /* somebody was asked; else a configured target lists the user */
  char *server;     /* a label for people */
} HerdSubscription;

HerdSubscription *herd_subscription_new (guint64 id, const char *sender, guint32 uid,
                                         const char *const *patterns);
void herd_subscription_free (HerdSubscription *subscription);
/* Does one of the patterns match NAME? */
gboolean herd_subscription_matches (const HerdSubscription *subscription, const char *name);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdSubscription, herd_subscription_free)

G_END_DECLS
