// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The ledger: a bucket is the time at which it is full again. It is never fuller than full, nor emptier
 * than empty: what a CA refuses it does not count either.
 */
#include "core/ledger.h"

#include "core/ledger-private.h"
#include "plugin/error.h"
#include "util/text.h"

#define SWEEP_FIRST 64
#define APART_MAX 3600           /* seconds */
#define HOLD_MAX (7 * 24 * 3600) /* seconds: as Retry-After */

struct HerdLedgerEntry {
  HerdLedger *ledger;
  guint64 authority;
  char *directory;
  char **identifiers;
  GPtrArray *limits;
  HerdLedgerWish wish;
  GPtrArray *promises; /* HerdBucket, the ledger's; one for each that was promised */
};

/* --- buckets --- */

static guint
row_hash (gconstpointer data)
{
  const HerdLedgerRow *row = data;

  return g_int64_hash (&row->authority) ^ g_str_hash (row->directory) ^ g_str_hash (row->limit)
         ^ g_str_hash (row->subject);
}

static gboolean
row_equal (gconstpointer a, gconstpointer b)
{
  const HerdLedgerRow *first = a, *second = b;

  return first->authority == second->authority && g_str_equal (first->subject, second->subject)
         && g_str_equal (first->limit, second->limit)
         && g_str_equal (first->directory, second->directory);
}

static void
bucket_free (gpointer data)
{
  HerdBucket *bucket = data;

  herd_ledger_row_free (bucket->row);
  g_free (bucket);
}

/* Takes ROW. */
static HerdBucket *
add_bucket (HerdLedger *ledger, HerdLedgerRow *row)
{
  HerdBucket *bucket = g_new0 (HerdBucket, 1);

  bucket->row = row;
  g_hash_table_replace (ledger->buckets, row, bucket);
  return bucket;
}

HerdBucket *
herd_ledger_find (HerdLedger *ledger, guint64 authority, const char *directory, const char *limit,
                  const char *subject)
{
  HerdLedgerRow row = { authority, (char *) directory, (char *) limit, (char *) subject, 0 };

  return g_hash_table_lookup (ledger->buckets, &row);
}

static HerdBucket *
ensure_bucket (HerdLedger *ledger, guint64 authority, const char *directory, const char *limit,
               const char *subject)
{
  HerdBucket *bucket = herd_ledger_find (ledger, authority, directory, limit, subject);

  if (bucket == NULL)
    bucket = add_bucket (ledger, herd_ledger_row_new (authority, directory, limit, subject, 0));
  return bucket;
}

/* Seconds until it is full, with what is promised. More than the whole is a clock that was set back (heal). */
static gint64
get_debt (const HerdBucket *bucket, const HerdLimit *limit, gint64 now)
{
  gint64 whole = limit->count * limit->refill;

  if (bucket == NULL)
    return 0;
  return CLAMP (bucket->row->full_at - now, 0, whole) + bucket->promised * limit->refill;
}

guint
herd_bucket_get_spent (const HerdBucket *bucket, const HerdLimit *limit, gint64 now)
{
  gint64 spent = (get_debt (bucket, limit, now) + limit->refill - 1) / limit->refill;

  return (guint) MIN (spent, (gint64) limit->count);
}

guint
herd_limit_get_allowed (const HerdLimit *limit, gboolean renewal)
{
  /* No renewal ever needs an account. */
  if (renewal || limit->scope == HERD_LIMIT_ACCOUNTS)
    return limit->count;
  return limit->count - limit->count / 2;
}

gint64
herd_bucket_get_room_at (const HerdBucket *bucket, const HerdLimit *limit, guint allowed,
                         gint64 now)
{
  gint64 over = get_debt (bucket, limit, now) + (1 - (gint64) allowed) * limit->refill;

  return now + MAX (over, 0);
}

static void
set_full_at (HerdLedger *ledger, HerdBucket *bucket, gint64 full_at)
{
  bucket->row->full_at = full_at;
  if (!bucket->changed)
    g_ptr_array_add (ledger->changed, bucket);
  bucket->changed = TRUE;
}

/* No time is further away than LONGEST, but where the clock was set back: then it counts from now on, lest it
 * moves on with the clock for as long as that was ahead. */
static void
heal (HerdLedger *ledger, HerdBucket *bucket, gint64 longest, gint64 now)
{
  if (bucket->row->full_at - now > longest)
    set_full_at (ledger, bucket, now + longest);
}

static void
charge (HerdLedger *ledger, HerdBucket *bucket, const HerdLimit *limit, gint64 now)
{
  gint64 whole = limit->count * limit->refill;
  gint64 debt = CLAMP (bucket->row->full_at - now, 0, whole);

  set_full_at (ledger, bucket, now + MIN (debt + limit->refill, whole));
}

