// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A program that is run with limits: no shell, an environment that is given whole, a process group of
 * its own, a time to end in, and only so much of what it says is kept. Main loop only.
 */
#pragma once

#include <gio/gio.h>

#include "util/clock.h"

G_BEGIN_DECLS

/* Bytes of standard output that are kept: the first. */
#define HERD_CHILD_OUTPUT_LIMIT (64 * 1024)

typedef struct {
  const char *const *argv;        /* the first is an absolute path */
  const char *const *environment; /* NAME=VALUE; nothing is inherited */
  GBytes *input;                  /* its standard input (a sealed memfd); NULL: /dev/null */
  guint timeout;                  /* seconds */
} HerdChildOptions;

typedef struct {
  int status;      /* the exit status; of one that a signal ended, 128 and the signal's number */
  char *output;    /* standard output: lines, cleaned as text_from_remote does */
  char *complaint; /* the last line of standard error, or of output, that says something; cleaned;
                      may be empty */
} HerdChildResult;

/* Runs a program in the directory "/". Finishes when it has ended, whatever its status; what it left
 * behind is not waited for. When the time is over, or CANCELLABLE is cancelled, its group gets SIGTERM,
 * and SIGKILL when it has ended or two seconds later. Errors: G_SPAWN_ERROR (it cannot be run),
 * G_IO_ERROR_TIMED_OUT, G_IO_ERROR_CANCELLED. OPTIONS are not needed after the call. */
void herd_child_run_async (const HerdChildOptions *options, HerdClock *clock,
                           GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
HerdChildResult *herd_child_run_finish (GAsyncResult *result, GError **error);
void herd_child_result_free (HerdChildResult *result);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdChildResult, herd_child_result_free)

G_END_DECLS
