// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The preflight's table of steps.
 */
#include "core/preflight.h"

#include <string.h>

#include "core/operations.h"
#include "core/preflight-issuers.h"
#include "core/preflight-names.h"
#include "model/spec.h"
#include "net/probe.h"
#include "plugin/error.h"
#include "util/base64url.h"
#include "util/follow.h"

#define PROBES 32    /* at a time */
#define HTTP_PORT 80 /* RFC 8555 section 8.3 */
#define TLS_PORT 443 /* RFC 8737 section 3 */

/* One solver, and all challenges that it presents. */
typedef struct {
  HerdSolver *solver;
  GPtrArray *challenges; /* HerdChallenge */
  gboolean presented;
} Group;

typedef struct {
  const HerdPreflightName *name;
  const char *address;
} Look;

typedef struct {
  HerdIssuers *issuers;
  HerdServices *services;
  guint64 operation;
  char **solvers;
  GPtrArray *asked;  /* HerdPreflightIssuer, in the order of the wish */
  GPtrArray *names;  /* HerdPreflightName */
  GPtrArray *groups; /* Group */
  GArray *looks;     /* Look */
  guint looked;
  HerdFindings *findings;
  HerdRun *run;
  HerdFollow *follow;
  GTask *task;
} Preflight;

static void
group_free (gpointer data)
{
  Group *group = data;

  g_ptr_array_unref (group->challenges);
  g_free (group);
}

/* --- directory --- */

static gboolean
directory_enter (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  Preflight *preflight = data;

  for (guint i = 0; i < preflight->asked->len; i++)
    herd_preflight_issuer_ask (preflight->asked->pdata[i], preflight->issuers, preflight->operation,
                               (const char *const *) preflight->solvers, run, preflight->findings);
  return TRUE;
}

static gboolean
directory_leave (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  Preflight *preflight = data;
  guint index = 0;

  for (guint i = 0; i < preflight->asked->len; i++)
    index = herd_preflight_issuer_read (preflight->asked->pdata[i], preflight->services, run, index,
                                        preflight->findings);
  herd_preflight_issuers_judge_clock (preflight->asked, preflight->findings);
  return TRUE;
}

/* --- names --- */

static gboolean
names_enter (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  Preflight *preflight = data;

  for (guint i = 0; i < preflight->asked->len; i++)
    herd_preflight_issuer_judge_budget (preflight->asked->pdata[i], preflight->services,
                                        preflight->operation, preflight->findings);
  for (guint i = 0; i < preflight->names->len; i++)
    herd_preflight_name_ask (preflight->names->pdata[i], preflight->services->dns, run);
  return TRUE;
}

static gboolean
names_leave (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  Preflight *preflight = data;
  guint index = 0;

  for (guint i = 0; i < preflight->names->len; i++)
    index = herd_preflight_name_read (preflight->names->pdata[i], preflight->services->dns, run,
                                      index, preflight->asked, preflight->findings);
  return TRUE;
}

/* --- present --- */

/* The token is the same when the operation is run again; what it stands for is worth nothing. */
static HerdChallenge *
make_challenge (const Preflight *preflight, const HerdPreflightName *name)
{
  g_autofree char *seed = g_strdup_printf ("preflight %" G_GUINT64_FORMAT " %s",
                                           preflight->operation, name->identifier);
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  g_autofree char *token = NULL;
  g_autofree char *authorization = NULL;
  guint8 digest[32];
  gsize size = sizeof digest;

  g_checksum_update (checksum, (const guchar *) seed, -1);
  g_checksum_get_digest (checksum, digest, &size);
  token = herd_base64url_encode (digest, size);
  authorization = g_strdup_printf ("%s.%s", token, token);
  return herd_challenge_new (name->method, name->base, token, authorization);
}

static Group *
ensure_group (Preflight *preflight, HerdSolver *solver)
{
  Group *group;

  for (guint i = 0; i < preflight->groups->len; i++) {
    group = preflight->groups->pdata[i];
    if (group->solver == solver)
      return group;
  }
  group = g_new0 (Group, 1);
  group->solver = solver;
  group->challenges = g_ptr_array_new_with_free_func ((GDestroyNotify) herd_challenge_unref);
  g_ptr_array_add (preflight->groups, group);
  return group;
}

static gboolean
present_enter (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  Preflight *preflight = data;

  for (guint i = 0; i < preflight->names->len; i++) {
    HerdPreflightName *name = preflight->names->pdata[i];

    if (!herd_preflight_name_is_visited (name))
      continue;
    name->challenge = make_challenge (preflight, name);
    g_ptr_array_add (ensure_group (preflight, name->solver)->challenges,
                     herd_challenge_ref (name->challenge));
  }
  for (guint i = 0; i < preflight->groups->len; i++) {
    Group *group = preflight->groups->pdata[i];

    herd_solver_present_async (group->solver, group->challenges, herd_run_get_cancellable (run),
                               herd_run_ready, herd_run_slot (run));
  }
  return TRUE;
}

