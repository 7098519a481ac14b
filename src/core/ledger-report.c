// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The ledger, for people.
 */
#include "core/ledger-private.h"

/* Subjects that are shown, those of which most is spent first: thousands of names would be too many. */
#define SHOWN 32

static const char *
scope_to_string (HerdLimitScope scope)
{
  switch (scope) {
  case HERD_LIMIT_ACCOUNTS:
    return "accounts";
  case HERD_LIMIT_ACCOUNT:
    return "orders";
  case HERD_LIMIT_REGISTERED_DOMAIN:
    return "domain";
  case HERD_LIMIT_IDENTIFIER_SET:
    return "identifiers";
  case HERD_LIMIT_IDENTIFIER_FAILURES:
    return "failures";
  case HERD_LIMIT_FAILURES_IN_A_ROW:
    return "failures-in-a-row";
  }
  return "unknown";
}

typedef struct {
  const HerdLimit *limit;
  const char *subject;
  const HerdBucket *bucket; /* NULL: full */
  guint spent;
} Line;

/* The share of it that is spent, most first; then by name, so that nothing jumps about. */
static int
compare_lines (gconstpointer a, gconstpointer b)
{
  const Line *first = a, *second = b;
  guint64 left = (guint64) first->spent * second->limit->count;
  guint64 right = (guint64) second->spent * first->limit->count;
  int order = g_strcmp0 (first->limit->name, second->limit->name);

  if (left != right)
    return left > right ? -1 : 1;
  return order != 0 ? order : g_strcmp0 (first->subject, second->subject);
}

static void
add_line (GVariantBuilder *builder, const Line *line, gint64 now)
{
  const HerdLimit *limit = line->limit;
  guint first = herd_limit_get_allowed (limit, FALSE);
  gint64 room_at = herd_bucket_get_room_at (line->bucket, limit, first, now);
  gint64 renewals = herd_bucket_get_room_at (line->bucket, limit, limit->count, now);

  g_variant_builder_open (builder, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (builder, "{sv}", "limit", g_variant_new_string (limit->name));
  g_variant_builder_add (builder, "{sv}", "scope",
                         g_variant_new_string (scope_to_string (limit->scope)));
  g_variant_builder_add (builder, "{sv}", "subject", g_variant_new_string (line->subject));
  g_variant_builder_add (builder, "{sv}", "spent", g_variant_new_uint32 (line->spent));
  g_variant_builder_add (builder, "{sv}", "allowed", g_variant_new_uint32 (limit->count));
  g_variant_builder_add (builder, "{sv}", "kept", g_variant_new_uint32 (limit->count - first));
  g_variant_builder_add (builder, "{sv}", "room-at",
                         g_variant_new_int64 (room_at > now ? room_at : 0));
  g_variant_builder_add (builder, "{sv}", "renewal-room-at",
                         g_variant_new_int64 (renewals > now ? renewals : 0));
  g_variant_builder_close (builder);
}

static gboolean
has_one_subject (const HerdLimit *limit)
{
  return limit->scope == HERD_LIMIT_ACCOUNTS || limit->scope == HERD_LIMIT_ACCOUNT;
}

static const HerdLimit *
find_limit (GPtrArray *limits, const char *name)
{
  for (guint i = 0; i < limits->len; i++) {
    const HerdLimit *limit = g_ptr_array_index (limits, i);

    if (g_str_equal (limit->name, name))
      return limit;
  }
  return NULL;
}

/* Puts LINE into LINES, in order, if it is among the first; there may be thousands that are not. */
static void
insert_line (GArray *lines, const Line *line)
{
  guint index = lines->len;

  if (index == SHOWN && compare_lines (line, &g_array_index (lines, Line, SHOWN - 1)) >= 0)
    return;
  while (index > 0 && compare_lines (line, &g_array_index (lines, Line, index - 1)) < 0)
    index--;
  g_array_insert_vals (lines, index, line, 1);
  if (lines->len > SHOWN)
    g_array_set_size (lines, SHOWN);
}

/* Of the limits with many subjects, what is spent. */
static GArray *
list_subjects (HerdLedger *ledger, guint64 authority, const char *directory, GPtrArray *limits,
               gint64 now)
{
  GArray *lines = g_array_new (FALSE, FALSE, sizeof (Line));
  GHashTableIter iter;
  gpointer data;

  g_hash_table_iter_init (&iter, ledger->buckets);
  while (g_hash_table_iter_next (&iter, NULL, &data)) {
    const HerdBucket *bucket = data;
    const HerdLedgerRow *row = bucket->row;
    const HerdLimit *limit = find_limit (limits, row->limit);
    Line line = { limit, row->subject, bucket, 0 };

    if (limit == NULL || has_one_subject (limit) || !g_str_equal (row->directory, directory)
        || row->authority != herd_limit_get_authority (limit, authority))
      continue;
    line.spent = herd_bucket_get_spent (bucket, limit, now);
    if (line.spent > 0)
      insert_line (lines, &line);
  }
  return lines;
}

GVariant *
herd_ledger_describe (HerdLedger *ledger, guint64 authority, const char *directory,
                      GPtrArray *limits)
{
  GVariantBuilder builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));
  gint64 now = herd_clock_get_seconds (ledger->clock);
  g_autoptr (GArray) lines = NULL;

  for (guint i = 0; limits != NULL && i < limits->len; i++) {
    const HerdLimit *limit = g_ptr_array_index (limits, i);
    Line line = { limit, "", NULL, 0 };

    if (!has_one_subject (limit))
      continue;
    line.bucket = herd_ledger_find (ledger, herd_limit_get_authority (limit, authority), directory,
                                    limit->name, "");
    line.spent = herd_bucket_get_spent (line.bucket, limit, now);
    add_line (&builder, &line, now);
  }
  if (limits != NULL)
    lines = list_subjects (ledger, authority, directory, limits, now);
  for (guint i = 0; lines != NULL && i < lines->len; i++)
    add_line (&builder, &g_array_index (lines, Line, i), now);
  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

GPtrArray *
herd_ledger_explain (HerdLedger *ledger, const HerdLedgerWish *wish)
{
  GPtrArray *sentences = g_ptr_array_new_with_free_func (g_free);
  gint64 now = herd_clock_get_seconds (ledger->clock);
  g_autoptr (GArray) draws = herd_ledger_list_draws (ledger, wish);

  for (guint i = 0; i < draws->len; i++) {
    const HerdDraw *draw = &g_array_index (draws, HerdDraw, i);
    const HerdLimit *limit = draw->limit;
    const HerdBucket *bucket = herd_ledger_find (ledger,
                                                 herd_limit_get_authority (limit, wish->authority),
                                                 wish->directory, limit->name, draw->subject);
    guint kept = limit->count - herd_limit_get_allowed (limit, wish->renewal);

    g_ptr_array_add (sentences,
                     g_strdup_printf ("%s%s%s: %u of %u spent%s", limit->name,
                                      *draw->subject != '\0' ? " for " : "", draw->subject,
                                      herd_bucket_get_spent (bucket, limit, now), limit->count,
                                      kept > 0 ? ", half is kept for renewals" : ""));
  }
  return sentences;
}
