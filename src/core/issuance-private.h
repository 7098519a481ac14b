// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the files of an issuance share: itself, and the steps that choose whom to ask.
 */
#pragma once

#include "core/issuance.h"
#include "crypto/key.h"
#include "util/steps.h"

G_BEGIN_DECLS

/* The step of a rehearsal, under which all that its issuer does is shown. */
#define HERD_ISSUANCE_REHEARSE "rehearse"

struct HerdIssuance {
  const HerdIssuanceContext *context;
  guint64 certificate;
  guint64 operation;
  GVariant *spec; /* as it was at the start: a change makes another issuance */
  HerdRun *run;
  gboolean inside; /* the slots */

  /* The attempt. */
  guint64 issuer;     /* one that the wish names */
  guint64 asked;      /* the same, or its staging sibling */
  GBytes *checkpoint; /* of an earlier process or operation, as it was saved */
  HerdKey *key;
  gboolean handed; /* to an issuer, which cleans up itself */
  HerdIssuer *engine;
  HerdIssuerHost *host;
  HerdLedgerEntry *entry; /* from the choice to the issue: then it is the host's */
  gboolean kept;  /* there is something of it in the state, which an earlier operation left */
  gboolean taken; /* and it goes on with that */

  /* The attempts before it. */
  gboolean over;   /* what the last one has left on disk is of no use to the next one */
  guint64 left;    /* but to a later operation, which asks this issuer; 0: to nobody */
  GArray *tried;   /* ids (guint64) of the issuers that are not asked again; NULL: none */
  GError *failure; /* the last one; NULL: none */
  char *failed;    /* whose it is: "issuer NAME" */
  GString *before; /* those before it, for people; NULL: none */

  GBytes *predecessor;        /* PEM; NULL: none that can be read */
  GBytes *chain;              /* PEM */
  HerdGeneration *generation; /* what was issued */
  gint64 renew_at;
  HerdNotices *notices; /* of the save under way */
  guint n_saves;        /* that have failed */
};

/* The rows; HERD_ERROR_CANCELLED if they are gone. */
HerdCertificate *herd_issuance_find_certificate (HerdIssuance *issuance, GError **error);
HerdOperation *herd_issuance_find_operation (HerdIssuance *issuance, GError **error);

/* --- whom to ask (issuance-choose.c) --- */

/* Step "choose": an attempt begins. It is on disk, with what became of the one before, before anybody is
 * asked; an attempt that an earlier process has begun goes on. Fails when nobody is left to ask, with the
 * failures of all. Goes on at HERD_ISSUANCE_REHEARSE or "abandon". */
gboolean herd_issuance_enter_choose (HerdRun *run, gpointer data, GError **error);
gboolean herd_issuance_leave_choose (HerdRun *run, gpointer data, GError **error);

gboolean herd_issuance_is_rehearsal (const HerdIssuance *issuance);
/* In leave: the one who is asked has failed with FAILURE (taken). RESUMABLE: what the attempt has saved is of
 * use to a later operation. TRUE: its back-off knows, and the run goes on at "choose". FALSE, ERROR: another
 * one could do no better. */
gboolean herd_issuance_fail_over (HerdIssuance *issuance, HerdRun *run, gboolean resumable,
                                  GError *failure, GError **error);
/* What an earlier operation has left, and this one goes on with or not, is kept no longer. */
void herd_issuance_put_taken (HerdIssuance *issuance, HerdBatch *batch);
/* In leave: a rehearsal has succeeded; the run goes on at "choose", with the real one. What was issued, and
 * its key, are of no further use. */
gboolean herd_issuance_end_rehearsal (HerdIssuance *issuance, HerdRun *run, GError **error);
/* Why it was not the first issuer of the wish that has issued; NULL: it was. (transfer full) */
char *herd_issuance_describe_detour (HerdIssuance *issuance, const HerdCertificate *certificate);

/* --- what is not gone on with (issuance-abandon.c) --- */

/* Step "abandon": what an order that the one who is asked does not know has presented is taken away. */
gboolean herd_issuance_enter_abandon (HerdRun *run, gpointer data, GError **error);
gboolean herd_issuance_leave_abandon (HerdRun *run, gpointer data, GError **error);
/* Step "done": the same where it ends before an issuer was asked. Its leave is the one above. */
gboolean herd_issuance_enter_done (HerdRun *run, gpointer data, GError **error);

G_END_DECLS
