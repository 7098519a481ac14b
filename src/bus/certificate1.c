// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * org.certherd.Certificate1.
 */
#include <glib/gstdio.h>

#include "bus/details.h"
#include "bus/table.h"
#include "core/explain.h"
#include "core/renewal.h"
#include "core/rights.h"
#include "herd-interfaces.h"
#include "model/spec.h"
#include "plugin/error.h"
#include "util/memfd.h"
#include "util/text.h"

/* --- methods --- */

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

/* Is there more in WANTED than what OLD was allowed for: more users, more places, or another order at a
 * CA? */
static gboolean
is_new_request (GVariant *old, GVariant *wanted)
{
  return herd_spec_needs_issuance (old, wanted)
         || adds_words (herd_spec_get_list (old, "readers"), herd_spec_get_list (wanted, "readers"))
         || adds_words (herd_spec_get_targets (old), herd_spec_get_targets (wanted));
}

/* Would WANTED be renewed before OLD? Where nothing has been issued yet, nobody knows. */
static gboolean
renews_sooner (const HerdCertificate *certificate, GVariant *wanted)
{
  const HerdGeneration *newest = herd_certificate_get_newest (certificate);
  const char *before = herd_spec_get_string (certificate->spec, "renew", "auto");
  const char *after = herd_spec_get_string (wanted, "renew", "auto");

  if (newest == NULL)
    return !g_str_equal (before, after) && !g_str_equal (after, "auto");
  return herd_renewal_get_time (newest, after, 0.5) < herd_renewal_get_time (newest, before, 0.5);
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

/* --- properties --- */

static gint64
get_now (HerdAgent *agent)
{
  return herd_clock_get_seconds (herd_agent_get_services (agent)->clock);
}

static GVariant *
get_name (HerdAgent *agent G_GNUC_UNUSED, gpointer row)
{
  return g_variant_new_string (((HerdCertificate *) row)->name);
}

static GVariant *
get_owner (HerdAgent *agent G_GNUC_UNUSED, gpointer row)
{
  return g_variant_new_uint32 (((HerdCertificate *) row)->owner);
}

static GVariant *
get_origin (HerdAgent *agent G_GNUC_UNUSED, gpointer row)
{
  return g_variant_new_string (herd_origin_to_string (((HerdCertificate *) row)->origin));
}

static GVariant *
get_identifiers (HerdAgent *agent G_GNUC_UNUSED, gpointer row)
{
  g_auto (GStrv) identifiers = herd_spec_get_list (((HerdCertificate *) row)->spec, "identifiers");

  return g_variant_new_strv ((const char *const *) identifiers, -1);
}

static GVariant *
get_issuers (HerdAgent *agent, gpointer row)
{
  HerdRegistry *registry = herd_agent_get_services (agent)->registry;
  const HerdCertificate *certificate = row;
  GVariantBuilder builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("ao"));
  const HerdAuthority *authority = herd_issuers_choose (registry, certificate, certificate->spec,
                                                        NULL);

  if (authority != NULL)
    g_variant_builder_add_value (&builder, herd_bus_new_path (HERD_NOUN_ISSUER, authority->id));
  return g_variant_builder_end (&builder);
}

static GVariant *
get_key_type (HerdAgent *agent G_GNUC_UNUSED, gpointer row)
{
  return g_variant_new_string (herd_spec_get_key_type (((HerdCertificate *) row)->spec));
}

static GVariant *
get_profile (HerdAgent *agent G_GNUC_UNUSED, gpointer row)
{
  return g_variant_new_string (
      herd_spec_get_string (((HerdCertificate *) row)->spec, "profile", ""));
}

static GVariant *
get_state (HerdAgent *agent, gpointer row)
{
  return g_variant_new_string (
      herd_certificate_state_to_string (herd_certificate_get_state (row, get_now (agent))));
}

static GVariant *
get_activity (HerdAgent *agent, gpointer row)
{
  return g_variant_new_string (herd_certificate_get_activity (row, get_now (agent)));
}

static GVariant *
get_operation (HerdAgent *agent G_GNUC_UNUSED, gpointer row)
{
  return herd_bus_new_path (HERD_NOUN_OPERATION, ((HerdCertificate *) row)->operation);
}

static GVariant *
get_generation (HerdAgent *agent G_GNUC_UNUSED, gpointer row)
{
  return g_variant_new_uint64 (((HerdCertificate *) row)->current);
}

static GVariant *
get_generations (HerdAgent *agent G_GNUC_UNUSED, gpointer row)
{
  const HerdCertificate *certificate = row;
  GVariantBuilder builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));

  for (guint i = 0; i < certificate->generations->len; i++) {
    const HerdGeneration *generation = g_ptr_array_index (certificate->generations, i);
    g_autofree char *serial = herd_generation_get_serial (generation);
    g_autofree char *fingerprint = herd_generation_get_fingerprint (generation);
    g_auto (GVariantDict) dictionary = G_VARIANT_DICT_INIT (NULL);

    g_variant_dict_insert (&dictionary, "generation", "t", generation->number);
    g_variant_dict_insert (&dictionary, "not-before", "x", generation->not_before);
    g_variant_dict_insert (&dictionary, "not-after", "x", generation->not_after);
    g_variant_dict_insert (&dictionary, "serial", "s", serial);
    g_variant_dict_insert (&dictionary, "fingerprint", "s", fingerprint);
    g_variant_dict_insert (&dictionary, "issued-by", "s", generation->issued_by);
    g_variant_dict_insert (&dictionary, "created", "x", generation->created);
    g_variant_dict_insert (&dictionary, "rejected", "b", generation->rejected);
    g_variant_builder_add_value (&builder, g_variant_dict_end (&dictionary));
  }
  return g_variant_builder_end (&builder);
}

