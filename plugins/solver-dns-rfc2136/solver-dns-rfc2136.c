// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * solver-dns-rfc2136: proves control of names by TXT records that it adds with signed dynamic updates (RFC
 * 8555 section 8.4, RFC 2136, RFC 8945) and takes away again, one by one. BIND's nsupdate speaks to the
 * server. Loaded by the agent; main loop only.
 */
#include <string.h>

#include "key.h"
#include "plugin/error.h"
#include "plugin/identifier.h"
#include "plugin/plugin.h"
#include "plugin/solver.h"
#include "update.h"

#ifndef NSUPDATE
#define NSUPDATE "/usr/bin/nsupdate"
#endif
#define PATIENCE "30" /* seconds for one update, if the section's timeout is not shorter */
#define TTL 60        /* seconds */

#define HERD_TYPE_SOLVER_DNS_RFC2136 (herd_solver_dns_rfc2136_get_type ())
G_DECLARE_FINAL_TYPE (HerdSolverDnsRfc2136, herd_solver_dns_rfc2136, HERD, SOLVER_DNS_RFC2136,
                      GObject)

struct _HerdSolverDnsRfc2136 {
  GObject parent;
  HerdSolverHost *host; /* not owned: it owns us */
};

static void herd_solver_dns_rfc2136_iface_init (HerdSolverInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (HerdSolverDnsRfc2136, herd_solver_dns_rfc2136, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (HERD_TYPE_SOLVER,
                                                      herd_solver_dns_rfc2136_iface_init))

enum {
  PROP_0,
  PROP_HOST,
};

static const char *
get_setting (HerdSolverDnsRfc2136 *solver, const char *key)
{
  return herd_solver_host_get_setting (solver->host, key);
}

static UpdateKey *
read_key (HerdSolverDnsRfc2136 *solver, GError **error)
{
  return update_key_read (get_setting (solver, "key-file"), get_setting (solver, "key-name"),
                          get_setting (solver, "key-algorithm"), error);
}

static gboolean
check_program (GError **error)
{
  if (g_file_test (NSUPDATE, G_FILE_TEST_IS_EXECUTABLE))
    return TRUE;
  g_set_error (error, HERD_ERROR, HERD_ERROR_ACTION_REQUIRED,
               "%s is missing; install bind9-dnsutils (Debian) or bind-utils (Fedora, SUSE)",
               NSUPDATE);
  return FALSE;
}

static gboolean
rfc2136_check (HerdSolver *solver, GError **error)
{
  static const char *const required[] = { "server", "key-file" };
  HerdSolverDnsRfc2136 *self = HERD_SOLVER_DNS_RFC2136 (solver);
  g_autoptr (UpdateKey) key = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (required); i++) {
    if (get_setting (self, required[i]) == NULL) {
      g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
                   "[solver %s] has no %s; it needs server and key-file",
                   herd_solver_host_get_name (self->host), required[i]);
      return FALSE;
    }
  }
  if (check_program (error))
    key = read_key (self, error);
  if (key == NULL)
    g_prefix_error (error, "[solver %s]: ", herd_solver_host_get_name (self->host));
  return key != NULL;
}

/* Names only, wildcards too (RFC 8555 section 8.4, RFC 8738 section 7). */
static const char *const *
rfc2136_get_challenge_types (HerdSolver *solver G_GNUC_UNUSED, const char *identifier)
{
  static const char *const dns_01[] = { "dns-01", NULL };

  return g_str_equal (herd_identifier_get_type_name (identifier), "dns") ? dns_01 : dns_01 + 1;
}

/* --- one call: a table of steps, each with a batch of the host's calls --- */

typedef struct Job Job;

typedef struct {
  /* Starts calls with on_answer() and job_slot(). FALSE: it cannot. */
  gboolean (*start) (Job *job, GError **error);
  /* Reads one answer. */
  gboolean (*take) (Job *job, GAsyncResult *result, gpointer item, GError **error);
} Step;

struct Job {
  HerdSolverDnsRfc2136 *solver;
  GTask *task;
  gboolean add;
  GPtrArray *records; /* char *: NAME, VALUE, …, NULL */
  char **places;      /* END, ZONE, … of the same order */
  UpdateKey *key;
  GPtrArray *updates; /* Update */
  guint step;
  guint waiting; /* calls without an answer; one more while they are being started */
  GError *error; /* the first */
};

