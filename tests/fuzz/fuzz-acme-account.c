// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Account objects, and the record that is made of them.
 */
#include "acme/account.h"
#include "acme/json.h"
#include "ca.h"
#include "fuzz.h"

static void
check_record (const HerdAcmeAccount *account)
{
  g_autoptr (GBytes) record = herd_acme_account_to_bytes (account);
  g_autoptr (HerdAcmeAccount) again = herd_acme_account_new ();
  g_autoptr (GBytes) record_again = NULL;
  g_autoptr (GError) error = NULL;

  herd_acme_account_read (again, record, &error);
  g_assert_no_error (error);
  record_again = herd_acme_account_to_bytes (again);
  g_assert_true (g_bytes_equal (record, record_again));
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (GBytes) body = g_bytes_new (data, size);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) object = herd_json_parse (body, "account", &error);
  g_autoptr (HerdAcmeAccount) account = herd_acme_account_new ();
  g_autoptr (HerdAccount) shown = NULL;
  gboolean updated;

  fuzz_assert_outcome (object != NULL, error);
  if (object == NULL)
    return 0;
  updated = herd_acme_account_update (account, "https://ca.example:14000/account/1", object,
                                      FUZZ_SITE, &error);
  fuzz_assert_outcome (updated, error);
  fuzz_assert_clean (account->status);
  for (char **contact = account->contacts; *contact != NULL; contact++)
    fuzz_assert_clean (*contact);
  shown = herd_acme_account_describe (account, NULL);
  g_assert_nonnull (shown);
  check_record (account);
  return 0;
}
