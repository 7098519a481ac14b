// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * One pass of certherd-deliver: takes what is pending for a target, withdraws, installs, activates,
 * probes, goes back where that failed, and acknowledges each. Blocking.
 */
#pragma once

#include "deliver/target.h"

G_BEGIN_DECLS

#define HERD_PASS_DONE 0
#define HERD_PASS_FAILED 1   /* the target's configuration; the bus */
#define HERD_PASS_PENDING 75 /* EX_TEMPFAIL: something is to be tried again */

/* Makes one pass for the target NAME; what goes wrong is acknowledged to the agent and printed on
 * standard error. Returns the status to exit with; a rejection that the agent knows of is DONE. */
int herd_pass_run (const char *name, const HerdTargetPlaces *places);

G_END_DECLS
