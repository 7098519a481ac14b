// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * org.certherd.Certificate1: its methods; the properties are in certificate1-properties.c.
 */
#include "bus/certificate1.h"

#include <glib/gstdio.h>

#include "bus/certificate1.h"
#include "bus/details.h"
#include "bus/table.h"
#include "core/explain.h"
#include "core/renewal-info.h"
#include "core/renewal.h"
#include "core/rights.h"
#include "herd-interfaces.h"
#include "model/spec.h"
#include "plugin/error.h"
#include "util/memfd.h"
#include "util/text.h"

static gboolean
prepare_renew (HerdBusCall *call, GError **error)
{
  static const char *const known[] = { "force b", "reason s", NULL };
  g_autoptr (GVariant) options = g_variant_get_child_value (call->parameters, 0);

  return herd_bus_check_options (call, options, known, error);
}

static gboolean
is_forced (HerdBusCall *call)
{
  g_autoptr (GVariant) options = g_variant_get_child_value (call->parameters, 0);
  gboolean force = FALSE;

  g_variant_lookup (options, "force", "b", &force);
  return force;
}

static const char *
decide_renew (HerdBusCall *call)
{
  return is_forced (call) ? "manage" : "renew";
}

static void
start_renew (HerdBusCall *call, gpointer slot)
{
  g_autoptr (GVariant) options = g_variant_get_child_value (call->parameters, 0);
  g_autofree char *clean = NULL;
  const char *reason = "";

  g_variant_lookup (options, "reason", "&s", &reason);
  clean = herd_text_from_remote (reason, -1);
  herd_agent_renew_async (call->agent, call->uid, call->id, is_forced (call), clean, herd_run_ready,
                          slot);
}

/* Which of the two was meant? */
static gboolean
check_not_both (GVariant *set, const char *const *unset, GError **error)
{
  for (; *unset != NULL; unset++) {
    g_autoptr (GVariant) value = g_variant_lookup_value (set, *unset, NULL);
    g_autofree char *clean = NULL;

    if (value == NULL)
      continue;
    clean = herd_text_from_remote (*unset, -1);
    g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
                 "%s: is both set and unset; do one of them", clean);
    return FALSE;
  }
  return TRUE;
}

static gboolean
prepare_modify (HerdBusCall *call, GError **error)
{
  g_autoptr (GVariant) set = g_variant_get_child_value (call->parameters, 0);
  g_autofree const char **unset = NULL;

  g_variant_get_child (call->parameters, 1, "^a&s", &unset);
  if (!check_not_both (set, unset, error))
    return FALSE;
  call->checked = herd_agent_check (call->agent, HERD_SECTION_CERTIFICATE, set, error);
  return call->checked != NULL;
}

/* What the certificate would be after the call. */
static GVariant *
get_wanted (const HerdBusCall *call)
{
  g_autofree const char **unset = NULL;

  g_variant_get_child (call->parameters, 1, "^a&s", &unset);
  return herd_spec_modify (herd_bus_get_certificate (call)->spec, call->checked, unset);
}

static void
describe_modify (const HerdBusCall *call, HerdDetails *details)
{
  g_autoptr (GVariant) wanted = get_wanted (call);

  herd_bus_describe_change (call, wanted, details);
}

/* Is there a word in the list WANTED (taken) that is not in OLD (taken)? */
static gboolean
adds_words (char **old, char **wanted)
{
  g_auto (GStrv) known = old;
  g_auto (GStrv) words = wanted;

  for (char **word = words; *word != NULL; word++) {
    if (!g_strv_contains ((const char *const *) known, *word))
      return TRUE;
  }
  return FALSE;
}

/* Is there more in WANTED than what OLD was allowed for: more users, places or CAs, or another order at one?
 */
static gboolean
is_new_request (GVariant *old, GVariant *wanted)
{
  return herd_spec_needs_issuance (old, wanted)
         || adds_words (herd_spec_get_list (old, "issuer"), herd_spec_get_list (wanted, "issuer"))
         || adds_words (herd_spec_get_list (old, "readers"), herd_spec_get_list (wanted, "readers"))
         || adds_words (herd_spec_get_targets (old), herd_spec_get_targets (wanted));
}

/* Would WANTED be renewed before OLD, or before the CA's suggestion has it renewed? Where nothing has been
 * issued yet, nobody knows. */
