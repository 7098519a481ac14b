// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A revocation: one generation of a certificate, at the CA that issued it. One for each operation of kind
 * "revoke"; main loop only.
 *
 *   load → replace → deliver → account → key → own-key → end
 *
 * A key that others have is replaced, and its targets have the new one, before anything is revoked: no
 * server is left with what nobody accepts. The CA is asked as the account first, and with the
 * certificate's own key where the account is of no use. Asked twice, a CA says that it is revoked already:
 * so nothing has to be written down on the way, and a revocation that was cut off begins anew.
 */
#pragma once

#include "core/deliveries.h"
#include "core/issuers.h"

G_BEGIN_DECLS

/* What a revocation needs besides the services. Outlives it. */
typedef struct {
  HerdServices *services;
  HerdIssuers *issuers;
  HerdDeliveries *deliveries;
  /* Sees to it that CERTIFICATE gets another generation than NUMBER, for UID. Finishes when it is
   * saved. */
  void (*replace_async) (gpointer agent, guint64 certificate, guint64 number, guint32 uid,
                         GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
  gboolean (*replace_finish) (GAsyncResult *result, GError **error);
  gpointer agent;
} HerdRevocationContext;

/* Revokes what OPERATION (a row in the registry, on disk) says in its options: reason s, generation t,
 * with s ("account", "key"; neither: whichever can), at-once b. Finishing means: the CA says that it is
 * revoked; nothing is written. One that is known to be revoked is not asked about. Errors: the
 * issuer's, HERD_ERROR_NOT_FOUND (generation or issuer are gone), HERD_ERROR_CANCELLED. */
void herd_revocation_run_async (const HerdRevocationContext *context,
                                const HerdOperation *operation, GCancellable *cancellable,
                                GAsyncReadyCallback callback, gpointer data);
gboolean herd_revocation_run_finish (GAsyncResult *result, GError **error);

/* The kind of such operations. */
#define HERD_REVOCATION_KIND "revoke"

/* The one of CERTIFICATE's generation NUMBER that is under way, or NULL. Until its end the generation is not
 * dropped: its key may be needed, and what was cut off begins anew. */
HerdOperation *herd_revocation_find (HerdRegistry *registry, guint64 certificate, guint64 number);

/* What the options of such an operation say. */
HerdRevocation herd_revocation_get_reason (GVariant *options);
guint64 herd_revocation_get_generation (GVariant *options);

G_END_DECLS
