// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * How an answer is made; what it says is in net/http.h. Private to src/net.
 */
#pragma once

#include <libsoup/soup.h>

#include "net/http.h"

G_BEGIN_DECLS

/* URL is what was asked last, after redirects: relative links are resolved against it. NOW:
 * seconds since the epoch. */
HerdHttpResponse *herd_http_response_new (SoupMessage *message, const char *url, GBytes *body,
                                          gint64 now, gboolean repeated);

G_END_DECLS
