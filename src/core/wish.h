// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * From a certificate's spec to what an issuer is asked for. Pure function.
 */
#pragma once

#include "crypto/key.h"
#include "plugin/issuer.h"

G_BEGIN_DECLS

/* The request for the certificate NAME as SPEC (in normal form) wishes it, for KEY. PREDECESSOR: the
 * chain (PEM) that it replaces at the same issuer, or NULL. Errors: HERD_ERROR_FAILED. */
HerdIssueRequest *herd_wish_new_request (const char *name, GVariant *spec, HerdKey *key,
                                         GBytes *predecessor, GError **error);

G_END_DECLS
