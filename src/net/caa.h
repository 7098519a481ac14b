// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Which CAs may issue for a name, as its CAA records say (RFC 8659; the parameters of RFC 8657). What is
 * found is what this machine's resolvers say now; a CA asks anew, with its own. Main loop only.
 */
#pragma once

#include "net/dns.h"

G_BEGIN_DECLS

typedef struct HerdCaa HerdCaa;

/* Looks for the records of NAME (of a wildcard: of what is below the "*."): at the name itself, behind its
 * CNAMEs, then at each name above it, but for the root; the first that has any counts (RFC 8659 section
 * 3). Errors: those of herd_dns_query_async(), HERD_ERROR_REFUSED (CNAMEs in a circle); a CA that has
 * the same must not issue. */
void herd_caa_find_async (HerdDns *dns, const char *name, GCancellable *cancellable,
                          GAsyncReadyCallback callback, gpointer data);
HerdCaa *herd_caa_find_finish (GAsyncResult *result, GError **error);
void herd_caa_free (HerdCaa *caa);

/* Where the records are, as it was asked for; "" if there are none. */
const char *herd_caa_get_name (const HerdCaa *caa);

/* Who wants to issue what. */
typedef struct {
  gboolean wildcard;
  const char *const *identities; /* the CA's (meta.caaIdentities); empty: it names none */
  const char *account;           /* the account's URL; "": there is none yet */
  const char *method;            /* "http-01": how control would be proved; "": not known */
} HerdCaaWish;

typedef enum {
  HERD_CAA_ALLOWED,
  HERD_CAA_FORBIDDEN,
  HERD_CAA_UNKNOWN, /* the CA names no identity to compare with */
} HerdCaaVerdict;

/* *REASON (transfer full): a clause for people, which names the records; "" where there is nothing to
 * say. It contains no more than 512 bytes of what the DNS said. */
HerdCaaVerdict herd_caa_judge (const HerdCaa *caa, const HerdCaaWish *wish, char **reason);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdCaa, herd_caa_free)

G_END_DECLS
