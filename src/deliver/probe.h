// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The probe: connects to a server as its clients do, and looks at the certificate that it shows. Whom
 * the chain is trusted by is not asked: the leaf is the one that was delivered, or it is not. Blocking.
 */
#pragma once

#include "config/probe.h"
#include "plugin/facts.h"

G_BEGIN_DECLS

/* A reload is over before every worker has the new certificate: so long the old one may be seen. */
#define HERD_PROBE_PATIENCE (5 * G_USEC_PER_SEC)

/* The name to ask PROBE's server for, if it is to show the certificate of FACTS; "" = ask for none (it
 * is for addresses only); NULL: the probe is about another certificate. (transfer full) */
char *herd_probe_choose_name (const HerdProbe *probe, const HerdFacts *facts);

/* Does the server show the leaf of FACTS to those who ask for NAME? Asks again for PATIENCE
 * microseconds. Errors: HERD_ERROR_UNREACHABLE (nobody answers, or not with TLS),
 * HERD_ERROR_REFUSED (another leaf: which, and until when it is valid). */
gboolean herd_probe_run (const HerdProbe *probe, const char *name, const HerdFacts *facts,
                         gint64 patience, GError **error);

G_END_DECLS