static GVariant *
get_serial (HerdAgent *agent G_GNUC_UNUSED, gpointer row)
{
  const HerdGeneration *current = herd_certificate_get_current (row);

  return current != NULL ? g_variant_new_take_string (herd_generation_get_serial (current))
                         : g_variant_new_string ("");
}

static GVariant *
get_fingerprint (HerdAgent *agent G_GNUC_UNUSED, gpointer row)
{
  const HerdGeneration *current = herd_certificate_get_current (row);

  return current != NULL ? g_variant_new_take_string (herd_generation_get_fingerprint (current))
                         : g_variant_new_string ("");
}

static GVariant *
get_not_before (HerdAgent *agent G_GNUC_UNUSED, gpointer row)
{
  const HerdGeneration *current = herd_certificate_get_current (row);

  return g_variant_new_int64 (current != NULL ? current->not_before : 0);
}

static GVariant *
get_not_after (HerdAgent *agent G_GNUC_UNUSED, gpointer row)
{
  const HerdGeneration *current = herd_certificate_get_current (row);

  return g_variant_new_int64 (current != NULL ? current->not_after : 0);
}

static GVariant *
get_issued_by (HerdAgent *agent G_GNUC_UNUSED, gpointer row)
{
  const HerdGeneration *current = herd_certificate_get_current (row);

  return g_variant_new_string (current != NULL ? current->issued_by : "");
}

static GVariant *
get_next_action (HerdAgent *agent G_GNUC_UNUSED, gpointer row)
{
  return g_variant_new_string (herd_action_to_string (((HerdCertificate *) row)->action));
}

static GVariant *
get_next_action_time (HerdAgent *agent G_GNUC_UNUSED, gpointer row)
{
  return g_variant_new_int64 (((HerdCertificate *) row)->action_time);
}

static GVariant *
get_next_action_reason (HerdAgent *agent G_GNUC_UNUSED, gpointer row)
{
  return g_variant_new_string (((HerdCertificate *) row)->action_reason);
}

static GVariant *
get_last_error (HerdAgent *agent G_GNUC_UNUSED, gpointer row)
{
  return g_variant_new_string (((HerdCertificate *) row)->last_error);
}

static GVariant *
get_last_error_time (HerdAgent *agent G_GNUC_UNUSED, gpointer row)
{
  return g_variant_new_int64 (((HerdCertificate *) row)->last_error_time);
}

static GVariant *
get_last_error_message (HerdAgent *agent G_GNUC_UNUSED, gpointer row)
{
  return g_variant_new_string (((HerdCertificate *) row)->last_error_message);
}

static GVariant *
get_deliveries (HerdAgent *agent G_GNUC_UNUSED, gpointer row)
{
  const HerdCertificate *certificate = row;
  GVariantBuilder builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));

  for (guint i = 0; i < certificate->deliveries->len; i++) {
    const HerdDelivery *delivery = g_ptr_array_index (certificate->deliveries, i);
    g_auto (GVariantDict) dictionary = G_VARIANT_DICT_INIT (NULL);

    if (delivery->wanted == 0)
      continue; /* there is nothing yet that it could have */
    g_variant_dict_insert (&dictionary, "target", "s", delivery->target);
    g_variant_dict_insert (&dictionary, "state", "s",
                           herd_delivery_state_to_string (delivery->state));
    g_variant_dict_insert (&dictionary, "wanted", "t", delivery->wanted);
    g_variant_dict_insert (&dictionary, "applied", "t", delivery->applied);
    g_variant_dict_insert (&dictionary, "proved", "t", delivery->proved);
    g_variant_dict_insert (&dictionary, "since", "x", delivery->since);
    g_variant_dict_insert (&dictionary, "message", "s", delivery->message);
    g_variant_builder_add_value (&builder, g_variant_dict_end (&dictionary));
  }
  return g_variant_builder_end (&builder);
}

static const HerdBusProperty properties[] = {
  { "Name", get_name },
  { "Owner", get_owner },
  { "Origin", get_origin },
  { "Identifiers", get_identifiers },
  { "Issuers", get_issuers },
  { "KeyType", get_key_type },
  { "Profile", get_profile },
  { "State", get_state },
  { "Activity", get_activity },
  { "Operation", get_operation },
  { "Generation", get_generation },
  { "Generations", get_generations },
  { "Serial", get_serial },
  { "Fingerprint", get_fingerprint },
  { "NotBefore", get_not_before },
  { "NotAfter", get_not_after },
  { "IssuedBy", get_issued_by },
  { "NextAction", get_next_action },
  { "NextActionTime", get_next_action_time },
  { "NextActionReason", get_next_action_reason },
  { "LastError", get_last_error },
  { "LastErrorTime", get_last_error_time },
  { "LastErrorMessage", get_last_error_message },
  { "Deliveries", get_deliveries },
  { NULL, NULL },
};

const HerdBusInterface herd_bus_certificate1 = {
  .info = &org_certherd_certificate1_interface,
  .noun = HERD_NOUN_CERTIFICATE,
  .methods = methods,
  .properties = properties,
};
