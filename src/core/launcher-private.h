// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a kind of launcher is made of: each begins with this struct. For src/core/launcher*.c.
 */
#pragma once

#include "core/launcher.h"

G_BEGIN_DECLS

struct HerdLauncher {
  gboolean children; /* what it runs is the agent's own */
  /* TASK is what the caller waits for: TRUE or an error. */
  void (*run) (HerdLauncher *launcher, const char *target, GTask *task);
  void (*free) (HerdLauncher *launcher);
};

G_END_DECLS
