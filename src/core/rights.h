// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What follows from the rows about who may do what; polkit decides the rest (src/bus). Pure but for
 * the user database.
 */
#pragma once

#include "core/services.h"

G_BEGIN_DECLS

/* Is UID one of the certificate's readers (names or numbers)? */
gboolean herd_rights_is_reader (const HerdCertificate *certificate, guint32 uid);
/* Is UID among USERS (names or numbers)? */
gboolean herd_rights_lists_user (const char *const *users, guint32 uid);
/* May UID be the configured target NAME, without being asked about? uid 0, its allow-users, the user of a
 * --session instance, and the agent's own where certherd-deliver is its child. */
gboolean herd_rights_may_be_target (const HerdServices *services, const char *name, guint32 uid);
/* May UID make SPEC of OLD (NULL: of nothing)? What is new in it needs the leave of the targets'
 * sections: allow-users for the target, identifiers for every name. Nobody asks uid 0, nor the user of
 * a --session instance. Errors: HERD_ERROR_NOT_AUTHORIZED. */
gboolean herd_rights_check_targets (const HerdServices *services, guint32 uid, GVariant *old,
                                    GVariant *spec, GError **error);

G_END_DECLS
