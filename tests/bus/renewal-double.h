// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the double of an issuer suggests about renewals, by its name: "suggests": a window far away; "lingers":
 * one that is later than usual; "hurries": one that is always past; "absurd": one behind the end; "silent": no answer;
 * "lasts": one that has just begun. Others have no such thing.
 */
#pragma once

#include "plugin/issuer.h"
#include "util/clock.h"

G_BEGIN_DECLS

void renewal_double_init (HerdIssuerInterface *iface);
/* NAME and CLOCK live as long as ISSUER, whose data "name" is NAME; ACCOUNT tells of it. */
void renewal_double_set_up (HerdIssuer *issuer, const char *name, HerdClock *clock,
                            HerdAccount *account);

G_END_DECLS
