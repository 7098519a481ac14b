// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Renewal information (ARI, RFC 9773): what a window that a CA suggests makes of the time at which a
 * certificate is renewed. Pure functions on the certificate's row, about its newest generation, which
 * there has to be; times are seconds since the epoch, RANDOM is from 0 to 1.
 */
#pragma once

#include "model/certificate.h"
#include "plugin/issuer.h"

G_BEGIN_DECLS

/* An answer's bounds of when to ask again (section 4.3.1), and when where none came (4.3.3). */
#define HERD_ASK_AGAIN_MIN 60
#define HERD_ASK_AGAIN_MAX (24 * 3600)
#define HERD_ASK_AGAIN_DEFAULT (6 * 3600)

/* NEXT is about to become the newest generation, at NOW, of an issuer that suggests times and has issued it
 * to ACCOUNT (its URL): it is asked for one. */
void herd_renewal_info_begin (HerdCertificate *certificate, const HerdGeneration *next,
                              const char *account, gint64 now);
/* May the newest generation be said to be replaced, as ACCOUNT? CAs refuse that for what another account
 * has, another CA's among them (section 5). */
gboolean herd_renewal_info_is_of (const HerdCertificate *certificate, const char *account);

/* The CA has said INFO. A window that cannot be followed counts as none; in another one than before a
 * moment is picked, and renew_at is set. TRUE: somebody is to be told, and it is to be saved at once. */
gboolean herd_renewal_info_take (HerdCertificate *certificate, const HerdRenewalInfo *info,
                                 gint64 now, double random);
/* The CA has said nothing, PROBLEM says why, and it is asked again at ASK_AT. LASTING: what it said before
 * no longer counts, and the rule does. As before. */
gboolean herd_renewal_info_miss (HerdCertificate *certificate, const char *problem,
                                 gboolean lasting, gint64 ask_at, gint64 now, double random);

/* When to renew: by the rule `renew`, and by the CA. "auto" is whatever the CA suggests; a time that
 * somebody has configured stands, unless the CA suggests an earlier one. A CA alone has nothing renewed
 * sooner than a quarter of the lifetime after it last had. One that is revoked is renewed when it was said
 * to be: at its revocation. */
gint64 herd_renewal_info_get_time (const HerdCertificate *certificate, double random);
/* Is renew_at what the CA suggests, and is that before all usual times? */
gboolean herd_renewal_info_is_followed (const HerdCertificate *certificate);
gboolean herd_renewal_info_is_early (const HerdCertificate *certificate);
/* Why it is renewed at renew_at, for people. (transfer full) */
char *herd_renewal_info_get_reason (const HerdCertificate *certificate);

G_END_DECLS
