// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * solver-acme-dns: proves control of names whose _acme-challenge is a CNAME into the zone of an acme-dns
 * server (RFC 8555 section 8.4), by giving that server the values over https. Loaded by the agent; main
 * loop only.
 */
#include <string.h>

#include "plugin/error.h"
#include "plugin/plugin.h"
#include "request.h"
#include "secret-file.h"
#include "slots.h"
#include "solver-base.h"
#include "work.h"

#define HERD_TYPE_SOLVER_ACME_DNS (herd_solver_acme_dns_get_type ())
G_DECLARE_FINAL_TYPE (HerdSolverAcmeDns, herd_solver_acme_dns, HERD, SOLVER_ACME_DNS, GObject)

struct _HerdSolverAcmeDns {
  HerdSolverBase base;
  Slots *slots;
};

static void herd_solver_acme_dns_iface_init (HerdSolverInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (HerdSolverAcmeDns, herd_solver_acme_dns, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (HERD_TYPE_SOLVER,
                                                      herd_solver_acme_dns_iface_init))

static const char *
get_setting (HerdSolverAcmeDns *solver, const char *key)
{
  return herd_solver_base_get (&solver->base, key);
}

/* Read for each call: a new password needs no restart. Free with herd_secret_text_free(). */
static char *
read_password (HerdSolverAcmeDns *solver, GError **error)
{
  const char *path = get_setting (solver, "password-file");
  char *password = herd_secret_file_read ("password-file", path, error);

  if (password == NULL)
    return NULL;
  g_strchomp (password);
  if (acme_dns_is_plain (password))
    return password;
  herd_secret_text_free (password);
  g_set_error (error, HERD_ERROR, HERD_ERROR_ACTION_REQUIRED,
               "password-file %s is not a password of acme-dns: one line, without blanks", path);
  return NULL;
}

static gboolean
tell (HerdSolverAcmeDns *solver, GError **error)
{
  g_prefix_error (error, "solver %s: ", herd_solver_host_get_name (solver->base.host));
  return FALSE;
}

static gboolean
acme_dns_check (HerdSolver *solver, GError **error)
{
  static const char *const required[] = { "url", "username", "password-file", "subdomain",
                                          "fulldomain" };
  HerdSolverAcmeDns *self = HERD_SOLVER_ACME_DNS (solver);
  char *password;

  for (guint i = 0; i < G_N_ELEMENTS (required); i++) {
    if (get_setting (self, required[i]) == NULL)
      return herd_solver_base_fail (&self->base, required[i],
                                    "is missing; the registration with acme-dns says what it is",
                                    error);
  }
  if (!acme_dns_is_plain (get_setting (self, "username")))
    return herd_solver_base_fail (&self->base, "username", "is not one of acme-dns", error);
  if (!acme_dns_is_plain (get_setting (self, "subdomain")))
    return herd_solver_base_fail (&self->base, "subdomain", "is not one of acme-dns", error);
  if (strchr (get_setting (self, "url"), '?') != NULL)
    return herd_solver_base_fail (&self->base, "url", "has a query; leave it out", error);
  password = read_password (self, error);
  if (password == NULL)
    return tell (self, error);
  herd_secret_text_free (password);
  return TRUE;
}

static const char *const *
acme_dns_get_challenge_types (HerdSolver *solver G_GNUC_UNUSED, const char *identifier)
{
  return herd_solver_base_list_type ("dns-01", identifier);
}

/* --- one call --- */

typedef struct {
  HerdSolverAcmeDns *solver;
  char **records;  /* NAME, VALUE, … */
  char **names;    /* theirs */
  char **values;   /* theirs */
  GPtrArray *sent; /* of char *: the values in the order of the requests; not owned */
} Job;

static void
job_free (gpointer data)
{
  Job *job = data;

  g_strfreev (job->records);
  g_strfreev (job->names);
  g_strfreev (job->values);
  g_ptr_array_unref (job->sent);
  g_free (job);
}

static Job *
job_new (HerdSolver *solver, GPtrArray *challenges)
{
  Job *job = g_new0 (Job, 1);

  job->solver = HERD_SOLVER_ACME_DNS (solver);
  job->records = herd_solver_base_make_records (challenges);
  job->names = g_new0 (char *, challenges->len + 1);
  job->values = g_new0 (char *, challenges->len + 1);
  for (guint i = 0; i < challenges->len; i++) {
    job->names[i] = g_strdup (job->records[2 * i]);
    job->values[i] = g_strdup (job->records[2 * i + 1]);
  }
  job->sent = g_ptr_array_new ();
  return job;
}

static gboolean
places_enter (HerdWork *work, gpointer data, GError **error)
{
  Job *job = data;

  if (g_strv_length (job->values) > SLOTS) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_ACTION_REQUIRED,
                 "%u proofs are needed at the same time, and an account of acme-dns shows %d; use "
                 "certificates of fewer names",
                 g_strv_length (job->values), SLOTS);
    return tell (job->solver, error);
  }
  herd_solver_host_find_places_async (job->solver->base.host, (const char *const *) job->names,
                                      herd_work_get_cancellable (work), herd_work_ready,
                                      herd_work_slot (work));
  return TRUE;
}

/* A value that is shown where no validator comes to is a rate limit's worth of failure. */
static gboolean
places_leave (HerdWork *work G_GNUC_UNUSED, gpointer data, guint index G_GNUC_UNUSED,
              GAsyncResult *result, GError **error)
{
  Job *job = data;
  const char *fulldomain = get_setting (job->solver, "fulldomain");
  g_auto (GStrv)
      places = herd_solver_host_find_places_finish (job->solver->base.host, result, error);

  if (places == NULL)
    return tell (job->solver, error);
  for (guint i = 0; job->names[i] != NULL; i++) {
    if (g_ascii_strcasecmp (places[2 * i], fulldomain) == 0)
      continue;
    g_set_error (error, HERD_ERROR, HERD_ERROR_ACTION_REQUIRED,
                 "%s does not lead to acme-dns, but to %s; add to the zone: %s. CNAME %s.",
                 job->names[i], places[2 * i], job->names[i], fulldomain);
    return tell (job->solver, error);
  }
  return TRUE;
}

