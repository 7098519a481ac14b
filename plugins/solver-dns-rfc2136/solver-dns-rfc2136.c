// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * solver-dns-rfc2136: proves control of names by TXT records that it adds with signed dynamic updates (RFC
 * 8555 section 8.4, RFC 2136, RFC 8945) and takes away again, one by one. BIND's nsupdate speaks to the
 * server. Loaded by the agent; main loop only.
 */
#include "key.h"
#include "plugin/error.h"
#include "plugin/plugin.h"
#include "solver-base.h"
#include "update.h"
#include "work.h"

#ifndef NSUPDATE
#define NSUPDATE "/usr/bin/nsupdate"
#endif
#define PATIENCE "30" /* seconds for one update, if the section's timeout is not shorter */
#define TTL 60        /* seconds */

#define HERD_TYPE_SOLVER_DNS_RFC2136 (herd_solver_dns_rfc2136_get_type ())
G_DECLARE_FINAL_TYPE (HerdSolverDnsRfc2136, herd_solver_dns_rfc2136, HERD, SOLVER_DNS_RFC2136,
                      GObject)

struct _HerdSolverDnsRfc2136 {
  HerdSolverBase base;
};

static void herd_solver_dns_rfc2136_iface_init (HerdSolverInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (HerdSolverDnsRfc2136, herd_solver_dns_rfc2136, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (HERD_TYPE_SOLVER,
                                                      herd_solver_dns_rfc2136_iface_init))

static const char *
get_setting (HerdSolverDnsRfc2136 *solver, const char *key)
{
  return herd_solver_base_get (&solver->base, key);
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
    if (get_setting (self, required[i]) == NULL)
      return herd_solver_base_fail (&self->base, required[i],
                                    "is missing; server and key-file are needed", error);
  }
  if (check_program (error))
    key = read_key (self, error);
  if (key == NULL)
    g_prefix_error (error, "solver %s: ", herd_solver_host_get_name (self->base.host));
  return key != NULL;
}

static const char *const *
rfc2136_get_challenge_types (HerdSolver *solver G_GNUC_UNUSED, const char *identifier)
{
  return herd_solver_base_list_type ("dns-01", identifier);
}

/* --- one call --- */

typedef struct {
  HerdSolverDnsRfc2136 *solver;
  gboolean add;
  char **records; /* NAME, VALUE, … */
  char **places;  /* END, ZONE, … of the same order; NULL: not found */
  UpdateKey *key;
  GPtrArray *updates; /* Update */
} Job;

static void
job_free (gpointer data)
{
  Job *job = data;

  g_strfreev (job->records);
  g_strfreev (job->places);
  update_key_free (job->key);
  g_ptr_array_unref (job->updates);
  g_free (job);
}

static gboolean
tell (Job *job, GError **error)
{
  g_prefix_error (error, "solver %s: ", herd_solver_host_get_name (job->solver->base.host));
  return FALSE;
}

static gboolean
places_enter (HerdWork *work, gpointer data, GError **error G_GNUC_UNUSED)
{
  Job *job = data;
  g_autoptr (GPtrArray) names = g_ptr_array_new ();

  for (char **record = job->records; *record != NULL; record += 2)
    g_ptr_array_add (names, *record);
  g_ptr_array_add (names, NULL);
  herd_solver_host_find_places_async (job->solver->base.host, (const char *const *) names->pdata,
                                      herd_work_get_cancellable (work), herd_work_ready,
                                      herd_work_slot (work));
  return TRUE;
}

