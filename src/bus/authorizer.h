// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Who says what a caller may do: nobody in a user's own instance (the session bus admits that user
 * alone), polkit on the system bus. Main loop only.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct HerdAuthorizer HerdAuthorizer;

/* What an action is about: the details that rules and agents see. Strings may be NULL (left out). */
typedef struct {
  char *certificate;
  char *identifiers;           /* old and new, normal form, space-separated */
  char *owner;                 /* uid */
  const char *caller_is_owner; /* "true", "false" */
  char *issuer;
  char *targets; /* space-separated */
} HerdDetails;

void herd_details_clear (HerdDetails *details);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (HerdDetails, herd_details_clear)

/* A user's own instance: UID may do everything, nobody else anything. */
HerdAuthorizer *herd_authorizer_new_session (guint32 uid);
/* Only root may do anything that needs a right: for builds without polkit. */
HerdAuthorizer *herd_authorizer_new_root (void);
void herd_authorizer_free (HerdAuthorizer *authorizer);

/* May UID, on the connection SENDER, do ACTION ("request", …)? Errors: HERD_ERROR_NOT_AUTHORIZED
 * (names the action). INTERACTIVE: people may be asked. */
void herd_authorizer_check_async (HerdAuthorizer *authorizer, const char *sender, guint32 uid,
                                  const char *action, const HerdDetails *details,
                                  gboolean interactive, GAsyncReadyCallback callback,
                                  gpointer data);
gboolean herd_authorizer_check_finish (HerdAuthorizer *authorizer, GAsyncResult *result,
                                       GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdAuthorizer, herd_authorizer_free)

G_END_DECLS
