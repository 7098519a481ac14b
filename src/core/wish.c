// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * From a spec to a request.
 */
#include "core/wish.h"

#include "config/vocabulary.h"
#include "model/spec.h"

static GBytes *
new_csr (GVariant *spec, HerdKey *key, const char *const *identifiers, GError **error)
{
  const HerdSubject subject = {
    .country = herd_spec_get_string (spec, "country", NULL),
    .state = herd_spec_get_string (spec, "state", NULL),
    .locality = herd_spec_get_string (spec, "locality", NULL),
    .organization = herd_spec_get_string (spec, "organization", NULL),
    .common_name = herd_spec_get_string (spec, "common-name", NULL),
  };

  return herd_csr_new (key, identifiers, &subject, herd_spec_get_boolean (spec, "must-staple"),
                       error);
}

HerdIssueRequest *
herd_wish_new_request (const char *name, GVariant *spec, HerdKey *key, GBytes *predecessor,
                       GError **error)
{
  g_auto (GStrv) identifiers = herd_spec_get_list (spec, "identifiers");
  g_auto (GStrv) solvers = herd_spec_get_list (spec, "challenge");
  const char *lifetime = herd_spec_get_string (spec, "lifetime", NULL);
  g_autoptr (GBytes) public_key = herd_key_get_public (key, error);
  g_autoptr (GBytes) csr = NULL;
  HerdIssueRequest *request;

  if (public_key == NULL)
    return NULL;
  csr = new_csr (spec, key, (const char *const *) identifiers, error);
  if (csr == NULL)
    return NULL;
  request = herd_issue_request_new (name, (const char *const *) identifiers, csr, public_key,
                                    (const char *const *) solvers);
  request->profile = g_strdup (herd_spec_get_string (spec, "profile", NULL));
  request->profile_required = g_str_equal (
      herd_spec_get_string (spec, "profile-policy", "preferred"), "required");
  request->preferred_chain = g_strdup (herd_spec_get_string (spec, "preferred-chain", NULL));
  request->key_type = g_strdup (herd_key_get_type_name (key));
  request->must_staple = herd_spec_get_boolean (spec, "must-staple");
  /* It was checked before; what cannot be read is no wish. */
  if (lifetime != NULL && !herd_duration_parse (lifetime, &request->lifetime, NULL))
    request->lifetime = 0;
  request->predecessor = predecessor != NULL ? g_bytes_ref (predecessor) : NULL;
  return request;
}
