// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a solver does for one present() or cleanup(), as a const table: the agent's step runner
 * (src/util/steps.h) in small, for plugins, which cannot see it. One row after another: ENTER starts
 * the calls of a wait, LEAVE reads each answer as it comes. Main loop only.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct HerdWork HerdWork;

typedef struct {
  /* Starts calls, each with herd_work_ready() as its callback and herd_work_slot() as its data; without
   * one the next row follows. */
  gboolean (*enter) (HerdWork *work, gpointer data, GError **error);
  /* Reads the answer of the call that took the slot number INDEX (from 0, in each row). */
  gboolean (*leave) (HerdWork *work, gpointer data, guint index, GAsyncResult *result,
                     GError **error);
} HerdWorkStep;

typedef enum {
  /* The first failure, or a cancel, cancels the other calls of its row, and no row follows. */
  HERD_WORK_STOPS,
  /* Failures and cancels change nothing; the first failure is told at the end. */
  HERD_WORK_GOES_ON,
} HerdWorkKind;

/* Walks STEPS (N_STEPS rows, outlive the work) for SOLVER, with DATA, which is freed with FREE. CALLBACK
 * is called once, never from within this call. Holds SOLVER until then. */
void herd_work_start (gpointer solver, const HerdWorkStep *steps, guint n_steps, HerdWorkKind kind,
                      gpointer data, GDestroyNotify free, GCancellable *cancellable,
                      GAsyncReadyCallback callback, gpointer callback_data);
gboolean herd_work_finish (GAsyncResult *result, GError **error);

/* In enter. The cancellable is the work's own; NULL where the work goes on. */
GCancellable *herd_work_get_cancellable (HerdWork *work);
gpointer herd_work_slot (HerdWork *work);
void herd_work_ready (GObject *source, GAsyncResult *result, gpointer slot);

G_END_DECLS