static gboolean
renews_sooner (const HerdCertificate *certificate, GVariant *wanted)
{
  const HerdGeneration *newest = herd_certificate_get_newest (certificate);
  const char *before = herd_spec_get_string (certificate->spec, "renew", "auto");
  const char *after = herd_spec_get_string (wanted, "renew", "auto");
  gint64 when;

  if (g_str_equal (before, after))
    return FALSE;
  if (newest == NULL)
    return !g_str_equal (after, "auto");
  when = herd_renewal_get_time (newest, before, 0.5);
  if (herd_renewal_info_is_followed (certificate))
    when = MAX (when, certificate->renew_at);
  return herd_renewal_get_time (newest, after, 0.5) < when;
}

/* An owner who was allowed one wish must not come to another by Modify, nor to more certificates than
 * it is due for: what "request" and "renew" are asked for elsewhere, they are asked for here. */
static const char *
decide_modify (HerdBusCall *call)
{
  const HerdCertificate *certificate = herd_bus_get_certificate (call);
  g_autoptr (GVariant) wanted = get_wanted (call);

  if (!herd_bus_caller_is_owner (call))
    return "manage";
  if (is_new_request (certificate->spec, wanted))
    return "request";
  return renews_sooner (certificate, wanted) ? "renew" : "manage-own";
}

static void
start_modify (HerdBusCall *call, gpointer slot)
{
  g_autofree const char **unset = NULL;

  g_variant_get_child (call->parameters, 1, "^a&s", &unset);
  herd_agent_modify_async (call->agent, call->uid, call->id, call->checked, unset, herd_run_ready,
                           slot);
}

/* An option that is a word: one of WORDS, if it is there at all. */
static gboolean
check_word (GVariant *options, const char *key, const char *const *words, GError **error)
{
  const char *word;
  g_autofree char *clean = NULL;
  g_autofree char *known = NULL;

  if (!g_variant_lookup (options, key, "&s", &word) || g_strv_contains (words, word))
    return TRUE;
  clean = herd_text_from_remote (word, -1);
  known = g_strjoinv (", ", (char **) words);
  g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT, "%s: there is no “%s”; there are %s",
               key, clean, known);
  return FALSE;
}

static gboolean
prepare_revoke (HerdBusCall *call, GError **error)
{
  static const char *const known[] = { "at-once b", "generation t", "reason s", "with s", NULL };
  static const char *const signers[] = { "account", "key", NULL };
  g_autoptr (GVariant) options = g_variant_get_child_value (call->parameters, 0);

  return herd_bus_check_options (call, options, known, error)
         && check_word (options, "reason", herd_revocations + HERD_REVOCATION_UNSPECIFIED, error)
         && check_word (options, "with", signers, error);
}

static void
start_revoke (HerdBusCall *call, gpointer slot)
{
  g_autoptr (GVariant) options = g_variant_get_child_value (call->parameters, 0);

  herd_agent_revoke_async (call->agent, call->uid, call->id, options, herd_run_ready, slot);
}

static gboolean
prepare_remove (HerdBusCall *call, GError **error)
{
  static const char *const known[] = { NULL };
  g_autoptr (GVariant) options = g_variant_get_child_value (call->parameters, 0);

  return herd_bus_check_options (call, options, known, error);
}

static void
start_remove (HerdBusCall *call, gpointer slot)
{
  herd_agent_remove_async (call->agent, call->id, herd_run_ready, slot);
}

static void
start_retry (HerdBusCall *call, gpointer slot)
{
  herd_agent_retry_async (call->agent, call->id, herd_run_ready, slot);
}

static gboolean
prepare_open (HerdBusCall *call, GError **error)
{
  static const char *const known[] = { "generation t", NULL };
  g_autoptr (GVariant) options = g_variant_get_child_value (call->parameters, 0);

  return herd_bus_check_options (call, options, known, error);
}

static void
start_open (HerdBusCall *call, gboolean key, gpointer slot)
{
  g_autoptr (GVariant) options = g_variant_get_child_value (call->parameters, 0);
  guint64 generation = 0;

  g_variant_lookup (options, "generation", "t", &generation);
  herd_agent_open_async (call->agent, call->id, generation, key, herd_run_ready, slot);
}

static void
start_open_chain (HerdBusCall *call, gpointer slot)
{
  start_open (call, FALSE, slot);
}