/* --- asking --- */

/* When one who waits for BUCKET comes again; there is room at ROOM_AT. */
static gint64
give_turn (HerdBucket *bucket, const HerdLimit *limit, gboolean renewal, gint64 room_at, gint64 now)
{
  gint64 *told = &bucket->told[renewal ? 1 : 0];
  gint64 next = *told > now ? MIN (*told + limit->refill, now + APART_MAX) : room_at;

  *told = MAX (next, room_at);
  return *told;
}

static GError *refuse (gint64 when, const char *format, ...) G_GNUC_PRINTF (2, 3);

static GError *
refuse (gint64 when, const char *format, ...)
{
  va_list arguments;
  GError *error;

  va_start (arguments, format);
  error = g_error_new_valist (HERD_ERROR, HERD_ERROR_RATE_LIMITED, format, arguments);
  va_end (arguments);
  herd_error_set_retry_at (error, when);
  return error;
}

static GError *
refuse_draw (const HerdLedgerWish *wish, const HerdDraw *draw, const HerdBucket *bucket,
             gint64 room_at, gint64 now)
{
  guint allowed = herd_limit_get_allowed (draw->limit, wish->renewal);
  g_autofree char *when = herd_text_from_time (room_at);
  g_autofree char *kept = allowed < draw->limit->count ? g_strdup_printf (
                              ", %u of them kept for renewals", draw->limit->count - allowed)
                                                       : g_strdup ("");

  return refuse (
      room_at,
      "issuer %s: the limit %s%s%s of the CA at %s would be passed, %u of %u are spent%s;"
      " there is room at %s, and it is tried then",
      wish->issuer, draw->limit->name, *draw->subject != '\0' ? " for " : "", draw->subject,
      wish->directory, herd_bucket_get_spent (bucket, draw->limit, now), draw->limit->count, kept,
      when);
}

static GError *
refuse_held (const HerdLedgerWish *wish, gint64 hold)
{
  g_autofree char *when = herd_text_from_time (hold);

  return refuse (hold,
                 "issuer %s: the CA at %s has asked to be left alone until %s; it is tried then",
                 wish->issuer, wish->directory, when);
}

gint64
herd_ledger_get_hold (HerdLedger *ledger, const char *directory)
{
  HerdBucket *bucket = herd_ledger_find (ledger, 0, directory, HERD_LEDGER_HOLD, "");
  gint64 now = herd_clock_get_seconds (ledger->clock);

  if (bucket == NULL || bucket->row->full_at <= now)
    return 0;
  heal (ledger, bucket, HOLD_MAX, now);
  return bucket->row->full_at;
}

gboolean
herd_ledger_ask (HerdLedger *ledger, const HerdLedgerWish *wish, GError **error)
{
  gint64 now = herd_clock_get_seconds (ledger->clock);
  gint64 hold = herd_ledger_get_hold (ledger, wish->directory);
  g_autoptr (GArray) draws = herd_ledger_list_draws (ledger, wish);
  const HerdDraw *worst = NULL;
  HerdBucket *bucket = NULL;
  gint64 latest = MAX (hold, now);

  for (guint i = 0; i < draws->len; i++) {
    const HerdDraw *draw = &g_array_index (draws, HerdDraw, i);
    const HerdLimit *limit = draw->limit;
    HerdBucket *found = herd_ledger_find (ledger, herd_limit_get_authority (limit, wish->authority),
                                          wish->directory, limit->name, draw->subject);
    gint64 room_at;

    if (found != NULL)
      heal (ledger, found, limit->count * limit->refill, now);
    room_at = herd_bucket_get_room_at (found, limit, herd_limit_get_allowed (limit, wish->renewal),
                                       now);
    if (room_at <= latest)
      continue;
    latest = room_at;
    worst = draw;
    bucket = found;
  }
  if (worst != NULL && wish->waits && bucket != NULL)
    latest = give_turn (bucket, worst->limit, wish->renewal, latest, now);
  if (worst != NULL)
    g_propagate_error (error, refuse_draw (wish, worst, bucket, latest, now));
  else if (hold != 0)
    g_propagate_error (error, refuse_held (wish, hold));
  return worst == NULL && hold == 0;
}

/* --- spending --- */

static HerdBucket *
ensure_drawn (HerdLedger *ledger, const HerdLedgerWish *wish, const HerdDraw *draw)
{
  return ensure_bucket (ledger, herd_limit_get_authority (draw->limit, wish->authority),
                        wish->directory, draw->limit->name, draw->subject);
}

