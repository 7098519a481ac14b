// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A double of acme-dns, which Debian does not have: its https API ("Update endpoint" of its README) with
 * one account, over a real DNS server. It keeps the two newest values, as acme-dns does. Its requests
 * come on threads.
 */
#pragma once

#include "test-rig.h"

G_BEGIN_DECLS

#define TEST_ACME_DNS_USERNAME "eabcdb41-d89f-4580-826f-3e62e9755ef2"
#define TEST_ACME_DNS_PASSWORD "pbAXVjlIOE01xbut7YnAbkhMQIkcwoHO0ek2j4Q0"
#define TEST_ACME_DNS_SUBDOMAIN "d420c923-bbd7-4056-ab64-c3ca54c9b3cf"

typedef struct TestAcmeDns TestAcmeDns;

/* What it is given is shown as TXT of NAME in ZONE at the server KEY of RIG (test-dns.h). */
TestAcmeDns *test_acme_dns_new (TestRig *rig, const char *key, const char *zone, const char *name);
void test_acme_dns_free (TestAcmeDns *acme_dns);
/* "https://127.0.0.1:PORT" */
const char *test_acme_dns_get_url (TestAcmeDns *acme_dns);
const char *test_acme_dns_get_trust (TestAcmeDns *acme_dns);
/* Updates that were taken so far. */
guint test_acme_dns_get_updates (TestAcmeDns *acme_dns);
/* From now on every answer is an error of the server's. */
void test_acme_dns_fail (TestAcmeDns *acme_dns);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TestAcmeDns, test_acme_dns_free)

G_END_DECLS
