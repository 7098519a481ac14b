// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A target's probe: where certherd-deliver connects to see that a server shows the new generation.
 * Written "tls:HOST:PORT", perhaps with "?sni=NAME". Plain data.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  char *host; /* a DNS name or an IP address (without brackets) */
  guint16 port;
  char *server_name; /* to send as SNI, normal form; NULL: that of the certificate's first name */
} HerdProbe;

/* Errors: HERD_ERROR_INVALID_ARGUMENT, saying what is allowed. */
HerdProbe *herd_probe_parse (const char *text, GError **error);
void herd_probe_free (HerdProbe *probe);
/* The normal form. (transfer full) */
char *herd_probe_to_string (const HerdProbe *probe);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdProbe, herd_probe_free)

G_END_DECLS
