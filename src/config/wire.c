// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Encoding and checking of the agent's messages to the responder.
 */
#include "config/wire.h"

#include <string.h>

#include "plugin/error.h"

#define REQUEST_TYPE "(usa(ssss))"
#define REPLY_TYPE "(ubsa(sss))"

/* With these, HERD_WIRE_CHALLENGES_ALWAYS challenges with their framing stay below the limit. */
#define TYPE_MAX 32
#define IDENTIFIER_MAX 255
#define THUMBPRINT_MAX 128
#define MESSAGE_MAX 1024

static const char *const verbs[] = {
  [HERD_WIRE_ANSWER] = "answer",
  [HERD_WIRE_WITHDRAW] = "withdraw",
  [HERD_WIRE_CLEAR] = "clear",
};

static gboolean
is_made_of (const char *text, gsize maximum, const char *others)
{
  gsize length = strlen (text);

  for (gsize i = 0; i < length; i++) {
    if (!g_ascii_isalnum (text[i]) && strchr (others, text[i]) == NULL)
      return FALSE;
  }
  return length > 0 && length <= maximum;
}

/* The key authorization is sent to strangers as it is: nothing but its alphabet may be in it. */
static gboolean
key_authorization_is_valid (const char *token, const char *text)
{
  gsize length = strlen (token);

  return strncmp (text, token, length) == 0 && text[length] == '.'
         && is_made_of (text + length + 1, THUMBPRINT_MAX, "-_");
}

/* What is impossible in that which tells one challenge from others; NULL: nothing. */
static const char *
find_bad_part (const HerdChallenge *challenge)
{
  if (!is_made_of (challenge->type, TYPE_MAX, "-"))
    return "type";
  if (!is_made_of (challenge->identifier, IDENTIFIER_MAX, ".-_:"))
    return "identifier";
  return herd_challenge_token_is_valid (challenge->token) ? NULL : "token";
}

static gboolean
check_challenge (const HerdChallenge *challenge, GError **error)
{
  const char *bad = find_bad_part (challenge);

  if (bad == NULL && !key_authorization_is_valid (challenge->token, challenge->key_authorization))
    bad = "key authorization";
  if (bad != NULL) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
                 "a challenge has an impossible %s; it cannot be presented", bad);
    return FALSE;
  }
  return TRUE;
}

static gboolean
check_count (HerdWireVerb verb, gsize count, GError **error)
{
  if (count > HERD_WIRE_CHALLENGES) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_LIMIT_EXCEEDED,
                 "%" G_GSIZE_FORMAT " challenges in one message; at most %d are allowed", count,
                 HERD_WIRE_CHALLENGES);
    return FALSE;
  }
  if (verb == HERD_WIRE_CLEAR && count > 0) {
    g_set_error_literal (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
                         "“clear” does not take challenges");
    return FALSE;
  }
  return TRUE;
}

/* A serialised value that may be larger than its reader accepts. */
static GBytes *
serialise (GVariant *value)
{
  g_autoptr (GVariant) message = g_variant_ref_sink (value);

  return g_variant_get_data_as_bytes (message);
}

GBytes *
herd_wire_encode_request (guint32 serial, HerdWireVerb verb, GPtrArray *challenges, GError **error)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a(ssss)"));
  g_autoptr (GBytes) bytes = NULL;
  guint count = challenges != NULL ? challenges->len : 0;

  if (!check_count (verb, count, error))
    return NULL;
  for (guint i = 0; i < count; i++) {
    const HerdChallenge *challenge = g_ptr_array_index (challenges, i);

    if (!check_challenge (challenge, error))
      return NULL;
    g_variant_builder_add (&builder, "(ssss)", challenge->type, challenge->identifier,
                           challenge->token, challenge->key_authorization);
  }
  bytes = serialise (g_variant_new (REQUEST_TYPE, serial, verbs[verb], &builder));
  if (g_bytes_get_size (bytes) > HERD_WIRE_LIMIT) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_LIMIT_EXCEEDED,
                 "%u challenges make a message of more than %d bytes; send %d at once", count,
                 HERD_WIRE_LIMIT, HERD_WIRE_CHALLENGES_ALWAYS);
    return NULL;
  }
  return g_steal_pointer (&bytes);
}

