// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Certificate chains: read with suspicion, checked before anything of them is kept, and their
 * facts.
 */
#pragma once

#include <glib.h>

#include "plugin/facts.h"

G_BEGIN_DECLS

typedef struct HerdChain HerdChain;

#define HERD_CHAIN_MAX 16 /* certificates */

/* PEM, leaf first, at most 1 MiB and HERD_CHAIN_MAX certificates. Any other "-----BEGIN" than of
 * a CERTIFICATE is refused (RFC 8555 section 11.4). Errors: HERD_ERROR_REFUSED. */
HerdChain *herd_chain_new (GBytes *pem, GError **error);
void herd_chain_free (HerdChain *chain);

/* The PEM again: certificates only, nothing between them, "\n" after each. */
GBytes *herd_chain_to_pem (HerdChain *chain);
guint herd_chain_get_length (HerdChain *chain);

/* Is this what was asked for: the leaf's key is PUBLIC_KEY (SubjectPublicKeyInfo, DER), its SAN
 * is exactly IDENTIFIERS (any order), it is valid at NOW (seconds; an hour of skew is allowed for
 * a notBefore in the future), and each certificate is signed by the next. Errors:
 * HERD_ERROR_REFUSED, naming what differs. */
gboolean herd_chain_check (HerdChain *chain, GBytes *public_key, const char *const *identifiers,
                           gint64 now, GError **error);

/* Of the leaf. */
HerdFacts *herd_chain_get_facts (HerdChain *chain);

/* Do both chains certify the same leaf, byte for byte? */
gboolean herd_chain_has_same_leaf (HerdChain *chain, HerdChain *other);
/* Is this the chain that PREFERENCE asks for: "sha256:HEX" (the SHA-256 of one of its CA
 * certificates), "spki:HEX" (of such a one's SubjectPublicKeyInfo), or else the common name of the
 * issuer of its last certificate, the root's as a rule, which chains leave out. */
gboolean herd_chain_is_preferred (HerdChain *chain, const char *preference);
/* The leaf's identifier in ARI (RFC 9773 section 4.1): base64url of the keyIdentifier of its
 * authority key identifier, ".", base64url of its serial number's content octets. NULL: the leaf
 * does not say who issued it. */
char *herd_chain_get_renewal_id (HerdChain *chain);
/* The leaf, DER. */
GBytes *herd_chain_get_leaf (HerdChain *chain);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdChain, herd_chain_free)

G_END_DECLS
