// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A spec: what a certificate is wished to be, as the a{sv} in normal form that the vocabulary's
 * check gave. Only what was said explicitly is in it; these readers add the defaults.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The list KEY, or an empty one. (transfer full) */
char **herd_spec_get_list (GVariant *spec, const char *key);
/* The string KEY, or FALLBACK. Valid as long as SPEC. */
const char *herd_spec_get_string (GVariant *spec, const char *key, const char *fallback);
/* The boolean KEY; FALSE if it is not there. */
gboolean herd_spec_get_boolean (GVariant *spec, const char *key);
gboolean herd_spec_has (GVariant *spec, const char *key);

/* The targets: "deliver", by default "live". (transfer full) */
char **herd_spec_get_targets (GVariant *spec);
const char *herd_spec_get_key_type (GVariant *spec);

/* The same explicit keys with the same values? Lists of names are compared as sets. */
gboolean herd_spec_equal (GVariant *a, GVariant *b);
/* The keys in which they are not, with ", " between them. (transfer full) */
char *herd_spec_list_differences (GVariant *a, GVariant *b);
/* SPEC with the entries of SET put in and the keys UNSET taken out. (transfer full, not floating)
 */
GVariant *herd_spec_modify (GVariant *spec, GVariant *set, const char *const *unset);
/* Does going from OLD to NEW need a new certificate (identifiers, key type, subject, first issuer,
 * profile, chain, lifetime)? */
gboolean herd_spec_needs_issuance (GVariant *old, GVariant *new_spec);
/* Of all of SPEC that an order and its CSR are made from: one that was begun for another digest is none of
 * SPEC's. */
char *herd_spec_make_digest (GVariant *spec);

G_END_DECLS
