// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Attentions: what needs a human, one for each (object, code), with the time since when. Owned by the
 * agent; main loop only.
 */
#pragma once

#include "core/registry.h"
#include "util/clock.h"

G_BEGIN_DECLS

typedef struct HerdAttentions HerdAttentions;

/* What a list has at most: one that is as long as all of 100,000 certificates helps nobody, and is
 * sent to everybody with every change. */
#define HERD_ATTENTIONS_LISTED 100

typedef struct {
  HerdRowKey row;       /* what it is about; first: tables are keyed by it */
  const char *severity; /* "notice", "warning", "critical"; static */
  const char *code;     /* static */
  char *message;        /* a GRefString */
  gint64 since;         /* seconds */
} HerdAttention;

HerdAttentions *herd_attentions_new (HerdRegistry *registry, HerdClock *clock);
void herd_attentions_free (HerdAttentions *attentions);

/* Raises, or renews the message of, an attention; a new one is told to the observer. SEVERITY and
 * CODE are string constants. */
void herd_attentions_raise (HerdAttentions *attentions, HerdNoun noun, guint64 id,
                            const char *severity, const char *code, const char *message);
/* Takes CODE of the object back; CODE NULL: all of the object. */
void herd_attentions_clear (HerdAttentions *attentions, HerdNoun noun, guint64 id,
                            const char *code);
/* HerdAttention, at most HERD_ATTENTIONS_LISTED: the critical ones, then warnings, then notices, each
 * oldest first. (transfer container) */
GPtrArray *herd_attentions_list (HerdAttentions *attentions);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdAttentions, herd_attentions_free)

G_END_DECLS
