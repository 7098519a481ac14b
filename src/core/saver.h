// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The saver: writes down what has happened, and where that fails (a full disk) writes it again until it is
 * on disk. What was asked for does not come here: that is undone (state/state.h). Owned by the agent;
 * main loop only.
 */
#pragma once

#include "core/attentions.h"
#include "core/ledger.h"
#include "core/registry.h"
#include "state/state.h"
#include "util/clock.h"

G_BEGIN_DECLS

typedef struct HerdSaver HerdSaver;

HerdSaver *herd_saver_new (HerdClock *clock, HerdState *state, HerdRegistry *registry,
                           HerdAttentions *attentions, HerdLedger *ledger);
/* Asks for what is still to be written once more, for the state to do before it closes. */
void herd_saver_free (HerdSaver *saver);

/* Commits BATCH (taken), which says what has become of a certificate and of an operation; either id may
 * be 0. What was spent meanwhile goes with it. */
void herd_saver_commit (HerdSaver *saver, HerdBatch *batch, guint64 certificate, guint64 operation);
/* Somebody else's commit of these rows has failed with ERROR; memory is right. */
void herd_saver_add (HerdSaver *saver, guint64 certificate, guint64 operation, const GError *error);
/* The rows of the certificate as they are in memory, with what targets and CAs say of its generations. */
void herd_saver_put_certificate (HerdBatch *batch, const HerdCertificate *certificate);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdSaver, herd_saver_free)

G_END_DECLS
