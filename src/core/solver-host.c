// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A solver's host. Programs run one after another, each as a run: through the gate, run, end. The https
 * session is made for the first request.
 */
#include "core/solver-host.h"

#include "config/config.h"
#include "core/places.h"
#include "core/propagation.h"
#include "herd-config.h"
#include "net/http.h"
#include "plugin/error.h"
#include "util/child.h"
#include "util/follow.h"
#include "util/gate.h"
#include "util/steps.h"

#define RUN_TIMEOUT 60           /* seconds */
#define PROPAGATION_TIMEOUT 120  /* seconds */
#define ANSWER_LIMIT (64 * 1024) /* bytes */
#define SEARCH_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

struct _HerdCoreSolverHost {
  GObject parent;
  char *name;
  GHashTable *settings;
  HerdResponderLink *link;
  HerdDns *dns;
  HerdClock *clock;
  HerdGate *gate; /* before programs */
  HerdHttp *http; /* NULL: there was no request yet */
};

static void solver_host_iface_init (HerdSolverHostInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (HerdCoreSolverHost, herd_core_solver_host, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (HERD_TYPE_SOLVER_HOST,
                                                      solver_host_iface_init))

static const char *
host_get_name (HerdSolverHost *host)
{
  return HERD_CORE_SOLVER_HOST (host)->name;
}

static const char *
host_get_setting (HerdSolverHost *host, const char *key)
{
  return g_hash_table_lookup (HERD_CORE_SOLVER_HOST (host)->settings, key);
}

/* --- the responder --- */

static void
return_no_responder (HerdSolverHost *host, GAsyncReadyCallback callback, gpointer data)
{
  g_task_report_new_error (host, callback, data, NULL, HERD_ERROR, HERD_ERROR_UNREACHABLE,
                           "no responder is set up; set listen in [solver %s], or enable "
                           "certherd-responder.socket or certherd-responder-tls.socket",
                           HERD_CORE_SOLVER_HOST (host)->name);
}

static void
host_answer_async (HerdSolverHost *host, GPtrArray *challenges, GCancellable *cancellable,
                   GAsyncReadyCallback callback, gpointer data)
{
  HerdResponderLink *link = HERD_CORE_SOLVER_HOST (host)->link;

  if (link != NULL)
    herd_responder_link_answer_async (link, challenges, cancellable, callback, data);
  else
    return_no_responder (host, callback, data);
}

static gboolean
host_answer_finish (HerdSolverHost *host, GAsyncResult *result, GError **error)
{
  HerdResponderLink *link = HERD_CORE_SOLVER_HOST (host)->link;

  return link != NULL ? herd_responder_link_answer_finish (link, result, error)
                      : g_task_propagate_boolean (G_TASK (result), error);
}

static void
host_withdraw_async (HerdSolverHost *host, GPtrArray *challenges, GAsyncReadyCallback callback,
                     gpointer data)
{
  HerdResponderLink *link = HERD_CORE_SOLVER_HOST (host)->link;

  if (link != NULL)
    herd_responder_link_withdraw_async (link, challenges, callback, data);
  else
    return_no_responder (host, callback, data);
}

static gboolean
host_withdraw_finish (HerdSolverHost *host, GAsyncResult *result, GError **error)
{
  HerdResponderLink *link = HERD_CORE_SOLVER_HOST (host)->link;

  return link != NULL ? herd_responder_link_withdraw_finish (link, result, error)
                      : g_task_propagate_boolean (G_TASK (result), error);
}

/* --- programs --- */

typedef struct {
  HerdCoreSolverHost *host;
  GTask *task;
  HerdRun *run;
  HerdFollow *follow;
  char **argv;
  char **environment;
  GBytes *input;
  gboolean inside;
  HerdChildResult *result;
} Program;

static gboolean
gate_enter (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  Program *program = data;

  herd_gate_enter_async (program->host->gate, herd_run_get_cancellable (run), herd_run_ready,
                         herd_run_slot (run));
  return TRUE;
}

static gboolean
gate_leave (HerdRun *run, gpointer data, GError **error)
{
  Program *program = data;

  program->inside = herd_gate_enter_finish (program->host->gate, herd_run_get_result (run, 0),
                                            error);
  return program->inside;
}

/* The duration that KEY has in the section, in seconds. */
static gint64
get_seconds (HerdCoreSolverHost *host, const char *key, gint64 fallback)
{
  const char *text = g_hash_table_lookup (host->settings, key);
  gint64 seconds = fallback;

  if (text != NULL)
    herd_duration_parse (text, &seconds, NULL);
  return seconds;
}

static gboolean
run_enter (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  Program *program = data;
  const HerdChildOptions options = {
    .argv = (const char *const *) program->argv,
    .environment = (const char *const *) program->environment,
    .input = program->input,
    .timeout = (guint) get_seconds (program->host, "timeout", RUN_TIMEOUT),
  };

  herd_child_run_async (&options, program->host->clock, herd_run_get_cancellable (run),
                        herd_run_ready, herd_run_slot (run));
  return TRUE;
}

static gboolean
run_leave (HerdRun *run, gpointer data, GError **error)
{
  Program *program = data;

  program->result = herd_child_run_finish (herd_run_get_result (run, 0), error);
  return program->result != NULL;
}

static const HerdStep run_steps[] = {
  { "gate", gate_enter, gate_leave, HERD_COMMIT_NONE },
  { "run", run_enter, run_leave, HERD_COMMIT_NONE },
  { "end", NULL, NULL, HERD_COMMIT_NONE },
};

static void
program_free (Program *program)
{
  herd_follow_free (program->follow);
  if (program->inside)
    herd_gate_leave (program->host->gate);
  herd_run_unref (program->run);
  g_strfreev (program->argv);
  g_strfreev (program->environment);
  g_clear_pointer (&program->input, g_bytes_unref);
  herd_child_result_free (program->result);
  g_clear_object (&program->task);
  g_clear_object (&program->host);
  g_free (program);
}

static GError *
new_run_error (Program *program, const GError *cause)
{
  GError *error = g_error_copy (cause);
  gboolean late = g_error_matches (cause, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);

  herd_error_translate (&error, late ? HERD_ERROR_UNREACHABLE : HERD_ERROR_ACTION_REQUIRED,
                        "solver %s: %s%s", program->host->name, program->argv[0],
                        late ? "; make it faster, or set the solver's timeout" : " cannot be run");
  return error;
}

static void
on_run_finished (gpointer data, const GError *error)
{
  Program *program = data;

  /* One that has ended counts, even if it was cancelled at the last moment. Whoever asked hears of it
   * before the next one is let in, which he may want to cancel. */
  if (program->result != NULL)
    g_task_return_pointer (program->task, g_steal_pointer (&program->result),
                           (GDestroyNotify) herd_child_result_free);
  else
    g_task_return_error (program->task, new_run_error (program, error));
  program_free (program);
}

static const HerdRunOps run_ops = { .finished = on_run_finished };

static char **
make_environment (const char *const *given)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  g_strv_builder_add (builder, "PATH=" SEARCH_PATH);
  g_strv_builder_add (builder, "LANG=C.UTF-8");
  if (given != NULL)
    g_strv_builder_addv (builder, (const char **) given);
  return g_strv_builder_end (builder);
}

