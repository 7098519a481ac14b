// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * When a CA is asked how far it is: when it says (Retry-After) within bounds; else for the first time when
 * it was likely ready the last times, and then ever more rarely (RFC 8555 section 7.5.1). Plain values;
 * a poll is an operation's, a pace its session's.
 */
#pragma once

#include <glib.h>

#include "acme/sightings.h"

G_BEGIN_DECLS

/* Seconds for one run of an order; a restart, which may come days later, begins a new one. */
#define HERD_POLL_DEADLINE 3600

/* How long a CA takes for something, as it was learned from it. */
typedef struct {
  gint64 delay;     /* microseconds after which it is asked first */
  guint validators; /* that come for each challenge; 0: not known */
} HerdPace;

/* Of a CA of which nothing is known: from an answered challenge to the verdict, from the last sight of a
 * validator to the verdict, from finalize to the certificate. */
#define HERD_PACE_VALIDATION ((HerdPace){ 100 * G_TIME_SPAN_MILLISECOND, 0 })
#define HERD_PACE_VERDICT ((HerdPace){ 10 * G_TIME_SPAN_MILLISECOND, 0 })
#define HERD_PACE_ISSUE ((HerdPace){ 10 * G_TIME_SPAN_MILLISECOND, 0 })

typedef struct {
  HerdPace *pace;
  guint rounds;
  guint troubles;  /* in a row */
  gint64 delay;    /* microseconds, without Retry-After, until the next question */
  gint64 retry_at; /* what the CA said last, seconds since the epoch; 0: nothing */
  gint64 begin;    /* monotonic: since when the CA works on it */
  gint64 asked;    /* monotonic: when the last question left */
} HerdPoll;

/* A new series at NOW (monotonic); its first round only waits. What the CA said last is kept. PACE, which
 * outlives the poll, learns; NULL: nothing is to be learned. */
void herd_poll_start (HerdPoll *poll, HerdPace *pace, gint64 now);
/* Counts a round at NOW (monotonic); whether the CA is to be asked in it. */
gboolean herd_poll_is_due (HerdPoll *poll, gint64 now);
/* Is the first question still to be asked? */
gboolean herd_poll_is_fresh (const HerdPoll *poll);
/* An answer came, with this Retry-After. */
void herd_poll_answered (HerdPoll *poll, gint64 retry_at);
/* The answer to the last question was that it is done. SIGHTINGS: of what was asked for, or NULL. */
void herd_poll_learn (HerdPoll *poll, HerdSightings *sightings);
/* Whether ERROR costs a round only: trouble of network or server, not too often in a row, and not for
 * longer than a round may wait. */
gboolean herd_poll_tolerates (HerdPoll *poll, const GError *error, gint64 now);
/* Microseconds until the next round. NOW: seconds since the epoch. */
gint64 herd_poll_get_delay (HerdPoll *poll, gint64 now);
/* The same for a fresh poll, at MONOTONIC, of an order whose validators are told of: the verdict is near
 * when as many have come as come to this CA's challenges; if they are fewer than that, when none has come
 * for a while; and if none comes at all, it is asked anyhow. To be asked for again at each sighting. */
gint64 herd_poll_get_delay_by_sight (const HerdPoll *poll, HerdSightings *sightings, gint64 now,
                                     gint64 monotonic);

G_END_DECLS
