// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The ledger: which limits an attempt draws from, and of what.
 */
#include <string.h>

#include "core/ledger-private.h"
#include "plugin/identifier.h"

#define SUBJECT_MAX 200 /* bytes, of a set of identifiers that is written out */

static void
draw_clear (gpointer data)
{
  g_free (((HerdDraw *) data)->subject);
}

guint64
herd_limit_get_authority (const HerdLimit *limit, guint64 authority)
{
  switch (limit->scope) {
  case HERD_LIMIT_ACCOUNT:
  case HERD_LIMIT_IDENTIFIER_FAILURES:
  case HERD_LIMIT_FAILURES_IN_A_ROW:
    return authority;
  case HERD_LIMIT_ACCOUNTS:
  case HERD_LIMIT_REGISTERED_DOMAIN:
  case HERD_LIMIT_IDENTIFIER_SET:
    break;
  }
  return 0;
}

/* Takes SUBJECT; a second time it is the same one. */
static void
add_draw (GArray *draws, const HerdLimit *limit, char *subject)
{
  HerdDraw draw = { limit, subject };

  for (guint i = 0; i < draws->len; i++) {
    const HerdDraw *other = &g_array_index (draws, HerdDraw, i);

    if (other->limit == limit && g_str_equal (other->subject, subject)) {
      g_free (subject);
      return;
    }
  }
  g_array_append_val (draws, draw);
}

static int
compare_strings (gconstpointer a, gconstpointer b)
{
  return g_strcmp0 (*(const char *const *) a, *(const char *const *) b);
}

/* The same for the same identifiers in any order, and short. */
static char *
describe_set (const char *const *identifiers)
{
  g_autoptr (GPtrArray) sorted = g_ptr_array_new ();
  g_autofree char *joined = NULL;
  g_autofree char *digest = NULL;

  for (; *identifiers != NULL; identifiers++)
    g_ptr_array_add (sorted, (char *) *identifiers);
  g_ptr_array_sort (sorted, compare_strings);
  g_ptr_array_add (sorted, NULL);
  joined = g_strjoinv (" ", (char **) sorted->pdata);
  if (strlen (joined) <= SUBJECT_MAX)
    return g_steal_pointer (&joined);
  digest = g_compute_checksum_for_string (G_CHECKSUM_SHA256, joined, -1);
  return g_strdup_printf ("%s and %u more (sha256:%.32s)", (const char *) sorted->pdata[0],
                          sorted->len - 2, digest);
}

const char *
herd_ledger_get_base (const char *identifier)
{
  return herd_identifier_is_wildcard (identifier) ? identifier + 2 : identifier;
}

static char *
get_registered (HerdLedger *ledger, const char *identifier)
{
  if (ledger->suffixes == NULL)
    ledger->suffixes = herd_suffixes_new ();
  return herd_suffixes_get_registered (ledger->suffixes, identifier);
}

static void
add_draws (HerdLedger *ledger, const HerdLedgerWish *wish, const HerdLimit *limit, GArray *draws)
{
  static const char *const none[] = { NULL };
  const char *const *identifiers = wish->identifiers != NULL ? wish->identifiers : none;

  switch (limit->scope) {
  case HERD_LIMIT_ACCOUNTS:
    if (wish->registers)
      add_draw (draws, limit, g_strdup (""));
    break;
  case HERD_LIMIT_ACCOUNT:
    if (*identifiers != NULL)
      add_draw (draws, limit, g_strdup (""));
    break;
  case HERD_LIMIT_REGISTERED_DOMAIN:
    for (; *identifiers != NULL; identifiers++)
      add_draw (draws, limit, get_registered (ledger, *identifiers));
    break;
  case HERD_LIMIT_IDENTIFIER_SET:
    if (*identifiers != NULL)
      add_draw (draws, limit, describe_set (identifiers));
    break;
  case HERD_LIMIT_IDENTIFIER_FAILURES:
  case HERD_LIMIT_FAILURES_IN_A_ROW:
    for (; *identifiers != NULL; identifiers++)
      add_draw (draws, limit, g_strdup (herd_ledger_get_base (*identifiers)));
    break;
  }
}

static gboolean
is_exempt (const HerdLimit *limit, const HerdLedgerWish *wish)
{
  return (limit->renewal_info_exempt && wish->replaces)
         || (limit->renewals_exempt && wish->same_identifiers);
}

GArray *
herd_ledger_list_draws (HerdLedger *ledger, const HerdLedgerWish *wish)
{
  GArray *draws = g_array_new (FALSE, FALSE, sizeof (HerdDraw));

  g_array_set_clear_func (draws, draw_clear);
  for (guint i = 0; wish->limits != NULL && i < wish->limits->len; i++) {
    const HerdLimit *limit = g_ptr_array_index (wish->limits, i);

    if (!is_exempt (limit, wish))
      add_draws (ledger, wish, limit, draws);
  }
  return draws;
}