static gboolean
slots_enter (HerdWork *work, gpointer data, GError **error G_GNUC_UNUSED)
{
  Job *job = data;

  slots_take_async (job->solver->slots, (const char *const *) job->values,
                    herd_work_get_cancellable (work), herd_work_ready, herd_work_slot (work));
  return TRUE;
}

static gboolean
slots_leave (HerdWork *work G_GNUC_UNUSED, gpointer data, guint index G_GNUC_UNUSED,
             GAsyncResult *result, GError **error)
{
  Job *job = data;

  return slots_take_finish (job->solver->slots, result, error) || tell (job->solver, error);
}

static void
send_value (HerdWork *work, Job *job, const char *url, const char *password, char *value)
{
  g_autoptr (GBytes) body = acme_dns_make_body (get_setting (job->solver, "subdomain"), value);
  const char *const headers[] = { "X-Api-User",
                                  get_setting (job->solver, "username"),
                                  "X-Api-Key",
                                  password,
                                  "Content-Type",
                                  "application/json",
                                  NULL };

  g_ptr_array_add (job->sent, value);
  herd_solver_host_request_async (job->solver->base.host, "POST", url, headers, body,
                                  herd_work_get_cancellable (work), herd_work_ready,
                                  herd_work_slot (work));
}

/* Sent again, a value could take the place of the other: what is shown is let alone. */
static gboolean
update_enter (HerdWork *work, gpointer data, GError **error)
{
  Job *job = data;
  g_autofree char *url = acme_dns_make_url (get_setting (job->solver, "url"));
  char *password = read_password (job->solver, error);

  if (password == NULL)
    return tell (job->solver, error);
  for (char **value = job->values; *value != NULL; value++) {
    if (!slots_is_shown (job->solver->slots, *value))
      send_value (work, job, url, password, *value);
  }
  herd_secret_text_free (password);
  return TRUE;
}

static gboolean
update_leave (HerdWork *work G_GNUC_UNUSED, gpointer data, guint index, GAsyncResult *result,
              GError **error)
{
  Job *job = data;
  guint status = 0;
  g_autoptr (GBytes)
      body = herd_solver_host_request_finish (job->solver->base.host, result, &status, error);
  GError *refusal;

  if (body == NULL) /* the host names the solver */
    return FALSE;
  refusal = acme_dns_explain (get_setting (job->solver, "url"),
                              get_setting (job->solver, "subdomain"), status, body);
  if (refusal != NULL) {
    g_propagate_error (error, refusal);
    return tell (job->solver, error);
  }
  slots_note_shown (job->solver->slots, job->sent->pdata[index]);
  return TRUE;
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
         || tell (job->solver, error);
}

/* acme-dns forgets nothing when asked: what was shown stays until others take its place. */
static gboolean
release_enter (HerdWork *work G_GNUC_UNUSED, gpointer data, GError **error G_GNUC_UNUSED)
{
  Job *job = data;

  slots_release (job->solver->slots, (const char *const *) job->values);
  return TRUE;
}

static const HerdWorkStep present_steps[] = { { places_enter, places_leave },
                                              { slots_enter, slots_leave },
                                              { update_enter, update_leave },
                                              { await_enter, await_leave } };
static const HerdWorkStep cleanup_steps[] = { { release_enter, NULL } };

static void
acme_dns_present_async (HerdSolver *solver, GPtrArray *challenges, GCancellable *cancellable,
                        GAsyncReadyCallback callback, gpointer data)
{
  herd_work_start (solver, present_steps, G_N_ELEMENTS (present_steps), HERD_WORK_STOPS,
                   job_new (solver, challenges), job_free, cancellable, callback, data);
}

static void
acme_dns_cleanup_async (HerdSolver *solver, GPtrArray *challenges, GAsyncReadyCallback callback,
                        gpointer data)
{
  herd_work_start (solver, cleanup_steps, G_N_ELEMENTS (cleanup_steps), HERD_WORK_GOES_ON,
                   job_new (solver, challenges), job_free, NULL, callback, data);
}

static gboolean
acme_dns_finish (HerdSolver *solver G_GNUC_UNUSED, GAsyncResult *result, GError **error)
{
  return herd_work_finish (result, error);
}

static void
herd_solver_acme_dns_iface_init (HerdSolverInterface *iface)
{
  iface->check = acme_dns_check;
  iface->get_challenge_types = acme_dns_get_challenge_types;
  iface->present_async = acme_dns_present_async;
  iface->present_finish = acme_dns_finish;
  iface->cleanup_async = acme_dns_cleanup_async;
  iface->cleanup_finish = acme_dns_finish;
}

static void
herd_solver_acme_dns_finalize (GObject *object)
{
  slots_free (HERD_SOLVER_ACME_DNS (object)->slots);
  G_OBJECT_CLASS (herd_solver_acme_dns_parent_class)->finalize (object);
}

static void
herd_solver_acme_dns_class_init (HerdSolverAcmeDnsClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = herd_solver_acme_dns_finalize;
  herd_solver_base_class_init (G_OBJECT_CLASS (klass));
}

static void
herd_solver_acme_dns_init (HerdSolverAcmeDns *solver)
{
  solver->slots = slots_new ();
}

HERD_PLUGIN_DEFINE ("solver", "acme-dns", herd_solver_acme_dns_get_type)
