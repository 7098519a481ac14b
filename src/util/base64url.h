// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * base64url without padding (RFC 4648 section 5, RFC 7515 section 2).
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

char *herd_base64url_encode (gconstpointer data, gsize size);
char *herd_base64url_encode_bytes (GBytes *bytes);
/* NULL if TEXT is not canonical: any other character, "=", white space, an impossible length, or
 * bits left over that are not zero (RFC 8555 section 6.1 wants these refused). */
GBytes *herd_base64url_decode (const char *text);

/* The same for what people copy from web pages and other programs wrote: white space around it, padding,
 * the standard alphabet ("+", "/") and set bits at the end are let pass. */
GBytes *herd_base64url_decode_leniently (const char *text);

G_END_DECLS
