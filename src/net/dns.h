// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Questions to the DNS, of the system's resolvers or of one server, and their answers. src/net is the
 * only place with <ares.h>. Main loop only.
 */
#pragma once

#include <gio/gio.h>

#include "net/dns-answer.h"
#include "util/clock.h"

G_BEGIN_DECLS

typedef struct HerdDns HerdDns;

typedef struct {
  HerdClock *clock;
  const char *resolvers; /* "ADDRESS:PORT", comma between; NULL: those of /etc/resolv.conf */
  guint16 port;          /* of authoritative servers that a name stands for; 0: 53 */
} HerdDnsOptions;

HerdDns *herd_dns_new (const HerdDnsOptions *options);
/* What is under way holds a reference too. */
HerdDns *herd_dns_ref (HerdDns *dns);
void herd_dns_unref (HerdDns *dns);

HerdClock *herd_dns_get_clock (HerdDns *dns);
/* How one of the DNS's servers at ADDRESS is written for herd_dns_query_async(). */
char *herd_dns_format_server (HerdDns *dns, const char *address);

/* Asks SERVER ("ADDRESS:PORT", "[V6]:PORT") without recursion (RD=0), or, where it is NULL, the
 * resolvers. UDP, and TCP after a truncated answer; two tries, at most 20 seconds; not more than 64
 * at a time, the others wait for their turn. Finishes with an answer of any rcode; resolvers that fail
 * (SERVFAIL, REFUSED) count as having given none. Errors: HERD_ERROR_UNREACHABLE (no answer),
 * HERD_ERROR_REFUSED (not a DNS message), HERD_ERROR_INVALID_ARGUMENT (a name that cannot be asked
 * for, or no address), HERD_ERROR_CANCELLED; they name question and server. */
void herd_dns_query_async (HerdDns *dns, const char *name, HerdDnsType type, const char *server,
                           GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
HerdDnsAnswer *herd_dns_query_finish (HerdDns *dns, GAsyncResult *result, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdDns, herd_dns_unref)

G_END_DECLS
