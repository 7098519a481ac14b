// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The facts of an issued certificate.
 */
#include "plugin/facts.h"

HerdFacts *
herd_facts_new (void)
{
  HerdFacts *facts = g_new0 (HerdFacts, 1);

  facts->serial = g_strdup ("");
  facts->fingerprint = g_strdup ("");
  facts->issued_by = g_strdup ("");
  facts->identifiers = g_new0 (char *, 1);
  return facts;
}

HerdFacts *
herd_facts_copy (const HerdFacts *facts)
{
  HerdFacts *copy = g_new0 (HerdFacts, 1);

  copy->not_before = facts->not_before;
  copy->not_after = facts->not_after;
  copy->serial = g_strdup (facts->serial);
  copy->fingerprint = g_strdup (facts->fingerprint);
  copy->issued_by = g_strdup (facts->issued_by);
  copy->identifiers = g_strdupv (facts->identifiers);
  return copy;
}

void
herd_facts_free (HerdFacts *facts)
{
  if (facts == NULL)
    return;
  g_free (facts->serial);
  g_free (facts->fingerprint);
  g_free (facts->issued_by);
  g_strfreev (facts->identifiers);
  g_free (facts);
}

GVariant *
herd_facts_to_variant (const HerdFacts *facts)
{
  g_auto (GVariantDict) dictionary = G_VARIANT_DICT_INIT (NULL);

  g_variant_dict_insert (&dictionary, "not-before", "x", facts->not_before);
  g_variant_dict_insert (&dictionary, "not-after", "x", facts->not_after);
  g_variant_dict_insert (&dictionary, "serial", "s", facts->serial);
  g_variant_dict_insert (&dictionary, "fingerprint", "s", facts->fingerprint);
  g_variant_dict_insert (&dictionary, "issued-by", "s", facts->issued_by);
  g_variant_dict_insert (&dictionary, "identifiers", "^as", facts->identifiers);
  return g_variant_dict_end (&dictionary);
}

static void
take_string (GVariantDict *dictionary, const char *key, char **string)
{
  const char *value;

  if (!g_variant_dict_lookup (dictionary, key, "&s", &value))
    return;
  g_free (*string);
  *string = g_strdup (value);
}

HerdFacts *
herd_facts_new_from_variant (GVariant *variant)
{
  g_auto (GVariantDict) dictionary = G_VARIANT_DICT_INIT (variant);
  HerdFacts *facts = herd_facts_new ();
  char **identifiers;

  g_variant_dict_lookup (&dictionary, "not-before", "x", &facts->not_before);
  g_variant_dict_lookup (&dictionary, "not-after", "x", &facts->not_after);
  take_string (&dictionary, "serial", &facts->serial);
  take_string (&dictionary, "fingerprint", &facts->fingerprint);
  take_string (&dictionary, "issued-by", &facts->issued_by);
  if (g_variant_dict_lookup (&dictionary, "identifiers", "^as", &identifiers)) {
    g_strfreev (facts->identifiers);
    facts->identifiers = identifiers;
  }
  return facts;
}
