// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Which solver proves what: choosing, and batches of one solver with all its challenges. Main loop
 * only.
 */
#pragma once

#include "acme/object.h"
#include "acme/record.h"
#include "acme/tried.h"
#include "plugin/issuer.h"

G_BEGIN_DECLS

/* Is there a solver that could prove each of IDENTIFIERS at all? Asked before any request leaves.
 * Errors: HERD_ERROR_ACTION_REQUIRED, naming the identifier and what it needs. */
gboolean herd_solving_check (HerdIssuerHost *host, const char *const *identifiers, GError **error);

/* The challenge of AUTHORIZATION that is to be solved, and *OFFER (AUTHORIZATION's), by the first
 * solver that can do what the CA offers, those types last that TRIED says have failed. Errors: HERD_ERROR_ACTION_REQUIRED (names both lists),
 * HERD_ERROR_REFUSED (a token that must not be used). */
HerdPresented *herd_solving_choose (HerdIssuerHost *host, const HerdAuthorization *authorization,
                                    HerdTried *tried, const char *thumbprint,
                                    const HerdOffer **offer, GError **error);

typedef struct {
  HerdSolver *solver;
  GPtrArray *challenges; /* of HerdChallenge */
} HerdBatch;

/* PRESENTED (of HerdPresented) by solver, as HerdBatch. What was presented before a restart goes to
 * the solver of that name, if it can still do it (from an old record: to every one that may have done
 * it). A solver that is not configured any more is passed over:
 * nobody is left who could take its challenges away. */
GPtrArray *herd_solving_group (HerdIssuerHost *host, GPtrArray *presented);

G_END_DECLS
