// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A CA's directory, and the record that is made of it.
 */
#include "acme/directory.h"
#include "ca.h"
#include "fuzz.h"

static void
check_shown (const HerdDirectory *directory)
{
  GVariantIter iter;
  const char *name, *description;

  fuzz_assert_clean (directory->terms);
  fuzz_assert_clean (directory->caa_identity);
  for (char **capability = directory->capabilities; *capability != NULL; capability++)
    fuzz_assert_clean (*capability);
  g_variant_iter_init (&iter, directory->profiles);
  while (g_variant_iter_next (&iter, "{&s&s}", &name, &description)) {
    fuzz_assert_clean (name);
    fuzz_assert_clean (description);
  }
}

static void
check_url (const char *url)
{
  g_assert_true (herd_directory_check_url (FUZZ_SITE, url, "a URL of the directory", NULL));
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (GBytes) body = g_bytes_new (data, size);
  g_autoptr (GError) error = NULL;
  g_autoptr (HerdDirectory) directory = herd_directory_new (body, FUZZ_SITE, FUZZ_NOW, &error);
  g_autoptr (HerdDirectory) again = NULL;
  g_autoptr (GBytes) record = NULL;
  g_autoptr (GBytes) record_again = NULL;

  fuzz_assert_outcome (directory != NULL, error);
  if (directory == NULL)
    return 0;
  check_url (directory->new_nonce);
  check_url (directory->new_account);
  check_url (directory->new_order);
  check_shown (directory);
  record = herd_directory_to_bytes (directory);
  again = herd_directory_new_from_bytes (record);
  g_assert_nonnull (again);
  record_again = herd_directory_to_bytes (again);
  g_assert_true (g_bytes_equal (record, record_again));
  return 0;
}