static gboolean
places_leave (HerdWork *work G_GNUC_UNUSED, gpointer data, guint index G_GNUC_UNUSED,
              GAsyncResult *result, GError **error)
{
  Job *job = data;

  job->places = herd_solver_host_find_places_finish (job->solver->base.host, result, error);
  return job->places != NULL || tell (job, error);
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

    if (!update_add (update, job->places[i], job->records[i + 1], error))
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
update_enter (HerdWork *work, gpointer data, GError **error)
{
  /* Over TCP: a signed message of several records may not fit a datagram. */
  static const char *const argv[] = { NSUPDATE, "-v", "-t", PATIENCE, NULL };
  Job *job = data;

  if (job->places == NULL) /* told already */
    return TRUE;
  if (!check_program (error) || !group (job, error))
    return tell (job, error);
  job->key = read_key (job->solver, error);
  if (job->key == NULL)
    return tell (job, error);
  for (guint i = 0; i < job->updates->len; i++) {
    g_autoptr (GBytes)
        input = update_write (job->updates->pdata[i], get_setting (job->solver, "server"), job->key,
                              get_ttl (job->solver), job->add);

    herd_solver_host_run_async (job->solver->base.host, argv, NULL, input,
                                herd_work_get_cancellable (work), herd_work_ready,
                                herd_work_slot (work));
  }
  return TRUE;
}

static gboolean
update_leave (HerdWork *work G_GNUC_UNUSED, gpointer data, guint index, GAsyncResult *result,
              GError **error)
{
  Job *job = data;
  g_autofree char *complaint = NULL;
  int status = 0;
  g_autofree char *output = herd_solver_host_run_finish (job->solver->base.host, result, &status,
                                                         &complaint, error);

  if (output == NULL) /* the host names the solver */
    return FALSE;
  if (status == 0)
    return TRUE;
  g_propagate_error (error, update_explain (job->updates->pdata[index],
                                            get_setting (job->solver, "server"), job->key, status,
                                            complaint));
  return tell (job, error);
}

static gboolean
await_enter (HerdWork *work, gpointer data, GError **error G_GNUC_UNUSED)
{
  Job *job = data;

  herd_solver_host_await_txt_async (job->solver->base.host, (const char *const *) job->records,
                                    herd_work_get_cancellable (work), herd_work_ready,
                                    herd_work_slot (work));
  return TRUE;
}

static gboolean
await_leave (HerdWork *work G_GNUC_UNUSED, gpointer data, guint index G_GNUC_UNUSED,
             GAsyncResult *result, GError **error)
{
  Job *job = data;

  return herd_solver_host_await_txt_finish (job->solver->base.host, result, error)
         || tell (job, error);
}

static const HerdWorkStep present_steps[] = { { places_enter, places_leave },
                                              { update_enter, update_leave },
                                              { await_enter, await_leave } };
static const HerdWorkStep cleanup_steps[] = { { places_enter, places_leave },
                                              { update_enter, update_leave } };

static Job *
job_new (HerdSolver *solver, GPtrArray *challenges, gboolean add)
{
  Job *job = g_new0 (Job, 1);

  job->solver = HERD_SOLVER_DNS_RFC2136 (solver);
  job->add = add;
  job->records = herd_solver_base_make_records (challenges);
  job->updates = g_ptr_array_new_with_free_func ((GDestroyNotify) update_free);
  return job;
}

static void
rfc2136_present_async (HerdSolver *solver, GPtrArray *challenges, GCancellable *cancellable,
                       GAsyncReadyCallback callback, gpointer data)
{
  herd_work_start (solver, present_steps, G_N_ELEMENTS (present_steps), HERD_WORK_STOPS,
                   job_new (solver, challenges, TRUE), job_free, cancellable, callback, data);
}

static void
rfc2136_cleanup_async (HerdSolver *solver, GPtrArray *challenges, GAsyncReadyCallback callback,
                       gpointer data)
{
  herd_work_start (solver, cleanup_steps, G_N_ELEMENTS (cleanup_steps), HERD_WORK_GOES_ON,
                   job_new (solver, challenges, FALSE), job_free, NULL, callback, data);
}

static gboolean
rfc2136_finish (HerdSolver *solver G_GNUC_UNUSED, GAsyncResult *result, GError **error)
{
  return herd_work_finish (result, error);
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
herd_solver_dns_rfc2136_class_init (HerdSolverDnsRfc2136Class *klass)
{
  herd_solver_base_class_init (G_OBJECT_CLASS (klass));
}

static void
herd_solver_dns_rfc2136_init (HerdSolverDnsRfc2136 *solver G_GNUC_UNUSED)
{}

HERD_PLUGIN_DEFINE ("solver", "dns-rfc2136", herd_solver_dns_rfc2136_get_type)
