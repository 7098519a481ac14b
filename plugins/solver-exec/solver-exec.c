// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * solver-exec: lets a program of the administrator's prove control, by its own convention, or with a
 * hook that was written for certbot or dehydrated. Loaded by the agent; main loop only.
 */
#include <string.h>

#include "conventions.h"
#include "plugin/error.h"
#include "plugin/plugin.h"
#include "solver-base.h"
#include "work.h"

#define STATUS_RETRY 75 /* EX_TEMPFAIL of sysexits.h */

#define HERD_TYPE_SOLVER_EXEC (herd_solver_exec_get_type ())
G_DECLARE_FINAL_TYPE (HerdSolverExec, herd_solver_exec, HERD, SOLVER_EXEC, GObject)

struct _HerdSolverExec {
  HerdSolverBase base;
  const char *type; /* the host's */
  Convention convention;
  char **command;
  char **cleanup_command; /* NULL: there is nothing to be run */
  GHashTable *outputs;    /* HerdChallenge → what certbot's authentication hook had printed */
};

static void herd_solver_exec_iface_init (HerdSolverInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (HerdSolverExec, herd_solver_exec, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (HERD_TYPE_SOLVER,
                                                      herd_solver_exec_iface_init))

/* --- settings --- */

static Convention
parse_convention (const char *word)
{
  if (g_strcmp0 (word, "certbot") == 0)
    return CONVENTION_CERTBOT;
  return g_strcmp0 (word, "dehydrated") == 0 ? CONVENTION_DEHYDRATED : CONVENTION_CERTHERD;
}

static gboolean
exec_check (HerdSolver *solver, GError **error)
{
  HerdSolverExec *self = HERD_SOLVER_EXEC (solver);
  HerdSolverBase *base = &self->base;
  const char *command = herd_solver_base_get (base, "command");
  const char *cleanup = herd_solver_base_get (base, "cleanup-command");

  self->type = herd_solver_base_get (base, "type");
  self->convention = parse_convention (herd_solver_base_get (base, "convention"));
  if (command == NULL)
    return herd_solver_base_fail (base, "command", "the absolute path of a program is needed",
                                  error);
  if (self->type == NULL)
    return herd_solver_base_fail (base, "type", "say which: dns-01, http-01 or tls-alpn-01", error);
  if (self->convention != CONVENTION_CERTHERD && g_str_equal (self->type, "tls-alpn-01"))
    return herd_solver_base_fail (base, "type", "the convention has no tls-alpn-01; leave it out",
                                  error);
  if (self->convention != CONVENTION_CERTBOT && cleanup != NULL)
    return herd_solver_base_fail (
        base, "cleanup-command", "only the convention certbot has one; the others call the command",
        error);
  if (self->convention != CONVENTION_DEHYDRATED
      && herd_solver_base_get (base, "hook-chain") != NULL)
    return herd_solver_base_fail (base, "hook-chain", "only the convention dehydrated has one",
                                  error);
  self->command = g_strsplit (command, "\n", -1);
  if (self->convention != CONVENTION_CERTBOT)
    self->cleanup_command = g_strdupv (self->command);
  else if (cleanup != NULL)
    self->cleanup_command = g_strsplit (cleanup, "\n", -1);
  return TRUE;
}

static const char *const *
exec_get_challenge_types (HerdSolver *solver, const char *identifier)
{
  return herd_solver_base_list_type (HERD_SOLVER_EXEC (solver)->type, identifier);
}

/* --- one present() or cleanup() --- */

typedef struct {
  HerdSolverExec *solver; /* the work holds it */
  Action action;
  GPtrArray *challenges;
  GPtrArray *calls; /* Call; none where there is no program to be run */
} Job;

static void
job_free (gpointer data)
{
  Job *job = data;

  g_ptr_array_unref (job->challenges);
  g_ptr_array_unref (job->calls);
  g_free (job);
}

/* certbot gives a clean-up hook what the other one had printed. What was printed before a restart of the
 * agent is not known any more. */
static void
add_output (HerdSolverExec *solver, Call *call)
{
  const char *output = g_hash_table_lookup (solver->outputs, call->challenges->pdata[0]);

  call_set (call, "CERTBOT_AUTH_OUTPUT", output != NULL ? output : "");
}

/* Takes OUTPUT. */
static void
keep_output (HerdSolverExec *solver, const Call *call, char *output)
{
  g_hash_table_replace (solver->outputs, herd_challenge_ref (call->challenges->pdata[0]),
                        g_strstrip (output));
}

/* The calls of a row are not made at the same time: the host runs them one after another. */
static gboolean
run_enter (HerdWork *work, gpointer data, GError **error)
{
  Job *job = data;

  for (guint i = 0; i < job->calls->len; i++) {
    Call *call = job->calls->pdata[i];

    if (job->solver->convention == CONVENTION_CERTBOT && job->action == ACTION_CLEANUP)
      add_output (job->solver, call);
    herd_solver_host_run_async (job->solver->base.host, (const char *const *) call->argv,
                                (const char *const *) call->environment, call->input,
                                herd_work_get_cancellable (work), herd_work_ready,
                                herd_work_slot (work));
  }
  return TRUE;
}

static gboolean
judge (Job *job, const Call *call, int status, const char *complaint, GError **error)
{
  g_autofree char *whom = herd_solver_base_describe (call->challenges);
  const char *said = *complaint != '\0' ? complaint : "it did not say why";
  const char *name = herd_solver_host_get_name (job->solver->base.host);

  if (status == 0)
    return TRUE;
  if (status == STATUS_RETRY)
    g_set_error (error, HERD_ERROR, HERD_ERROR_BUSY, "solver %s: %s wants %s later: %s", name,
                 call->argv[0], whom, said);
  else
    g_set_error (error, HERD_ERROR, HERD_ERROR_CHALLENGE_FAILED,
                 "solver %s: %s could not %s %s (exit status %d): %s", name, call->argv[0],
                 job->action == ACTION_PRESENT ? "present" : "clean up", whom, status, said);
  return FALSE;
}

static gboolean
run_leave (HerdWork *work, gpointer data, guint index, GAsyncResult *result, GError **error)
{
  Job *job = data;
  const Call *call = job->calls->pdata[index];
  g_autofree char *complaint = NULL;
  g_autofree char *output = NULL;
  int status = 0;

  output = herd_solver_host_run_finish (job->solver->base.host, result, &status, &complaint, error);
  if (output == NULL || !judge (job, call, status, complaint, error))
    return FALSE;
  if (job->action == ACTION_PRESENT && job->solver->convention == CONVENTION_CERTBOT)
    keep_output (job->solver, call, g_steal_pointer (&output));
  return TRUE;
}

/* A program that is done may have told a server that has yet to tell others. */
static gboolean
await_enter (HerdWork *work, gpointer data, GError **error)
{
  Job *job = data;
  g_auto (GStrv) records = NULL;

  if (!g_str_equal (job->solver->type, "dns-01"))
    return TRUE;
  records = herd_solver_base_make_records (job->challenges);
  herd_solver_host_await_txt_async (job->solver->base.host, (const char *const *) records,
                                    herd_work_get_cancellable (work), herd_work_ready,
                                    herd_work_slot (work));
  return TRUE;
}

static gboolean
await_leave (HerdWork *work, gpointer data, guint index, GAsyncResult *result, GError **error)
{
  Job *job = data;

  if (herd_solver_host_await_txt_finish (job->solver->base.host, result, error))
    return TRUE;
  g_prefix_error (error, "solver %s: ", herd_solver_host_get_name (job->solver->base.host));
  return FALSE;
}

static gboolean
forget_enter (HerdWork *work, gpointer data, GError **error)
{
  Job *job = data;

  for (guint i = 0; i < job->challenges->len; i++)
    g_hash_table_remove (job->solver->outputs, job->challenges->pdata[i]);
  return TRUE;
}

static const HerdWorkStep present_steps[] = { { run_enter, run_leave },
                                              { await_enter, await_leave } };
static const HerdWorkStep cleanup_steps[] = { { run_enter, run_leave }, { forget_enter, NULL } };

static Job *
job_new (HerdSolverExec *solver, Action action, char **command, GPtrArray *challenges)
{
  Job *job = g_new0 (Job, 1);
  const Batch batch = {
    .convention = solver->convention,
    .action = action,
    .solver = herd_solver_host_get_name (solver->base.host),
    .type = solver->type,
    .command = command,
    .chain = herd_solver_base_get_switch (&solver->base, "hook-chain"),
    .challenges = challenges,
  };

  job->solver = solver;
  job->action = action;
  job->challenges = g_ptr_array_ref (challenges);
  job->calls = command != NULL && challenges->len > 0 ? calls_new (&batch) : g_ptr_array_new ();
  return job;
}

static void
exec_present_async (HerdSolver *solver, GPtrArray *challenges, GCancellable *cancellable,
                    GAsyncReadyCallback callback, gpointer data)
{
  HerdSolverExec *self = HERD_SOLVER_EXEC (solver);

  herd_work_start (solver, present_steps, G_N_ELEMENTS (present_steps), HERD_WORK_STOPS,
                   job_new (self, ACTION_PRESENT, self->command, challenges), job_free, cancellable,
                   callback, data);
}

static void
exec_cleanup_async (HerdSolver *solver, GPtrArray *challenges, GAsyncReadyCallback callback,
                    gpointer data)
{
  HerdSolverExec *self = HERD_SOLVER_EXEC (solver);

  herd_work_start (solver, cleanup_steps, G_N_ELEMENTS (cleanup_steps), HERD_WORK_GOES_ON,
                   job_new (self, ACTION_CLEANUP, self->cleanup_command, challenges), job_free,
                   NULL, callback, data);
}

static gboolean
exec_finish (HerdSolver *solver, GAsyncResult *result, GError **error)
{
  return herd_work_finish (result, error);
}

static void
herd_solver_exec_iface_init (HerdSolverInterface *iface)
{
  iface->check = exec_check;
  iface->get_challenge_types = exec_get_challenge_types;
  iface->present_async = exec_present_async;
  iface->present_finish = exec_finish;
  iface->cleanup_async = exec_cleanup_async;
  iface->cleanup_finish = exec_finish;
}

static void
exec_finalize (GObject *object)
{
  HerdSolverExec *self = HERD_SOLVER_EXEC (object);

  g_strfreev (self->command);
  g_strfreev (self->cleanup_command);
  g_hash_table_unref (self->outputs);
  G_OBJECT_CLASS (herd_solver_exec_parent_class)->finalize (object);
}

static void
herd_solver_exec_class_init (HerdSolverExecClass *klass)
{
  herd_solver_base_class_init (G_OBJECT_CLASS (klass));
  G_OBJECT_CLASS (klass)->finalize = exec_finalize;
}

static void
herd_solver_exec_init (HerdSolverExec *solver)
{
  solver->outputs = g_hash_table_new_full (herd_challenge_hash, herd_challenge_equal,
                                           (GDestroyNotify) herd_challenge_unref, g_free);
}

HERD_PLUGIN_DEFINE ("solver", "exec", herd_solver_exec_get_type)
