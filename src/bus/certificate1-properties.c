// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * org.certherd.Certificate1: its properties.
 */
#include "bus/certificate1.h"
#include "core/issuers.h"
#include "model/spec.h"

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
  g_autoptr (GPtrArray) list = herd_issuers_list (registry, certificate, certificate->spec, NULL);

  for (guint i = 0; list != NULL && i < list->len; i++) {
    const HerdAuthority *authority = g_ptr_array_index (list, i);

    g_variant_builder_add_value (&builder, herd_bus_new_path (HERD_NOUN_ISSUER, authority->id));
  }
  return g_variant_builder_end (&builder);
}

static GVariant *
get_backoffs (HerdAgent *agent, gpointer row)
{
  HerdRegistry *registry = herd_agent_get_services (agent)->registry;
  const HerdCertificate *certificate = row;
  GVariantBuilder builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));

  for (guint i = 0; certificate->backoffs != NULL && i < certificate->backoffs->len; i++) {
    const HerdBackoff *backoff = g_ptr_array_index (certificate->backoffs, i);
    g_auto (GVariantDict) dictionary = G_VARIANT_DICT_INIT (NULL);

    if (herd_registry_get_authority (registry, backoff->issuer) == NULL)
      continue;
    g_variant_dict_insert_value (&dictionary, "issuer",
                                 herd_bus_new_path (HERD_NOUN_ISSUER, backoff->issuer));
    g_variant_dict_insert (&dictionary, "failures", "u", backoff->failures);
    g_variant_dict_insert (&dictionary, "retry-at", "x", backoff->retry_at);
    g_variant_dict_insert (&dictionary, "rehearse", "b", backoff->rehearse);
    g_variant_dict_insert (&dictionary, "error", "s", backoff->error);
    g_variant_dict_insert (&dictionary, "message", "s", backoff->message);
    g_variant_builder_add_value (&builder, g_variant_dict_end (&dictionary));
  }
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
get_generations (HerdAgent *agent, gpointer row)
{
  HerdRegistry *registry = herd_agent_get_services (agent)->registry;
  const HerdCertificate *certificate = row;
  GVariantBuilder builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));

  for (const HerdGeneration *generation = certificate->generations; generation != NULL;
       generation = generation->next) {
    const HerdAuthority *issuer = herd_registry_get_authority (registry, generation->issuer);
    g_autofree char *serial = herd_generation_get_serial (generation);
    g_autofree char *fingerprint = herd_generation_get_fingerprint (generation);
    g_auto (GVariantDict) dictionary = G_VARIANT_DICT_INIT (NULL);

    g_variant_dict_insert (&dictionary, "generation", "t", generation->number);
    g_variant_dict_insert (&dictionary, "not-before", "x", generation->not_before);
    g_variant_dict_insert (&dictionary, "not-after", "x", generation->not_after);
    g_variant_dict_insert (&dictionary, "serial", "s", serial);
    g_variant_dict_insert (&dictionary, "fingerprint", "s", fingerprint);
    g_variant_dict_insert (&dictionary, "issued-by", "s", generation->issued_by);
    g_variant_dict_insert_value (
        &dictionary, "issuer",
        herd_bus_new_path (HERD_NOUN_ISSUER, issuer != NULL ? issuer->id : 0));
    g_variant_dict_insert (&dictionary, "created", "x", generation->created);
    g_variant_dict_insert (&dictionary, "rejected", "b", generation->rejected);
    g_variant_dict_insert (&dictionary, "revoked", "s", herd_revocations[generation->revoked]);
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

  for (const HerdDelivery *delivery = certificate->deliveries; delivery != NULL;
       delivery = delivery->next) {
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

const HerdBusProperty herd_bus_certificate1_properties[] = {
  { "Name", get_name },
  { "Owner", get_owner },
  { "Origin", get_origin },
  { "Identifiers", get_identifiers },
  { "Issuers", get_issuers },
  { "Backoffs", get_backoffs },
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
