// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The tls-alpn-01 front (RFC 8737, RFC 8738 section 6): a TLS server that agrees to acme-tls/1, and
 * only for names with a challenge in flight, shows the certificate that proves it, and closes. No
 * application data is sent or taken. Everyone else gets an alert: no_application_protocol or
 * unrecognized_name, or what is wrong with the TLS. Builds with legacy answer tls-sni-01 here too: its
 * names, to clients without that protocol. Owned by main; main loop only.
 */
#pragma once

#include "responder/flight.h"
#include "responder/front.h"

G_BEGIN_DECLS

/* FLIGHT outlives the front. A handshake has HERD_FRONT_DEADLINE. Errors: HERD_ERROR_FAILED (what GnuTLS
 * says). */
HerdFront *herd_tls_front_new (HerdFlight *flight, HerdClock *clock, GError **error);

G_END_DECLS
