// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Which issuers a wish is for: those that it names, or the one that is meant where it names none.
 */
#include "core/issuers.h"
#include "model/spec.h"
#include "plugin/error.h"

static HerdAuthority *
find_latest (HerdRegistry *registry, const HerdCertificate *certificate)
{
  const HerdGeneration *newest = certificate != NULL ? herd_certificate_get_newest (certificate)
                                                     : NULL;
  HerdAuthority *authority = newest != NULL ? herd_registry_get_authority (registry, newest->issuer)
                                            : NULL;

  return authority != NULL && !authority->retired ? authority : NULL;
}

/* Issuers that an error names: nobody has many more, and it is for people. */
#define NAMES_SHOWN 8

/* The one called "default", or the only one. */
static HerdAuthority *
choose_default (HerdRegistry *registry, GError **error)
{
  HerdAuthority *only = herd_registry_find_authority (registry, "default");
  g_autoptr (GArray) ids = herd_registry_list_ids (registry, HERD_NOUN_ISSUER);
  g_autoptr (GString) names = g_string_new (NULL);
  guint count = 0;

  if (only != NULL)
    return only;
  for (guint i = 0; i < ids->len; i++) {
    HerdAuthority *authority = herd_registry_get_authority (registry,
                                                            g_array_index (ids, guint64, i));

    if (authority->retired)
      continue;
    only = authority;
    count++;
    if (count <= NAMES_SHOWN)
      g_string_append_printf (names, "%s%s", names->len > 0 ? ", " : "", authority->name);
  }
  if (count == 1)
    return only;
  if (count == 0)
    g_set_error (error, HERD_ERROR, HERD_ERROR_NOT_FOUND,
                 "no issuer is configured; add one below issuers.d or with AddIssuer");
  else
    g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
                 "issuer: there are %u (%s%s) and none is called default; name one with this key",
                 count, names->str, count > NAMES_SHOWN ? ", …" : "");
  return NULL;
}

static HerdAuthority *
find_named (HerdRegistry *registry, const char *name, GError **error)
{
  HerdAuthority *authority = herd_registry_find_authority (registry, name);

  if (authority == NULL)
    g_set_error (error, HERD_ERROR, HERD_ERROR_NOT_FOUND,
                 "there is no issuer %s; add it below issuers.d or with AddIssuer", name);
  return authority;
}

HerdAuthority *
herd_issuers_choose (HerdRegistry *registry, const HerdCertificate *certificate, GVariant *spec,
                     GError **error)
{
  g_auto (GStrv) names = herd_spec_get_list (spec, "issuer");
  HerdAuthority *authority;

  if (names[0] != NULL)
    return find_named (registry, names[0], error);
  authority = find_latest (registry, certificate);
  return authority != NULL ? authority : choose_default (registry, error);
}

/* Adds AUTHORITY, if it may be asked; ERROR (NULL: nobody wants to know) says why not. */
static void
add_active (GPtrArray *list, HerdAuthority *authority, GError **error)
{
  if (authority == NULL)
    return;
  if (!authority->retired)
    g_ptr_array_add (list, authority);
  else
    g_set_error (error, HERD_ERROR, HERD_ERROR_NOT_FOUND,
                 "issuer %s is no longer configured; name another one", authority->name);
}

GPtrArray *
herd_issuers_list (HerdRegistry *registry, const HerdCertificate *certificate, GVariant *spec,
                   GError **error)
{
  g_auto (GStrv) names = herd_spec_get_list (spec, "issuer");
  g_autoptr (GPtrArray) list = g_ptr_array_new ();
  g_autoptr (GError) first = NULL;

  if (names[0] == NULL)
    add_active (list, herd_issuers_choose (registry, certificate, spec, &first), &first);
  for (char **name = names; *name != NULL; name++) {
    GError **failure = first == NULL ? &first : NULL;

    add_active (list, find_named (registry, *name, failure), failure);
  }
  if (list->len > 0)
    return g_steal_pointer (&list);
  g_propagate_error (error, g_steal_pointer (&first));
  return NULL;
}

gboolean
herd_issuers_check (HerdRegistry *registry, const HerdCertificate *certificate, GVariant *spec,
                    GError **error)
{
  g_auto (GStrv) names = herd_spec_get_list (spec, "issuer");

  if (names[0] == NULL)
    return herd_issuers_choose (registry, certificate, spec, error) != NULL;
  for (char **name = names; *name != NULL; name++) {
    if (find_named (registry, *name, error) == NULL)
      return FALSE;
  }
  return TRUE;
}

gboolean
herd_issuers_serves (HerdRegistry *registry, const HerdAuthority *authority,
                     const HerdCertificate *certificate)
{
  g_auto (GStrv) names = herd_spec_get_list (certificate->spec, "issuer");

  if (names[0] == NULL)
    return herd_issuers_choose (registry, certificate, certificate->spec, NULL) == authority;
  return g_strv_contains ((const char *const *) names, authority->name);
}
