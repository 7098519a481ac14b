// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The messages between agent and responder: there and back, and what is refused.
 */
#include "config/wire.h"

#include <string.h>

#include "plugin/error.h"

#define TOKEN "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"
#define THUMBPRINT "9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI"

static GPtrArray *
make_challenges (guint count)
{
  GPtrArray *challenges = g_ptr_array_new_with_free_func ((GDestroyNotify) herd_challenge_unref);

  for (guint i = 0; i < count; i++) {
    g_autofree char *token = g_strdup_printf ("%0128u", i);
    g_autofree char *name = g_strdup_printf ("%0251u.org", i);
    g_autofree char *key_authorization = g_strconcat (token, "." THUMBPRINT, NULL);

    g_ptr_array_add (challenges, herd_challenge_new ("http-01", name, token, key_authorization));
  }
  return challenges;
}

static void
test_request (void)
{
  static const HerdWireVerb verbs[] = { HERD_WIRE_ANSWER, HERD_WIRE_WITHDRAW, HERD_WIRE_CLEAR };

  for (guint i = 0; i < G_N_ELEMENTS (verbs); i++) {
    g_autoptr (GPtrArray) challenges = make_challenges (verbs[i] == HERD_WIRE_CLEAR ? 0 : 3);
    g_autoptr (GError) error = NULL;
    g_autoptr (GBytes) bytes = herd_wire_encode_request (7 + i, verbs[i], challenges, &error);
    g_autoptr (HerdWireRequest) request = NULL;

    g_assert_no_error (error);
    request = herd_wire_decode_request (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes),
                                        &error);
    g_assert_no_error (error);
    g_assert_cmpuint (request->serial, ==, 7 + i);
    g_assert_cmpint (request->verb, ==, verbs[i]);
    g_assert_cmpuint (request->challenges->len, ==, challenges->len);
    for (guint j = 0; j < challenges->len; j++) {
      const HerdChallenge *sent = g_ptr_array_index (challenges, j);
      const HerdChallenge *received = g_ptr_array_index (request->challenges, j);

      g_assert_true (herd_challenge_equal (sent, received));
      g_assert_cmpstr (sent->key_authorization, ==, received->key_authorization);
    }
  }
}

static void
test_limits (void)
{
  g_autoptr (GPtrArray) always = make_challenges (HERD_WIRE_CHALLENGES_ALWAYS);
  g_autoptr (GPtrArray) long_ones = make_challenges (HERD_WIRE_CHALLENGES);
  g_autoptr (GPtrArray) many = make_challenges (HERD_WIRE_CHALLENGES + 1);
  g_autoptr (GBytes) bytes = herd_wire_encode_request (1, HERD_WIRE_ANSWER, always, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (bytes);
  g_assert_cmpuint (g_bytes_get_size (bytes), <=, HERD_WIRE_LIMIT);
  g_assert_null (herd_wire_encode_request (1, HERD_WIRE_ANSWER, long_ones, &error));
  g_assert_error (error, HERD_ERROR, HERD_ERROR_LIMIT_EXCEEDED);
  g_clear_error (&error);
  g_assert_null (herd_wire_encode_request (1, HERD_WIRE_ANSWER, many, &error));
  g_assert_error (error, HERD_ERROR, HERD_ERROR_LIMIT_EXCEEDED);
  g_clear_error (&error);
  g_assert_null (herd_wire_encode_request (1, HERD_WIRE_CLEAR, always, &error));
  g_assert_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT);
}

static const struct {
  const char *type, *identifier, *token, *key_authorization;
} bad_challenges[] = {
  { "", "www.example.org", TOKEN, TOKEN "." THUMBPRINT },
  { "http-01", "", TOKEN, TOKEN "." THUMBPRINT },
  { "http-01", "www.example.org\r\nX: y", TOKEN, TOKEN "." THUMBPRINT },
  { "http-01", "www.example.org", "short", "short." THUMBPRINT },
  { "http-01", "www.example.org", "../../../../../../etc/passwd",
    "../../../../../../etc/passwd.x" },
  { "http-01", "www.example.org", TOKEN, THUMBPRINT },
  { "http-01", "www.example.org", TOKEN, TOKEN "." },
  { "http-01", "www.example.org", TOKEN, TOKEN ".<script>" },
  { "http-01", "www.example.org", TOKEN, TOKEN ".a\nb" },
};

static void
test_bad_challenges (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (bad_challenges); i++) {
    g_autoptr (GPtrArray)
        challenges = g_ptr_array_new_with_free_func ((GDestroyNotify) herd_challenge_unref);
    g_autoptr (GVariant) message = NULL;
    g_autoptr (GError) error = NULL;
    GVariantBuilder builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a(ssss)"));

    g_ptr_array_add (challenges, herd_challenge_new (
                                     bad_challenges[i].type, bad_challenges[i].identifier,
                                     bad_challenges[i].token, bad_challenges[i].key_authorization));
    g_assert_null (herd_wire_encode_request (1, HERD_WIRE_ANSWER, challenges, &error));
    g_assert_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT);
    g_clear_error (&error);
    g_variant_builder_add (&builder, "(ssss)", bad_challenges[i].type, bad_challenges[i].identifier,
                           bad_challenges[i].token, bad_challenges[i].key_authorization);
    message = g_variant_ref_sink (g_variant_new ("(usa(ssss))", 1, "answer", &builder));
    g_assert_null (herd_wire_decode_request (g_variant_get_data (message),
                                             g_variant_get_size (message), &error));
    g_assert_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT);
  }
}

