// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the engine keeps, from a damaged database or another version: the first byte of the input says which
 * record.
 */
#include "acme/account.h"
#include "acme/record.h"
#include "acme/tried.h"
#include "fuzz.h"

static void
feed_order (GBytes *bytes)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HerdRecord) record = herd_record_new_from_bytes (bytes, &error);
  g_autoptr (GBytes) again = NULL;

  fuzz_assert_outcome (record != NULL, error);
  if (record == NULL)
    return;
  again = herd_record_to_bytes (record);
  g_assert_true (g_bytes_equal (bytes, again));
}

static void
feed_directory (GBytes *bytes)
{
  g_autoptr (HerdDirectory) directory = herd_directory_new_from_bytes (bytes);
  g_autoptr (GBytes) again = directory != NULL ? herd_directory_to_bytes (directory) : NULL;

  g_assert_true (directory == NULL || again != NULL);
}

static void
feed_account (GBytes *bytes)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HerdAcmeAccount) account = herd_acme_account_new ();
  gboolean succeeded = herd_acme_account_read (account, bytes, &error);
  g_autoptr (GBytes) again = herd_acme_account_to_bytes (account);
  g_autoptr (HerdAccount) shown = herd_acme_account_describe (account, NULL);

  fuzz_assert_outcome (succeeded, error);
  g_assert_true (again != NULL && shown != NULL);
}

static void
feed_tried (GBytes *bytes)
{
  g_autoptr (HerdTried) tried = herd_tried_new (bytes);
  g_autoptr (GBytes) again = NULL;

  herd_tried_note_failure (tried, "example.org", "http-01");
  g_assert_cmpuint (herd_tried_get_rank (tried, "example.org", "http-01"), >, 0);
  again = herd_tried_to_bytes (tried);
  g_assert_nonnull (again);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  static void (*const feeds[]) (GBytes * bytes) = { feed_order, feed_directory, feed_account,
                                                    feed_tried };
  g_autoptr (GBytes) bytes = NULL;

  if (size == 0)
    return 0;
  bytes = g_bytes_new (data + 1, size - 1);
  feeds[data[0] % G_N_ELEMENTS (feeds)](bytes);
  return 0;
}
