// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A look at a web server by its address, as a validator looks (RFC 8555 section 8.3), but for redirects,
 * which are not followed. Main loop only.
 */
#pragma once

#include <gio/gio.h>

#include "util/clock.h"

G_BEGIN_DECLS

typedef struct {
  const char *address; /* an IP address */
  guint16 port;
  const char *host; /* for the field Host */
  const char *path; /* "/…"; NULL: it is enough that a connection is accepted */
} HerdProbe;

typedef struct {
  guint status; /* of HTTP; 0: it does not speak it, or was not asked */
  char *body;   /* its first 4 KiB, up to a NUL; as it came */
} HerdProbeAnswer;

/* At most 10 seconds. Errors: HERD_ERROR_UNREACHABLE, naming address and port; HERD_ERROR_CANCELLED.
 * PROBE is copied. */
void herd_probe_async (HerdClock *clock, const HerdProbe *probe, GCancellable *cancellable,
                       GAsyncReadyCallback callback, gpointer data);
HerdProbeAnswer *herd_probe_finish (GAsyncResult *result, GError **error);
void herd_probe_answer_free (HerdProbeAnswer *answer);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdProbeAnswer, herd_probe_answer_free)

G_END_DECLS
