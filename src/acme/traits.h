// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What is known of a CA before it is asked, as data that somebody else keeps: what it will refuse is
 * refused here, with words, before a request is spent; what it says of itself and is not so is not
 * believed. Plain values.
 */
#pragma once

#include "acme/directory.h"
#include "plugin/issuer.h"

G_BEGIN_DECLS

/* All may be NULL or 0: nothing is known. Vectors and strings are borrowed. */
typedef struct {
  const char *const *hosts; /* HOST:PORT besides the directory's own that its URLs may name */
  gboolean eab_required;
  const char *eab_hint; /* where a binding is to be had */
  gboolean contact_required;
  const char *const *caa_identities;    /* where the directory has none */
  const char *const *account_key_types; /* that it takes; empty: all */
  const char *const *key_types;         /* of certificates; empty: all */
  const char *const *identifiers;       /* "dns", "wildcard", "ip"; empty: all */
  const char *const *lacks; /* "key-change", "lifetime", "must-staple", "orders", "renewal-info" */
  gint64 lifetime_minimum;  /* of a wished lifetime, seconds; 0: any */
  gint64 lifetime_maximum;
} HerdAcmeTraits;

gboolean herd_traits_lack (const HerdAcmeTraits *traits, const char *feature);

/* Makes DIRECTORY say what is so: what the CA lacks goes, and its names in CAA records come. */
void herd_traits_apply (const HerdAcmeTraits *traits, HerdDirectory *directory);

/* Would the CA ISSUER take REQUEST? Errors: HERD_ERROR_INVALID_ARGUMENT, saying what to change. */
gboolean herd_traits_check_request (const HerdAcmeTraits *traits, const char *issuer,
                                    const HerdIssueRequest *request, GError **error);
/* The type for a new account's key: WISHED, or, that being NULL, the first that the CA takes. Errors:
 * HERD_ERROR_INVALID_ARGUMENT. */
const char *herd_traits_choose_key_type (const HerdAcmeTraits *traits, const char *issuer,
                                         const char *wished, GError **error);

G_END_DECLS
