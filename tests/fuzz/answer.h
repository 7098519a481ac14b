// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * An answer of a CA's HTTP server as the engine sees it.
 */
#pragma once

#include "net/http.h"

G_BEGIN_DECLS

/* FIELDS is a header without its empty line, SIZE bytes of it; received at NOW. */
HerdHttpResponse *fuzz_answer_new (const char *fields, gsize size, GBytes *body, gint64 now);
/* The same of a whole input: header fields, an empty line, the body. */
HerdHttpResponse *fuzz_answer_split (const guint8 *data, gsize size, gint64 now);

G_END_DECLS
