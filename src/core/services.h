// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the parts of the core share: the clock, the DNS, the state, the registry and the configuration. Made
 * by the agent, outlives every part. Main loop only.
 */
#pragma once

#include "config/preset.h"
#include "core/attentions.h"
#include "core/ledger.h"
#include "core/registry.h"
#include "core/saver.h"
#include "net/dns.h"
#include "state/state.h"
#include "util/clock.h"
#include "util/crash.h"

G_BEGIN_DECLS

typedef struct {
  HerdClock *clock;
  HerdDns *dns;
  HerdState *state;
  HerdRegistry *registry;
  HerdAttentions *attentions;
  HerdLedger *ledger; /* what was spent of the CAs' limits */
  HerdSaver *saver;   /* for what has happened */
  HerdStateUndo undo; /* for changes that fail */
  gpointer undo_data;
  HerdConfig *config;   /* replaced by a reload */
  HerdPresets *presets; /* may be NULL: nothing is known of any CA */
  const HerdCrash *crash;
  gboolean session;  /* a user's own instance */
  gboolean children; /* deliveries are the agent's own processes */
  guint32 uid;       /* the agent's own */
} HerdServices;

G_END_DECLS
