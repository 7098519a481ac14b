// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Sealing: what was sealed comes out, and nothing else does.
 */
#include <string.h>

#include "crypto/seal.h"
#include "plugin/error.h"

#define ADDITIONAL "certificate/17/3/key"

static HerdSeal *
new_seal (void)
{
  g_autoptr (GBytes) kek = herd_kek_new (NULL);

  return herd_seal_new (kek, NULL);
}

static void
assert_refused (HerdSeal *seal, GBytes *sealed, const char *additional)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (herd_seal_unwrap (seal, sealed, additional, &error));
  g_assert_error (error, HERD_ERROR, HERD_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, additional));
}

static void
roundtrip (void)
{
  static const gsize sizes[] = { 0, 1, 15, 16, 17, 138, 5000, 300000 };
  g_autoptr (HerdSeal) seal = new_seal ();

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    guint8 *data = g_malloc (sizes[i]);
    g_autoptr (GBytes) plain = NULL;
    g_autoptr (GBytes) sealed = NULL;
    g_autoptr (GBytes) unsealed = NULL;
    g_autoptr (GError) error = NULL;

    for (gsize j = 0; j < sizes[i]; j++)
      data[j] = (guint8) (j * 7);
    plain = g_bytes_new_take (data, sizes[i]);
    sealed = herd_seal_wrap (seal, plain, ADDITIONAL, &error);
    g_assert_no_error (error);
    g_assert_cmpuint (g_bytes_get_size (sealed), ==, 1 + 12 + sizes[i] + 16);
    g_assert_cmpuint (*(const guint8 *) g_bytes_get_data (sealed, NULL), ==, 1);
    unsealed = herd_seal_unwrap (seal, sealed, ADDITIONAL, &error);
    g_assert_no_error (error);
    g_assert_true (g_bytes_equal (unsealed, plain));
  }
}

static void
never_twice_the_same (void)
{
  g_autoptr (HerdSeal) seal = new_seal ();
  g_autoptr (GBytes) plain = g_bytes_new_static ("secret", 6);
  g_autoptr (GHashTable) nonces = g_hash_table_new_full (g_bytes_hash, g_bytes_equal,
                                                         (GDestroyNotify) g_bytes_unref, NULL);
  guint8 seen[12] = { 0 };

  for (guint i = 0; i < 1000; i++) {
    g_autoptr (GBytes) sealed = herd_seal_wrap (seal, plain, ADDITIONAL, NULL);

    g_assert_true (g_hash_table_add (nonces, g_bytes_new_from_bytes (sealed, 1, 12)));
    for (guint j = 0; j < sizeof seen; j++)
      seen[j] |= ((const guint8 *) g_bytes_get_data (sealed, NULL))[1 + j];
  }
  /* Every bit of every nonce is random, none a leftover of the allocator's. */
  for (guint j = 0; j < sizeof seen; j++)
    g_assert_cmpuint (seen[j], ==, 0xff);
}

static void
other_context (void)
{
  g_autoptr (HerdSeal) seal = new_seal ();
  g_autoptr (HerdSeal) other = new_seal ();
  g_autoptr (GBytes) plain = g_bytes_new_static ("secret", 6);
  g_autoptr (GBytes) sealed = herd_seal_wrap (seal, plain, ADDITIONAL, NULL);

  assert_refused (seal, sealed, "certificate/17/4/key");
  assert_refused (seal, sealed, "");
  assert_refused (other, sealed, ADDITIONAL);
}