static void
test_garbage (void)
{
  g_autofree char *large = g_malloc0 (HERD_WIRE_LIMIT + 1);
  g_autoptr (GVariant) verb = g_variant_ref_sink (g_variant_new (
      "(us@a(ssss))", 1, "format", g_variant_new_array (G_VARIANT_TYPE ("(ssss)"), NULL, 0)));
  g_autoptr (GRand) random = g_rand_new_with_seed (1);

  g_assert_null (herd_wire_decode_request ("", 0, NULL));
  g_assert_null (herd_wire_decode_request (large, HERD_WIRE_LIMIT + 1, NULL));
  g_assert_null (
      herd_wire_decode_request (g_variant_get_data (verb), g_variant_get_size (verb), NULL));
  /* Whatever is accepted has been checked; nothing crashes. */
  for (guint i = 0; i < 20000; i++) {
    guint8 data[64];
    gsize size = (gsize) g_rand_int_range (random, 1, sizeof data);
    g_autoptr (HerdWireRequest) request = NULL;
    g_autoptr (HerdWireReply) reply = NULL;

    for (gsize j = 0; j < size; j++)
      data[j] = (guint8) g_rand_int_range (random, 0, 256);
    request = herd_wire_decode_request (data, size, NULL);
    g_assert_null (request);
    reply = herd_wire_decode_reply (data, size, NULL);
  }
}

/* Every truncation and every flipped bit of a good message: refused, or good. */
static void
test_damage (void)
{
  g_autoptr (GPtrArray) challenges = make_challenges (2);
  g_autoptr (GBytes) bytes = herd_wire_encode_request (9, HERD_WIRE_ANSWER, challenges, NULL);
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);
  guint refused = 0;

  for (gsize length = 0; length < size; length++)
    g_assert_null (herd_wire_decode_request (data, length, NULL));
  for (gsize bit = 0; bit < size * 8; bit++) {
    g_autofree guint8 *damaged = g_memdup2 (data, size);
    g_autoptr (HerdWireRequest) request = NULL;

    damaged[bit / 8] ^= (guint8) (1 << (bit % 8));
    request = herd_wire_decode_request (damaged, size, NULL);
    refused += request == NULL;
    for (guint i = 0; request != NULL && i < request->challenges->len; i++) {
      const HerdChallenge *challenge = g_ptr_array_index (request->challenges, i);

      g_assert_true (herd_challenge_token_is_valid (challenge->token));
      g_assert_true (g_str_has_prefix (challenge->key_authorization, challenge->token));
    }
  }
  g_assert_cmpuint (refused, >, size);
}

static void
test_reply (void)
{
  g_autofree char *endless = g_strnfill (100000, 'x');
  g_autoptr (GBytes) no = herd_wire_encode_reply (5, FALSE, "no \xff socket");
  g_autoptr (GBytes) yes = herd_wire_encode_reply (6, TRUE, "");
  g_autoptr (GBytes) cut = herd_wire_encode_reply (7, FALSE, endless);
  g_autoptr (HerdWireReply) reply = NULL;

  reply = herd_wire_decode_reply (g_bytes_get_data (no, NULL), g_bytes_get_size (no), NULL);
  g_assert_nonnull (reply);
  g_assert_cmpuint (reply->serial, ==, 5);
  g_assert_false (reply->ok);
  g_assert_true (g_utf8_validate (reply->message, -1, NULL));
  g_assert_true (g_str_has_prefix (reply->message, "no "));
  g_clear_pointer (&reply, herd_wire_reply_free);
  reply = herd_wire_decode_reply (g_bytes_get_data (yes, NULL), g_bytes_get_size (yes), NULL);
  g_assert_true (reply->ok);
  g_assert_cmpuint (g_bytes_get_size (cut), <, 2048);
}

static void
test_notice (void)
{
  g_autoptr (GPtrArray) challenges = make_challenges (HERD_WIRE_CHALLENGES_ALWAYS);
  g_autoptr (GBytes) bytes = herd_wire_encode_notice (challenges);
  g_autoptr (GVariant) bad = g_variant_ref_sink (
      g_variant_new_parsed ("(@u 0, true, '', [('http-01', 'a.example', '../../etc/passwd')])"));
  g_autoptr (GVariant) mixed = g_variant_ref_sink (
      g_variant_new_parsed ("(@u 5, true, '', [('http-01', 'a.example', %s)])", TOKEN));
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);
  g_autoptr (HerdWireReply) notice = herd_wire_decode_reply (data, size, NULL);

  g_assert_cmpuint (size, <=, HERD_WIRE_LIMIT);
  g_assert_cmpuint (notice->serial, ==, 0);
  g_assert_cmpuint (notice->seen->len, ==, challenges->len);
  for (guint i = 0; i < challenges->len; i++)
    g_assert_true (herd_challenge_equal (notice->seen->pdata[i], challenges->pdata[i]));
  for (gsize length = 0; length < size; length += 97)
    g_assert_null (herd_wire_decode_reply (data, length, NULL));
  g_assert_null (herd_wire_decode_reply (g_variant_get_data (bad), g_variant_get_size (bad), NULL));
  g_assert_null (
      herd_wire_decode_reply (g_variant_get_data (mixed), g_variant_get_size (mixed), NULL));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/wire/request", test_request);
  g_test_add_func ("/wire/limits", test_limits);
  g_test_add_func ("/wire/bad-challenges", test_bad_challenges);
  g_test_add_func ("/wire/garbage", test_garbage);
  g_test_add_func ("/wire/damage", test_damage);
  g_test_add_func ("/wire/reply", test_reply);
  g_test_add_func ("/wire/notice", test_notice);
  return g_test_run ();
}
