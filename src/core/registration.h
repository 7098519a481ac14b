// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Registration, and whatever else is done to an authority's account: one at a time. Runs for itself
 * (Issuer1.Register, RollKey …), or before an issuance whose issuer has no account yet. Main loop only.
 */
#pragma once

#include "core/issuers.h"

G_BEGIN_DECLS

/* What is to be done: borrowed, members that KIND does not need are NULL. */
typedef struct {
  const char
      *kind; /* the operation's: "register", "set-contacts", "roll-key", "deactivate", "import" */
  GVariant *options;          /* a{sv}: agree-terms s, contacts as */
  const HerdBinding *binding; /* for "register" */
  GBytes *key;                /* for "import", text; NULL: the one of a run that was cut off */
} HerdAccountWish;

/* Is KIND something that is done to an account? */
gboolean herd_registration_knows (const char *kind);

/* Does what WISH (NULL: "register", as the settings say) wants to AUTHORITY's account, and leaves what it
 * looks like in the row. What WISH does not say, AUTHORITY's settings do. OPERATION: whose progress and
 * checkpoint it is, 0: nobody's. FORCE: asks the CA even if the account is known to be valid. Errors: the
 * issuer's; they are kept in the row too. */
void herd_registration_run_async (HerdIssuers *issuers, guint64 authority, guint64 operation,
                                  const HerdAccountWish *wish, gboolean force,
                                  GCancellable *cancellable, GAsyncReadyCallback callback,
                                  gpointer data);
gboolean herd_registration_run_finish (GAsyncResult *result, GError **error);

/* Only reads what the records say, at the start, for the bus. */
void herd_registration_load_async (HerdIssuers *issuers, guint64 authority,
                                   GAsyncReadyCallback callback, gpointer data);

G_END_DECLS