/* What is spent by every attempt that goes well. */
static gboolean
is_promised (const HerdLimit *limit)
{
  return limit->scope != HERD_LIMIT_IDENTIFIER_FAILURES
         && limit->scope != HERD_LIMIT_FAILURES_IN_A_ROW;
}

HerdLedgerEntry *
herd_ledger_begin (HerdLedger *ledger, const HerdLedgerWish *wish)
{
  HerdLedgerEntry *entry = g_new0 (HerdLedgerEntry, 1);
  g_autoptr (GArray) draws = herd_ledger_list_draws (ledger, wish);

  entry->ledger = herd_ledger_ref (ledger);
  entry->directory = g_strdup (wish->directory);
  entry->identifiers = g_strdupv ((char **) wish->identifiers);
  entry->limits = wish->limits != NULL ? g_ptr_array_ref (wish->limits) : NULL;
  entry->wish = *wish;
  entry->wish.issuer = "";
  entry->wish.directory = entry->directory;
  entry->wish.identifiers = (const char *const *) entry->identifiers;
  entry->promises = g_ptr_array_new ();
  for (guint i = 0; i < draws->len; i++) {
    const HerdDraw *draw = &g_array_index (draws, HerdDraw, i);
    HerdBucket *bucket = is_promised (draw->limit) ? ensure_drawn (ledger, wish, draw) : NULL;

    if (bucket == NULL)
      continue;
    bucket->promised++;
    g_ptr_array_add (entry->promises, bucket);
  }
  return entry;
}

static void
release (HerdLedgerEntry *entry)
{
  for (guint i = 0; i < entry->promises->len; i++)
    ((HerdBucket *) entry->promises->pdata[i])->promised--;
  g_ptr_array_set_size (entry->promises, 0);
}

void
herd_ledger_entry_free (HerdLedgerEntry *entry)
{
  if (entry == NULL)
    return;
  release (entry);
  g_ptr_array_unref (entry->promises);
  g_clear_pointer (&entry->limits, g_ptr_array_unref);
  g_strfreev (entry->identifiers);
  g_free (entry->directory);
  herd_ledger_unref (entry->ledger);
  g_free (entry);
}

/* Spends one of each limit of these SCOPES that ENTRY draws from; of SUBJECT only, where it is not NULL. */
static void
spend (HerdLedgerEntry *entry, guint scopes, const char *subject)
{
  HerdLedger *ledger = entry->ledger;
  g_autoptr (GArray) draws = herd_ledger_list_draws (ledger, &entry->wish);
  gint64 now = herd_clock_get_seconds (ledger->clock);

  for (guint i = 0; i < draws->len; i++) {
    const HerdDraw *draw = &g_array_index (draws, HerdDraw, i);
    HerdBucket *bucket;

    if ((scopes & (1u << draw->limit->scope)) == 0
        || (subject != NULL && !g_str_equal (draw->subject, subject)))
      continue;
    bucket = ensure_drawn (ledger, &entry->wish, draw);
    charge (ledger, bucket, draw->limit, now);
    if (g_ptr_array_remove_fast (entry->promises, bucket))
      bucket->promised--;
  }
}

void
herd_ledger_entry_register (HerdLedgerEntry *entry)
{
  spend (entry, 1u << HERD_LIMIT_ACCOUNTS, NULL);
}

void
herd_ledger_entry_order (HerdLedgerEntry *entry, gboolean replaces)
{
  entry->wish.replaces = entry->wish.replaces && replaces;
  spend (entry, 1u << HERD_LIMIT_ACCOUNT, NULL);
}

void
herd_ledger_entry_fail (HerdLedgerEntry *entry, const char *identifier)
{
  spend (entry, 1u << HERD_LIMIT_IDENTIFIER_FAILURES | 1u << HERD_LIMIT_FAILURES_IN_A_ROW,
         herd_ledger_get_base (identifier));
}

/* What counts failures in a row begins anew. */
static void
forget_failures (HerdLedgerEntry *entry)
{
  HerdLedger *ledger = entry->ledger;

  for (guint i = 0; entry->limits != NULL && i < entry->limits->len; i++) {
    const HerdLimit *limit = g_ptr_array_index (entry->limits, i);

    if (limit->scope != HERD_LIMIT_FAILURES_IN_A_ROW)
      continue;
    for (char **identifier = entry->identifiers; *identifier != NULL; identifier++) {
      HerdBucket *bucket = herd_ledger_find (ledger, entry->wish.authority, entry->directory,
                                             limit->name, herd_ledger_get_base (*identifier));

      if (bucket != NULL && bucket->row->full_at != 0)
        set_full_at (ledger, bucket, 0);
    }
  }
}

