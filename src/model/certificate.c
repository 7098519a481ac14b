// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Certificates, their generations and deliveries.
 */
#include "model/certificate.h"

#include <string.h>

/* --- texts of which there are many equal ones --- */

static void
set_interned (char **field, const char *text)
{
  char *old = *field;

  *field = g_ref_string_new_intern (text);
  if (old != NULL)
    g_ref_string_release (old);
}

/* --- revocations --- */

const char *const herd_revocations[] = {
  [HERD_REVOCATION_NONE] = "",
  [HERD_REVOCATION_UNSPECIFIED] = "unspecified",
  [HERD_REVOCATION_KEY_COMPROMISE] = "key-compromise",
  [HERD_REVOCATION_AFFILIATION_CHANGED] = "affiliation-changed",
  [HERD_REVOCATION_SUPERSEDED] = "superseded",
  [HERD_REVOCATION_CESSATION_OF_OPERATION] = "cessation-of-operation",
  NULL
};

gboolean
herd_revocation_parse (const char *reason, HerdRevocation *revocation)
{
  for (guint i = HERD_REVOCATION_UNSPECIFIED; herd_revocations[i] != NULL; i++) {
    if (!g_str_equal (herd_revocations[i], reason))
      continue;
    *revocation = (HerdRevocation) i;
    return TRUE;
  }
  return FALSE;
}

guint
herd_revocation_get_code (HerdRevocation revocation)
{
  switch (revocation) {
  case HERD_REVOCATION_NONE:
  case HERD_REVOCATION_UNSPECIFIED:
    return 0;
  case HERD_REVOCATION_KEY_COMPROMISE:
    return 1;
  case HERD_REVOCATION_AFFILIATION_CHANGED:
    return 3;
  case HERD_REVOCATION_SUPERSEDED:
    return 4;
  case HERD_REVOCATION_CESSATION_OF_OPERATION:
    return 5;
  }
  return 0;
}

/* --- generations --- */

static gboolean
is_hex (const char *text)
{
  return strlen (text) % 2 == 0 && text[strspn (text, "0123456789abcdef")] == '\0';
}

static void
pack_hex (const char *text, guint8 *bytes)
{
  for (; *text != '\0'; text += 2)
    *bytes++ = (guint8) (g_ascii_xdigit_value (text[0]) << 4 | g_ascii_xdigit_value (text[1]));
}

static char *
unpack_hex (const guint8 *bytes, gsize size)
{
  static const char digits[] = "0123456789abcdef";
  char *text = g_malloc (2 * size + 1);

  for (gsize i = 0; i < size; i++) {
    text[2 * i] = digits[bytes[i] >> 4];
    text[2 * i + 1] = digits[bytes[i] & 15];
  }
  text[2 * size] = '\0';
  return text;
}

gboolean
herd_generation_can_have (const HerdFacts *facts)
{
  gsize size = strlen (facts->fingerprint);

  return is_hex (facts->serial) && strlen (facts->serial) / 2 <= G_MAXUINT16
         && is_hex (facts->fingerprint) && (size == 0 || size == 2 * HERD_FINGERPRINT_SIZE);
}

HerdGeneration *
herd_generation_new (guint64 number, guint64 issuer, gint64 created, HerdFacts *facts)
{
  g_autoptr (HerdFacts) taken = facts;
  g_autofree char *identifiers = g_strjoinv (" ", taken->identifiers);
  gsize serial_size = strlen (taken->serial) / 2;
  gsize size = strlen (identifiers) + 1;
  HerdGeneration *generation;

  g_return_val_if_fail (herd_generation_can_have (taken), NULL);
  generation = g_malloc0 (G_STRUCT_OFFSET (HerdGeneration, packed) + serial_size + size);
  generation->number = number;
  generation->issuer = issuer;
  generation->created = created;
  generation->not_before = taken->not_before;
  generation->not_after = taken->not_after;
  set_interned (&generation->issued_by, taken->issued_by);
  generation->has_fingerprint = *taken->fingerprint != '\0';
  pack_hex (taken->fingerprint, generation->fingerprint);
  generation->serial_size = (guint16) serial_size;
  pack_hex (taken->serial, (guint8 *) generation->packed);
  memcpy (generation->packed + serial_size, identifiers, size);
  return generation;
}

