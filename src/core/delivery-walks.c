// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a subscriber is told first: a walk over all certificates, a slice in each turn of the loop, so
 * that others are answered meanwhile however many there are. A user has one walk at a time; his others
 * wait for it. Owned by the deliveries; main loop only.
 */
#include <string.h>

#include "core/deliveries-private.h"

/* Certificates in one turn: a few milliseconds. */
#define SLICE 100

struct HerdDeliveryWalk {
  HerdDeliveries *deliveries;
  guint64 subscription;
  guint32 uid;
  char
      *after; /* told of those up to this name; by name, as the row may be gone at the next slice */
  guint timer; /* its next slice; 0: it waits for another walk of its user, or is at work */
};

void
herd_delivery_walk_free (HerdDeliveryWalk *walk)
{
  if (walk == NULL)
    return;
  herd_clock_disarm (walk->deliveries->services->clock, walk->timer);
  g_free (walk->after);
  g_free (walk);
}

static HerdDeliveryWalk *
find_walk (HerdDeliveries *deliveries, guint64 subscription)
{
  for (guint i = 0; i < deliveries->walks->len; i++) {
    HerdDeliveryWalk *walk = g_ptr_array_index (deliveries->walks, i);

    if (walk->subscription == subscription)
      return walk;
  }
  return NULL;
}

static HerdDeliveryWalk *
find_first_of (HerdDeliveries *deliveries, guint32 uid)
{
  for (guint i = 0; i < deliveries->walks->len; i++) {
    HerdDeliveryWalk *walk = g_ptr_array_index (deliveries->walks, i);

    if (walk->uid == uid)
      return walk;
  }
  return NULL;
}

gboolean
herd_deliveries_is_walking (HerdDeliveries *deliveries, guint64 subscription)
{
  return find_walk (deliveries, subscription) != NULL;
}

static void
send_row (HerdDeliveries *deliveries, const HerdSubscription *subscription,
          HerdCertificate *certificate)
{
  HerdDelivery *delivery = herd_deliveries_ensure_reader (deliveries, subscription, certificate);

  if (delivery == NULL || certificate->current == 0)
    return;
  delivery->sent = 0; /* to whoever was the target before */
  if (subscription->target_is_configured) {
    if (herd_deliveries_row_is_ready (deliveries, certificate, delivery))
      herd_deliveries_send (deliveries, subscription, certificate, delivery);
    return;
  }
  /* A server that starts has nothing in memory: it is told of the current one in any case. */
  delivery->wanted = certificate->current;
  delivery->retry_at = 0;
  herd_deliveries_send (deliveries, subscription, certificate, delivery);
}

static void
show_certificate (HerdDeliveries *deliveries, const HerdSubscription *subscription,
                  HerdCertificate *certificate)
{
  if (!herd_subscription_matches (subscription, certificate->name))
    return;
  if (subscription->target != NULL)
    send_row (deliveries, subscription, certificate);
  else if (certificate->current != 0)
    herd_deliveries_tell (deliveries, subscription, certificate->id, certificate->name,
                          certificate->current);
}

/* What became pending since its certificate was passed follows the end mark. */
static void
finish_walk (HerdDeliveries *deliveries, const HerdSubscription *subscription)
{
  HerdDeliveryTarget *target = NULL;

  if (subscription->target != NULL)
    target = herd_deliveries_ensure_target (deliveries, subscription->target);
  if (target != NULL && subscription->target_is_configured)
    herd_deliveries_send_withdrawals (deliveries, target, subscription);
  herd_deliveries_tell (deliveries, subscription, 0, "", 0);
  herd_deliveries_end_walk (deliveries, subscription->id);
  if (target == NULL)
    return;
  target->attached = TRUE;
  herd_deliveries_kick_target (deliveries, target);
}

static void go_on (HerdDeliveryWalk *walk);

static void
walk_slice (gpointer data)
{
  HerdDeliveryWalk *walk = data;
  HerdDeliveries *deliveries = walk->deliveries;
  HerdRegistry *registry = deliveries->services->registry;
  const HerdSubscription *subscription = herd_registry_get_subscription (registry,
                                                                         walk->subscription);
  const char *after = walk->after;

  walk->timer = 0;
  for (guint i = 0; i < SLICE; i++) {
    HerdCertificate *certificate = herd_registry_next_certificate (registry, after);

    if (certificate == NULL) {
      finish_walk (deliveries, subscription);
      return;
    }
    show_certificate (deliveries, subscription, certificate);
    after = certificate->name;
  }
  after = g_strdup (after);
  g_free (walk->after);
  walk->after = (char *) after;
  go_on (walk);
}

static void
go_on (HerdDeliveryWalk *walk)
{
  walk->timer = herd_clock_arm (walk->deliveries->services->clock, 1, walk_slice, walk);
}

void
herd_deliveries_end_walk (HerdDeliveries *deliveries, guint64 subscription)
{
  HerdDeliveryWalk *walk = find_walk (deliveries, subscription);
  HerdDeliveryWalk *next;
  gboolean was_first;
  guint32 uid;

  if (walk == NULL)
    return;
  uid = walk->uid;
  was_first = find_first_of (deliveries, uid) == walk;
  g_ptr_array_remove (deliveries->walks, walk);
  next = find_first_of (deliveries, uid);
  if (was_first && next != NULL)
    go_on (next);
}

void
herd_deliveries_send_first (HerdDeliveries *deliveries, guint64 id)
{
  const HerdSubscription *subscription = herd_registry_get_subscription (
      deliveries->services->registry, id);
  HerdDeliveryWalk *walk;

  if (subscription == NULL)
    return;
  walk = g_new0 (HerdDeliveryWalk, 1);
  walk->deliveries = deliveries;
  walk->subscription = id;
  walk->uid = subscription->uid;
  walk->after = g_strdup ("");
  g_ptr_array_add (deliveries->walks, walk);
  if (find_first_of (deliveries, walk->uid) == walk)
    go_on (walk);
}

void
herd_deliveries_tell_observers (HerdDeliveries *deliveries, const HerdCertificate *certificate)
{
  HerdRegistry *registry = deliveries->services->registry;
  g_autoptr (GArray) ids = herd_registry_list_ids (registry, HERD_NOUN_SUBSCRIPTION);

  for (guint i = 0; i < ids->len; i++) {
    const HerdSubscription *subscription = herd_registry_get_subscription (
        registry, g_array_index (ids, guint64, i));
    const HerdDeliveryWalk *walk = find_walk (deliveries, subscription->id);

    /* What its walk is still to come to, it will tell of. */
    if (walk != NULL && strcmp (certificate->name, walk->after) > 0)
      continue;
    if (subscription->target == NULL && herd_subscription_matches (subscription, certificate->name))
      herd_deliveries_tell (deliveries, subscription, certificate->id, certificate->name,
                            certificate->current);
  }
}
