// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What deliveries.c and the files delivery-*.c share: the targets as they are at this moment.
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
  gboolean attached;      /* a subscriber was told of everything since the run began */
  HerdRun *run;           /* certherd-deliver is under way, or about to be; NULL = not */
  guint answer_timer;     /* a subscriber is to answer before it; 0 = not armed */

  gboolean files;    /* its adapter writes files, and nothing more */
  gboolean follows;  /* its adapter makes a server load files, of other targets perhaps */
  gboolean has_path; /* it writes files of its own */

  gboolean withdrawals_told; /* all of them, to whom is asked to answer */
  guint withdraw_failures;   /* in a row */
  guint withdraw_timer;      /* they are not asked for again before it; 0 = not armed */
} HerdDeliveryTarget;

typedef struct HerdDeliveryWaiter HerdDeliveryWaiter; /* of delivery-waits.c */
typedef struct HerdDeliveryWalk HerdDeliveryWalk;     /* of delivery-walks.c */

/* A certificate's deliver names a target that the configuration no longer has. */
#define HERD_ATTENTION_TARGET_MISSING "target-missing"

struct HerdDeliveries {
  HerdServices *services;
  HerdLauncher *launcher;
  HerdDeliveriesFunc changed;
  gpointer data;
  GHashTable *targets;    /* name → HerdDeliveryTarget */
  GPtrArray *withdrawals; /* HerdWithdrawal, on disk */
  GPtrArray *planned;     /* HerdWithdrawal, on their way there */
  GPtrArray *waiters;     /* HerdDeliveryWaiter */
  GPtrArray *walks;       /* HerdDeliveryWalk, in the order of coming */
};

HerdDeliveryTarget *herd_deliveries_ensure_target (HerdDeliveries *deliveries, const char *name);
gboolean herd_deliveries_target_is_configured (HerdDeliveries *deliveries, const char *name);
gboolean herd_deliveries_target_is_reader (const char *name);
/* Is there somebody (the subscriber of a reader's target) or something (the section of a configured
 * one) that CERTIFICATE can be delivered to at the target NAME? */
gboolean herd_deliveries_is_served (HerdDeliveries *deliveries, const HerdCertificate *certificate,
                                    const char *name);

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
/* The row's wanted generation is to be delivered from the first attempt on: pending, or gone where
 * nobody is there. */
void herd_deliveries_await (HerdDeliveries *deliveries, HerdCertificate *certificate,
                            HerdDelivery *delivery);
/* Takes the row away and frees it. */
void herd_deliveries_remove_row (HerdDeliveries *deliveries, HerdCertificate *certificate,
                                 HerdDelivery *delivery);
/* The row of CERTIFICATE at SUBSCRIPTION's target, NULL if it has none: a reader's comes to be with the
 * first generation that the subscriber can be told of. */
HerdDelivery *herd_deliveries_ensure_reader (HerdDeliveries *deliveries,
                                             const HerdSubscription *subscription,
                                             HerdCertificate *certificate);
/* Gives CERTIFICATE the rows of the readers that are subscribed to it. */
void herd_deliveries_ensure_readers (HerdDeliveries *deliveries, HerdCertificate *certificate);
/* Says so if the row's target is no longer in the configuration. */
void herd_deliveries_tell_missing (HerdDeliveries *deliveries, const HerdCertificate *certificate,
                                   const HerdDelivery *delivery);
/* Takes the Attention about a rejection back if there is none any more. */
void herd_deliveries_end_attention (HerdDeliveries *deliveries, const HerdCertificate *certificate);
/* Writes BATCH, which it takes; what is in memory is right, and a later commit writes it too. */
void herd_deliveries_commit (HerdDeliveries *deliveries, HerdBatch *batch);
/* CERTIFICATE's rows have changed: tells, saves (unless SAVE is FALSE), and ends waits that are
 * settled. */
void herd_deliveries_changed (HerdDeliveries *deliveries, HerdCertificate *certificate,
                              gboolean save);
/* Ends the waits for CERTIFICATE that have nothing to wait for any more, as where it is gone. */
void herd_deliveries_settle (HerdDeliveries *deliveries, guint64 certificate);
/* Starts a run for TARGET if something can be delivered there and none is under way. */
void herd_deliveries_kick_target (HerdDeliveries *deliveries, HerdDeliveryTarget *target);
/* Starts what had to wait for files to be written. */
void herd_deliveries_kick_followers (HerdDeliveries *deliveries);
/* Can this row be delivered now? */
gboolean herd_deliveries_row_is_ready (HerdDeliveries *deliveries,
                                       const HerdCertificate *certificate,
                                       const HerdDelivery *delivery);
/* Tells SUBSCRIPTION of the row's wanted generation, which it now installs. */
void herd_deliveries_send (HerdDeliveries *deliveries, const HerdSubscription *subscription,
                           HerdCertificate *certificate, HerdDelivery *delivery);
void herd_deliveries_tell (HerdDeliveries *deliveries, const HerdSubscription *subscription,
                           guint64 certificate, const char *name, guint64 generation);
/* No answer of TARGET's subscriber is waited for any more. */
void herd_deliveries_expect_no_answer (HerdDeliveryTarget *target);

void herd_delivery_waiter_free (HerdDeliveryWaiter *waiter);

/* Is SUBSCRIPTION still being told what it is to be told first? What comes meanwhile for a target is sent
 * when that has ended. */
gboolean herd_deliveries_is_walking (HerdDeliveries *deliveries, guint64 subscription);
/* SUBSCRIPTION is told no more of it; no-op if it is not walking. */
void herd_deliveries_end_walk (HerdDeliveries *deliveries, guint64 subscription);
void herd_delivery_walk_free (HerdDeliveryWalk *walk);

/* --- withdrawals --- */

/* The row of CERTIFICATE is going: its target is to take away what it has. */
void herd_deliveries_add_withdrawal (HerdDeliveries *deliveries, const HerdCertificate *certificate,
                                     const HerdDelivery *delivery, HerdBatch *batch);
/* What CERTIFICATE's targets are to have again is not to be taken away there. BATCH NULL: writes it
 * itself. */
void herd_deliveries_drop_withdrawals (HerdDeliveries *deliveries,
                                       const HerdCertificate *certificate, HerdBatch *batch);
/* Gives up those of targets that the configuration no longer has. */
void herd_deliveries_end_withdrawals (HerdDeliveries *deliveries, HerdBatch *batch);
/* Has TARGET withdrawals that it may be told of now? */
gboolean herd_deliveries_withdrawals_are_due (const HerdDeliveryTarget *target);
/* Tells SUBSCRIPTION, which is TARGET, of all of its withdrawals. */
void herd_deliveries_send_withdrawals (HerdDeliveries *deliveries, HerdDeliveryTarget *target,
                                       const HerdSubscription *subscription);
/* Whoever was to answer has gone, or (FAILED) never came: what is left is asked for later. */
void herd_deliveries_withdrawals_ended (HerdDeliveryTarget *target, gboolean failed);
/* TARGET's answer about the removed CERTIFICATE. FALSE: nobody asked. */
gboolean herd_deliveries_answer_withdrawal (HerdDeliveries *deliveries, HerdDeliveryTarget *target,
                                            guint64 certificate, gboolean applied,
                                            const char *message, HerdBatch *batch);
/* Forgets TARGET's back-off. */
void herd_deliveries_clear_withdrawals (HerdDeliveryTarget *target);
/* CERTIFICATE's rows are what was loaded: files them. */
void herd_deliveries_refile (HerdDeliveries *deliveries, HerdCertificate *certificate);
