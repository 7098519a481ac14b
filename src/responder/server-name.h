// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * How a validator that speaks TLS says which challenge it wants to see: the server name (SNI) of its
 * ClientHello. Pure functions.
 */
#pragma once

#include <glib.h>

#include "plugin/challenge.h"

G_BEGIN_DECLS

/* For tls-alpn-01 the name itself, and of an address its reverse name (RFC 8738 section 6). For
 * tls-sni-01, in builds that have it, SHA-256 of the key authorization below acme.invalid
 * (draft-ietf-acme-acme-01). NULL for types that are not asked for over TLS. In lower
 * case, without a trailing dot. (transfer full) */
char *herd_server_name_of (const HerdChallenge *challenge);

G_END_DECLS
