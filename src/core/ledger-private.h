// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the files of the ledger share: buckets, and which of them an attempt draws from.
 */
#pragma once

#include "core/ledger.h"
#include "core/suffixes.h"

G_BEGIN_DECLS

/* The name of the row that says until when a CA is left alone: no limit of a preset has it. */
#define HERD_LEDGER_HOLD ""

typedef struct {
  HerdLedgerRow *row;
  guint promised; /* to attempts under way */
  gint64 told[2]; /* to the last one that waits; the second is of renewals */
  gboolean changed;
} HerdBucket;

struct HerdLedger {
  guint references;
  HerdClock *clock;
  HerdSuffixes *suffixes; /* NULL: nobody has asked for a registered domain yet */
  GHashTable *buckets;    /* bucket->row → HerdBucket */
  GPtrArray *changed;     /* of them, since they were put last */
  guint sweep_at;         /* so many buckets */
};

/* One limit, of one subject, that an attempt draws from. */
typedef struct {
  const HerdLimit *limit;
  char *subject;
} HerdDraw;

/* Those of WISH, as far as it is not exempt. (transfer full) */
GArray *herd_ledger_list_draws (HerdLedger *ledger, const HerdLedgerWish *wish);

/* IDENTIFIER without "*.". */
const char *herd_ledger_get_base (const char *identifier);
/* 0: what the limit counts is of all accounts at the CA. */
guint64 herd_limit_get_authority (const HerdLimit *limit, guint64 authority);
/* NULL: it is full. */
HerdBucket *herd_ledger_find (HerdLedger *ledger, guint64 authority, const char *directory,
                              const char *limit, const char *subject);

/* How many of LIMIT's tokens are gone from BUCKET (NULL: none), with those that are promised. */
guint herd_bucket_get_spent (const HerdBucket *bucket, const HerdLimit *limit, gint64 now);
/* How many of them an attempt may spend. */
guint herd_limit_get_allowed (const HerdLimit *limit, gboolean renewal);
/* When one of ALLOWED is there: NOW, or later. */
gint64 herd_bucket_get_room_at (const HerdBucket *bucket, const HerdLimit *limit, guint allowed,
                                gint64 now);

G_END_DECLS
