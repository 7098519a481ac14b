// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The certificates that a validator is shown over TLS: RFC 8737 section 3, RFC 8738 section 6. They
 * certify nothing and are trusted by nobody. Plain values; main loop only.
 */
#pragma once

#include <gio/gio.h>
#include <gnutls/abstract.h>

#include "plugin/challenge.h"

G_BEGIN_DECLS

/* The key with which all of them are made: of this process, and never written anywhere. Errors:
 * HERD_ERROR_FAILED. */
gnutls_privkey_t herd_tls_proof_new_key (GError **error);

/* The certificate for CHALLENGE, self-signed with KEY at NOW (Unix time), into *CERTIFICATE, which is
 * then to be freed by gnutls_pcert_deinit(). CHALLENGE is of a type that has a server name. Errors:
 * HERD_ERROR_FAILED. */
gboolean herd_tls_proof_make (const HerdChallenge *challenge, gnutls_privkey_t key, gint64 now,
                              gnutls_pcert_st *certificate, GError **error);

G_END_DECLS