static void
host_run_async (HerdSolverHost *host, const char *const *argv, const char *const *environment,
                GBytes *input, GCancellable *cancellable, GAsyncReadyCallback callback,
                gpointer data)
{
  HerdCoreSolverHost *self = HERD_CORE_SOLVER_HOST (host);
  Program *program = g_new0 (Program, 1);

  program->host = g_object_ref (self);
  program->task = g_task_new (host, cancellable, callback, data);
  g_task_set_check_cancellable (program->task, FALSE);
  program->argv = g_strdupv ((char **) argv);
  program->environment = make_environment (environment);
  program->input = input != NULL ? g_bytes_ref (input) : NULL;
  program->run = herd_run_new ("solver-program", run_steps, G_N_ELEMENTS (run_steps), &run_ops,
                               program, self->clock, NULL);
  herd_run_start (program->run, NULL);
  program->follow = herd_follow_new (program->run, cancellable);
}

static char *
host_run_finish (HerdSolverHost *host G_GNUC_UNUSED, GAsyncResult *result, int *status,
                 char **complaint, GError **error)
{
  g_autoptr (HerdChildResult) child = g_task_propagate_pointer (G_TASK (result), error);

  if (child == NULL)
    return NULL;
  *status = child->status;
  if (complaint != NULL)
    *complaint = g_steal_pointer (&child->complaint);
  return g_steal_pointer (&child->output);
}

/* --- requests --- */

static gboolean
ensure_http (HerdCoreSolverHost *host, GError **error)
{
  const HerdHttpOptions options = {
    .user_agent = "certherd/" HERD_VERSION,
    .trust = g_hash_table_lookup (host->settings, "trust"),
    .clock = host->clock,
  };

  if (host->http == NULL)
    host->http = herd_http_new (&options, error);
  herd_error_translate (error, HERD_ERROR_INVALID_ARGUMENT, "solver %s", host->name);
  return host->http != NULL;
}

static void
on_response (GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  HerdCoreSolverHost *host = g_task_get_source_object (task);
  GError *error = NULL;
  HerdHttpResponse *response = herd_http_send_finish (host->http, result, &error);

  if (response != NULL)
    g_task_return_pointer (task, response, (GDestroyNotify) herd_http_response_free);
  else
    g_task_return_error (task, error);
}

