// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The schema of the database, its version and the way from older ones. Private to src/state; a test
 * brings schemas of its own to walk that way. Blocking, main thread, at the start only.
 */
#pragma once

#include "state/database.h"
#include "state/state.h"

G_BEGIN_DECLS

/* From version FROM to the next one. */
typedef struct {
  int from;
  const char *sql;
} HerdUpgrade;

typedef struct {
  int version; /* PRAGMA user_version */
  const char *sql;
  const HerdUpgrade *upgrades; /* in order; ends with SQL NULL */
} HerdSchema;

/* The one that this program writes. */
const HerdSchema *herd_schema_get (void);

/* Makes the file PATH (0600), empty but for SCHEMA: under another name first, so that a file of
 * this name is always a whole one. */
gboolean herd_schema_create (const HerdSchema *schema, const char *path, GError **error);
/* Is DATABASE of SCHEMA's version? If it is older, it is copied to PATH.vN and upgraded step by
 * step; if it is newer, HERD_ERROR_REFUSED names the copy that was made before. */
gboolean herd_schema_prepare (const HerdSchema *schema, HerdDatabase *database, GError **error);

/* As herd_state_open(), with another schema. */
HerdState *herd_state_open_schema (const char *directory, const HerdSchema *schema,
                                   const HerdCrash *crash, GError **error);

G_END_DECLS
