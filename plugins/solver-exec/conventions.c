// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The conventions. certbot's is that of its manual plugin ("Pre and Post Validation Hooks" in its user
 * guide), dehydrated's that of its hook script (docs/examples/hook.sh, docs/hook_chain.md).
 */
#include "conventions.h"

static void
call_free (gpointer data)
{
  Call *call = data;

  g_strfreev (call->argv);
  g_strfreev (call->environment);
  g_clear_pointer (&call->input, g_bytes_unref);
  g_ptr_array_unref (call->challenges);
  g_free (call);
}

/* For COUNT challenges of BATCH from FIRST on. */
static Call *
call_new (const Batch *batch, guint first, guint count)
{
  Call *call = g_new0 (Call, 1);

  call->argv = g_strdupv (batch->command);
  call->environment = g_new0 (char *, 1);
  call->challenges = g_ptr_array_new_with_free_func ((GDestroyNotify) herd_challenge_unref);
  for (guint i = first; i < first + count; i++)
    g_ptr_array_add (call->challenges, herd_challenge_ref (batch->challenges->pdata[i]));
  return call;
}

/* Takes TEXT. */
static void
append (char ***list, char *text)
{
  guint length = g_strv_length (*list);

  *list = g_renew (char *, *list, length + 2);
  (*list)[length] = text;
  (*list)[length + 1] = NULL;
}

void
call_set (Call *call, const char *name, const char *value)
{
  append (&call->environment, g_strconcat (name, "=", value, NULL));
}

char *
challenge_get_value (const HerdChallenge *challenge)
{
  return g_str_equal (challenge->type, "dns-01") ? herd_challenge_get_dns_value (challenge)
                                                 : g_strdup (challenge->key_authorization);
}

/* --- certherd's own --- */

static void
add_certherd (GPtrArray *calls, const Batch *batch)
{
  Call *call = call_new (batch, 0, batch->challenges->len);
  GString *lines = g_string_new (NULL);
  g_autofree char *count = g_strdup_printf ("%u", batch->challenges->len);

  for (guint i = 0; i < batch->challenges->len; i++) {
    const HerdChallenge *challenge = batch->challenges->pdata[i];
    g_autofree char *value = challenge_get_value (challenge);

    g_string_append_printf (lines, "%s %s %s\n", challenge->identifier, challenge->token, value);
  }
  call_set (call, "CERTHERD_ACTION", batch->action == ACTION_PRESENT ? "present" : "cleanup");
  call_set (call, "CERTHERD_SOLVER", batch->solver);
  call_set (call, "CERTHERD_TYPE", batch->type);
  call_set (call, "CERTHERD_CHALLENGES", count);
  call->input = g_string_free_to_bytes (lines);
  g_ptr_array_add (calls, call);
}

/* --- certbot's --- */

static char *
list_identifiers (GPtrArray *challenges)
{
  g_autoptr (GPtrArray) identifiers = g_ptr_array_new ();

  for (guint i = 0; i < challenges->len; i++)
    g_ptr_array_add (identifiers, ((HerdChallenge *) challenges->pdata[i])->identifier);
  g_ptr_array_add (identifiers, NULL);
  return g_strjoinv (",", (char **) identifiers->pdata);
}

static void
add_certbot (GPtrArray *calls, const Batch *batch)
{
  g_autofree char *all = list_identifiers (batch->challenges);

  for (guint i = 0; i < batch->challenges->len; i++) {
    const HerdChallenge *challenge = batch->challenges->pdata[i];
    Call *call = call_new (batch, i, 1);
    g_autofree char *value = challenge_get_value (challenge);
    g_autofree char *remaining = g_strdup_printf ("%u", batch->challenges->len - i - 1);

    call_set (call, "CERTBOT_DOMAIN", challenge->identifier);
    call_set (call, "CERTBOT_VALIDATION", value);
    if (g_str_equal (batch->type, "http-01"))
      call_set (call, "CERTBOT_TOKEN", challenge->token);
    call_set (call, "CERTBOT_REMAINING_CHALLENGES", remaining);
    call_set (call, "CERTBOT_ALL_DOMAINS", all);
    g_ptr_array_add (calls, call);
  }
}

/* --- dehydrated's --- */

/* With a wildcard and its base there are two values for one name, which hooks that take a chain do not
 * expect: dehydrated does not give them one either. */
static gboolean
has_twins (GPtrArray *challenges)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < challenges->len; i++) {
    if (!g_hash_table_add (seen, ((HerdChallenge *) challenges->pdata[i])->identifier))
      return TRUE;
  }
  return FALSE;
}

static void
add_dehydrated (GPtrArray *calls, const Batch *batch)
{
  gboolean chain = batch->chain && !has_twins (batch->challenges);
  guint count = chain ? batch->challenges->len : 1;

  for (guint first = 0; first < batch->challenges->len; first += count) {
    Call *call = call_new (batch, first, count);

    append (&call->argv,
            g_strdup (batch->action == ACTION_PRESENT ? "deploy_challenge" : "clean_challenge"));
    for (guint i = first; i < first + count; i++) {
      const HerdChallenge *challenge = batch->challenges->pdata[i];

      append (&call->argv, g_strdup (challenge->identifier));
      append (&call->argv, g_strdup (challenge->token));
      append (&call->argv, challenge_get_value (challenge));
    }
    g_ptr_array_add (calls, call);
  }
}

GPtrArray *
calls_new (const Batch *batch)
{
  GPtrArray *calls = g_ptr_array_new_with_free_func (call_free);

  switch (batch->convention) {
  case CONVENTION_CERTHERD:
    add_certherd (calls, batch);
    break;
  case CONVENTION_CERTBOT:
    add_certbot (calls, batch);
    break;
  case CONVENTION_DEHYDRATED:
    add_dehydrated (calls, batch);
    break;
  }
  return calls;
}
