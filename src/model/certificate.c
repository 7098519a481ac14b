// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Certificates, their generations and deliveries.
 */
#include "model/certificate.h"

HerdGeneration *
herd_generation_new (guint64 number, guint64 issuer, gint64 created, HerdFacts *facts)
{
  HerdGeneration *generation = g_new0 (HerdGeneration, 1);

  generation->number = number;
  generation->issuer = issuer;
  generation->created = created;
  generation->facts = facts;
  return generation;
}

void
herd_generation_free (HerdGeneration *generation)
{
  if (generation == NULL)
    return;
  herd_facts_free (generation->facts);
  g_free (generation);
}

const char *
herd_delivery_state_to_string (HerdDeliveryState state)
{
  switch (state) {
  case HERD_DELIVERY_PENDING:
    return "pending";
  case HERD_DELIVERY_INSTALLING:
    return "installing";
  case HERD_DELIVERY_APPLIED:
    return "applied";
  case HERD_DELIVERY_REJECTED:
    return "rejected";
  case HERD_DELIVERY_HELD:
    return "held";
  case HERD_DELIVERY_GONE:
    return "gone";
  }
  return "pending";
}

HerdDelivery *
herd_delivery_new (const char *target)
{
  HerdDelivery *delivery = g_new0 (HerdDelivery, 1);

  delivery->target = g_strdup (target);
  delivery->message = g_strdup ("");
  delivery->state = HERD_DELIVERY_APPLIED; /* nothing is wanted yet */
  return delivery;
}

void
herd_delivery_free (HerdDelivery *delivery)
{
  if (delivery == NULL)
    return;
  g_free (delivery->target);
  g_free (delivery->message);
  g_free (delivery);
}

const char *
herd_origin_to_string (HerdOrigin origin)
{
  switch (origin) {
  case HERD_ORIGIN_BUS:
    return "bus";
  case HERD_ORIGIN_FILE:
    return "file";
  }
  return "bus";
}

const char *
herd_action_to_string (HerdAction action)
{
  switch (action) {
  case HERD_ACTION_NONE:
    return "none";
  case HERD_ACTION_ISSUE:
    return "issue";
  case HERD_ACTION_RENEW:
    return "renew";
  case HERD_ACTION_RETRY:
    return "retry";
  case HERD_ACTION_DELIVER:
    return "deliver";
  }
  return "none";
}

const char *
herd_certificate_state_to_string (HerdCertificateState state)
{
  switch (state) {
  case HERD_CERTIFICATE_NONE:
    return "none";
  case HERD_CERTIFICATE_VALID:
    return "valid";
  case HERD_CERTIFICATE_EXPIRED:
    return "expired";
  }
  return "none";
}

HerdCertificate *
herd_certificate_new (guint64 id, const char *name, guint32 owner, HerdOrigin origin,
                      GVariant *spec)
{
  HerdCertificate *certificate = g_new0 (HerdCertificate, 1);

  certificate->id = id;
  certificate->name = g_strdup (name);
  certificate->owner = owner;
  certificate->origin = origin;
  certificate->spec = g_variant_ref_sink (spec);
  certificate->generations = g_ptr_array_new_with_free_func ((GDestroyNotify) herd_generation_free);
  certificate->deliveries = g_ptr_array_new_with_free_func ((GDestroyNotify) herd_delivery_free);
  certificate->action_reason = g_strdup ("");
  certificate->last_error = g_strdup ("");
  certificate->last_error_message = g_strdup ("");
  return certificate;
}

void
herd_certificate_free (HerdCertificate *certificate)
{
  if (certificate == NULL)
    return;
  g_free (certificate->name);
  g_variant_unref (certificate->spec);
  g_ptr_array_unref (certificate->generations);
  g_ptr_array_unref (certificate->deliveries);
  g_free (certificate->action_reason);
  g_free (certificate->last_error);
  g_free (certificate->last_error_message);
  g_free (certificate);
}

HerdGeneration *
herd_certificate_find_generation (const HerdCertificate *certificate, guint64 number)
{
  for (guint i = 0; number != 0 && i < certificate->generations->len; i++) {
    HerdGeneration *generation = g_ptr_array_index (certificate->generations, i);

    if (generation->number == number)
      return generation;
  }
  return NULL;
}

HerdGeneration *
herd_certificate_get_current (const HerdCertificate *certificate)
{
  return herd_certificate_find_generation (certificate, certificate->current);
}

HerdGeneration *
herd_certificate_get_newest (const HerdCertificate *certificate)
{
  guint n = certificate->generations->len;

  return n > 0 ? g_ptr_array_index (certificate->generations, n - 1) : NULL;
}

HerdDelivery *
herd_certificate_find_delivery (const HerdCertificate *certificate, const char *target)
{
  for (guint i = 0; i < certificate->deliveries->len; i++) {
    HerdDelivery *delivery = g_ptr_array_index (certificate->deliveries, i);

    if (g_str_equal (delivery->target, target))
      return delivery;
  }
  return NULL;
}

HerdCertificateState
herd_certificate_get_state (const HerdCertificate *certificate, gint64 now)
{
  const HerdGeneration *current = herd_certificate_get_current (certificate);

  if (current == NULL)
    return HERD_CERTIFICATE_NONE;
  return current->facts->not_after <= now ? HERD_CERTIFICATE_EXPIRED : HERD_CERTIFICATE_VALID;
}

static gboolean
is_delivering (const HerdCertificate *certificate)
{
  for (guint i = 0; i < certificate->deliveries->len; i++) {
    const HerdDelivery *delivery = g_ptr_array_index (certificate->deliveries, i);

    if (delivery->state == HERD_DELIVERY_PENDING || delivery->state == HERD_DELIVERY_INSTALLING)
      return TRUE;
  }
  return FALSE;
}

const char *
herd_certificate_get_activity (const HerdCertificate *certificate, gint64 now)
{
  if (certificate->operation != 0)
    return is_delivering (certificate) ? "delivering" : "issuing";
  if (is_delivering (certificate))
    return "delivering";
  if (certificate->failures > 0)
    return certificate->retry_at > now ? "waiting" : "blocked";
  return certificate->action == HERD_ACTION_ISSUE ? "waiting" : "idle";
}

void
herd_certificate_set_error (HerdCertificate *certificate, const char *name, const char *message,
                            gint64 when)
{
  g_free (certificate->last_error);
  g_free (certificate->last_error_message);
  certificate->last_error = g_strdup (name != NULL ? name : "");
  certificate->last_error_message = g_strdup (name != NULL ? message : "");
  certificate->last_error_time = name != NULL ? when : 0;
}

void
herd_certificate_set_action (HerdCertificate *certificate, HerdAction action, gint64 when,
                             const char *reason)
{
  g_autofree char *copy = g_strdup (reason);

  g_free (certificate->action_reason);
  certificate->action_reason = g_steal_pointer (&copy);
  certificate->action = action;
  certificate->action_time = when;
}
