// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * External account bindings (RFC 8555 section 7.3.4): the object in newAccount, and the sealed record in
 * which a binding waits until it has been used. Pure functions.
 */
#pragma once

#include "acme/signer.h"

G_BEGIN_DECLS

#define HERD_BINDING_RECORD "binding" /* sealed */

/* Can BINDING be used: is its algorithm known, and its key base64? Errors:
 * HERD_ERROR_INVALID_ARGUMENT, which do not quote the key. */
gboolean herd_acme_binding_check (const HerdBinding *binding, GError **error);
/* The value of "externalAccountBinding": a JWS of the account's public key for URL (newAccount's), as
 * text. */
char *herd_acme_binding_sign (const HerdBinding *binding, const HerdSigner *account,
                              const char *url, GError **error);

/* The record (wiped when it goes), and back. A record that cannot be read is HERD_ERROR_FAILED. */
GBytes *herd_acme_binding_to_bytes (const HerdBinding *binding);
HerdBinding *herd_acme_binding_new_from_bytes (GBytes *bytes, GError **error);

G_END_DECLS
