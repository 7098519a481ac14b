// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Deliveries: which target is to have which generation, and has it. Configured targets are served by
 * certherd-deliver (or a server that subscribes in its place), readers' targets by whoever subscribed.
 * Everything that becomes pending for a target in one turn is one run. Owned by the agent; main loop
 * only.
 */
#pragma once

#include "core/launcher.h"
#include "core/services.h"

G_BEGIN_DECLS

/* The target that needs no section: files below STATE/live. */
#define HERD_TARGET_LIVE "live"

typedef struct HerdDeliveries HerdDeliveries;

/* CERTIFICATE's deliveries have changed: what follows from that (its next action) is the caller's. */
typedef void (*HerdDeliveriesFunc) (guint64 certificate, gpointer data);

HerdDeliveries *herd_deliveries_new (HerdServices *services, HerdLauncher *launcher,
                                     HerdDeliveriesFunc changed, gpointer data);
void herd_deliveries_free (HerdDeliveries *deliveries);

/* Once, after the state was loaded: what was installing when the agent ended is pending again.
 * Takes WITHDRAWALS (HerdWithdrawal). */
void herd_deliveries_load (HerdDeliveries *deliveries, GPtrArray *withdrawals);

/* The configuration is another one, and whole: targets that it no longer has are gone, with words about
 * what may be left there; those that are back are pending again. Starts nothing. */
void herd_deliveries_configure (HerdDeliveries *deliveries, HerdBatch *batch);

/* Ends the subscriptions of those who may not be their targets any more, as the configuration says now. */
void herd_deliveries_revoke (HerdDeliveries *deliveries);

gboolean herd_deliveries_has_target (HerdDeliveries *deliveries, const char *name);

/* Brings the rows of CERTIFICATE up to its spec and current generation, and puts it into BATCH; what
 * targets no longer get is to be withdrawn there. BATCH NULL: only the generation is new, which every
 * start finds out again, so nothing needs to be written. Starts nothing. */
void herd_deliveries_plan (HerdDeliveries *deliveries, HerdCertificate *certificate,
                           HerdBatch *batch);
/* Starts, once this turn of the loop is over, what is pending and not waiting for its time. */
void herd_deliveries_kick (HerdDeliveries *deliveries, guint64 certificate);
/* Raises what a human has to know of CERTIFICATE's targets that are no longer there. */
void herd_deliveries_say_missing (HerdDeliveries *deliveries, const HerdCertificate *certificate);
/* The same as kick for everything that is pending, as after configure. */
void herd_deliveries_kick_all (HerdDeliveries *deliveries);
/* Pending, rejected and held ones of CERTIFICATE are due now. Starts nothing. */
void herd_deliveries_retry (HerdDeliveries *deliveries, HerdCertificate *certificate);
/* CERTIFICATE is being removed: what its targets have is to be withdrawn. Call before the row goes. */
void herd_deliveries_withdraw (HerdDeliveries *deliveries, HerdCertificate *certificate,
                               HerdBatch *batch);
void herd_deliveries_kick_withdrawals (HerdDeliveries *deliveries);
/* What plan, retry and withdraw put into a batch for the certificate ID is on disk. */
void herd_deliveries_confirm (HerdDeliveries *deliveries, guint64 id);
/* Changes of the certificates IDS are undone: SAVED (HerdWithdrawal, which it takes out) are what is to
 * be withdrawn of them. Their rows, if they are there, are filed again. */
void herd_deliveries_undo (HerdDeliveries *deliveries, const GArray *ids, GPtrArray *saved);
/* CERTIFICATE's row goes without anything to withdraw: it never was. */
void herd_deliveries_forget (HerdDeliveries *deliveries, const HerdCertificate *certificate);
/* Those of CERTIFICATE whose time to be tried again has come wait no longer. */
void herd_deliveries_release (HerdCertificate *certificate, gint64 now);
/* The earliest time at which a delivery waits to be tried again; 0 = none. */
gint64 herd_deliveries_get_retry_at (const HerdCertificate *certificate);

/* Finishes when every target that is not gone has GENERATION, or a newer one; fails with
 * HERD_ERROR_REFUSED as soon as one has rejected it (after the others have settled). */
void herd_deliveries_wait_async (HerdDeliveries *deliveries, guint64 certificate,
                                 guint64 generation, GCancellable *cancellable,
                                 GAsyncReadyCallback callback, gpointer data);
gboolean herd_deliveries_wait_finish (GAsyncResult *result, GError **error);

/* --- subscribers --- */

/* SUBSCRIPTION wants to be its target: HERD_ERROR_BUSY if another connection is,
 * HERD_ERROR_INVALID_ARGUMENT if it would be a configured one for some of its certificates only,
 * HERD_ERROR_LIMIT_EXCEEDED if its user is too many already, HERD_ERROR_NOT_AUTHORIZED if the target
 * neither lists its user nor was anybody asked. No-op for observers. */
gboolean herd_deliveries_attach (HerdDeliveries *deliveries, const HerdSubscription *subscription,
                                 GError **error);
/* Who is the target NAME now; NULL: nobody. */
const HerdSubscription *herd_deliveries_get_holder (HerdDeliveries *deliveries, const char *name);
/* Begins to tell it what it is to be told first, and then the end mark: a slice in each turn of the loop
 * that follows, one subscription of a user after the other. Call after its creation was answered. */
void herd_deliveries_send_first (HerdDeliveries *deliveries, guint64 subscription);
/* Tells the observers of CERTIFICATE's current generation. */
void herd_deliveries_tell_observers (HerdDeliveries *deliveries,
                                     const HerdCertificate *certificate);
/* Is the connection SENDER a target that CERTIFICATE is delivered to? */
gboolean herd_deliveries_serves (HerdDeliveries *deliveries, const HerdCertificate *certificate,
                                 const char *sender);
/* It is about to go. */
void herd_deliveries_detach (HerdDeliveries *deliveries, const HerdSubscription *subscription);

/* What Subscription1.Acknowledge says; finishes when it is on disk. */
void herd_deliveries_acknowledge_async (HerdDeliveries *deliveries,
                                        const HerdSubscription *subscription, guint64 certificate,
                                        guint64 generation, gboolean applied, const char *message,
                                        GAsyncReadyCallback callback, gpointer data);
gboolean herd_deliveries_acknowledge_finish (GAsyncResult *result, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdDeliveries, herd_deliveries_free)

G_END_DECLS