static void
damaged (void)
{
  g_autoptr (HerdSeal) seal = new_seal ();
  g_autoptr (GBytes) plain = g_bytes_new_static ("secret", 6);
  g_autoptr (GBytes) sealed = herd_seal_wrap (seal, plain, ADDITIONAL, NULL);
  gsize size;
  const guint8 *data = g_bytes_get_data (sealed, &size);

  for (gsize bit = 0; bit < size * 8; bit++) {
    guint8 *copy = g_memdup2 (data, size);
    g_autoptr (GBytes) flipped = g_bytes_new_take (copy, size);

    copy[bit / 8] ^= (guint8) (1 << bit % 8);
    assert_refused (seal, flipped, ADDITIONAL);
  }
  for (gsize length = 0; length < size; length++) {
    g_autoptr (GBytes) shorter = g_bytes_new_from_bytes (sealed, 0, length);

    assert_refused (seal, shorter, ADDITIONAL);
  }
  {
    guint8 *copy = g_malloc0 (size + 1);
    g_autoptr (GBytes) longer = g_bytes_new_take (copy, size + 1);

    memcpy (copy, data, size);
    assert_refused (seal, longer, ADDITIONAL);
  }
}

static void
unknown_version (void)
{
  g_autoptr (HerdSeal) seal = new_seal ();
  guint8 *data = g_malloc0 (60);
  g_autoptr (GBytes) sealed = g_bytes_new_take (data, 60);
  g_autoptr (GError) error = NULL;

  data[0] = 2;
  g_assert_null (herd_seal_unwrap (seal, sealed, ADDITIONAL, &error));
  g_assert_error (error, HERD_ERROR, HERD_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, "version 2"));
}

static void
kek (void)
{
  g_autoptr (GBytes) one = herd_kek_new (NULL);
  g_autoptr (GBytes) two = herd_kek_new (NULL);
  g_autoptr (GBytes) brief = g_bytes_new_from_bytes (one, 0, 31);
  g_autoptr (GBytes) empty = g_bytes_new (NULL, 0);
  g_autoptr (HerdSeal) seal = herd_seal_new (one, NULL);
  g_autoptr (HerdSeal) again = herd_seal_new (one, NULL);
  g_autoptr (GBytes) plain = g_bytes_new_static ("secret", 6);
  g_autoptr (GBytes) sealed = herd_seal_wrap (seal, plain, ADDITIONAL, NULL);
  g_autoptr (GBytes) unsealed = herd_seal_unwrap (again, sealed, ADDITIONAL, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (g_bytes_get_size (one), ==, HERD_KEK_SIZE);
  g_assert_false (g_bytes_equal (one, two));
  g_assert_true (g_bytes_equal (plain, unsealed));
  g_assert_null (herd_seal_new (brief, &error));
  g_assert_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);
  g_assert_null (herd_seal_new (empty, &error));
  g_assert_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT);
  herd_seal_free (NULL);
}

/* NIST's GCM test case 14 (the key and the nonce are zero), behind our header: what older agents
 * sealed must stay readable. */
static void
format_is_stable (void)
{
  static const guint8 sealed_data[] = {
    1,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0xce, 0xa7,
    0x40, 0x3d, 0x4d, 0x60, 0x6b, 0x6e, 0x07, 0x4e, 0xc5, 0xd3, 0xba, 0xf3, 0x9d, 0x18, 0xd0,
    0xd1, 0xc8, 0xa7, 0x99, 0x99, 0x6b, 0xf0, 0x26, 0x5b, 0x98, 0xb5, 0xd4, 0x8a, 0xb9, 0x19,
  };
  static const guint8 zeros[32] = { 0 };
  g_autoptr (GBytes) zero_kek = g_bytes_new_static (zeros, 32);
  g_autoptr (GBytes) sealed = g_bytes_new_static (sealed_data, sizeof sealed_data);
  g_autoptr (HerdSeal) seal = herd_seal_new (zero_kek, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) plain = herd_seal_unwrap (seal, sealed, "", &error);

  g_assert_no_error (error);
  g_assert_cmpmem (g_bytes_get_data (plain, NULL), g_bytes_get_size (plain), zeros, 16);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/seal/roundtrip", roundtrip);
  g_test_add_func ("/seal/never-twice-the-same", never_twice_the_same);
  g_test_add_func ("/seal/other-context", other_context);
  g_test_add_func ("/seal/damaged", damaged);
  g_test_add_func ("/seal/unknown-version", unknown_version);
  g_test_add_func ("/seal/format-is-stable", format_is_stable);
  g_test_add_func ("/seal/kek", kek);
  return g_test_run ();
}
