// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What is known of a CA, compared with what is wanted of it.
 */
#include "acme/traits.h"

#include "plugin/error.h"
#include "plugin/identifier.h"

#define KEY_TYPE_DEFAULT "ecdsa-p256"
#define DAY 86400

/* Is WORD among WORDS, or is nothing known? */
static gboolean
allows (const char *const *words, const char *word)
{
  return words == NULL || words[0] == NULL || g_strv_contains (words, word);
}

gboolean
herd_traits_lack (const HerdAcmeTraits *traits, const char *feature)
{
  return traits->lacks != NULL && g_strv_contains (traits->lacks, feature);
}

void
herd_traits_apply (const HerdAcmeTraits *traits, HerdDirectory *directory)
{
  if (herd_traits_lack (traits, "key-change"))
    herd_directory_forget (directory, &directory->key_change);
  if (herd_traits_lack (traits, "renewal-info"))
    herd_directory_forget (directory, &directory->renewal_info);
  if (traits->caa_identities == NULL || traits->caa_identities[0] == NULL
      || *directory->caa_identity != '\0')
    return;
  g_free (directory->caa_identity);
  directory->caa_identity = g_strdup (traits->caa_identities[0]);
  g_strfreev (directory->caa_identities);
  directory->caa_identities = g_strdupv ((char **) traits->caa_identities);
}

/* --- a request --- */

static gboolean
check_identifiers (const HerdAcmeTraits *traits, const char *issuer,
                   const HerdIssueRequest *request, GError **error)
{
  for (char **identifier = request->identifiers; *identifier != NULL; identifier++) {
    gboolean wildcard = herd_identifier_is_wildcard (*identifier);
    const char *kind = wildcard ? "wildcard" : herd_identifier_get_type_name (*identifier);

    if (allows (traits->identifiers, kind))
      continue;
    g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
                 "%s: the CA of issuer %s has no certificates for %s such as %s; leave it out, or "
                 "choose another issuer",
                 request->certificate, issuer,
                 wildcard                   ? "wildcards"
                 : g_str_equal (kind, "ip") ? "addresses"
                                            : "names",
                 *identifier);
    return FALSE;
  }
  return TRUE;
}

static gboolean
check_key (const HerdAcmeTraits *traits, const char *issuer, const HerdIssueRequest *request,
           GError **error)
{
  g_autofree char *known = NULL;

  if (request->key_type == NULL || allows (traits->key_types, request->key_type))
    return TRUE;
  known = g_strjoinv (", ", (char **) traits->key_types);
  g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
               "%s: the CA of issuer %s takes no keys of type %s; set key-type to one of %s",
               request->certificate, issuer, request->key_type, known);
  return FALSE;
}

/* What stands in the way of the wish, or NULL. */
static char *
find_objection (const HerdAcmeTraits *traits, const HerdIssueRequest *request)
{
  if (request->must_staple && herd_traits_lack (traits, "must-staple"))
    return g_strdup ("has no OCSP, and so no must-staple; leave it out");
  if (request->lifetime == 0)
    return NULL;
  if (herd_traits_lack (traits, "lifetime"))
    return g_strdup ("lets nobody choose a lifetime; leave it out, or choose a profile");
  if ((traits->lifetime_minimum != 0 && request->lifetime < traits->lifetime_minimum)
      || (traits->lifetime_maximum != 0 && request->lifetime > traits->lifetime_maximum))
    return g_strdup_printf ("takes a lifetime from %" G_GINT64_FORMAT "d to %" G_GINT64_FORMAT
                            "d only; change it",
                            traits->lifetime_minimum / DAY, traits->lifetime_maximum / DAY);
  return NULL;
}

gboolean
herd_traits_check_request (const HerdAcmeTraits *traits, const char *issuer,
                           const HerdIssueRequest *request, GError **error)
{
  g_autofree char *objection = NULL;

  if (!check_identifiers (traits, issuer, request, error)
      || !check_key (traits, issuer, request, error))
    return FALSE;
  objection = find_objection (traits, request);
  if (objection == NULL)
    return TRUE;
  g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT, "%s: the CA of issuer %s %s",
               request->certificate, issuer, objection);
  return FALSE;
}

const char *
herd_traits_choose_key_type (const HerdAcmeTraits *traits, const char *issuer, const char *wished,
                             GError **error)
{
  const char *type = wished != NULL ? wished : KEY_TYPE_DEFAULT;
  g_autofree char *known = NULL;

  if (allows (traits->account_key_types, type))
    return type;
  if (wished == NULL)
    return traits->account_key_types[0];
  known = g_strjoinv (", ", (char **) traits->account_key_types);
  g_set_error (
      error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
      "issuer %s: account-key-type: the CA takes no account keys of type %s; set it to one of "
      "%s",
      issuer, wished, known);
  return NULL;
}
