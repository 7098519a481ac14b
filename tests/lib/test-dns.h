// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The DNS servers of tests/lib/dns.py for a test, with nsupdate and dig to change and look at them.
 */
#pragma once

#include "test-rig.h"

G_BEGIN_DECLS

TestRig *test_dns_new (void);
guint16 test_dns_get_port (TestRig *rig);
/* nsupdate's "update CHANGE", signed, at the server KEY ("BIND", "KNOT"); must succeed. */
void test_dns_update (TestRig *rig, const char *key, const char *zone, const char *change);
/* The TXT records of NAME there, sorted, a space between; without their quotes. */
char *test_dns_get_texts (TestRig *rig, const char *key, const char *name);
/* The base64 of the key "herd-test". */
char *test_dns_get_secret (TestRig *rig);

G_END_DECLS
