// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Readers and users.
 */
#include "core/rights.h"

#include <pwd.h>

#include "core/deliveries.h"
#include "model/spec.h"
#include "plugin/error.h"

static gboolean
is_user (const char *text, guint32 uid)
{
  g_autofree char *buffer = g_malloc (16384);
  struct passwd entry, *found = NULL;
  guint64 number;

  if (g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT32, &number, NULL))
    return number == uid;
  return getpwnam_r (text, &entry, buffer, 16384, &found) == 0 && found != NULL
         && found->pw_uid == uid;
}

gboolean
herd_rights_lists_user (const char *const *users, guint32 uid)
{
  for (; *users != NULL; users++) {
    if (is_user (*users, uid))
      return TRUE;
  }
  return FALSE;
}

gboolean
herd_rights_is_reader (const HerdCertificate *certificate, guint32 uid)
{
  g_auto (GStrv) readers = herd_spec_get_list (certificate->spec, "readers");

  return herd_rights_lists_user ((const char *const *) readers, uid);
}

/* --- targets --- */

static gboolean
is_exempt (const HerdServices *services, guint32 uid)
{
  return uid == 0 || (services->session && uid == services->uid);
}

gboolean
herd_rights_may_be_target (const HerdServices *services, const char *name, guint32 uid)
{
  const HerdConfigEntry *entry = herd_config_find (services->config, HERD_SECTION_TARGET, name);
  g_auto (GStrv) users = NULL;

  if (is_exempt (services, uid))
    return TRUE;
  /* certherd-deliver, where it is the agent's child. */
  if (services->children && uid == services->uid)
    return TRUE;
  return entry != NULL && g_variant_lookup (entry->values, "allow-users", "^as", &users)
         && herd_rights_lists_user ((const char *const *) users, uid);
}

/* "live" is for all where nobody is listed: they are the agent's own files. */
static gboolean
may_deliver_to (const HerdServices *services, const HerdConfigEntry *entry, guint32 uid)
{
  if (g_str_equal (entry->name, HERD_TARGET_LIVE)
      && !g_variant_lookup (entry->values, "allow-users", "as", NULL))
    return TRUE;
  return herd_rights_may_be_target (services, entry->name, uid);
}

static gboolean
matches_any (const char *const *patterns, const char *identifier)
{
  for (; *patterns != NULL; patterns++) {
    if (g_pattern_match_simple (*patterns, identifier))
      return TRUE;
  }
  return FALSE;
}

/* Does the target's section take every one of IDENTIFIERS that is not among KNOWN? */
static gboolean
check_identifiers (const HerdConfigEntry *entry, const char *const *identifiers,
                   const char *const *known, GError **error)
{
  g_auto (GStrv) patterns = NULL;

  if (!g_variant_lookup (entry->values, "identifiers", "^as", &patterns))
    return TRUE;
  for (; *identifiers != NULL; identifiers++) {
    g_autofree char *list = NULL;

    if (g_strv_contains (known, *identifiers)
        || matches_any ((const char *const *) patterns, *identifiers))
      continue;
    list = g_strjoinv (", ", patterns);
    g_set_error (
        error, HERD_ERROR, HERD_ERROR_NOT_AUTHORIZED,
        "identifiers: target %s does not take %s, only %s; leave it out, deliver elsewhere, "
        "or have identifiers of [target %s] list it",
        entry->name, *identifiers, list, entry->name);
    return FALSE;
  }
  return TRUE;
}

/* "live", built in, is for all where it has no section; one that cannot be read may say who it is for. */
static gboolean
check_unlimited (const HerdServices *services, const char *target, GError **error)
{
  const HerdConfigProblem *problem = herd_config_find_problem (services->config,
                                                               HERD_SECTION_TARGET, target);
  g_autofree char *text = problem != NULL ? herd_config_problem_describe (problem) : NULL;

  if (problem == NULL)
    return TRUE;
  g_set_error (error, HERD_ERROR, HERD_ERROR_NOT_AUTHORIZED,
               "deliver: nobody knows whom target %s is for, as the configuration cannot be read "
               "(%s); mend it and reload, or do it as root",
               target, text);
  return FALSE;
}

gboolean
herd_rights_check_targets (const HerdServices *services, guint32 uid, GVariant *old, GVariant *spec,
                           GError **error)
{
  static const char *const nothing[] = { NULL };
  g_auto (GStrv) targets = herd_spec_get_targets (spec);
  g_auto (GStrv) identifiers = herd_spec_get_list (spec, "identifiers");
  g_auto (GStrv) old_targets = old != NULL ? herd_spec_get_targets (old)
                                           : g_strdupv ((char **) nothing);
  g_auto (GStrv) old_identifiers = old != NULL ? herd_spec_get_list (old, "identifiers")
                                               : g_strdupv ((char **) nothing);

  if (is_exempt (services, uid))
    return TRUE;
  for (char **target = targets; *target != NULL; target++) {
    const HerdConfigEntry *entry = herd_config_find (services->config, HERD_SECTION_TARGET,
                                                     *target);
    gboolean had = g_strv_contains ((const char *const *) old_targets, *target);

    if (entry == NULL && !check_unlimited (services, *target, error))
      return FALSE;
    if (entry == NULL)
      continue;
    if (!had && !may_deliver_to (services, entry, uid)) {
      g_set_error (error, HERD_ERROR, HERD_ERROR_NOT_AUTHORIZED,
                   "deliver: user %u may not use target %s; have allow-users of [target %s] list "
                   "the user, or do it as root",
                   uid, *target, *target);
      return FALSE;
    }
    if (!check_identifiers (entry, (const char *const *) identifiers,
                            had ? (const char *const *) old_identifiers : nothing, error))
      return FALSE;
  }
  return TRUE;
}
