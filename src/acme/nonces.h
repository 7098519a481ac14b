// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The nonces that one CA has given us (RFC 8555 section 6.5): a small stack, newest on top, because
 * CAs let old ones die. A nonce that was taken is never put back. Main loop only.
 */
#pragma once

#include "util/clock.h"

G_BEGIN_DECLS

typedef struct HerdNonces HerdNonces;

HerdNonces *herd_nonces_new (HerdClock *clock);
void herd_nonces_free (HerdNonces *nonces);

/* ^[A-Za-z0-9_-]{1,512}$ (RFC 8555 section 6.5.1, and our own bound). NULL is not valid. */
gboolean herd_nonce_is_valid (const char *nonce);

/* Puts NONCE on top; one that is not valid, or NULL, is ignored. The oldest makes room. */
void herd_nonces_put (HerdNonces *nonces, const char *nonce);
/* The newest that is fresh enough, or NULL. */
char *herd_nonces_take (HerdNonces *nonces);
/* Forgets all. */
void herd_nonces_clear (HerdNonces *nonces);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdNonces, herd_nonces_free)

G_END_DECLS
