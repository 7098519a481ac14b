// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Reading a DNS message (RFC 1035 section 4.1), which is hostile until it has been read whole. Pure
 * functions.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
  HERD_DNS_A = 1,
  HERD_DNS_NS = 2,
  HERD_DNS_CNAME = 5,
  HERD_DNS_SOA = 6,
  HERD_DNS_TXT = 16,
  HERD_DNS_AAAA = 28,
  HERD_DNS_CAA = 257, /* RFC 8659 section 4.1 */
} HerdDnsType;

/* "TXT" */
const char *herd_dns_type_to_string (HerdDnsType type);

typedef struct {
  char *owner; /* as every name here: lower case, no dot at the end, odd bytes as \DDD */
  HerdDnsType type;
  guint32 ttl;
  /* A, AAAA: the address. NS, CNAME: the name. SOA: the primary's name. CAA: the tag in lower case.
   * TXT: NULL. */
  char *text;
  GBytes *data; /* TXT: its strings put together. CAA: the value. Otherwise NULL. */
  guint8 flags; /* CAA: 128 is critical */
} HerdDnsRecord;

typedef struct {
  guint rcode;
  gboolean authoritative; /* the AA bit */
  GPtrArray *answers;     /* HerdDnsRecord of the answer section, in its order */
  GPtrArray *authorities; /* of the authority section */
} HerdDnsAnswer;

/* Records of other types and classes are passed over. Errors: HERD_ERROR_REFUSED: truncated, names
 * that lead astray, data that does not fit its type, more records than anybody needs. */
HerdDnsAnswer *herd_dns_answer_parse (const guint8 *message, gsize size, GError **error);
void herd_dns_answer_free (HerdDnsAnswer *answer);

/* Where the CNAMEs of the answer section lead from NAME: NAME itself where it has none; the answer's,
 * or NAME. NULL: in a circle, or through more than 8. */
const char *herd_dns_answer_follow (const HerdDnsAnswer *answer, const char *name);
/* Of the answer section; the first of OWNER and TYPE, or NULL. */
const HerdDnsRecord *herd_dns_answer_find (const HerdDnsAnswer *answer, const char *owner,
                                           HerdDnsType type);

/* "NXDOMAIN"; "rcode 23" of one without a name. */
char *herd_dns_rcode_to_string (guint rcode);
/* Is NAME ZONE, or below it? The root, "", has everything below it. */
gboolean herd_dns_name_is_within (const char *name, const char *zone);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdDnsAnswer, herd_dns_answer_free)

G_END_DECLS
