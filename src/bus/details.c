// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Details of calls.
 */
#include "bus/details.h"

#include "core/directories.h"
#include "model/spec.h"

const HerdCertificate *
herd_bus_get_certificate (const HerdBusCall *call)
{
  gpointer row = herd_bus_get_row (call->agent, call->noun, call->id);

  if (row != NULL && call->noun == HERD_NOUN_OPERATION)
    return herd_bus_get_row (call->agent, HERD_NOUN_CERTIFICATE,
                             ((const HerdOperation *) row)->certificate);
  return call->noun == HERD_NOUN_CERTIFICATE ? row : NULL;
}

gboolean
herd_bus_caller_is_owner (const HerdBusCall *call)
{
  const HerdCertificate *certificate = herd_bus_get_certificate (call);

  return certificate != NULL && certificate->owner == call->uid;
}

const char *
herd_bus_decide_manage (HerdBusCall *call)
{
  return herd_bus_caller_is_owner (call) ? "manage-own" : "manage";
}

static void
add_words (GPtrArray *words, char **list)
{
  for (; list != NULL && *list != NULL; list++) {
    if (!g_ptr_array_find_with_equal_func (words, *list, g_str_equal, NULL))
      g_ptr_array_add (words, *list);
  }
}

/* The words of both lists (taken), each once; NULL if there are none. */
static char *
join_words (char **old, char **wanted)
{
  g_auto (GStrv) first = old;
  g_auto (GStrv) second = wanted;
  g_autoptr (GPtrArray) words = g_ptr_array_new ();

  add_words (words, first);
  add_words (words, second);
  if (words->len == 0)
    return NULL;
  g_ptr_array_add (words, NULL);
  return g_strjoinv (" ", (char **) words->pdata);
}

static char *
join_lists (GVariant *old, GVariant *wanted, const char *key)
{
  return join_words (old != NULL ? herd_spec_get_list (old, key) : NULL,
                     herd_spec_get_list (wanted, key));
}

/* The issuers that SPEC would be issued by, also where it does not name one. CERTIFICATE: whose it is or
 * would be, NULL: a new one's. */
static char **
get_issuers (const HerdBusCall *call, const HerdCertificate *certificate, GVariant *spec)
{
  g_auto (GStrv) names = herd_spec_get_list (spec, "issuer");
  const HerdAuthority *authority;
  const char *found[] = { NULL, NULL };

  if (names[0] != NULL)
    return g_steal_pointer (&names);
  authority = herd_issuers_choose (herd_agent_get_services (call->agent)->registry, certificate,
                                   spec, NULL);
  found[0] = authority != NULL ? authority->name : NULL;
  return g_strdupv ((char **) found);
}

/* What CERTIFICATE is (NULL: it is not yet), and what the call would have it be. */
static void
fill_specs (const HerdBusCall *call, const HerdCertificate *certificate, GVariant *wanted,
            HerdDetails *details)
{
  GVariant *old = certificate != NULL ? certificate->spec : NULL;

  details->identifiers = join_lists (old, wanted, "identifiers");
  details->readers = join_lists (old, wanted, "readers");
  details->issuer = join_words (old != NULL ? get_issuers (call, certificate, old) : NULL,
                                get_issuers (call, certificate, wanted));
  details->targets = join_words (old != NULL ? herd_spec_get_targets (old) : NULL,
                                 herd_spec_get_targets (wanted));
}

void
herd_bus_describe_wish (const HerdBusCall *call, const HerdCertificate *certificate,
                        GVariant *wanted, HerdDetails *details)
{
  if (certificate != NULL) {
    details->certificate = g_strdup (certificate->name);
    details->owner = g_strdup_printf ("%u", certificate->owner);
    details->caller_is_owner = certificate->owner == call->uid ? "true" : "false";
  }
  fill_specs (call, certificate, wanted, details);
}

void
herd_bus_describe_change (const HerdBusCall *call, GVariant *wanted, HerdDetails *details)
{
  herd_bus_describe_wish (call, herd_bus_get_certificate (call), wanted, details);
}

/* An issuer's SETTINGS, in which what the call brings (call->checked) takes precedence. */
static void
fill_issuer (const HerdBusCall *call, GVariant *settings, HerdDetails *details)
{
  GVariant *brought = call->checked != NULL ? call->checked : settings;
  g_autoptr (GVariant) wanted = herd_spec_modify (settings, brought, NULL);

  details->directory_url = g_strdup (
      herd_directories_find_url (herd_agent_get_services (call->agent), wanted));
  details->agree_terms = g_strdup (herd_spec_get_string (wanted, "agree-terms", NULL));
  details->contact = join_words (herd_spec_get_list (wanted, "contact"), NULL);
  details->trust = herd_spec_has (wanted, "trust") ? "own" : "system";
}

void
herd_bus_describe_object (const HerdBusCall *call, HerdDetails *details)
{
  const HerdCertificate *certificate = herd_bus_get_certificate (call);
  const HerdAuthority *authority = NULL;

  if (call->noun == HERD_NOUN_ISSUER)
    authority = herd_bus_get_row (call->agent, call->noun, call->id);
  if (certificate != NULL)
    herd_bus_describe_change (call, certificate->spec, details);
  if (authority != NULL) {
    details->issuer = g_strdup (authority->name);
    fill_issuer (call, authority->settings, details);
  }
}

void
herd_bus_describe_new_certificate (const HerdBusCall *call, HerdDetails *details)
{
  g_variant_get_child (call->parameters, 0, "s", &details->certificate);
  details->owner = g_strdup_printf ("%u", call->uid);
  details->caller_is_owner = "true";
  fill_specs (call, NULL, call->checked, details);
}

void
herd_bus_describe_new_issuer (const HerdBusCall *call, HerdDetails *details)
{
  g_variant_get_child (call->parameters, 0, "s", &details->issuer);
  fill_issuer (call, call->checked, details);
}
