// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The proxy's protocol double of renewal information (RFC 9773) and profiles
 * (draft-ietf-acme-profiles): what is said, and what is refused. What a certificate would become by
 * them is not to be seen. The proxy owns it; any thread.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define TEST_RENEWAL_INFO_PATH "/renewal-info/"

typedef struct TestExtensions TestExtensions;

TestExtensions *test_extensions_new (void);
void test_extensions_free (TestExtensions *extensions);
void test_extensions_set_base (TestExtensions *extensions, const char *base);
void test_extensions_add_renewal_info (TestExtensions *extensions, gint64 start, gint64 end);
void test_extensions_add_profile (TestExtensions *extensions, const char *name);

/* Answers in the CA's place, or returns FALSE. */
gboolean test_extensions_answer (TestExtensions *extensions, const char *endpoint, const char *path,
                                 const char *payload, guint *status, char **fields, char **body);
/* Sees the CA's answer, and may alter *BODY. */
void test_extensions_note (TestExtensions *extensions, const char *endpoint, const char *payload,
                           guint status, char **body);

G_END_DECLS
