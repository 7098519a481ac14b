// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The directories of the authorities: what their settings mean, by the presets that there are. Main loop
 * only.
 */
#pragma once

#include "core/services.h"

G_BEGIN_DECLS

/* The URL of AUTHORITY's directory; "": its preset is not there any more. */
const char *herd_directories_get_url (const HerdServices *services, const HerdAuthority *authority);
/* What is known of its CA, by name or by URL; NULL: nothing. */
const HerdPreset *herd_directories_get_preset (const HerdServices *services,
                                               const HerdAuthority *authority);
/* The same as get_url for settings (a{sv}) that no authority has yet; NULL: they mean none. */
const char *herd_directories_find_url (const HerdServices *services, GVariant *settings);

/* Says, in the journal and as an Attention, that AUTHORITY's directory ended, or that its preset is not
 * there; or takes that back. */
void herd_directories_watch (HerdServices *services, const HerdAuthority *authority);
/* The same for all, and for the presets' own mistakes. */
void herd_directories_watch_all (HerdServices *services);

/* A HerdConfigProblem for each declared issuer whose directory ended goes to PROBLEMS. */
void herd_directories_add_problems (HerdServices *services, GPtrArray *problems);

/* What there is to choose from, aa{sv}, as Agent1.ListPresets has it. (floating) */
GVariant *herd_directories_list_presets (const HerdServices *services);

G_END_DECLS
