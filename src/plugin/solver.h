// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The Solver contract: proves control of identifiers to a CA's validators. Loaded by the agent,
 * runs on its main loop, and must not block it: timers and children go through the host.
 */
#pragma once

#include <gio/gio.h>

#include "plugin/challenge.h"

G_BEGIN_DECLS

/* --- what the host gives (the core implements it, one for each solver) --- */

#define HERD_TYPE_SOLVER_HOST (herd_solver_host_get_type ())
G_DECLARE_INTERFACE (HerdSolverHost, herd_solver_host, HERD, SOLVER_HOST, GObject)

struct _HerdSolverHostInterface {
  GTypeInterface parent;

  /* Lets certherd-responder answer CHALLENGES (HerdChallenge), and no longer. answer finishes
   * when every one of them can be seen, and notes their sightings; withdraw of what is not there
   * succeeds. Errors:
   * HERD_ERROR_UNREACHABLE (no responder; its message says how to get one), class backoff. */
  void (*answer_async) (HerdSolverHost *host, GPtrArray *challenges, GCancellable *cancellable,
                        GAsyncReadyCallback callback, gpointer data);
  gboolean (*answer_finish) (HerdSolverHost *host, GAsyncResult *result, GError **error);
  void (*withdraw_async) (HerdSolverHost *host, GPtrArray *challenges, GAsyncReadyCallback callback,
                          gpointer data);
  gboolean (*withdraw_finish) (HerdSolverHost *host, GAsyncResult *result, GError **error);

  /* NAME of the configuration's [solver NAME], for messages. The host's. */
  const char *(*get_name) (HerdSolverHost *host);
  /* The value of KEY in that section, or NULL; the entries of a list with a newline between. The
   * host's for its lifetime. */
  const char *(*get_setting) (HerdSolverHost *host, const char *key);

  /* Runs the program ARGV (NULL-terminated; the first is an absolute path; no shell) in a process
   * group of its own, with ENVIRONMENT (NAME=VALUE, NULL-terminated; may be NULL), PATH and LANG and
   * nothing else, INPUT (or NULL) as its standard input, in the directory "/". A solver's programs
   * run one after another, in the order of these calls: what they write to may know no locks. The
   * group is ended when the program has run for the section's "timeout" (or 60 s), and on cancel.
   * Finishes when the program has ended; *STATUS is its exit status, 128 and the signal's number if a
   * signal ended it; *COMPLAINT (transfer full; may be NULL) the last line of its standard error or
   * output, for people, perhaps empty. Returns its standard output, at most 64 KiB (transfer full);
   * all text is cleaned. Errors: HERD_ERROR_ACTION_REQUIRED (it cannot be run),
   * HERD_ERROR_UNREACHABLE (its time was over), HERD_ERROR_CANCELLED; they name the solver and the program. */
  void (*run_async) (HerdSolverHost *host, const char *const *argv, const char *const *environment,
                     GBytes *input, GCancellable *cancellable, GAsyncReadyCallback callback,
                     gpointer data);
  char *(*run_finish) (HerdSolverHost *host, GAsyncResult *result, int *status, char **complaint,
                       GError **error);

  /* Makes one https request: METHOD ("GET", "POST", …) URL with HEADERS (NAME, VALUE, …,
   * NULL-terminated; may be NULL) and BODY (or NULL). Trusts the section's "trust" only, or the system's
   * CAs. No redirect is followed. Finishes with an answer of any HTTP *STATUS; returns its body, at most
   * 64 KiB (transfer full). Errors: HERD_ERROR_UNREACHABLE (network, DNS, TLS, time out),
   * HERD_ERROR_REFUSED (too large, a redirect, not https), HERD_ERROR_INVALID_ARGUMENT (the
   * section's trust), HERD_ERROR_CANCELLED; they name the solver and the server's host. */
  void (*request_async) (HerdSolverHost *host, const char *method, const char *url,
                         const char *const *headers, GBytes *body, GCancellable *cancellable,
                         GAsyncReadyCallback callback, gpointer data);
  GBytes *(*request_finish) (HerdSolverHost *host, GAsyncResult *result, guint *status,
                             GError **error);

  /* Where a validator that asks for NAMES (NULL-terminated) is led (RFC 8555 section 8.4: the DNS is
   * followed). Returns for each, in their order, END and ZONE: the name behind its CNAMEs (at most 8),
   * and the zone that this is in; without a dot at the end, and not checked beyond being DNS names:
   * odd bytes are escaped as \DDD or with a backslash (transfer full, NULL-terminated). Errors:
   * HERD_ERROR_UNREACHABLE (no resolver answers), HERD_ERROR_REFUSED (CNAMEs in a circle; a name in no
   * zone), HERD_ERROR_CANCELLED; they name the name. */
  void (*find_places_async) (HerdSolverHost *host, const char *const *names,
                             GCancellable *cancellable, GAsyncReadyCallback callback,
                             gpointer data);
  char **(*find_places_finish) (HerdSolverHost *host, GAsyncResult *result, GError **error);

