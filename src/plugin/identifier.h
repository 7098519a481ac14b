// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Identifiers: what a certificate is for. Everywhere but at the borders they are plain strings in
 * their one normal form: a DNS name as A-labels in lower case without a trailing dot, perhaps with
 * "*." before it (RFC 8555 section 7.1.3), or an IP address as RFC 8738 section 3 writes it.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* "ip" or "dns": the identifier type on the ACME wire. */
const char *herd_identifier_get_type_name (const char *identifier);
gboolean herd_identifier_is_wildcard (const char *identifier);

G_END_DECLS