static void
start_open_bundle (HerdBusCall *call, gpointer slot)
{
  start_open (call, TRUE, slot);
}

/* Puts BYTES as a sealed memfd into the reply's list; its index, or -1. */
static gint
append_memfd (HerdBusCall *call, const char *name, GBytes *bytes, GError **error)
{
  int fd = herd_memfd_new (name, bytes, error);
  gint index;

  if (fd < 0) {
    herd_error_translate (error, HERD_ERROR_FAILED, "a memfd cannot be made");
    return -1;
  }
  if (call->fds == NULL)
    call->fds = g_unix_fd_list_new ();
  index = g_unix_fd_list_append (call->fds, fd, error);
  g_close (fd, NULL);
  return index;
}

static GVariant *
finish_open (HerdBusCall *call, GAsyncResult *result, GError **error)
{
  guint64 generation;
  g_autoptr (GBytes) chain = NULL;
  g_autoptr (GBytes) key = NULL;
  g_autoptr (HerdFacts) facts = NULL;
  gint chain_index, key_index;

  if (!herd_agent_open_finish (call->agent, result, &generation, &chain, &key, &facts, error))
    return NULL;
  chain_index = append_memfd (call, "chain", chain, error);
  if (chain_index < 0)
    return NULL;
  if (key == NULL)
    return g_variant_new ("(th@a{sv})", generation, chain_index, herd_facts_to_variant (facts));
  key_index = append_memfd (call, "key", key, error);
  if (key_index < 0)
    return NULL;
  return g_variant_new ("(thh@a{sv})", generation, chain_index, key_index,
                        herd_facts_to_variant (facts));
}

/* Readers need nobody's leave; neither does a target's subscriber for what it is to install. */
static const char *
decide_open_bundle (HerdBusCall *call)
{
  const HerdCertificate *certificate = herd_bus_get_row (call->agent, call->noun, call->id);

  if (herd_rights_is_reader (certificate, call->uid)
      || herd_deliveries_serves (herd_agent_get_deliveries (call->agent), certificate,
                                 call->sender))
    return NULL;
  return "read-key";
}

static GVariant *
finish_get_spec (HerdBusCall *call, GAsyncResult *result G_GNUC_UNUSED,
                 GError **error G_GNUC_UNUSED)
{
  const HerdCertificate *certificate = herd_bus_get_row (call->agent, call->noun, call->id);

  return g_variant_new ("(@a{sv})", certificate->spec);
}

static GVariant *
finish_explain (HerdBusCall *call, GAsyncResult *result G_GNUC_UNUSED, GError **error G_GNUC_UNUSED)
{
  const HerdCertificate *certificate = herd_bus_get_row (call->agent, call->noun, call->id);

  return g_variant_new ("(@a{sv})", herd_explain (certificate));
}

static const HerdBusMethod methods[] = {
  { .member = "Renew",
    .decide = decide_renew,
    .prepare = prepare_renew,
    .start = start_renew,
    .finish = herd_bus_finish_operation },
  { .member = "Modify",
    .decide = decide_modify,
    .describe = describe_modify,
    .prepare = prepare_modify,
    .start = start_modify,
    .finish = herd_bus_finish_operation },
  { .member = "Revoke",
    .action = "revoke",
    .prepare = prepare_revoke,
    .start = start_revoke,
    .finish = herd_bus_finish_operation },
  { .member = "Remove",
    .decide = herd_bus_decide_manage,
    .prepare = prepare_remove,
    .start = start_remove,
    .finish = herd_bus_finish_nothing },
  { .member = "Retry", .action = "renew", .start = start_retry, .finish = herd_bus_finish_nothing },
  { .member = "OpenChain",
    .prepare = prepare_open,
    .start = start_open_chain,
    .finish = finish_open },
  { .member = "OpenBundle",
    .decide = decide_open_bundle,
    .prepare = prepare_open,
    .start = start_open_bundle,
    .finish = finish_open },
  { .member = "GetSpec", .decide = herd_bus_decide_manage, .finish = finish_get_spec },
  { .member = "Explain", .finish = finish_explain },
  { NULL },
};

const HerdBusInterface herd_bus_certificate1 = {
  .info = &org_certherd_certificate1_interface,
  .noun = HERD_NOUN_CERTIFICATE,
  .methods = methods,
  .properties = herd_bus_certificate1_properties,
};
