// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The configuration: certherd.conf, issuers.d, targets.d, certificates.d (keyfiles, *.conf in
 * alphabetical order), shared by the agent, the responder and certherd-deliver. Values stand as they
 * are: no quotes, no escapes, no continued lines; comments have lines of their own. Blocking.
 */
#pragma once

#include <glib.h>

#include "config/vocabulary.h"

G_BEGIN_DECLS

/* One section of one file, its values checked and in normal form. */
typedef struct {
  HerdSection section;
  char *name;       /* of [certificate NAME] …; "" for [agent] and [preset] */
  GVariant *values; /* a{sv} */
  char *file;
  guint line; /* of the section's head */
} HerdConfigEntry;

/* What is wrong, and where. */
typedef struct {
  char *file;
  guint line; /* 0: the file as a whole */
  char *message;
} HerdConfigProblem;

HerdConfigProblem *herd_config_problem_new (const char *file, guint line, const char *message);
void herd_config_problem_free (HerdConfigProblem *problem);

typedef struct HerdConfig HerdConfig;

/* Reads DIRECTORY. A missing directory or file is an empty one. Never fails: what cannot be read
 * or is wrong is a problem, and its entry is left out. Sections that appear twice are problems.
 */
HerdConfig *herd_config_load (const char *directory);
/* Reads the one file PATH, whose sections are those from FIRST to LAST; in all else the same. */
HerdConfig *herd_config_load_file (const char *path, HerdSection first, HerdSection last);
HerdConfig *herd_config_ref (HerdConfig *config);
void herd_config_unref (HerdConfig *config);

/* HerdConfigEntry of SECTION, in file order; the config's. */
GPtrArray *herd_config_get_entries (HerdConfig *config, HerdSection section);
/* The entry, or NULL. */
const HerdConfigEntry *herd_config_find (HerdConfig *config, HerdSection section, const char *name);
/* Why there is no such entry, though the files may well have one: its own problem, or, where no section of
 * that name was seen, the first there is: it may be in what could not be read. NULL: there is such an
 * entry, or certainly none. */
const HerdConfigProblem *herd_config_find_problem (HerdConfig *config, HerdSection section,
                                                   const char *name);
/* "FILE, line LINE: MESSAGE". */
char *herd_config_problem_describe (const HerdConfigProblem *problem);
/* HerdConfigProblem; empty if all is well. */
GPtrArray *herd_config_get_problems (HerdConfig *config);

/* Takes ENTRY, one of its own, out again: a problem in its line, with MESSAGE, has come to light. */
void herd_config_reject (HerdConfig *config, const HerdConfigEntry *entry, const char *message);

/* A string value of an entry (which may be NULL), or FALLBACK. */
const char *herd_config_entry_get (const HerdConfigEntry *entry, const char *key,
                                   const char *fallback);

/* VALUES of an entry (NULL: none) as plugins get them: key → text, the entries of a list with a newline
 * between. (transfer full) */
GHashTable *herd_config_make_settings (GVariant *values);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdConfig, herd_config_unref)

G_END_DECLS
