// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What all fuzz targets share. A target is a file fuzz-NAME.c with LLVMFuzzerTestOneInput(), its seeds are
 * corpus/NAME/. Two programs call it: libFuzzer's own main (tools/test --fuzz) and feed.c, which feeds it
 * the seeds as an ordinary test. A target keeps nothing from one input to the next, and an input has
 * always the same effect.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The name is libFuzzer's. Returns 0; what must not be ends the process. */
int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

/* DATA up to its end or first NUL, in memory of its own size: a read beyond it is found. */
char *fuzz_dup_text (const guint8 *data, gsize size);

/* TEXT may go to a log, the bus or a terminal: UTF-8 without control characters. NULL is fine. */
void fuzz_assert_clean (const char *text);
/* Either there is a result and no error, or there is none, and one of HERD_ERROR with a clean message. */
void fuzz_assert_outcome (gboolean succeeded, const GError *error);

G_END_DECLS
