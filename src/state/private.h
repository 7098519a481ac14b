// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The state as the files of this folder see it. Main thread; the database is the worker's.
 */
#pragma once

#include "state/state.h"
#include "state/worker.h"

G_BEGIN_DECLS

struct HerdState {
  HerdWorker *worker;
  int lock; /* descriptor that holds the directory, or -1 */
  gboolean has_kek;
  gboolean is_unlocked;
  guint64 next_id;
  guint64 bound;         /* ids below it are reserved; atomic: written by the state's thread */
  gboolean is_reserving; /* atomic */
};

G_END_DECLS
