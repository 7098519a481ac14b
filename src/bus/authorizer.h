// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Who says what a caller may do: nobody in a user's own instance (the session bus admits that user
 * alone), polkit on the system bus. Main loop only.
 */
#pragma once

#include <gio/gio.h>

#include "util/clock.h"

G_BEGIN_DECLS

typedef struct HerdAuthorizer HerdAuthorizer;

/* What an action is about: the details that rules and agents see. Strings may be NULL (left out). */
typedef struct {
  char *certificate;
  char *identifiers;           /* old and new, normal form, space-separated */
  char *owner;                 /* uid */
  const char *caller_is_owner; /* "true", "false" */
  char *issuer;
  char *targets;       /* old and new, space-separated */
  char *readers;       /* likewise */
  char *patterns;      /* of a subscription: globs of names, space-separated */
  char *directory_url; /* of an issuer, and what the account is made with */
  char *contact;
  char *agree_terms;
  const char *trust; /* "system", "own" (the issuer brings its only anchors) */
} HerdDetails;

void herd_details_clear (HerdDetails *details);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (HerdDetails, herd_details_clear)

/* A user's own instance: UID may do everything, nobody else anything. */
HerdAuthorizer *herd_authorizer_new_session (guint32 uid);
/* The system's instance: root may do everything, and polkit is asked about everybody else. In a build
 * without polkit nobody else may do anything that needs a right. CONNECTION: where the callers are. */
HerdAuthorizer *herd_authorizer_new_system (GDBusConnection *connection, HerdClock *clock);
/* Open questions are given up. They may still answer, later. */
void herd_authorizer_free (HerdAuthorizer *authorizer);

/* May UID, on the connection SENDER, do ACTION ("request", …)? INTERACTIVE: people may be asked.
 * Errors: HERD_ERROR_NOT_AUTHORIZED (names the action; also where polkit cannot be asked or does not
 * answer), HERD_ERROR_CANCELLED (SENDER has gone), or one that herd_authorizer_wants_interaction(). */
void herd_authorizer_check_async (HerdAuthorizer *authorizer, const char *sender, guint32 uid,
                                  const char *action, const HerdDetails *details,
                                  gboolean interactive, GAsyncReadyCallback callback,
                                  gpointer data);
gboolean herd_authorizer_check_finish (GAsyncResult *result, GError **error);

/* People would have to be asked, and the call does not allow it: a remote error of this name. */
#define HERD_INTERACTION_REQUIRED "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired"
gboolean herd_authorizer_wants_interaction (const GError *error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdAuthorizer, herd_authorizer_free)

G_END_DECLS
