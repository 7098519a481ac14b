// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A TLS proxy before a real Pebble, for what that never does: it counts what is asked, and loses,
 * delays, alters or replaces answers as a test scripts it. The request's Host reaches Pebble as it
 * is, which makes its URLs of it, so every URL leads through the proxy and every signature holds.
 * Its requests come on threads.
 */
#pragma once

#include "pebble.h"

G_BEGIN_DECLS

typedef struct TestProxy TestProxy;

typedef enum {
  TEST_FAULT_ANSWER,  /* says STATUS, FIELDS, BODY; the CA never hears of the request */
  TEST_FAULT_REPLACE, /* the same, but the CA has done what was asked */
  TEST_FAULT_ALTER,   /* the CA's answer, if it has FIND, with FIELDS added and BODY in its place */
  TEST_FAULT_DROP_BEFORE, /* closes the connection; the CA never hears of the request */
  TEST_FAULT_DROP_AFTER,  /* the same, but the CA has done what was asked */
  TEST_FAULT_TRUNCATE,    /* half of the CA's answer, then closes */
  TEST_FAULT_OVERSIZE,    /* the CA's answer with 10 MB of spaces after it */
  TEST_FAULT_DRIP,        /* the CA's answer, a byte for each test_proxy_drip() */
} TestFaultKind;

/* What becomes of requests to ENDPOINT ("directory", "newNonce", "newAccount", "newOrder", "order",
 * "authorization", "challenge", "finalize", "certificate", "orders", "account", "revokeCert",
 * "renewalInfo"): SKIP are let through, then TIMES (0: all that follow) meet the fault. In FIELDS
 * (each ends in "\r\n") and BODY, "$BASE" is the proxy's address. Strings may be NULL: empty. */
typedef struct {
  const char *endpoint;
  TestFaultKind kind;
  guint skip;
  guint times;
  guint status;
  const char *fields;
  const char *find; /* in "STATUS FIELDS BODY" of the CA's answer */
  const char *body;
} TestFault;

TestProxy *test_proxy_new (TestPebble *pebble);
void test_proxy_free (TestProxy *proxy);

const char *test_proxy_get_url (TestProxy *proxy); /* of the directory; trust is the Pebble's */
/* Adds a fault; the first one that fits a request has it. */
void test_proxy_script (TestProxy *proxy, const TestFault *fault);
/* The same: a problem document of TYPE, DETAIL and MORE ("\"subproblems\":[…]", or NULL). */
void test_proxy_refuse (TestProxy *proxy, const char *endpoint, guint times, guint status,
                        const char *fields, const char *type, const char *detail, const char *more);
/* Forgets all faults. */
void test_proxy_relent (TestProxy *proxy);
/* Requests to ENDPOINT so far, whatever became of them; NULL: in all. */
guint test_proxy_count (TestProxy *proxy, const char *endpoint);
/* The payload of the last POST to ENDPOINT, decoded; NULL: there was none. */
char *test_proxy_get_payload (TestProxy *proxy, const char *endpoint);
/* How many answers had what was to be altered. */
guint test_proxy_count_altered (TestProxy *proxy);
void test_proxy_drip (TestProxy *proxy);

/* --- a protocol double: what Debian 12's Pebble does not know --- */

/* From now on the directory has "renewalInfo"; every certificate's window is START to END (seconds
 * since the epoch), and "replaces" in newOrder is checked as RFC 9773 section 5 says. */
void test_proxy_add_renewal_info (TestProxy *proxy, gint64 start, gint64 end);
/* From now on the directory has the profile NAME only, and newOrder refuses others. */
void test_proxy_add_profile (TestProxy *proxy, const char *name);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (TestProxy, test_proxy_free)

G_END_DECLS
