// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A bundle: one generation of one certificate as a target gets it. Immutable; lives in
 * certherd-deliver and in subscribers.
 */
#pragma once

#include <glib.h>

#include "plugin/facts.h"

G_BEGIN_DECLS

typedef struct {
  char *name;         /* of the certificate: [a-z0-9][a-z0-9._-]{0,63}, so fit for a file name */
  guint64 generation; /* never restarts for a name */
  GBytes *chain;      /* PEM, the leaf first, "\n" at the end */
  GBytes *key;        /* PEM PKCS#8, "\n" at the end; wiped when it goes */
  HerdFacts *facts;
} HerdBundle;

/* Takes references of CHAIN and KEY, copies NAME, takes FACTS. */
HerdBundle *herd_bundle_new (const char *name, guint64 generation, GBytes *chain, GBytes *key,
                             HerdFacts *facts);
HerdBundle *herd_bundle_ref (HerdBundle *bundle);
void herd_bundle_unref (HerdBundle *bundle);

/* The leaf's PEM alone, and everything after it (perhaps empty). (transfer full) */
GBytes *herd_bundle_get_leaf (const HerdBundle *bundle);
GBytes *herd_bundle_get_intermediates (const HerdBundle *bundle);
/* Key first, then the chain: haproxy's, postfix's form. Wiped when it goes. (transfer full) */
GBytes *herd_bundle_get_combined (const HerdBundle *bundle);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdBundle, herd_bundle_unref)

G_END_DECLS
