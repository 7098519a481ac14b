// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Whom a session trusts, and in words why it does not. Main loop only.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* A database with the certificates of PEM as its only anchors. Errors:
 * HERD_ERROR_INVALID_ARGUMENT if there is none in it, or one that cannot be read. */
GTlsDatabase *herd_tls_database_new (const char *pem, GError **error);

/* What is wrong with a certificate: "signed by an unknown CA, for another name". Not empty. */
char *herd_tls_describe_flags (GTlsCertificateFlags flags);

G_END_DECLS