HerdGeneration *
herd_generation_copy (const HerdGeneration *generation)
{
  gsize size = strlen (herd_generation_get_identifiers (generation)) + 1;
  HerdGeneration *copy = g_memdup2 (generation, G_STRUCT_OFFSET (HerdGeneration, packed)
                                                    + generation->serial_size + size);

  copy->next = NULL;
  copy->issued_by = g_ref_string_acquire (generation->issued_by);
  return copy;
}

void
herd_generation_free (HerdGeneration *generation)
{
  if (generation == NULL)
    return;
  g_ref_string_release (generation->issued_by);
  g_free (generation);
}

char *
herd_generation_get_serial (const HerdGeneration *generation)
{
  return unpack_hex ((const guint8 *) generation->packed, generation->serial_size);
}

char *
herd_generation_get_fingerprint (const HerdGeneration *generation)
{
  return unpack_hex (generation->fingerprint,
                     generation->has_fingerprint ? HERD_FINGERPRINT_SIZE : 0);
}

const char *
herd_generation_get_identifiers (const HerdGeneration *generation)
{
  return generation->packed + generation->serial_size;
}

HerdFacts *
herd_generation_get_facts (const HerdGeneration *generation)
{
  HerdFacts *facts = g_new0 (HerdFacts, 1);

  facts->not_before = generation->not_before;
  facts->not_after = generation->not_after;
  facts->serial = herd_generation_get_serial (generation);
  facts->fingerprint = herd_generation_get_fingerprint (generation);
  facts->issued_by = g_strdup (generation->issued_by);
  facts->identifiers = g_strsplit (herd_generation_get_identifiers (generation), " ", -1);
  return facts;
}

/* --- deliveries --- */

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

  set_interned (&delivery->target, target);
  set_interned (&delivery->message, "");
  delivery->state = HERD_DELIVERY_APPLIED; /* nothing is wanted yet */
  return delivery;
}

void
herd_delivery_free (HerdDelivery *delivery)
{
  if (delivery == NULL)
    return;
  g_ref_string_release (delivery->target);
  g_ref_string_release (delivery->message);
  g_free (delivery);
}

void
herd_delivery_set_message (HerdDelivery *delivery, const char *message)
{
  set_interned (&delivery->message, message);
}

/* --- certificates --- */

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

const char *const herd_certificate_states[HERD_N_CERTIFICATE_STATES + 1] = {
  [HERD_CERTIFICATE_NONE] = "none",
  [HERD_CERTIFICATE_VALID] = "valid",
  [HERD_CERTIFICATE_EXPIRED] = "expired",
  [HERD_CERTIFICATE_REVOKED] = "revoked",
};

const char *
herd_certificate_state_to_string (HerdCertificateState state)
{
  return herd_certificate_states[state];
}

HerdCertificate *
herd_certificate_new (guint64 id, const char *name, guint32 owner, HerdOrigin origin,
                      GVariant *spec)
{
  gsize size = strlen (name) + 1;
  HerdCertificate *certificate = g_malloc0 (sizeof *certificate + size);

  certificate->id = id;
  memcpy (certificate->name, name, size);
  certificate->owner = owner;
  certificate->origin = origin;
  certificate->spec = g_variant_ref_sink (spec);
  set_interned (&certificate->action_reason, "");
  set_interned (&certificate->last_error, "");
  set_interned (&certificate->last_error_message, "");
  return certificate;
}

void
herd_certificate_free (HerdCertificate *certificate)
{
  if (certificate == NULL)
    return;
  g_variant_unref (certificate->spec);
  while (certificate->generations != NULL)
    herd_certificate_remove_generation (certificate, certificate->generations);
  while (certificate->deliveries != NULL)
    herd_certificate_remove_delivery (certificate, certificate->deliveries);
  herd_suggestion_free (certificate->suggestion);
  g_clear_pointer (&certificate->backoffs, g_ptr_array_unref);
  g_ref_string_release (certificate->action_reason);
  g_ref_string_release (certificate->last_error);
  g_ref_string_release (certificate->last_error_message);
  g_free (certificate);
}

