// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ListCertificates' filter.
 */
#include "core/filter.h"

#include "core/issuers.h"

#include "model/spec.h"
#include "plugin/error.h"
#include "util/text.h"

struct HerdFilter {
  char *state;
  char *activity;
  char *issuer;
  GPatternSpec *identifier;
  gboolean has_owner;
  guint32 owner;
  gint64 expires_before; /* 0 = any */
};

/* KEY is one that is known. */
static gboolean
refuse_type (const char *key, GVariant *value, GError **error)
{
  g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
               "filter %s cannot be of type %.32s; state, activity, issuer and identifier are s, "
               "owner is u, expires-before is x",
               key, g_variant_get_type_string (value));
  return FALSE;
}

static gboolean
take_string (GVariant *value, char **string)
{
  if (!g_variant_is_of_type (value, G_VARIANT_TYPE_STRING))
    return FALSE;
  g_free (*string);
  *string = g_variant_dup_string (value, NULL);
  return TRUE;
}

/* One of WORDS: any other would match nothing, which is not what whoever mistyped it wants to know. */
static gboolean
take_word (const char *key, GVariant *value, const char *const *words, char **string,
           GError **error)
{
  g_autofree char *shown = NULL, *known = NULL;

  if (!take_string (value, string))
    return refuse_type (key, value, error);
  if (g_strv_contains (words, *string))
    return TRUE;
  shown = herd_text_from_remote (*string, -1);
  known = g_strjoinv (", ", (char **) words);
  g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
               "filter %s: there is no “%s”; there are %s", key, shown, known);
  return FALSE;
}

static gboolean
take_pattern (GVariant *value, GPatternSpec **pattern)
{
  if (!g_variant_is_of_type (value, G_VARIANT_TYPE_STRING))
    return FALSE;
  g_clear_pointer (pattern, g_pattern_spec_free);
  *pattern = g_pattern_spec_new (g_variant_get_string (value, NULL));
  return TRUE;
}

static gboolean
take (HerdFilter *filter, const char *key, GVariant *value, GError **error)
{
  gboolean taken = FALSE;

  if (g_str_equal (key, "state")) {
    return take_word (key, value, herd_certificate_states, &filter->state, error);
  } else if (g_str_equal (key, "activity")) {
    return take_word (key, value, herd_certificate_activities, &filter->activity, error);
  } else if (g_str_equal (key, "issuer")) {
    taken = take_string (value, &filter->issuer);
  } else if (g_str_equal (key, "identifier")) {
    taken = take_pattern (value, &filter->identifier);
  } else if (g_str_equal (key, "owner")) {
    taken = g_variant_is_of_type (value, G_VARIANT_TYPE_UINT32);
    if (taken)
      filter->owner = g_variant_get_uint32 (value);
    filter->has_owner = taken;
  } else if (g_str_equal (key, "expires-before")) {
    taken = g_variant_is_of_type (value, G_VARIANT_TYPE_INT64);
    if (taken)
      filter->expires_before = g_variant_get_int64 (value);
  } else {
    g_autofree char *shown = herd_text_from_remote (key, -1);

    g_set_error (
        error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
        "there is no filter “%s”; there are state, activity, issuer, identifier (s), owner "
        "(u) and expires-before (x)",
        shown);
    return FALSE;
  }
  return taken || refuse_type (key, value, error);
}

HerdFilter *
herd_filter_new (GVariant *dictionary, GError **error)
{
  g_autoptr (HerdFilter) filter = g_new0 (HerdFilter, 1);
  GVariantIter iter;
  const char *key;
  GVariant *value;

  g_variant_iter_init (&iter, dictionary);
  while (g_variant_iter_next (&iter, "{&sv}", &key, &value)) {
    gboolean taken = take (filter, key, value, error);

    g_variant_unref (value);
    if (!taken)
      return NULL;
  }
  return g_steal_pointer (&filter);
}

void
herd_filter_free (HerdFilter *filter)
{
  if (filter == NULL)
    return;
  g_free (filter->state);
  g_free (filter->activity);
  g_free (filter->issuer);
  g_clear_pointer (&filter->identifier, g_pattern_spec_free);
  g_free (filter);
}

static gboolean
matches_identifier (const HerdFilter *filter, const HerdCertificate *certificate)
{
  g_auto (GStrv) identifiers = herd_spec_get_list (certificate->spec, "identifiers");

  for (char **identifier = identifiers; *identifier != NULL; identifier++) {
    if (g_pattern_spec_match_string (filter->identifier, *identifier))
      return TRUE;
  }
  return FALSE;
}

/* A wish that names no issuer is one for whichever is chosen for it. */
static gboolean
matches_issuer (const HerdFilter *filter, HerdRegistry *registry,
                const HerdCertificate *certificate)
{
  const HerdAuthority *authority = herd_registry_find_authority (registry, filter->issuer);

  return authority != NULL && herd_issuers_serves (registry, authority, certificate);
}

gboolean
herd_filter_matches (const HerdFilter *filter, HerdRegistry *registry,
                     const HerdCertificate *certificate, gint64 now)
{
  const HerdGeneration *current = herd_certificate_get_current (certificate);

  if (filter->state != NULL
      && !g_str_equal (filter->state, herd_certificate_state_to_string (
                                          herd_certificate_get_state (certificate, now))))
    return FALSE;
  if (filter->activity != NULL
      && !g_str_equal (filter->activity, herd_certificate_get_activity (certificate, now)))
    return FALSE;
  if (filter->has_owner && filter->owner != certificate->owner)
    return FALSE;
  if (filter->expires_before != 0
      && (current == NULL || current->not_after >= filter->expires_before))
    return FALSE;
  if (filter->issuer != NULL && !matches_issuer (filter, registry, certificate))
    return FALSE;
  return filter->identifier == NULL || matches_identifier (filter, certificate);
}
