// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The rate ledger: what was spent of the limits that CAs set, so that an attempt that a CA would refuse is
 * not made. A limit is a token bucket (config/preset.h); of each that is not full the ledger has one row,
 * which is also on disk. Half of every bucket is kept for renewals. Owned by the agent; main loop only.
 *
 * Time is the clock's, in seconds since the epoch: rows outlive the machine's. Where it was set back, what
 * is waited for is at most as long as the whole bucket takes to fill, from the first question on.
 */
#pragma once

#include "config/preset.h"
#include "state/state.h"
#include "util/clock.h"

G_BEGIN_DECLS

typedef struct HerdLedger HerdLedger;

/* What an attempt would be. Borrowed, but for the limits, which an entry keeps. */
typedef struct {
  guint64 authority;     /* whose account it is */
  const char *issuer;    /* its name, for people */
  const char *directory; /* the CA: what counts for all of its accounts is kept under this URL */
  GPtrArray *limits;     /* const HerdLimit; NULL: none are known */
  const char *const *identifiers; /* normal form; NULL: no order */
  gboolean registers;             /* an account has to be made first */
  gboolean renewal;          /* of something that may lapse: what is kept for those is for it */
  gboolean same_identifiers; /* this CA has issued for exactly these before */
  gboolean replaces;         /* a certificate in its window of RFC 9773, and the order says so */
  gboolean waits;            /* it comes again by itself, at the time that it is told */
} HerdLedgerWish;

/* An attempt under way; it keeps the ledger. */
typedef struct HerdLedgerEntry HerdLedgerEntry;

HerdLedger *herd_ledger_new (HerdClock *clock);
HerdLedger *herd_ledger_ref (HerdLedger *ledger);
void herd_ledger_unref (HerdLedger *ledger);

/* May this be tried now? Asks nobody and spends nothing. HERD_ERROR_RATE_LIMITED, class timed, says from
 * when on, which limit of which CA it is, and how much of it is spent. Of those that wait for the same bucket
 * each is told a time of its own, within an hour: else all would come whenever there is room for one. */
gboolean herd_ledger_ask (HerdLedger *ledger, const HerdLedgerWish *wish, GError **error);

/* It is tried: what it will spend is taken from what others are told that there is. Without asking: what
 * an earlier process has begun goes on. (transfer full) */
HerdLedgerEntry *herd_ledger_begin (HerdLedger *ledger, const HerdLedgerWish *wish);
/* The end: what was not spent is there again. */
void herd_ledger_entry_free (HerdLedgerEntry *entry);

/* An account, or an order, is about to be asked for: again is counted again. REPLACES: the order says that
 * it replaces a certificate, as the wish said that it would. */
void herd_ledger_entry_register (HerdLedgerEntry *entry);
void herd_ledger_entry_order (HerdLedgerEntry *entry, gboolean replaces);
/* An authorization of IDENTIFIER has failed. */
void herd_ledger_entry_fail (HerdLedgerEntry *entry, const char *identifier);
/* There is a certificate: nothing more is spent. */
void herd_ledger_entry_issue (HerdLedgerEntry *entry);

/* The CA has refused an attempt like WISH, and wants to be left alone until RETRY_AT: so are all others,
 * unless a limit of the names explains such a time and none of the account's does. */
void herd_ledger_refused (HerdLedger *ledger, const HerdLedgerWish *wish, gint64 retry_at);
/* Until when the CA at DIRECTORY is left alone; 0: it is not. */
gint64 herd_ledger_get_hold (HerdLedger *ledger, const char *directory);

/* --- on disk --- */

/* Takes over what was there: HerdLedgerRow. */
void herd_ledger_load (HerdLedger *ledger, GPtrArray *rows);
/* Puts what has changed since the last time into BATCH. */
void herd_ledger_put (HerdLedger *ledger, HerdBatch *batch);
/* A batch that it was put into was not written: it is all put once more. */
void herd_ledger_put_again (HerdLedger *ledger);

/* --- for people --- */

/* Issuer1.Budget of LIMITS (may be NULL), AUTHORITY and DIRECTORY: the limits of the account, and of the
 * others those of which most is spent. Not floating. */
GVariant *herd_ledger_describe (HerdLedger *ledger, guint64 authority, const char *directory,
                                GPtrArray *limits);
/* What WISH would spend, a sentence for each limit. (transfer full) */
GPtrArray *herd_ledger_explain (HerdLedger *ledger, const HerdLedgerWish *wish);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdLedger, herd_ledger_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdLedgerEntry, herd_ledger_entry_free)

G_END_DECLS