/* What TO's targets were sent, from OTHER's. */
static void
keep_sent (HerdCertificate *to, const HerdCertificate *other)
{
  for (const HerdDelivery *old = other->deliveries; old != NULL; old = old->next) {
    HerdDelivery *delivery = herd_certificate_find_delivery (to, old->target);

    if (delivery == NULL)
      continue;
    delivery->sent = old->sent;
    delivery->sent_before = old->sent_before;
  }
}

void
herd_certificate_restore (HerdCertificate *certificate, HerdCertificate *saved)
{
  HerdCertificate other = *certificate;

  /* All but the names: they are the same, and tables have this one as their key. */
  *certificate = *saved;
  *saved = other;
  certificate->operation = other.operation;
  certificate->revision = other.revision + 1;
  certificate->counted = other.counted;
  keep_sent (certificate, saved);
  herd_certificate_free (saved);
}

HerdGeneration *
herd_certificate_find_generation (const HerdCertificate *certificate, guint64 number)
{
  for (HerdGeneration *generation = certificate->generations; number != 0 && generation != NULL;
       generation = generation->next) {
    if (generation->number == number)
      return generation;
  }
  return NULL;
}

void
herd_certificate_add_generation (HerdCertificate *certificate, HerdGeneration *generation)
{
  HerdGeneration **end = &certificate->generations;

  while (*end != NULL)
    end = &(*end)->next;
  *end = generation;
}

void
herd_certificate_remove_generation (HerdCertificate *certificate, HerdGeneration *generation)
{
  HerdGeneration **link = &certificate->generations;

  while (*link != generation)
    link = &(*link)->next;
  *link = generation->next;
  herd_generation_free (generation);
}

guint
herd_certificate_count_generations (const HerdCertificate *certificate)
{
  guint n = 0;

  for (const HerdGeneration *generation = certificate->generations; generation != NULL;
       generation = generation->next)
    n++;
  return n;
}

HerdGeneration *
herd_certificate_get_current (const HerdCertificate *certificate)
{
  return herd_certificate_find_generation (certificate, certificate->current);
}

HerdGeneration *
herd_certificate_get_newest (const HerdCertificate *certificate)
{
  HerdGeneration *newest = certificate->generations;

  while (newest != NULL && newest->next != NULL)
    newest = newest->next;
  return newest;
}

void
herd_certificate_add_delivery (HerdCertificate *certificate, HerdDelivery *delivery)
{
  HerdDelivery **end = &certificate->deliveries;

  while (*end != NULL)
    end = &(*end)->next;
  *end = delivery;
}

void
herd_certificate_remove_delivery (HerdCertificate *certificate, HerdDelivery *delivery)
{
  HerdDelivery **link = &certificate->deliveries;

  while (*link != delivery)
    link = &(*link)->next;
  *link = delivery->next;
  herd_delivery_free (delivery);
}

HerdDelivery *
herd_certificate_find_delivery (const HerdCertificate *certificate, const char *target)
{
  for (HerdDelivery *delivery = certificate->deliveries; delivery != NULL;
       delivery = delivery->next) {
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
  if (current->revoked != HERD_REVOCATION_NONE)
    return HERD_CERTIFICATE_REVOKED;
  return current->not_after <= now ? HERD_CERTIFICATE_EXPIRED : HERD_CERTIFICATE_VALID;
}

static gboolean
is_delivering (const HerdCertificate *certificate)
{
  for (const HerdDelivery *delivery = certificate->deliveries; delivery != NULL;
       delivery = delivery->next) {
    if (delivery->state == HERD_DELIVERY_PENDING || delivery->state == HERD_DELIVERY_INSTALLING)
      return TRUE;
  }
  return FALSE;
}

const char *const herd_certificate_activities[] = { "idle",       "waiting", "issuing",
                                                    "delivering", "blocked", NULL };

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
  set_interned (&certificate->last_error, name != NULL ? name : "");
  set_interned (&certificate->last_error_message, name != NULL ? message : "");
  certificate->last_error_time = name != NULL ? when : 0;
}

void
herd_certificate_set_action (HerdCertificate *certificate, HerdAction action, gint64 when,
                             const char *reason)
{
  set_interned (&certificate->action_reason, reason);
  certificate->action = action;
  certificate->action_time = when;
}
