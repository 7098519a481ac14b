// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * How the double of an issuer revokes: every call is a line on stdout, and its name (renewal-double.h) says
 * what comes of it: "hold" waits to be cancelled, "lost" has no account, "foreign" is not the account's
 * issuer, "down" cannot be reached, "deaf" will have neither account nor key, "picky" accepts no reason.
 * Others do it.
 */
#pragma once

#include "plugin/issuer.h"

G_BEGIN_DECLS

void revocation_double_init (HerdIssuerInterface *iface);

G_END_DECLS
