// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Where the records of several names are. Main loop only.
 */
#pragma once

#include "net/dns-place.h"

G_BEGIN_DECLS

/* For each of NAMES (NULL-terminated), in their order, END and ZONE: the name behind its CNAMEs, and the
 * zone that this is in (transfer full, NULL-terminated). Errors: those of herd_dns_place_find_async(). */
void herd_places_find_async (HerdDns *dns, const char *const *names, GCancellable *cancellable,
                             GAsyncReadyCallback callback, gpointer data);
char **herd_places_find_finish (GAsyncResult *result, GError **error);

G_END_DECLS
