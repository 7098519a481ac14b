// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Details of calls.
 */
#include "bus/details.h"

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

/* The words of KEY in both specs, either of which may be NULL, each once. */
static char *
join_lists (GVariant *old, GVariant *new_spec, const char *key)
{
  g_autoptr (GPtrArray) words = g_ptr_array_new_with_free_func (g_free);
  GVariant *specs[] = { old, new_spec };

  for (guint i = 0; i < G_N_ELEMENTS (specs); i++) {
    g_auto (GStrv) list = specs[i] != NULL ? herd_spec_get_list (specs[i], key) : NULL;

    for (char **word = list; word != NULL && *word != NULL; word++) {
      if (!g_ptr_array_find_with_equal_func (words, *word, g_str_equal, NULL))
        g_ptr_array_add (words, g_strdup (*word));
    }
  }
  if (words->len == 0)
    return NULL;
  g_ptr_array_add (words, NULL);
  return g_strjoinv (" ", (char **) words->pdata);
}

static void
fill_certificate (const HerdBusCall *call, const HerdCertificate *certificate, HerdDetails *details)
{
  g_auto (GStrv) targets = herd_spec_get_targets (certificate->spec);
  g_autofree char *old_targets = g_strjoinv (" ", targets);
  g_autofree char *new_targets = call->checked != NULL ? join_lists (NULL, call->checked, "deliver")
                                                       : NULL;

  details->certificate = g_strdup (certificate->name);
  details->owner = g_strdup_printf ("%u", certificate->owner);
  details->caller_is_owner = certificate->owner == call->uid ? "true" : "false";
  details->identifiers = join_lists (certificate->spec, call->checked, "identifiers");
  details->issuer = join_lists (certificate->spec, call->checked, "issuer");
  details->targets = new_targets != NULL ? g_strjoin (" ", old_targets, new_targets, NULL)
                                         : g_strdup (old_targets);
}

void
herd_bus_describe_object (const HerdBusCall *call, HerdDetails *details)
{
  const HerdCertificate *certificate = herd_bus_get_certificate (call);
  const HerdAuthority *authority = NULL;

  if (call->noun == HERD_NOUN_ISSUER)
    authority = herd_bus_get_row (call->agent, call->noun, call->id);
  if (certificate != NULL)
    fill_certificate (call, certificate, details);
  if (authority != NULL)
    details->issuer = g_strdup (authority->name);
}

void
herd_bus_describe_new_certificate (const HerdBusCall *call, HerdDetails *details)
{
  g_auto (GStrv) targets = herd_spec_get_targets (call->checked);

  g_variant_get_child (call->parameters, 0, "s", &details->certificate);
  details->owner = g_strdup_printf ("%u", call->uid);
  details->caller_is_owner = "true";
  details->identifiers = join_lists (NULL, call->checked, "identifiers");
  details->issuer = join_lists (NULL, call->checked, "issuer");
  details->targets = g_strjoinv (" ", targets);
}

void
herd_bus_describe_new_issuer (const HerdBusCall *call, HerdDetails *details)
{
  g_variant_get_child (call->parameters, 0, "s", &details->issuer);
}
