// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * How often a CA is asked how far it is: what it says (Retry-After) within bounds, else ever more
 * rarely (RFC 8555 section 7.5.1). A plain value, owned by the operation.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Seconds for one run of an order; a restart, which may come days later, begins a new one. */
#define HERD_POLL_DEADLINE 3600

typedef struct {
  guint rounds;
  guint troubles;  /* in a row */
  gint64 delay;    /* microseconds, without Retry-After */
  gint64 retry_at; /* what the CA said last, seconds since the epoch; 0: nothing */
} HerdPoll;

/* A new series; its first round only waits. What the CA said last is kept. */
void herd_poll_start (HerdPoll *poll);
/* Counts a round; whether the CA is to be asked in it. */
gboolean herd_poll_is_due (HerdPoll *poll);
/* An answer came, with this Retry-After. */
void herd_poll_answered (HerdPoll *poll, gint64 retry_at);
/* Whether ERROR costs a round only: trouble of network or server, not too often in a row, and not for
 * longer than a round may wait. */
gboolean herd_poll_tolerates (HerdPoll *poll, const GError *error, gint64 now);
/* Microseconds until the next round. */
gint64 herd_poll_get_delay (HerdPoll *poll, gint64 now);

G_END_DECLS
