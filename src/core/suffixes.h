// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Under which name a CA counts an identifier: the registered domain, by the Public Suffix List that libpsl
 * reads (the machine's, if it is newer than the one in the library). Owned by the ledger; immutable.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct HerdSuffixes HerdSuffixes;

/* Blocking: reads the list. */
HerdSuffixes *herd_suffixes_new (void);
void herd_suffixes_free (HerdSuffixes *suffixes);

/* Of IDENTIFIER, in its normal form: the registered domain; of a public suffix, itself; of an IPv4 address,
 * itself; of an IPv6 address, its /64. */
char *herd_suffixes_get_registered (const HerdSuffixes *suffixes, const char *identifier);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdSuffixes, herd_suffixes_free)

G_END_DECLS