static GVariant *
parse (const char *type, gconstpointer data, gsize size, GError **error)
{
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GVariant) message = NULL;

  if (size == 0 || size > HERD_WIRE_LIMIT) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_LIMIT_EXCEEDED,
                 "a message of %" G_GSIZE_FORMAT " bytes; 1 to %d are allowed", size,
                 HERD_WIRE_LIMIT);
    return NULL;
  }
  bytes = g_bytes_new (data, size);
  message = g_variant_ref_sink (g_variant_new_from_bytes (G_VARIANT_TYPE (type), bytes, FALSE));
  if (!g_variant_is_normal_form (message)) {
    g_set_error (
        error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
        "a message that is not of the form %s; do agent and responder have the same version?",
        type);
    return NULL;
  }
  return g_steal_pointer (&message);
}

static gboolean
find_verb (const char *text, HerdWireVerb *verb, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (verbs); i++) {
    if (g_str_equal (verbs[i], text)) {
      *verb = (HerdWireVerb) i;
      return TRUE;
    }
  }
  g_set_error_literal (
      error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
      "a message with an unknown verb; do agent and responder have the same version?");
  return FALSE;
}

HerdWireRequest *
herd_wire_decode_request (gconstpointer data, gsize size, GError **error)
{
  g_autoptr (GVariant) message = parse (REQUEST_TYPE, data, size, error);
  g_autoptr (HerdWireRequest) request = g_new0 (HerdWireRequest, 1);
  g_autoptr (GVariantIter) iter = NULL;
  HerdChallenge each;
  const char *verb;

  request->challenges = g_ptr_array_new_with_free_func ((GDestroyNotify) herd_challenge_unref);
  if (message == NULL)
    return NULL;
  g_variant_get (message, "(u&sa(ssss))", &request->serial, &verb, &iter);
  if (!find_verb (verb, &request->verb, error)
      || !check_count (request->verb, g_variant_iter_n_children (iter), error))
    return NULL;
  while (g_variant_iter_next (iter, "(&s&s&s&s)", &each.type, &each.identifier, &each.token,
                              &each.key_authorization)) {
    if (!check_challenge (&each, error))
      return NULL;
    g_ptr_array_add (request->challenges, herd_challenge_new (each.type, each.identifier,
                                                              each.token, each.key_authorization));
  }
  return g_steal_pointer (&request);
}

GBytes *
herd_wire_encode_reply (guint32 serial, gboolean ok, const char *message)
{
  g_autofree char *text = g_utf8_make_valid (message, (gssize) strnlen (message, MESSAGE_MAX));

  return serialise (g_variant_new (REPLY_TYPE, serial, ok, text, NULL));
}

GBytes *
herd_wire_encode_notice (GPtrArray *challenges)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a(sss)"));

  for (guint i = 0; i < challenges->len; i++) {
    const HerdChallenge *challenge = g_ptr_array_index (challenges, i);

    g_variant_builder_add (&builder, "(sss)", challenge->type, challenge->identifier,
                           challenge->token);
  }
  return serialise (g_variant_new (REPLY_TYPE, (guint32) 0, TRUE, "", &builder));
}

HerdWireReply *
herd_wire_decode_reply (gconstpointer data, gsize size, GError **error)
{
  g_autoptr (GVariant) message = parse (REPLY_TYPE, data, size, error);
  g_autoptr (HerdWireReply) reply = NULL;
  g_autoptr (GVariantIter) iter = NULL;
  HerdChallenge each = { NULL };

  if (message == NULL)
    return NULL;
  reply = g_new0 (HerdWireReply, 1);
  reply->seen = g_ptr_array_new_with_free_func ((GDestroyNotify) herd_challenge_unref);
  g_variant_get (message, REPLY_TYPE, &reply->serial, &reply->ok, &reply->message, &iter);
  while (g_variant_iter_next (iter, "(&s&s&s)", &each.type, &each.identifier, &each.token)) {
    if (reply->serial != 0 || find_bad_part (&each) != NULL) {
      g_set_error_literal (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
                           "a message of impossible sightings; do agent and responder have the "
                           "same version?");
      return NULL;
    }
    g_ptr_array_add (reply->seen,
                     herd_challenge_new (each.type, each.identifier, each.token, NULL));
  }
  return g_steal_pointer (&reply);
}

void
herd_wire_request_free (HerdWireRequest *request)
{
  if (request == NULL)
    return;
  g_clear_pointer (&request->challenges, g_ptr_array_unref);
  g_free (request);
}

void
herd_wire_reply_free (HerdWireReply *reply)
{
  if (reply == NULL)
    return;
  g_free (reply->message);
  g_clear_pointer (&reply->seen, g_ptr_array_unref);
  g_free (reply);
}
