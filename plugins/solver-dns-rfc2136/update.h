// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What nsupdate is told, and what its words mean. Pure functions.
 */
#pragma once

#include "key.h"

G_BEGIN_DECLS

/* The changes of one zone. */
typedef struct {
  char *zone;
  GPtrArray *names;  /* char *: where each record is */
  GPtrArray *values; /* char *: of the same index */
} Update;

Update *update_new (const char *zone);
void update_free (Update *update);

/* Adds one record. Errors: HERD_ERROR_REFUSED (a name or value that must not be written into nsupdate's
 * input; a name outside of the zone). */
gboolean update_add (Update *update, const char *name, const char *value, GError **error);

/* nsupdate's input: all changes in one signed message, to SERVER ("HOST:PORT"), records with TTL seconds
 * added, or taken away one by one. Wiped when it goes. */
GBytes *update_write (const Update *update, const char *server, const UpdateKey *key, guint ttl,
                      gboolean add);

/* The error for nsupdate's exit STATUS and the last line that it wrote: HERD_ERROR_UNREACHABLE (no
 * answer, SERVFAIL), otherwise HERD_ERROR_CHALLENGE_FAILED; both are tried again later. */
GError *update_explain (const Update *update, const char *server, const UpdateKey *key, int status,
                        const char *complaint);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Update, update_free)

G_END_DECLS
