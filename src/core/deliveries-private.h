// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What deliveries.c and delivery-subscribers.c share: the targets as they are at this moment.
 */
#pragma once

#include "core/deliveries.h"
#include "util/steps.h"

/* One target at run time, configured or a reader's. */
typedef struct {
  HerdDeliveries *deliveries;
  char *name;
  GHashTable *pending;    /* ids of certificates whose row here is pending (set of guint64*) */
  GHashTable *installing; /* likewise, told to the subscriber */
  guint64 subscription;   /* who is this target now, 0 = nobody */
  gboolean attached;      /* somebody subscribed since the run began */
  guint told;             /* of how many rows, since then */
  HerdRun *run;           /* certherd-deliver is under way, or about to be; NULL = not */
} HerdDeliveryTarget;

struct HerdDeliveries {
  HerdServices *services;
  HerdLauncher *launcher;
  HerdDeliveriesFunc changed;
  gpointer data;
  GHashTable *targets;    /* name → HerdDeliveryTarget */
  GPtrArray *withdrawals; /* HerdWithdrawal */
  GPtrArray *waiters;     /* Waiter of deliveries.c */
};

HerdDeliveryTarget *herd_deliveries_ensure_target (HerdDeliveries *deliveries, const char *name);
gboolean herd_deliveries_target_is_configured (HerdDeliveries *deliveries, const char *name);

/* Copies of the ids in one of a target's sets: what is done with them changes the sets. */
GArray *herd_deliveries_copy_ids (GHashTable *set);
/* The row of certificate ID at TARGET, and the certificate; NULL if either is gone. */
HerdDelivery *herd_deliveries_find_row (HerdDeliveryTarget *target, guint64 id,
                                        HerdCertificate **certificate);

/* Sets a row's state and files it under its target. MESSAGE NULL: "". */
void herd_deliveries_set_state (HerdDeliveries *deliveries, HerdCertificate *certificate,
                                HerdDelivery *delivery, HerdDeliveryState state,
                                const char *message);
/* The row could not be delivered now: pending, to be tried again later and later. */
void herd_deliveries_postpone (HerdDeliveries *deliveries, HerdCertificate *certificate,
                               HerdDelivery *delivery, const char *message);
/* CERTIFICATE's rows have changed: tells, saves (unless SAVE is FALSE), and ends waits that are
 * settled. */
void herd_deliveries_changed (HerdDeliveries *deliveries, HerdCertificate *certificate,
                              gboolean save);
/* Ends the waits for CERTIFICATE that have nothing to wait for any more, as where it is gone. */
void herd_deliveries_settle (HerdDeliveries *deliveries, guint64 certificate);
/* Starts a run for TARGET if something can be delivered there and none is under way. */
void herd_deliveries_kick_target (HerdDeliveries *deliveries, HerdDeliveryTarget *target);
/* Is this pending row's time there? */
gboolean herd_deliveries_row_is_ready (HerdDeliveries *deliveries, const HerdDelivery *delivery);
/* Tells SUBSCRIPTION of the row's wanted generation, which it now installs. */
void herd_deliveries_send (HerdDeliveries *deliveries, const HerdSubscription *subscription,
                           HerdCertificate *certificate, HerdDelivery *delivery);
