// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What every solver here begins with: the contract's property. A struct to begin the instance's with and a
 * function for the class, not a GType: each module has a copy of its own. In the agent; main loop only.
 */
#pragma once

#include "plugin/solver.h"

G_BEGIN_DECLS

typedef struct {
  GObject parent;
  HerdSolverHost *host; /* not owned: it outlives the solver */
} HerdSolverBase;

/* For class_init: the property. */
void herd_solver_base_class_init (GObjectClass *klass);

/* A setting, or NULL; "yes" as TRUE. */
const char *herd_solver_base_get (HerdSolverBase *base, const char *key);
gboolean herd_solver_base_get_switch (HerdSolverBase *base, const char *key);
/* "solver NAME: KEY: why", HERD_ERROR_INVALID_ARGUMENT. Always FALSE. */
gboolean herd_solver_base_fail (HerdSolverBase *base, const char *key, const char *why,
                                GError **error);

/* The challenge types of a solver that does TYPE only ("http-01", "dns-01", "tls-alpn-01"), for
 * IDENTIFIER: none where that type cannot prove it (RFC 8555 sections 8.3 and 8.4, RFC 8737 section
 * 3, RFC 8738 section 7). NULL-terminated; static. */
const char *const *herd_solver_base_list_type (const char *type, const char *identifier);

/* The TXT records that CHALLENGES (of dns-01) need: NAME, VALUE, …, for herd_solver_host_await_txt_async().
 * (transfer full) */
char **herd_solver_base_make_records (GPtrArray *challenges);

/* "a.example", "a.example and 3 more": whom CHALLENGES (at least one) are about, for messages. */
char *herd_solver_base_describe (GPtrArray *challenges);

G_END_DECLS