static gboolean
present_leave (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  Preflight *preflight = data;

  for (guint i = 0; i < preflight->groups->len; i++) {
    Group *group = preflight->groups->pdata[i];
    const HerdChallenge *first = group->challenges->pdata[0];
    g_autoptr (GError) failure = NULL;

    group->presented = herd_solver_present_finish (group->solver, herd_run_get_result (run, i),
                                                   &failure);
    if (!group->presented)
      herd_findings_add (preflight->findings, "", "solver", HERD_SEVERITY_ERROR, "%s: %s",
                         first->type, failure->message);
  }
  return TRUE;
}

/* --- look: as a validator would, but from here --- */

static void
add_looks (Preflight *preflight)
{
  for (guint i = 0; i < preflight->names->len; i++) {
    const HerdPreflightName *name = preflight->names->pdata[i];

    if (name->challenge == NULL || !ensure_group (preflight, name->solver)->presented)
      continue;
    for (guint j = 0; j < name->addresses->len; j++) {
      const Look look = { name, name->addresses->pdata[j] };

      g_array_append_val (preflight->looks, look);
    }
  }
}

static guint
count_probes (const Preflight *preflight)
{
  return MIN (preflight->looks->len - preflight->looked, PROBES);
}

static gboolean
look_enter (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  Preflight *preflight = data;

  if (preflight->looked == 0)
    add_looks (preflight);
  for (guint i = 0; i < count_probes (preflight); i++) {
    const Look *look = &g_array_index (preflight->looks, Look, preflight->looked + i);
    gboolean http = g_str_equal (look->name->method, "http-01");
    g_autofree char *path = g_strconcat ("/.well-known/acme-challenge/",
                                         look->name->challenge->token, NULL);
    g_autofree char *host = g_strdup_printf (strchr (look->name->base, ':') != NULL ? "[%s]" : "%s",
                                             look->name->base);
    const HerdProbe probe = {
      .address = look->address,
      .port = http ? HTTP_PORT : TLS_PORT,
      .host = host,
      .path = http ? path : NULL,
    };

    herd_probe_async (preflight->services->clock, &probe, herd_run_get_cancellable (run),
                      herd_run_ready, herd_run_slot (run));
  }
  return TRUE;
}

static void
judge_http (const Look *look, HerdProbeAnswer *answer, HerdFindings *findings)
{
  const char *identifier = look->name->identifier;

  if (answer->status == 200
      && g_str_equal (g_strstrip (answer->body), look->name->challenge->key_authorization))
    herd_findings_add (findings, identifier, "answer", HERD_SEVERITY_OK,
                       "%s port %d, seen from here, answers with the proof", look->address,
                       HTTP_PORT);
  else if (answer->status / 100 == 3)
    herd_findings_add (findings, identifier, "answer", HERD_SEVERITY_NOTICE,
                       "%s port %d redirects; a CA follows that, from here it was not followed",
                       look->address, HTTP_PORT);
  else if (answer->status == 0)
    herd_findings_add (findings, identifier, "answer", HERD_SEVERITY_ERROR,
                       "%s port %d, seen from here, does not speak HTTP; the CA wants it to",
                       look->address, HTTP_PORT);
  else
    herd_findings_add (findings, identifier, "answer", HERD_SEVERITY_ERROR,
                       "%s port %d, seen from here, answers with status %u and not with the proof: "
                       "something else serves it; pass /.well-known/acme-challenge/ on, or set "
                       "webroot in [solver http-01]",
                       look->address, HTTP_PORT, answer->status);
}

static gboolean
look_leave (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  Preflight *preflight = data;

  for (guint i = 0; i < herd_run_get_n_results (run); i++) {
    const Look *look = &g_array_index (preflight->looks, Look, preflight->looked + i);
    g_autoptr (GError) failure = NULL;
    g_autoptr (HerdProbeAnswer) answer = herd_probe_finish (herd_run_get_result (run, i), &failure);

    if (answer == NULL)
      herd_findings_add (preflight->findings, look->name->identifier, "answer",
                         HERD_SEVERITY_WARNING,
                         "%s, seen from here; a CA comes from outside, where it may be otherwise: "
                         "see that the port is open there",
                         failure->message);
    else if (g_str_equal (look->name->method, "http-01"))
      judge_http (look, answer, preflight->findings);
    else
      herd_findings_add (preflight->findings, look->name->identifier, "answer", HERD_SEVERITY_OK,
                         "%s port %d, seen from here, accepts connections; whether the responder "
                         "is behind it was not looked at",
                         look->address, TLS_PORT);
  }
  preflight->looked += herd_run_get_n_results (run);
  if (preflight->looked < preflight->looks->len)
    herd_run_again (run, 0);
  return TRUE;
}

