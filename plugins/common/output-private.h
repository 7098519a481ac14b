// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the files of an output share: its settings, and one function pair for each way to lay files
 * out. Not for adapters.
 */
#pragma once

#include "directory.h"
#include "output.h"

G_BEGIN_DECLS

typedef enum {
  HERD_LAYOUT_LIVE,
  HERD_LAYOUT_NAME,
  HERD_LAYOUT_SINGLE,
} HerdLayout;

struct HerdOutput {
  char *target;
  HerdLayout layout;
  char *path;              /* STATE, PATH, or the file */
  HerdFileRights secret;   /* of what holds the key */
  HerdFileRights readable; /* of the rest */
};

/* "FORMAT: it is not ours; move it away". Always FALSE. */
gboolean herd_output_fail_foreign (HerdOutput *output, const HerdDirectory *directory,
                                   const char *name, GError **error);

/* tree.c: live and layout=name */
gboolean herd_tree_install (HerdOutput *output, const HerdBundle *bundle, GError **error);
gboolean herd_tree_withdraw (HerdOutput *output, const char *name, GError **error);

/* single.c: layout=single */
gboolean herd_single_install (HerdOutput *output, const HerdBundle *bundle, GError **error);
gboolean herd_single_withdraw (HerdOutput *output, const char *name, GError **error);

G_END_DECLS