typedef struct {
  Job *job;
  gpointer item;
} Slot;

static void
job_free (gpointer data)
{
  Job *job = data;

  g_object_unref (job->solver);
  g_ptr_array_unref (job->records);
  g_strfreev (job->places);
  update_key_free (job->key);
  g_ptr_array_unref (job->updates);
  g_clear_error (&job->error);
  g_free (job);
}

static gpointer
job_slot (Job *job, gpointer item)
{
  Slot *slot = g_new0 (Slot, 1);

  slot->job = job;
  slot->item = item;
  job->waiting++;
  return slot;
}

static void on_answer (GObject *source, GAsyncResult *result, gpointer data);

static gboolean
places_start (Job *job, GError **error G_GNUC_UNUSED)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();

  for (guint i = 0; i + 1 < job->records->len; i += 2)
    g_ptr_array_add (names, job->records->pdata[i]);
  g_ptr_array_add (names, NULL);
  herd_solver_host_find_places_async (job->solver->host, (const char *const *) names->pdata,
                                      g_task_get_cancellable (job->task), on_answer,
                                      job_slot (job, NULL));
  return TRUE;
}

static gboolean
places_take (Job *job, GAsyncResult *result, gpointer item G_GNUC_UNUSED, GError **error)
{
  job->places = herd_solver_host_find_places_finish (job->solver->host, result, error);
  return job->places != NULL;
}

static Update *
ensure_update (Job *job, const char *zone)
{
  for (guint i = 0; i < job->updates->len; i++) {
    Update *update = job->updates->pdata[i];

    if (g_str_equal (update->zone, zone))
      return update;
  }
  g_ptr_array_add (job->updates, update_new (zone));
  return job->updates->pdata[job->updates->len - 1];
}

/* By zone, since a message is for one zone. */
static gboolean
group (Job *job, GError **error)
{
  const char *zone = get_setting (job->solver, "zone");

  for (guint i = 0; job->places[i] != NULL; i += 2) {
    Update *update = ensure_update (job, zone != NULL ? zone : job->places[i + 1]);

    if (!update_add (update, job->places[i], job->records->pdata[i + 1], error))
      return FALSE;
  }
  return TRUE;
}

static guint
get_ttl (HerdSolverDnsRfc2136 *solver)
{
  const char *text = get_setting (solver, "ttl");
  guint64 ttl = TTL;

  if (text != NULL)
    g_ascii_string_to_unsigned (text, 10, 1, 86400, &ttl, NULL);
  return (guint) ttl;
}

static gboolean
update_start (Job *job, GError **error)
{
  /* Over TCP: a signed message of several records may not fit a datagram. */
  static const char *const argv[] = { NSUPDATE, "-v", "-t", PATIENCE, NULL };

  if (!check_program (error) || !group (job, error))
    return FALSE;
  job->key = read_key (job->solver, error);
  if (job->key == NULL)
    return FALSE;
  for (guint i = 0; i < job->updates->len; i++) {
    Update *update = job->updates->pdata[i];
    g_autoptr (GBytes) input = update_write (update, get_setting (job->solver, "server"), job->key,
                                             get_ttl (job->solver), job->add);

    herd_solver_host_run_async (job->solver->host, argv, NULL, input,
                                g_task_get_cancellable (job->task), on_answer,
                                job_slot (job, update));
  }
  return TRUE;
}

static gboolean
update_take (Job *job, GAsyncResult *result, gpointer item, GError **error)
{
  g_autofree char *complaint = NULL;
  int status = 0;
  g_autofree char *output = herd_solver_host_run_finish (job->solver->host, result, &status,
                                                         &complaint, error);

  if (output == NULL)
    return FALSE;
  if (status == 0)
    return TRUE;
  g_propagate_error (error, update_explain (item, get_setting (job->solver, "server"), job->key,
                                            status, complaint));
  return FALSE;
}

static gboolean
await_start (Job *job, GError **error G_GNUC_UNUSED)
{
  if (job->add)
    herd_solver_host_await_txt_async (job->solver->host, (const char *const *) job->records->pdata,
                                      g_task_get_cancellable (job->task), on_answer,
                                      job_slot (job, NULL));
  return TRUE;
}

