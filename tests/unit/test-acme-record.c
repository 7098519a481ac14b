// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the engine writes down reads the same again, and what is no such record is refused.
 */
#include "acme/account.h"
#include "acme/record.h"
#include "plugin/error.h"

#define TOKEN "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"

static void
assert_damage_is_seen (GBytes *bytes, gboolean (*reads) (GBytes *bytes))
{
  gsize size = g_bytes_get_size (bytes);
  g_autoptr (GBytes) empty = g_bytes_new_static ("", 0);
  g_autoptr (GBytes) newer = NULL;
  g_autofree guint8 *copy = g_memdup2 (g_bytes_get_data (bytes, NULL), size);

  g_assert_true (reads (bytes));
  g_assert_false (reads (empty));
  copy[0]++; /* the version */
  newer = g_bytes_new (copy, size);
  g_assert_false (reads (newer));
  /* Cut anywhere it is refused, or at the least nothing breaks. */
  for (gsize length = 1; length < size; length++) {
    g_autoptr (GBytes) cut = g_bytes_new_from_bytes (bytes, 0, length);

    reads (cut);
  }
}

static gboolean
reads_record (GBytes *bytes)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HerdRecord) record = herd_record_new_from_bytes (bytes, &error);

  if (record == NULL)
    g_assert_error (error, HERD_ERROR, HERD_ERROR_FAILED);
  return record != NULL;
}

static void
test_order (void)
{
  g_autoptr (HerdRecord) record = herd_record_new ();
  g_autoptr (HerdRecord) again = NULL;
  g_autoptr (HerdChallenge)
      challenge = herd_challenge_new ("dns-01", "a.example", TOKEN, TOKEN ".thumbprint");
  g_autoptr (GBytes) fresh = herd_record_to_bytes (record);
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;
  HerdPresented *presented;

  again = herd_record_new_from_bytes (fresh, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (again->attempts, ==, 0);
  g_assert_null (again->order_url);
  g_clear_pointer (&again, herd_record_free);

  record->attempts = 2;
  record->finalized = TRUE;
  record->order_url = g_strdup ("https://ca.example/order/1");
  g_ptr_array_add (record->presented,
                   herd_presented_new (challenge, "*.a.example", "Solver", NULL));
  bytes = herd_record_to_bytes (record);
  again = herd_record_new_from_bytes (bytes, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (again->attempts, ==, 2);
  g_assert_true (again->finalized);
  g_assert_cmpstr (again->order_url, ==, "https://ca.example/order/1");
  g_assert_cmpuint (again->presented->len, ==, 1);
  presented = again->presented->pdata[0];
  g_assert_cmpstr (presented->wish, ==, "*.a.example");
  g_assert_cmpstr (presented->solver, ==, "Solver");
  g_assert_cmpstr (presented->challenge->type, ==, "dns-01");
  g_assert_cmpstr (presented->challenge->identifier, ==, "a.example");
  g_assert_cmpstr (presented->challenge->token, ==, TOKEN);
  g_assert_cmpstr (presented->challenge->key_authorization, ==, TOKEN ".thumbprint");
  assert_damage_is_seen (bytes, reads_record);
}

static gboolean
reads_account (GBytes *bytes)
{
  g_autoptr (HerdAcmeAccount) account = herd_acme_account_new ();
  g_autoptr (GError) error = NULL;
  gboolean read = herd_acme_account_read (account, bytes, &error);

  if (!read) {
    g_assert_error (error, HERD_ERROR, HERD_ERROR_FAILED);
    g_assert_cmpstr (account->status, ==, HERD_ACCOUNT_UNREGISTERED);
  }
  return read;
}

static void
test_account (void)
{
  g_autoptr (HerdAcmeAccount) account = herd_acme_account_new ();
  g_autoptr (HerdAcmeAccount) again = herd_acme_account_new ();
  g_autoptr (JsonObject) object = json_object_new ();
  JsonArray *contacts = json_array_new ();
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;

  json_array_add_string_element (contacts, "mailto:a@example.org\x1b");
  json_object_set_array_member (object, "contact", contacts);
  json_object_set_string_member (object, "status", "valid");
  json_object_set_string_member (object, "orders", "https://evil.example/orders");
  g_assert_true (herd_acme_account_update (account, "https://ca.example/account/1", object,
                                           &(const HerdSite){ "https://ca.example/dir", NULL },
                                           &error));
  account->agreed_at = 5;
  bytes = herd_acme_account_to_bytes (account);
  g_assert_true (herd_acme_account_read (again, bytes, &error));
  g_assert_cmpstr (again->url, ==, "https://ca.example/account/1");
  g_assert_cmpstr (again->status, ==, "valid");
  g_assert_cmpstr (again->contacts[0], ==, "mailto:a@example.org\\x1b");
  g_assert_cmpstr (again->orders, ==, "");
  g_assert_cmpint (again->agreed_at, ==, 5);
  /* Without its key it is of no use. */
  g_assert_false (herd_acme_account_is_registered (again));
  assert_damage_is_seen (bytes, reads_account);
  herd_acme_account_forget (again);
  g_assert_cmpstr (again->status, ==, HERD_ACCOUNT_UNREGISTERED);
  g_assert_cmpstr (again->url, ==, "");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/acme/record/order", test_order);
  g_test_add_func ("/acme/record/account", test_account);
  return g_test_run ();
}
