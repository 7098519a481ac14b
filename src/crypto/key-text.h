// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Private keys as other programs keep them: JWK (RFC 7517; libwebsockets, certbot's
 * private_key.json) and PEM (PKCS#1, SEC1, PKCS#8; acme.sh, lego, OpenSSL). Pure functions.
 */
#pragma once

#include "crypto/key.h"

G_BEGIN_DECLS

/* The key in TEXT, whichever of the two it is. A JWK needs the members that make the key (RSA: n, e,
 * d, p, q, which is all that libwebsockets with OpenSSL writes; EC: crv, x, y, d), in base64url, also
 * with padding or leading zeros; whatever else is in it is ignored. The parts must fit together. TEXT is
 * not copied but into memory that is wiped. Errors: HERD_ERROR_INVALID_ARGUMENT, never quoting TEXT. */
HerdKey *herd_key_new_from_text (GBytes *text, GError **error);

G_END_DECLS
