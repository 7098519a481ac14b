// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What is said to acme-dns (its README: "Update endpoint"), and what its answers mean. Pure functions.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* Printable ASCII without space, quotes and backslash, at least one byte: fits a header field and a JSON
 * string as it is. */
gboolean acme_dns_is_plain (const char *text);

/* URL with "/update"; URL may end with "/". */
char *acme_dns_make_url (const char *url);
/* {"subdomain":"SUBDOMAIN","txt":"VALUE"}; both are plain. */
GBytes *acme_dns_make_body (const char *subdomain, const char *value);

/* NULL: STATUS says that it was done. Else an error, without the solver's name; it shows at most 200 bytes
 * of BODY, what is not printable ASCII replaced. */
GError *acme_dns_explain (const char *url, const char *subdomain, guint status, GBytes *body);

G_END_DECLS
