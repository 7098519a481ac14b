// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The head of an HTTP/1 request (RFC 9112), parsed strictly: there is one kind of client, and what it
 * does not send is refused. Pure functions.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Bytes of a head, its empty line included. */
#define HERD_HTTP_HEAD_LIMIT 8192

typedef enum {
  HERD_HTTP_GET,
  HERD_HTTP_HEAD,
  HERD_HTTP_OTHER,
} HerdHttpMethod;

typedef struct {
  HerdHttpMethod method;
  char *target;     /* as it was sent: visible ASCII */
  char *identifier; /* whom the Host field names, in the normal form of identifiers; NULL: no such
                       field, "": none that is a name or an address */
} HerdHttpHead;

/* The length of the head at the beginning of DATA; 0 = its end is not there yet; -1: these bytes
 * cannot become one (control characters, as a TLS client sends them to a plain port). The first SEEN
 * bytes were measured before, with 0 as the result. */
gssize herd_http_head_measure (const char *data, gsize size, gsize seen);
/* Parses a whole head. NULL if it is not a request of HTTP/1.0 or 1.1. */
HerdHttpHead *herd_http_head_parse (const char *data, gsize length);
void herd_http_head_free (HerdHttpHead *head);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdHttpHead, herd_http_head_free)

G_END_DECLS
