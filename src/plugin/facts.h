// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What is known of an issued certificate without parsing it again.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  gint64 not_before; /* seconds since the epoch, UTC */
  gint64 not_after;
  char *serial;       /* lower-case hex of the INTEGER's content octets */
  char *fingerprint;  /* lower-case hex SHA-256 of the leaf's DER */
  char *issued_by;    /* the issuer's common name, or its DN if it has none; cleaned text */
  char **identifiers; /* the SAN's DNS names and IP addresses, normal form, sorted */
} HerdFacts;

HerdFacts *herd_facts_new (void);
HerdFacts *herd_facts_copy (const HerdFacts *facts);
void herd_facts_free (HerdFacts *facts);

/* As a{sv}, the "facts" of the bus: not-before x, not-after x, serial s, fingerprint s, issued-by
 * s, identifiers as. Floating. */
GVariant *herd_facts_to_variant (const HerdFacts *facts);
/* From such a dictionary; missing entries stay 0 or empty (never NULL strings). */
HerdFacts *herd_facts_new_from_variant (GVariant *dictionary);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdFacts, herd_facts_free)

G_END_DECLS
