// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a call is about, for whoever decides about it.
 */
#pragma once

#include "bus/authorizer.h"
#include "bus/table.h"

G_BEGIN_DECLS

/* The certificate that the call is about: its object, or its object's; NULL if there is none. */
const HerdCertificate *herd_bus_get_certificate (const HerdBusCall *call);
/* The object as it is now; of an issuer, also what the call brings (call->checked). */
void herd_bus_describe_object (const HerdBusCall *call, HerdDetails *details);
/* The certificate as it is now, and as the call would have it: WANTED is its whole new spec. */
void herd_bus_describe_change (const HerdBusCall *call, GVariant *wanted, HerdDetails *details);
/* Rows' describe: what the call would make anew, under the name that is its first argument. */
void herd_bus_describe_new_certificate (const HerdBusCall *call, HerdDetails *details);
void herd_bus_describe_new_issuer (const HerdBusCall *call, HerdDetails *details);
/* What is looked at for CERTIFICATE (NULL: for none): WANTED is the whole wish. */
void herd_bus_describe_wish (const HerdBusCall *call, const HerdCertificate *certificate,
                             GVariant *wanted, HerdDetails *details);
gboolean herd_bus_caller_is_owner (const HerdBusCall *call);
/* Rows' decide: "manage-own" for a certificate's owner, else "manage". */
const char *herd_bus_decide_manage (HerdBusCall *call);

G_END_DECLS
