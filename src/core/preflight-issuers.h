// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A preflight's issuers, one by one: whether the CA answers, what its clock says, whether there is an account
 * and room in its limits for an attempt. Owned by the preflight; main loop only.
 */
#pragma once

#include "core/findings.h"
#include "core/issuers.h"
#include "util/steps.h"

G_BEGIN_DECLS

/* One of those that an issuance would turn to, in its order. */
typedef struct {
  guint64 id;
  char *name;
  gboolean is_private; /* it has trust anchors of its own, and so is perhaps in the same network */
  HerdIssuer *engine;  /* NULL: there is none */
  HerdIssuerHost *host;
  HerdOutlook *outlook; /* NULL: it could not be asked */
} HerdPreflightIssuer;

/* HerdPreflightIssuer of OPERATION's wish; at least one. (transfer full) */
GPtrArray *herd_preflight_issuers_new (HerdRegistry *registry, const HerdOperation *operation);

/* In a step's enter: asks the CA, as one more part of RUN's wait. */
void herd_preflight_issuer_ask (HerdPreflightIssuer *issuer, HerdIssuers *issuers,
                                guint64 operation, const char *const *solvers, HerdRun *run,
                                HerdFindings *findings);
/* In the step's leave: reads the answer, which is at INDEX if it was asked, and returns the next one's index. */
guint herd_preflight_issuer_read (HerdPreflightIssuer *issuer, const HerdServices *services,
                                  HerdRun *run, guint index, HerdFindings *findings);
/* This machine's clock, compared with those of all that have answered. */
void herd_preflight_issuers_judge_clock (const GPtrArray *issuers, HerdFindings *findings);
/* What an attempt would spend of the CA's limits, and whether that much is there. */
void herd_preflight_issuer_judge_budget (const HerdPreflightIssuer *issuer,
                                         const HerdServices *services, guint64 operation,
                                         HerdFindings *findings);

G_END_DECLS
