// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The rules of when: to renew, and to try again after a failure. Pure functions.
 */
#pragma once

#include "model/certificate.h"
#include "plugin/error.h"

G_BEGIN_DECLS

/* When to renew GENERATION, in seconds since the epoch. RULE: "auto" (at two thirds of the
 * lifetime, at half of one that is below 10 days, as Let's Encrypt's integration guide says, spread
 * over 2 % of it either way by RANDOM, 0 to 1), a duration before the expiry ("14d"), or a percentage
 * of the lifetime that is left ("33%"). Never before notBefore, nor after notAfter. */
gint64 herd_renewal_get_time (const HerdGeneration *generation, const char *rule, double random);
/* The same in words, for people. */
char *herd_renewal_get_reason (const HerdGeneration *generation, const char *rule);

/* Seconds to wait after the FAILURES'th failure in a row (1 …): 1, 10, 100 minutes, then 6 hours, a
 * tenth more or less by RANDOM. */
gint64 herd_backoff_get_delay (guint failures, double random);
/* When to try again after ERROR, whose class decides; in seconds since the epoch. */
gint64 herd_backoff_get_time (const GError *error, guint failures, gint64 now, double random);
/* RETRY_AT, as it was kept; 0 where no back-off lasts until then: the clock was ahead when it began. */
gint64 herd_backoff_check_time (gint64 retry_at, gint64 now);

G_END_DECLS
