// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The key "staging" of issuers.
 */
#include "config/siblings.h"

static const char *
get_staging (HerdConfig *config, const char *name)
{
  const HerdConfigEntry *entry = herd_config_find (config, HERD_SECTION_ISSUER, name);

  return herd_config_entry_get (entry, "staging", NULL);
}

/* Does the way from one sibling to the next lead back to NAME? */
static gboolean
is_own_sibling (HerdConfig *config, const char *name)
{
  guint longest = herd_config_get_entries (config, HERD_SECTION_ISSUER)->len;
  const char *next = get_staging (config, name);

  for (guint i = 0; next != NULL && i < longest; i++) {
    if (g_str_equal (next, name))
      return TRUE;
    next = get_staging (config, next);
  }
  return FALSE;
}

char *
herd_siblings_find_fault (HerdConfig *config, const HerdConfigEntry *entry)
{
  const char *staging = herd_config_entry_get (entry, "staging", NULL);

  if (staging == NULL)
    return NULL;
  if (is_own_sibling (config, entry->name))
    return g_strdup_printf ("[issuer %s]: staging: %s leads back to this issuer; a rehearsal needs "
                            "another one",
                            entry->name, staging);
  if (herd_config_find (config, HERD_SECTION_ISSUER, staging) == NULL)
    return g_strdup_printf ("[issuer %s]: staging: there is no [issuer %s]; add it, or leave the "
                            "key out",
                            entry->name, staging);
  return NULL;
}