static void
host_request_async (HerdSolverHost *host, const char *method, const char *url,
                    const char *const *headers, GBytes *body, GCancellable *cancellable,
                    GAsyncReadyCallback callback, gpointer data)
{
  HerdCoreSolverHost *self = HERD_CORE_SOLVER_HOST (host);
  g_autofree char *label = g_strconcat ("solver ", self->name, NULL);
  g_autoptr (GTask) task = g_task_new (host, cancellable, callback, data);
  const HerdHttpRequest request = {
    .label = label,
    .method = method,
    .url = url,
    .headers = headers,
    .body = body,
    .limit = ANSWER_LIMIT,
  };
  GError *error = NULL;

  g_task_set_check_cancellable (task, FALSE);
  if (ensure_http (self, &error))
    herd_http_send_async (self->http, &request, cancellable, on_response, g_steal_pointer (&task));
  else
    g_task_return_error (task, error);
}

static GBytes *
host_request_finish (HerdSolverHost *host G_GNUC_UNUSED, GAsyncResult *result, guint *status,
                     GError **error)
{
  g_autoptr (HerdHttpResponse) response = g_task_propagate_pointer (G_TASK (result), error);

  if (response == NULL)
    return NULL;
  *status = herd_http_response_get_status (response);
  return g_bytes_ref (herd_http_response_get_body (response));
}

/* --- the DNS --- */

static void
host_find_places_async (HerdSolverHost *host, const char *const *names, GCancellable *cancellable,
                        GAsyncReadyCallback callback, gpointer data)
{
  herd_places_find_async (HERD_CORE_SOLVER_HOST (host)->dns, names, cancellable, callback, data);
}

static char **
host_find_places_finish (HerdSolverHost *host G_GNUC_UNUSED, GAsyncResult *result, GError **error)
{
  return herd_places_find_finish (result, error);
}

static void
host_await_txt_async (HerdSolverHost *host, const char *const *records, GCancellable *cancellable,
                      GAsyncReadyCallback callback, gpointer data)
{
  HerdCoreSolverHost *self = HERD_CORE_SOLVER_HOST (host);
  const char *check = g_hash_table_lookup (self->settings, "propagation-check");
  const HerdPropagationRules rules = {
    .check = g_strcmp0 (check, "no") != 0,
    .timeout = get_seconds (self, "propagation-timeout", PROPAGATION_TIMEOUT) * HERD_SECOND,
    .delay = get_seconds (self, "propagation-delay", 0) * HERD_SECOND,
  };

  herd_propagation_await_async (self->dns, records, &rules, cancellable, callback, data);
}

static gboolean
host_await_txt_finish (HerdSolverHost *host G_GNUC_UNUSED, GAsyncResult *result, GError **error)
{
  return herd_propagation_await_finish (result, error);
}

static void
solver_host_iface_init (HerdSolverHostInterface *iface)
{
  iface->answer_async = host_answer_async;
  iface->answer_finish = host_answer_finish;
  iface->withdraw_async = host_withdraw_async;
  iface->withdraw_finish = host_withdraw_finish;
  iface->get_name = host_get_name;
  iface->get_setting = host_get_setting;
  iface->run_async = host_run_async;
  iface->run_finish = host_run_finish;
  iface->request_async = host_request_async;
  iface->request_finish = host_request_finish;
  iface->find_places_async = host_find_places_async;
  iface->find_places_finish = host_find_places_finish;
  iface->await_txt_async = host_await_txt_async;
  iface->await_txt_finish = host_await_txt_finish;
}

/* --- life --- */

static void
herd_core_solver_host_finalize (GObject *object)
{
  HerdCoreSolverHost *host = HERD_CORE_SOLVER_HOST (object);

  g_clear_pointer (&host->http, herd_http_free);
  g_clear_pointer (&host->gate, herd_gate_free);
  g_clear_pointer (&host->settings, g_hash_table_unref);
  g_clear_pointer (&host->dns, herd_dns_unref);
  g_clear_pointer (&host->clock, herd_clock_unref);
  g_free (host->name);
  G_OBJECT_CLASS (herd_core_solver_host_parent_class)->finalize (object);
}

static void
herd_core_solver_host_class_init (HerdCoreSolverHostClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = herd_core_solver_host_finalize;
}

static void
herd_core_solver_host_init (HerdCoreSolverHost *host)
{
  host->gate = herd_gate_new (1);
}

HerdCoreSolverHost *
herd_core_solver_host_new (const char *name, GVariant *values, HerdResponderLink *link,
                           HerdDns *dns, HerdClock *clock)
{
  HerdCoreSolverHost *host = g_object_new (HERD_TYPE_CORE_SOLVER_HOST, NULL);

  host->name = g_strdup (name);
  host->settings = herd_config_make_settings (values);
  host->link = link;
  host->dns = herd_dns_ref (dns);
  host->clock = herd_clock_ref (clock);
  return host;
}
