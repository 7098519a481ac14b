// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A preflight's identifiers, one by one: what the DNS says of each, and what that means for the way in which
 * control of it would be proved. Owned by the preflight; main loop only.
 */
#pragma once

#include "core/findings.h"
#include "core/solvers.h"
#include "plugin/issuer.h"
#include "util/steps.h"

G_BEGIN_DECLS

typedef struct {
  char *identifier;
  char *base; /* of a wildcard what is below the "*.", else the identifier */
  gboolean is_wildcard;
  gboolean is_address;
  HerdSolver *solver;       /* the first that can prove it; NULL: there is none */
  const char *method;       /* its first challenge type; "" */
  GPtrArray *addresses;     /* char *: where a validator would come to; bounded */
  HerdChallenge *challenge; /* that is to be seen there; NULL: none */
} HerdPreflightName;

HerdPreflightName *herd_preflight_name_new (const char *identifier, HerdSolvers *solvers,
                                            const char *const *wanted);
void herd_preflight_name_free (HerdPreflightName *name);

/* Does a validator come to the name's own addresses? */
gboolean herd_preflight_name_is_visited (const HerdPreflightName *name);

/* In a step's enter: asks the DNS, as one more part of RUN's wait. */
void herd_preflight_name_ask (const HerdPreflightName *name, HerdDns *dns, HerdRun *run);

/* In the step's leave: reads the answers from INDEX on, and returns the next name's index. ISSUERS:
 * HerdPreflightIssuer, who have been asked. */
guint herd_preflight_name_read (HerdPreflightName *name, HerdDns *dns, HerdRun *run, guint index,
                                const GPtrArray *issuers, HerdFindings *findings);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdPreflightName, herd_preflight_name_free)

G_END_DECLS
