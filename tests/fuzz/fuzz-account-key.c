// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Account keys that other programs made: JWK and PEM.
 */
#include "crypto/key-text.h"
#include "fuzz.h"

/* For the sanitizers: GnuTLS leaks 16 bytes where one prime of an RSA key has no inverse modulo the other. It
 * is known by the function that was called, and that one is found by looking at the whole stack. */
const char *__asan_default_options (void);
const char *__lsan_default_suppressions (void);

const char *
__asan_default_options (void)
{
  return "fast_unwind_on_malloc=0";
}

const char *
__lsan_default_suppressions (void)
{
  return "leak:gnutls_x509_privkey_import_rsa_raw2\n";
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autoptr (GBytes) text = g_bytes_new (data, size);
  g_autoptr (GError) error = NULL;
  g_autoptr (HerdKey) key = herd_key_new_from_text (text, &error);
  g_autoptr (HerdKey) again = NULL;
  g_autoptr (GBytes) pkcs8 = NULL;
  g_autoptr (GBytes) public_key = NULL;
  g_autoptr (GBytes) public_again = NULL;

  fuzz_assert_outcome (key != NULL, error);
  if (key == NULL)
    return 0;
  g_assert_true (herd_key_type_is_known (herd_key_get_type_name (key)));
  pkcs8 = herd_key_to_pkcs8 (key, &error);
  g_assert_no_error (error);
  again = herd_key_new_from_pkcs8 (pkcs8, &error);
  g_assert_no_error (error);
  public_key = herd_key_get_public (key, &error);
  public_again = herd_key_get_public (again, &error);
  g_assert_true (g_bytes_equal (public_key, public_again));
  return 0;
}