  /* Finishes when the TXT records RECORDS (NAME, VALUE, …, NULL-terminated; CNAMEs are followed) can
   * be seen at every authoritative server that can be reached. Settings of the section:
   * "propagation-timeout" (2m), "propagation-delay" (waited after they were seen),
   * "propagation-check" ("no": only the delay is waited). Errors: HERD_ERROR_CHALLENGE_FAILED (the
   * message says which server shows what), HERD_ERROR_UNREACHABLE (no server could be asked),
   * HERD_ERROR_REFUSED (as above), HERD_ERROR_CANCELLED. */
  void (*await_txt_async) (HerdSolverHost *host, const char *const *records,
                           GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
  gboolean (*await_txt_finish) (HerdSolverHost *host, GAsyncResult *result, GError **error);
};

void herd_solver_host_answer_async (HerdSolverHost *host, GPtrArray *challenges,
                                    GCancellable *cancellable, GAsyncReadyCallback callback,
                                    gpointer data);
gboolean herd_solver_host_answer_finish (HerdSolverHost *host, GAsyncResult *result,
                                         GError **error);
void herd_solver_host_withdraw_async (HerdSolverHost *host, GPtrArray *challenges,
                                      GAsyncReadyCallback callback, gpointer data);
gboolean herd_solver_host_withdraw_finish (HerdSolverHost *host, GAsyncResult *result,
                                           GError **error);
const char *herd_solver_host_get_name (HerdSolverHost *host);
const char *herd_solver_host_get_setting (HerdSolverHost *host, const char *key);
void herd_solver_host_run_async (HerdSolverHost *host, const char *const *argv,
                                 const char *const *environment, GBytes *input,
                                 GCancellable *cancellable, GAsyncReadyCallback callback,
                                 gpointer data);
char *herd_solver_host_run_finish (HerdSolverHost *host, GAsyncResult *result, int *status,
                                   char **complaint, GError **error);
void herd_solver_host_request_async (HerdSolverHost *host, const char *method, const char *url,
                                     const char *const *headers, GBytes *body,
                                     GCancellable *cancellable, GAsyncReadyCallback callback,
                                     gpointer data);
GBytes *herd_solver_host_request_finish (HerdSolverHost *host, GAsyncResult *result, guint *status,
                                         GError **error);
void herd_solver_host_find_places_async (HerdSolverHost *host, const char *const *names,
                                         GCancellable *cancellable, GAsyncReadyCallback callback,
                                         gpointer data);
char **herd_solver_host_find_places_finish (HerdSolverHost *host, GAsyncResult *result,
                                            GError **error);
void herd_solver_host_await_txt_async (HerdSolverHost *host, const char *const *records,
                                       GCancellable *cancellable, GAsyncReadyCallback callback,
                                       gpointer data);
gboolean herd_solver_host_await_txt_finish (HerdSolverHost *host, GAsyncResult *result,
                                            GError **error);

/* --- the solver --- */

#define HERD_TYPE_SOLVER (herd_solver_get_type ())
G_DECLARE_INTERFACE (HerdSolver, herd_solver, HERD, SOLVER, GObject)

/* A solver is constructed with the property "host" (HerdSolverHost, construct-only, not owned). */
struct _HerdSolverInterface {
  GTypeInterface parent;

  /* Are the settings good? Called once, before anything else; a solver that says no is disabled, and
   * shown with what it says. NULL: there is nothing to check. Errors: HERD_ERROR_INVALID_ARGUMENT and
   * others, naming the solver, the key and what is wanted. */
  gboolean (*check) (HerdSolver *solver, GError **error);

  /* The challenge types that it can solve for IDENTIFIER, best first, NULL-terminated; static. */
  const char *const *(*get_challenge_types) (HerdSolver *solver, const char *identifier);

  /* Makes CHALLENGES (HerdChallenge; all of one order that are for this solver, in one call)
   * visible. Finishing means that a validator that came now would see every one of them. After an
   * error none needs to be visible; cleanup follows in any case. May be called again with the
   * same ones after a restart. Errors: unreachable services are transient (class backoff). */
  void (*present_async) (HerdSolver *solver, GPtrArray *challenges, GCancellable *cancellable,
                         GAsyncReadyCallback callback, gpointer data);
  gboolean (*present_finish) (HerdSolver *solver, GAsyncResult *result, GError **error);

  /* Takes them away again; also what was presented before a restart, or never. Not cancellable. */
  void (*cleanup_async) (HerdSolver *solver, GPtrArray *challenges, GAsyncReadyCallback callback,
                         gpointer data);
  gboolean (*cleanup_finish) (HerdSolver *solver, GAsyncResult *result, GError **error);
};

gboolean herd_solver_check (HerdSolver *solver, GError **error);
const char *const *herd_solver_get_challenge_types (HerdSolver *solver, const char *identifier);
void herd_solver_present_async (HerdSolver *solver, GPtrArray *challenges,
                                GCancellable *cancellable, GAsyncReadyCallback callback,
                                gpointer data);
gboolean herd_solver_present_finish (HerdSolver *solver, GAsyncResult *result, GError **error);
void herd_solver_cleanup_async (HerdSolver *solver, GPtrArray *challenges,
                                GAsyncReadyCallback callback, gpointer data);
gboolean herd_solver_cleanup_finish (HerdSolver *solver, GAsyncResult *result, GError **error);

G_END_DECLS
