// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The issuers at work: for each authority the engine that main.c's factory makes at its first use,
 * and the hosts that the core gives it. Owned by the agent; main loop only.
 */
#pragma once

#include "core/services.h"
#include "core/solvers.h"
#include "crypto/key.h"
#include "plugin/issuer.h"
#include "util/gate.h"

G_BEGIN_DECLS

/* Makes the engine for AUTHORITY, whose settings mean MATCH. Errors: HERD_ERROR_INVALID_ARGUMENT (its
 * settings). */
typedef HerdIssuer *(*HerdIssuerFactory) (const HerdAuthority *authority,
                                          const HerdPresetMatch *match, gpointer data,
                                          GError **error);

typedef struct HerdIssuers HerdIssuers;

HerdIssuers *herd_issuers_new (HerdServices *services, HerdSolvers *solvers,
                               HerdIssuerFactory factory, gpointer data);
void herd_issuers_free (HerdIssuers *issuers);

/* The engine of an authority; borrowed. HERD_ERROR_NOT_FOUND if there is no such authority. */
HerdIssuer *herd_issuers_get (HerdIssuers *issuers, guint64 authority, GError **error);
/* An engine for an authority that is not in the registry yet, to see whether its settings will do.
 * (transfer full) */
HerdIssuer *herd_issuers_try (HerdIssuers *issuers, const HerdAuthority *authority, GError **error);
/* Its settings have changed: the next use makes a new engine, and reads its keys again. */
void herd_issuers_forget (HerdIssuers *issuers, guint64 authority);
/* Is ENGINE the one for the settings that it has now? */
gboolean herd_issuers_is_current (HerdIssuers *issuers, guint64 authority, HerdIssuer *engine);

/* The authority that the wish SPEC names first. Where it names none: the one that CERTIFICATE (or NULL: a new
 * one) has its newest generation from, so that another issuer beside it changes nothing; else the one
 * that is called "default", or the only one. Errors: HERD_ERROR_NOT_FOUND, HERD_ERROR_INVALID_ARGUMENT
 * (several: name one), each with the next step. */
HerdAuthority *herd_issuers_choose (HerdRegistry *registry, const HerdCertificate *certificate,
                                    GVariant *spec, GError **error);
/* All authorities that SPEC names and that may be asked, in its order; where it names none, the one above.
 * Those that are gone, or no longer configured, are left out: an error only where that leaves nobody. Errors:
 * as above. (element-type HerdAuthority) (transfer container) */
GPtrArray *herd_issuers_list (HerdRegistry *registry, const HerdCertificate *certificate,
                              GVariant *spec, GError **error);
/* Is there an authority for each name in SPEC? Errors: as above. */
gboolean herd_issuers_check (HerdRegistry *registry, const HerdCertificate *certificate,
                             GVariant *spec, GError **error);
/* Would CERTIFICATE be issued by AUTHORITY, at first or after others? */
gboolean herd_issuers_serves (HerdRegistry *registry, const HerdAuthority *authority,
                              const HerdCertificate *certificate);

/* FOLLOW is called with every account that becomes known, or is another one than before. */
typedef void (*HerdIssuersFunc) (guint64 authority, gpointer data);
void herd_issuers_set_follower (HerdIssuers *issuers, HerdIssuersFunc follow, gpointer data);
/* Gives AUTHORITY its ACCOUNT (taken). */
void herd_issuers_set_account (HerdIssuers *issuers, HerdAuthority *authority,
                               HerdAccount *account);

/* The gate before an authority's registration: one at a time, the next one finds the account. */
HerdGate *herd_issuers_get_gate (HerdIssuers *issuers, guint64 authority);

/* What the host of an earlier run has saved with checkpoint(), for AUTHORITY to go on from. NULL: it is of
 * another one, or of another directory of it, whose order this one does not know. (transfer full) */
GBytes *herd_issuers_open_checkpoint (HerdIssuers *issuers, guint64 authority, GBytes *saved);

/* The same as the engine of *AUTHORITY, whose it is, has written it, whatever directory that has now.
 * (transfer full) */
GBytes *herd_issuers_unwrap_checkpoint (GBytes *saved, guint64 *authority);

/* A host for one run of that engine. OPERATION: whose checkpoints and progress it is, 0: none.
 * SOLVERS: names that the certificate asks for, may be NULL or empty: any. (transfer full) */
HerdIssuerHost *herd_issuers_new_host (HerdIssuers *issuers, guint64 authority, guint64 operation,
                                       const char *const *solvers);

/* HOST, of these, signs with KEY as HERD_RECORD_CERTIFICATE_KEY: that of the certificate which is to be
 * revoked. */
void herd_issuers_set_certificate_key (HerdIssuerHost *host, HerdKey *key);
/* What the run of HOST spends of the CA's limits is on ENTRY (taken). */
void herd_issuers_set_entry (HerdIssuerHost *host, HerdLedgerEntry *entry);
/* The run of HOST has ended: with a certificate, or with ERROR. */
void herd_issuers_settle (HerdIssuerHost *host, const GError *error);
/* All progress of HOST's run is shown as this one STEP, which lives as long as the program. */
void herd_issuers_set_step (HerdIssuerHost *host, const char *step);

HerdServices *herd_issuers_get_services (HerdIssuers *issuers);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdIssuers, herd_issuers_free)

G_END_DECLS
