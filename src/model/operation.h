// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * An operation: one run with steps, progress and an end. A row: id survives a restart, its state is
 * written with each checkpoint; it stays for a day after its end.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum {
  HERD_OPERATION_RUNNING,
  HERD_OPERATION_DONE,
  HERD_OPERATION_FAILED,
  HERD_OPERATION_CANCELLED,
} HerdOperationState;

const char *herd_operation_state_to_string (HerdOperationState state);

typedef struct {
  char *name;
  gint64 entered; /* microseconds since the epoch */
  gint64 left;    /* 0 = not yet */
  GVariant *said; /* a{sv}: the above, of one that was left; NULL: not yet, or forgotten */
} HerdOperationStep;

typedef struct {
  guint64 id;
  char *kind;          /* "issue", "register", "preflight" */
  guint64 certificate; /* what it is about: one of the two is not 0 … */
  guint64 issuer;      /* … or both: the certificate then, and this is who is asked */
  guint32 starter;     /* uid */
  HerdOperationState state;
  char *step;       /* the current or last one's name; "" = none yet */
  double progress;  /* 0 to 1 */
  GPtrArray *steps; /* HerdOperationStep */
  char *error;      /* D-Bus name; "" = none */
  char *error_message;
  guint64 generation; /* Result.generation: what an issuance made; 0 = nothing yet */
  GVariant *options;  /* a{sv}: what the caller said; part of what a restart needs */
  GVariant *findings; /* aa{sv}: Result.findings, what a preflight found; NULL: none */
  gint64 started;     /* seconds */
  gint64 ended;       /* 0 = runs */
} HerdOperation;

HerdOperation *herd_operation_new (guint64 id, const char *kind, guint32 starter, gint64 started);
void herd_operation_free (HerdOperation *operation);
/* Takes back what OPERATION has made, to what SAVED (taken; of the same id) has. Where it stands, and how
 * it ended, has happened, and stays. */
void herd_operation_restore (HerdOperation *operation, HerdOperation *saved);

/* Ends the current step and enters STEP. NOW in microseconds. */
void herd_operation_enter (HerdOperation *operation, const char *step, double progress, gint64 now);
/* Ends it: ERROR NULL means done. NOW in microseconds. */
void herd_operation_end (HerdOperation *operation, HerdOperationState state, const char *error,
                         const char *message, gint64 now);
/* What is said of an ended one is no longer kept at hand: there may be a thousand. */
void herd_operation_forget (HerdOperation *operation);
void herd_operation_set_findings (HerdOperation *operation, GVariant *findings);
/* aa{sv}: name s, entered x, left x (microseconds), for the bus and the state. Floating. */
GVariant *herd_operation_steps_to_variant (const HerdOperation *operation);
void herd_operation_steps_from_variant (HerdOperation *operation, GVariant *steps);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdOperation, herd_operation_free)

G_END_DECLS