void
herd_ledger_entry_issue (HerdLedgerEntry *entry)
{
  spend (entry, 1u << HERD_LIMIT_REGISTERED_DOMAIN | 1u << HERD_LIMIT_IDENTIFIER_SET, NULL);
  if (entry->identifiers != NULL)
    forget_failures (entry);
  release (entry);
}

/* May a limit of these SCOPES that WISH draws from be SECONDS away from its next token? */
static gboolean
can_explain (const HerdLedgerWish *wish, guint scopes, gint64 seconds)
{
  for (guint i = 0; wish->limits != NULL && i < wish->limits->len; i++) {
    const HerdLimit *limit = g_ptr_array_index (wish->limits, i);

    if ((scopes & (1u << limit->scope)) != 0 && seconds <= limit->refill)
      return TRUE;
  }
  return FALSE;
}

void
herd_ledger_refused (HerdLedger *ledger, const HerdLedgerWish *wish, gint64 retry_at)
{
  const guint of_all = 1u << HERD_LIMIT_ACCOUNTS | 1u << HERD_LIMIT_ACCOUNT;
  gint64 now = herd_clock_get_seconds (ledger->clock);
  HerdBucket *bucket;

  /* An empty bucket has its next token after one refill at most. */
  if (retry_at <= now
      || (!can_explain (wish, of_all, retry_at - now)
          && can_explain (wish, ~of_all, retry_at - now)))
    return;
  bucket = ensure_bucket (ledger, 0, wish->directory, HERD_LEDGER_HOLD, "");
  set_full_at (
      ledger, bucket,
      MAX (herd_ledger_get_hold (ledger, wish->directory), MIN (retry_at, now + HOLD_MAX)));
}

/* --- on disk --- */

HerdLedger *
herd_ledger_new (HerdClock *clock)
{
  HerdLedger *ledger = g_new0 (HerdLedger, 1);

  ledger->references = 1;
  ledger->clock = herd_clock_ref (clock);
  ledger->buckets = g_hash_table_new_full (row_hash, row_equal, NULL, bucket_free);
  ledger->changed = g_ptr_array_new ();
  ledger->sweep_at = SWEEP_FIRST;
  return ledger;
}

HerdLedger *
herd_ledger_ref (HerdLedger *ledger)
{
  ledger->references++;
  return ledger;
}

void
herd_ledger_unref (HerdLedger *ledger)
{
  if (ledger == NULL || --ledger->references > 0)
    return;
  g_ptr_array_unref (ledger->changed);
  g_hash_table_unref (ledger->buckets);
  herd_suffixes_free (ledger->suffixes);
  herd_clock_unref (ledger->clock);
  g_free (ledger);
}

void
herd_ledger_load (HerdLedger *ledger, GPtrArray *rows)
{
  for (guint i = 0; i < rows->len; i++) {
    const HerdLedgerRow *row = g_ptr_array_index (rows, i);

    add_bucket (ledger, herd_ledger_row_new (row->authority, row->directory, row->limit,
                                             row->subject, row->full_at));
  }
}

/* Drops what is full by now. Rows are looked through whenever there are twice as many as were left the
 * last time. */
static void
sweep (HerdLedger *ledger, HerdBatch *batch)
{
  gint64 now = herd_clock_get_seconds (ledger->clock);
  GHashTableIter iter;
  gpointer data;

  g_hash_table_iter_init (&iter, ledger->buckets);
  while (g_hash_table_iter_next (&iter, NULL, &data)) {
    const HerdBucket *bucket = data;

    if (bucket->row->full_at <= now && bucket->promised == 0)
      g_hash_table_iter_remove (&iter);
  }
  herd_batch_prune_ledger (batch, now);
  ledger->sweep_at = MAX (2 * g_hash_table_size (ledger->buckets), SWEEP_FIRST);
}

void
herd_ledger_put (HerdLedger *ledger, HerdBatch *batch)
{
  for (guint i = 0; i < ledger->changed->len; i++) {
    HerdBucket *bucket = g_ptr_array_index (ledger->changed, i);

    herd_batch_put_ledger (batch, bucket->row);
    bucket->changed = FALSE;
  }
  g_ptr_array_set_size (ledger->changed, 0);
  if (g_hash_table_size (ledger->buckets) >= ledger->sweep_at)
    sweep (ledger, batch);
}

void
herd_ledger_put_again (HerdLedger *ledger)
{
  GHashTableIter iter;
  gpointer data;

  g_hash_table_iter_init (&iter, ledger->buckets);
  while (g_hash_table_iter_next (&iter, NULL, &data)) {
    HerdBucket *bucket = data;

    set_full_at (ledger, bucket, bucket->row->full_at);
  }
}
