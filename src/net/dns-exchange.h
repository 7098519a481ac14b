// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * One question to DNS servers and its answer, over c-ares: a channel, so that every question leaves
 * from sockets of its own with ports nobody can guess. Private to src/net.
 */
#pragma once

#include <gio/gio.h>

#include "net/dns-answer.h"
#include "util/clock.h"

G_BEGIN_DECLS

typedef struct {
  HerdClock *clock;
  const char *name;
  HerdDnsType type;
  const char *servers; /* "ADDRESS:PORT", comma between; NULL: the system's */
  gboolean recursive;  /* RD; then a server that fails is passed over for the next */
  gint64 deadline;     /* microseconds for all tries */
} HerdDnsQuestion;

/* QUESTION is copied. Errors as those of herd_dns_query_async(), without its prefix. */
void herd_dns_exchange_async (const HerdDnsQuestion *question, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer data);
HerdDnsAnswer *herd_dns_exchange_finish (GAsyncResult *result, GError **error);

G_END_DECLS
