// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * An issuance: from a certificate's wish to a generation that its targets have. One for each
 * operation of kind "issue"; main loop only.
 *
 *   queue → load → choose (→ rehearse) → abandon → account → key → issue → save → deliver → done
 *
 * queue waits for a slot, load reads what an earlier process left, choose says which issuer is asked, abandon
 * takes away what another one's order has presented, account
 * makes sure of its account, issue is the issuer's own table behind its contract, save is the point of no
 * return. An issuer's failure goes back to choose: the next one is asked within the same operation. rehearse
 * is the step of an attempt with a staging sibling, whose issue goes back to choose as well.
 */
#pragma once

#include "core/deliveries.h"
#include "core/issuers.h"
#include "util/gate.h"

G_BEGIN_DECLS

typedef struct HerdIssuance HerdIssuance;

/* What an issuance needs besides the services. Outlives it. */
typedef struct {
  HerdServices *services;
  HerdIssuers *issuers;
  HerdDeliveries *deliveries;
  HerdGate *slots;
  guint generations; /* to keep */
  /* A new generation is current and on disk. */
  void (*issued) (guint64 certificate, gpointer data);
  /* AUTHORITY wants somebody to act before it issues. */
  void (*refused) (guint64 authority, gpointer data);
  /* The end. ERROR NULL means done. The issuance is freed by whoever is told. */
  void (*finished) (HerdIssuance *issuance, guint64 certificate, guint64 operation,
                    const GError *error, gpointer data);
  gpointer data;
} HerdIssuanceContext;

/* Starts, or goes on with, OPERATION (a row in the registry, on disk). */
HerdIssuance *herd_issuance_start (const HerdIssuanceContext *context, HerdOperation *operation);
/* Ends it, after its challenges were cleaned up; finished() is told. */
void herd_issuance_cancel (HerdIssuance *issuance);
guint64 herd_issuance_get_certificate (const HerdIssuance *issuance);
/* In finished(), before the operation's end is put into BATCH: keeps what its last attempt leaves to a later
 * operation. */
void herd_issuance_keep (HerdIssuance *issuance, HerdBatch *batch);
/* Its generation is in memory, and may not be on disk. */
gboolean herd_issuance_is_saving (const HerdIssuance *issuance);
/* Lets it go as it is: the next process resumes it. */
void herd_issuance_free (HerdIssuance *issuance);

G_END_DECLS
