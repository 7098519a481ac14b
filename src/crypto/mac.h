// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Message authentication codes for external account bindings (RFC 8555 section 7.3.4). Pure functions.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The flattened JWS of PAYLOAD, authenticated with KEY by ALGORITHM ("HS256", "HS384", "HS512": RFC 7518
 * section 3.2). PROTECTED_HEADER is base64url already. Errors: HERD_ERROR_INVALID_ARGUMENT (no such
 * algorithm, an empty key). */
char *herd_jws_new_mac (const char *algorithm, const char *protected_header, const char *payload,
                        GBytes *key, GError **error);

G_END_DECLS