static gboolean
await_take (Job *job, GAsyncResult *result, gpointer item G_GNUC_UNUSED, GError **error)
{
  return herd_solver_host_await_txt_finish (job->solver->host, result, error);
}

static const Step steps[] = {
  { places_start, places_take },
  { update_start, update_take },
  { await_start, await_take },
};

static void
job_end (Job *job)
{
  g_autoptr (GTask) task = g_steal_pointer (&job->task);

  if (job->error != NULL) {
    g_prefix_error (&job->error, "solver %s: ", herd_solver_host_get_name (job->solver->host));
    g_task_return_error (task, g_steal_pointer (&job->error));
  } else {
    g_task_return_boolean (task, TRUE);
  }
  job_free (job);
}

/* Goes on as far as there is nothing to wait for. */
static void
job_walk (Job *job)
{
  while (job->waiting == 0 && job->error == NULL && job->step < G_N_ELEMENTS (steps)) {
    job->waiting = 1;
    steps[job->step].start (job, &job->error);
    if (--job->waiting == 0)
      job->step++;
  }
  if (job->waiting == 0)
    job_end (job);
}

static void
on_answer (GObject *source G_GNUC_UNUSED, GAsyncResult *result, gpointer data)
{
  g_autofree Slot *slot = data;
  Job *job = slot->job;
  g_autoptr (GError) error = NULL;

  if (!steps[job->step].take (job, result, slot->item, &error) && job->error == NULL)
    job->error = g_steal_pointer (&error);
  if (--job->waiting > 0)
    return;
  job->step++;
  job_walk (job);
}

static void
start_job (HerdSolver *solver, GPtrArray *challenges, gboolean add, GCancellable *cancellable,
           GAsyncReadyCallback callback, gpointer data)
{
  Job *job = g_new0 (Job, 1);

  job->solver = g_object_ref (HERD_SOLVER_DNS_RFC2136 (solver));
  job->task = g_task_new (solver, cancellable, callback, data);
  /* What was added although it was cancelled has to be taken away: the answers decide. */
  g_task_set_check_cancellable (job->task, FALSE);
  job->add = add;
  job->updates = g_ptr_array_new_with_free_func ((GDestroyNotify) update_free);
  job->records = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < challenges->len; i++) {
    g_ptr_array_add (job->records, herd_challenge_get_dns_name (challenges->pdata[i]));
    g_ptr_array_add (job->records, herd_challenge_get_dns_value (challenges->pdata[i]));
  }
  g_ptr_array_add (job->records, NULL);
  job_walk (job);
}

static void
rfc2136_present_async (HerdSolver *solver, GPtrArray *challenges, GCancellable *cancellable,
                       GAsyncReadyCallback callback, gpointer data)
{
  start_job (solver, challenges, TRUE, cancellable, callback, data);
}

static void
rfc2136_cleanup_async (HerdSolver *solver, GPtrArray *challenges, GAsyncReadyCallback callback,
                       gpointer data)
{
  start_job (solver, challenges, FALSE, NULL, callback, data);
}

static gboolean
rfc2136_finish (HerdSolver *solver G_GNUC_UNUSED, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
herd_solver_dns_rfc2136_iface_init (HerdSolverInterface *iface)
{
  iface->check = rfc2136_check;
  iface->get_challenge_types = rfc2136_get_challenge_types;
  iface->present_async = rfc2136_present_async;
  iface->present_finish = rfc2136_finish;
  iface->cleanup_async = rfc2136_cleanup_async;
  iface->cleanup_finish = rfc2136_finish;
}

static void
rfc2136_set_property (GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  if (id == PROP_HOST)
    HERD_SOLVER_DNS_RFC2136 (object)->host = g_value_get_object (value);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
}

static void
rfc2136_get_property (GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  if (id == PROP_HOST)
    g_value_set_object (value, HERD_SOLVER_DNS_RFC2136 (object)->host);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
}

static void
herd_solver_dns_rfc2136_class_init (HerdSolverDnsRfc2136Class *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->set_property = rfc2136_set_property;
  object_class->get_property = rfc2136_get_property;
  g_object_class_override_property (object_class, PROP_HOST, "host");
}

static void
herd_solver_dns_rfc2136_init (HerdSolverDnsRfc2136 *solver G_GNUC_UNUSED)
{}

HERD_PLUGIN_DEFINE ("solver", "dns-rfc2136", herd_solver_dns_rfc2136_get_type)