/* --- withdraw --- */

static gboolean
withdraw_enter (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  Preflight *preflight = data;

  for (guint i = 0; i < preflight->groups->len; i++) {
    Group *group = preflight->groups->pdata[i];

    herd_solver_cleanup_async (group->solver, group->challenges, herd_run_ready,
                               herd_run_slot (run));
  }
  return TRUE;
}

static gboolean
withdraw_leave (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  Preflight *preflight = data;

  for (guint i = 0; i < preflight->groups->len; i++) {
    const Group *group = preflight->groups->pdata[i];
    g_autoptr (GError) failure = NULL;

    if (!herd_solver_cleanup_finish (group->solver, herd_run_get_result (run, i), &failure)
        && group->presented)
      herd_findings_add (preflight->findings, "", "solver", HERD_SEVERITY_WARNING,
                         "what was shown to be looked at could not be taken away: %s",
                         failure->message);
  }
  return TRUE;
}

static const HerdStep steps[] = {
  { "directory", directory_enter, directory_leave, HERD_COMMIT_NONE },
  { "names", names_enter, names_leave, HERD_COMMIT_NONE },
  { "present", present_enter, present_leave, HERD_COMMIT_NONE },
  { "look", look_enter, look_leave, HERD_COMMIT_NONE },
  { "withdraw", withdraw_enter, withdraw_leave, HERD_COMMIT_NONE },
};

/* --- the border --- */

static void
entered (gpointer data, const char *step, double fraction)
{
  Preflight *preflight = data;

  herd_operations_enter (preflight->services, preflight->operation, step, fraction);
}

static void
finished (gpointer data, const GError *error)
{
  Preflight *preflight = data;
  g_autoptr (GTask) task = g_steal_pointer (&preflight->task);
  GError *failure = error != NULL ? g_error_copy (error) : NULL;

  herd_error_translate (&failure, HERD_ERROR_FAILED, "preflight");
  if (failure != NULL)
    g_task_return_error (task, failure);
  else
    g_task_return_pointer (task, herd_findings_to_variant (preflight->findings),
                           (GDestroyNotify) g_variant_unref);
  herd_follow_free (preflight->follow);
  herd_run_unref (preflight->run);
  g_array_unref (preflight->looks);
  g_ptr_array_unref (preflight->groups);
  g_ptr_array_unref (preflight->names);
  herd_findings_free (preflight->findings);
  g_ptr_array_unref (preflight->asked);
  g_strfreev (preflight->solvers);
  g_free (preflight);
}

static const HerdRunOps operations = { .entered = entered, .finished = finished };

void
herd_preflight_run_async (HerdIssuers *issuers, HerdSolvers *solvers,
                          const HerdOperation *operation, GCancellable *cancellable,
                          GAsyncReadyCallback callback, gpointer data)
{
  Preflight *preflight = g_new0 (Preflight, 1);
  g_auto (GStrv) identifiers = herd_spec_get_list (operation->options, "identifiers");

  preflight->issuers = issuers;
  preflight->services = herd_issuers_get_services (issuers);
  preflight->operation = operation->id;
  preflight->solvers = herd_spec_get_list (operation->options, "challenge");
  preflight->asked = herd_preflight_issuers_new (preflight->services->registry, operation);
  preflight->names = g_ptr_array_new_with_free_func ((GDestroyNotify) herd_preflight_name_free);
  preflight->groups = g_ptr_array_new_with_free_func (group_free);
  preflight->looks = g_array_new (FALSE, FALSE, sizeof (Look));
  preflight->findings = herd_findings_new ();
  for (char **identifier = identifiers; *identifier != NULL; identifier++)
    g_ptr_array_add (
        preflight->names,
        herd_preflight_name_new (*identifier, solvers, (const char *const *) preflight->solvers));
  preflight->task = g_task_new (NULL, NULL, callback, data);
  preflight->run = herd_run_new ("preflight", steps, G_N_ELEMENTS (steps), &operations, preflight,
                                 preflight->services->clock, preflight->services->crash);
  herd_run_start (preflight->run, NULL);
  preflight->follow = herd_follow_new (preflight->run, cancellable);
}

GVariant *
herd_preflight_run_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
