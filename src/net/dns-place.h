// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Where a name's records are: behind its CNAMEs, in which zone, on which servers. What a validator
 * with an empty cache would find, asked so that no cache on the way learns that something is not there
 * yet: resolvers are asked about zones only, for the name itself the zone's own servers. Main loop only.
 */
#pragma once

#include "net/dns.h"

G_BEGIN_DECLS

typedef struct {
  char *host;    /* the server's name */
  char *address; /* for herd_dns_query_async() */
} HerdDnsServer;

typedef struct {
  char *name; /* where the CNAMEs end; lower case, no dot at the end */
  char *zone;
  GPtrArray *servers; /* HerdDnsServer: all of the zone's; may be empty */
  char *trouble; /* why none of them could be asked for the name (then a resolver was), or NULL */
} HerdDnsPlace;

/* At most 8 CNAMEs and delegations, 16 servers of a zone, 32 addresses. Errors: HERD_ERROR_REFUSED
 * (CNAMEs in a circle, or too many; a name in no zone), otherwise those of herd_dns_query_async(). */
void herd_dns_place_find_async (HerdDns *dns, const char *name, GCancellable *cancellable,
                                GAsyncReadyCallback callback, gpointer data);
HerdDnsPlace *herd_dns_place_find_finish (HerdDns *dns, GAsyncResult *result, GError **error);
void herd_dns_place_free (HerdDnsPlace *place);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdDnsPlace, herd_dns_place_free)

G_END_DECLS
