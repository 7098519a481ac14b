// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What follows from the rows about who may do what; polkit decides the rest (src/bus). Pure but for
 * the user database.
 */
#pragma once

#include "model/certificate.h"

G_BEGIN_DECLS

/* Is UID one of the certificate's readers (names or numbers)? */
gboolean herd_rights_is_reader (const HerdCertificate *certificate, guint32 uid);
/* Is UID among USERS (names or numbers)? */
gboolean herd_rights_lists_user (const char *const *users, guint32 uid);

G_END_DECLS
