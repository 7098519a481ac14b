// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What an authority's CA still permits: the ledger's questions, asked with rows of the registry, and the
 * limits of the preset that the authority's settings mean. Main loop only.
 */
#pragma once

#include "core/services.h"

G_BEGIN_DECLS

/* May AUTHORITY be asked now for what SPEC wishes, for CERTIFICATE (NULL: a new one)? Changes nothing.
 * HERD_ERROR_RATE_LIMITED: not before herd_error_get_retry_at(), and the message says why. */
gboolean herd_budget_ask (const HerdServices *services, const HerdAuthority *authority,
                          const HerdCertificate *certificate, GVariant *spec, GError **error);
/* The same for one that comes again by itself then. */
gboolean herd_budget_ask_waiting (const HerdServices *services, const HerdAuthority *authority,
                                  const HerdCertificate *certificate, GVariant *spec,
                                  GError **error);
/* It is asked, whatever the answer was. (transfer full) */
HerdLedgerEntry *herd_budget_begin (const HerdServices *services, const HerdAuthority *authority,
                                    const HerdCertificate *certificate, GVariant *spec);
/* The same for an account at AUTHORITY's CA. */
gboolean herd_budget_ask_account (const HerdServices *services, const HerdAuthority *authority,
                                  GError **error);
HerdLedgerEntry *herd_budget_begin_account (const HerdServices *services,
                                            const HerdAuthority *authority);

/* An attempt with AUTHORITY has ended with ERROR: where the CA asks to be left alone, it is. */
void herd_budget_note_error (const HerdServices *services, guint64 authority, const GError *error);
/* Something was spent: Budget is another one, of every authority at the same CA. */
void herd_budget_changed (const HerdServices *services, guint64 authority);

/* Issuer1.Budget, not floating. */
GVariant *herd_budget_describe (const HerdServices *services, const HerdAuthority *authority);
/* Until when nothing is asked of AUTHORITY; 0: something may be. */
gint64 herd_budget_get_retry_at (const HerdServices *services, const HerdAuthority *authority);
/* What an attempt would spend, in sentences. (transfer full) */
GPtrArray *herd_budget_explain (const HerdServices *services, const HerdAuthority *authority,
                                const HerdCertificate *certificate, GVariant *spec);

G_END_DECLS
