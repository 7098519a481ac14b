// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Waiting until TXT records can be seen: at every authoritative server that can be reached, since a
 * validator may ask any of them. Main loop only.
 */
#pragma once

#include "net/dns-place.h"

G_BEGIN_DECLS

typedef struct {
  gboolean check; /* FALSE: nobody is asked, only the delay is waited */
  gint64 timeout; /* microseconds until it is given up */
  gint64 delay;   /* microseconds more, after the records were seen */
} HerdPropagationRules;

/* RECORDS: NAME, VALUE, …, NULL-terminated; a name may be there several times. Asks at once, then after
 * 2 seconds and ever more rarely. Errors: HERD_ERROR_CHALLENGE_FAILED (says which server shows what),
 * HERD_ERROR_UNREACHABLE (no server could be asked), HERD_ERROR_REFUSED (CNAMEs in a circle; no such
 * zone), HERD_ERROR_CANCELLED. */
void herd_propagation_await_async (HerdDns *dns, const char *const *records,
                                   const HerdPropagationRules *rules, GCancellable *cancellable,
                                   GAsyncReadyCallback callback, gpointer data);
gboolean herd_propagation_await_finish (GAsyncResult *result, GError **error);

G_END_DECLS
