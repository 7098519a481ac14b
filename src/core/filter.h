// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * ListCertificates' filter.
 */
#pragma once

#include "core/registry.h"

G_BEGIN_DECLS

typedef struct HerdFilter HerdFilter;

/* FILTER a{sv}: state s, activity s, issuer s, identifier s (a glob), owner u, expires-before x.
 * HERD_ERROR_INVALID_ARGUMENT for another key or type. */
HerdFilter *herd_filter_new (GVariant *filter, GError **error);
void herd_filter_free (HerdFilter *filter);
gboolean herd_filter_matches (const HerdFilter *filter, HerdRegistry *registry,
                              const HerdCertificate *certificate, gint64 now);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdFilter, herd_filter_free)

G_END_DECLS
