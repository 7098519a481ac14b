// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A protocol double of an ACME CA, for what no real one does: it issues for www.example.org,
 * checks no signature, and says instead whatever a test wants. Its requests come on threads.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct TestDouble TestDouble;

/* Instead of a status: what else can happen to a request. */
#define TEST_DOUBLE_CLOSE 1     /* closes without an answer; what was asked has not happened */
#define TEST_DOUBLE_LOST 2      /* what was asked happens, and the answer is lost */
#define TEST_DOUBLE_LARGE 3     /* sends 10 MB */
#define TEST_DOUBLE_OTHER_KEY 4 /* a chain for another key */

TestDouble *test_double_new (void);
void test_double_free (TestDouble *ca);

const char *test_double_get_url (TestDouble *ca); /* of the directory */
const char *test_double_get_trust (TestDouble *ca);

/* The next TIMES (0: all) requests to PATH ("/dir", "/nonce", "/account", "/account/1", "/key-change", "/order", "/order/1",
 * "/authorization", "/challenge", "/finalize", "/certificate", "/orders") are answered so. In
 * BODY and FIELDS, "$BASE" is the CA's address. Replaces what was said of PATH before. */
void test_double_say (TestDouble *ca, const char *path, guint times, guint status,
                      const char *fields, const char *body);
/* The same with a problem document of TYPE and DETAIL. */
void test_double_refuse (TestDouble *ca, const char *path, guint times, guint status,
                         const char *fields, const char *type, const char *detail);
/* Back to normal. */
void test_double_relent (TestDouble *ca, const char *path);
/* The account object names a list of orders from now on. */
void test_double_list_orders (TestDouble *ca);
/* The order begins anew. */
void test_double_reset (TestDouble *ca);

guint test_double_count (TestDouble *ca, const char *path);
/* The payload of the last POST to PATH, decoded; NULL: there was none. */
char *test_double_get_payload (TestDouble *ca, const char *path);

G_END_DECLS
