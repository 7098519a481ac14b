// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The polls: asks every certificate's CA when it would like it to be renewed (RFC 9773), if it says such
 * things: after an issuance, then when it last said to. A poll is one GET. However many are due, a few are
 * under way; a CA that does not answer is asked for one certificate at a time, at growing distances; what
 * only says "as before" is written down together, now and then. Owned by the agent; main loop only.
 */
#pragma once

#include "core/issuers.h"
#include "core/services.h"

G_BEGIN_DECLS

/* So many are under way at most. */
#define HERD_POLLS_MAX 8

typedef struct HerdPolls HerdPolls;

/* What the CA suggests for CERTIFICATE is another thing than before: its row has it, and is to be saved. */
typedef void (*HerdPollsFunc) (HerdCertificate *certificate, gpointer data);

HerdPolls *herd_polls_new (HerdServices *services, HerdIssuers *issuers, HerdPollsFunc changed,
                           gpointer data);
void herd_polls_free (HerdPolls *polls);

/* Something of CERTIFICATE is another thing than before: when its CA is to be asked follows anew. */
void herd_polls_put (HerdPolls *polls, const HerdCertificate *certificate);
/* It has become known what AUTHORITY can do. */
void herd_polls_follow_authority (HerdPolls *polls, guint64 authority);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdPolls, herd_polls_free)

G_END_DECLS
