// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the files of this folder share in dealing with GnuTLS: its results as errors of our domain,
 * its data as GBytes, its objects freed by scope. Not for other folders.
 */
#pragma once

#include <glib.h>
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509-ext.h>
#include <gnutls/x509.h>

#include "plugin/error.h"

G_BEGIN_DECLS

/* Is RESULT a success? If not, ERROR gets CODE and the message "WHAT: what GnuTLS says". */
gboolean herd_gnutls_check (int result, HerdError code, const char *what, GError **error);

/* BYTES as GnuTLS wants to see them; valid as long as they are. */
gnutls_datum_t herd_datum_peek (GBytes *bytes);
/* The content of DATUM (GnuTLS's memory), which is wiped and cleared. The bytes are wiped when they
 * go. */
GBytes *herd_datum_steal (gnutls_datum_t *datum);
/* Wipes and frees what GnuTLS allocated; NULL data are ignored. */
void herd_datum_clear (gnutls_datum_t *datum);

/* Writes NUMBER (unsigned, big-endian) right-aligned into FIELD (SIZE bytes, zero). GnuTLS gives
 * numbers with a byte more (a zero for the sign) or fewer (zeros left out). FALSE: it is too large. */
gboolean herd_datum_write_padded (const gnutls_datum_t *number, guint8 *field, gsize size);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (gnutls_datum_t, herd_datum_clear)
G_DEFINE_AUTO_CLEANUP_FREE_FUNC (gnutls_pubkey_t, gnutls_pubkey_deinit, NULL)
G_DEFINE_AUTO_CLEANUP_FREE_FUNC (gnutls_privkey_t, gnutls_privkey_deinit, NULL)
G_DEFINE_AUTO_CLEANUP_FREE_FUNC (gnutls_x509_privkey_t, gnutls_x509_privkey_deinit, NULL)
G_DEFINE_AUTO_CLEANUP_FREE_FUNC (gnutls_x509_crq_t, gnutls_x509_crq_deinit, NULL)
G_DEFINE_AUTO_CLEANUP_FREE_FUNC (gnutls_x509_tlsfeatures_t, gnutls_x509_tlsfeatures_deinit, NULL)
G_DEFINE_AUTO_CLEANUP_FREE_FUNC (gnutls_subject_alt_names_t, gnutls_subject_alt_names_deinit, NULL)

G_END_DECLS
