// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A small CA for tests: a root, server certificates, and certificates for CSRs. Any thread, one at
 * a time.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct TestCa TestCa;

TestCa *test_ca_new (const char *name);
void test_ca_free (TestCa *ca);

/* The root, PEM. The CA's. */
const char *test_ca_get_pem (TestCa *ca);
/* A new key with a certificate for localhost and 127.0.0.1: PEM, the certificate first. */
char *test_ca_new_server_pem (TestCa *ca);
GTlsCertificate *test_ca_new_server (TestCa *ca);
/* The leaf for a PKCS#10 request (DER), with the request's SAN, and the root: PEM. OTHER_KEY: the
 * leaf is for another key than the request's. */
char *test_ca_issue (TestCa *ca, GBytes *csr, gboolean other_key);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TestCa, test_ca_free)

G_END_DECLS
