// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The revocation's table of steps. Rows are looked up by id after every wait: they may be gone.
 */
#include "core/revocation.h"

#include "core/operations.h"
#include "crypto/key.h"
#include "plugin/error.h"
#include "util/follow.h"
#include "util/steps.h"

typedef struct {
  const HerdRevocationContext *context;
  guint64 certificate;
  guint64 operation;
  guint32 starter;
  HerdRevocation reason;
  guint64 number;   /* the generation's */
  const char *with; /* of words[]; NULL: whichever can */
  gboolean at_once;
  GTask *task;
  HerdRun *run;
  HerdFollow *follow;
  guint64 authority;
  GBytes *chain; /* PEM */
  HerdKey *key;  /* the generation's; NULL: the account is asked */
  HerdIssuer *engine;
  HerdIssuerHost *host;
  GError *refused; /* the account is of no use */
} Revoking;

static const char *const words[] = { "account", "key", NULL };

/* --- options --- */

HerdRevocation
herd_revocation_get_reason (GVariant *options)
{
  HerdRevocation revocation = HERD_REVOCATION_UNSPECIFIED;
  const char *reason;

  if (g_variant_lookup (options, "reason", "&s", &reason))
    herd_revocation_parse (reason, &revocation);
  return revocation;
}

guint64
herd_revocation_get_generation (GVariant *options)
{
  guint64 number = 0;

  g_variant_lookup (options, "generation", "t", &number);
  return number;
}

HerdOperation *
herd_revocation_find (HerdRegistry *registry, guint64 certificate, guint64 number)
{
  g_autoptr (GArray) ids = herd_registry_list_ids (registry, HERD_NOUN_OPERATION);

  for (guint i = 0; i < ids->len; i++) {
    HerdOperation *operation = herd_registry_get_operation (registry,
                                                            g_array_index (ids, guint64, i));

    if (operation->certificate == certificate && operation->state == HERD_OPERATION_RUNNING
        && g_str_equal (operation->kind, HERD_REVOCATION_KIND)
        && herd_revocation_get_generation (operation->options) == number)
      return operation;
  }
  return NULL;
}

static const char *
get_with (GVariant *options)
{
  const char *with = "";

  g_variant_lookup (options, "with", "&s", &with);
  for (guint i = 0; words[i] != NULL; i++) {
    if (g_str_equal (words[i], with))
      return words[i];
  }
  return NULL;
}

/* --- load --- */

static HerdCertificate *
get_certificate (Revoking *revoking, GError **error)
{
  HerdCertificate *certificate = herd_registry_get_certificate (
      revoking->context->services->registry, revoking->certificate);

  if (certificate == NULL)
    g_set_error (error, HERD_ERROR, HERD_ERROR_CANCELLED, "the certificate was removed");
  return certificate;
}

static const HerdGeneration *
get_generation (Revoking *revoking, const HerdCertificate *certificate, GError **error)
{
  const HerdGeneration *generation = herd_certificate_find_generation (certificate,
                                                                       revoking->number);

  if (generation == NULL)
    g_set_error (error, HERD_ERROR, HERD_ERROR_NOT_FOUND,
                 "certificate %s no longer has its generation %" G_GUINT64_FORMAT
                 ", and without it nobody can revoke it; ask the CA",
                 certificate->name, revoking->number);
  return generation;
}

static gboolean
enter_load (HerdRun *run, gpointer data, GError **error)
{
  Revoking *revoking = data;
  const HerdCertificate *certificate = get_certificate (revoking, error);
  const HerdGeneration *generation = certificate != NULL
                                         ? get_generation (revoking, certificate, error)
                                         : NULL;

  if (generation == NULL)
    return FALSE;
  revoking->authority = generation->issuer;
  if (generation->revoked == HERD_REVOCATION_NONE)
    herd_state_read_generation_async (revoking->context->services->state, revoking->certificate,
                                      revoking->number, FALSE, herd_run_ready, herd_run_slot (run));
  return TRUE;
}

static gboolean
leave_load (HerdRun *run, gpointer data, GError **error)
{
  Revoking *revoking = data;

  if (herd_run_get_n_results (run) == 0) {
    herd_run_jump (run, "end");
    return TRUE;
  }
  if (!herd_state_read_generation_finish (revoking->context->services->state,
                                          herd_run_get_result (run, 0), &revoking->chain, NULL,
                                          error))
    return FALSE;
  if (revoking->reason != HERD_REVOCATION_KEY_COMPROMISE || revoking->at_once)
    herd_run_jump (run, "account");
  return TRUE;
}

/* --- replace, deliver: a key that others have --- */

/* Has CERTIFICATE a later generation that is good? */
static gboolean
is_replaced (const Revoking *revoking, const HerdCertificate *certificate)
{
  const HerdGeneration *current = herd_certificate_get_current (certificate);

  return current != NULL && current->number > revoking->number
         && current->revoked == HERD_REVOCATION_NONE;
}

static gboolean
enter_replace (HerdRun *run, gpointer data, GError **error)
{
  Revoking *revoking = data;
  const HerdCertificate *certificate = get_certificate (revoking, error);

  if (certificate == NULL)
    return FALSE;
  if (!is_replaced (revoking, certificate))
    revoking->context->replace_async (
        revoking->context->agent, revoking->certificate, revoking->number, revoking->starter,
        herd_run_get_cancellable (run), herd_run_ready, herd_run_slot (run));
  return TRUE;
}

/* What came in between leaves the certificate as it was, and says what else can be done. */
static gboolean
explain (Revoking *revoking, GError **error)
{
  if (error != NULL && !g_error_matches (*error, HERD_ERROR, HERD_ERROR_CANCELLED)
      && !g_error_matches (*error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    herd_error_translate (
        error, HERD_ERROR_FAILED,
        "generation %" G_GUINT64_FORMAT
        " is not revoked yet, for it was not replaced everywhere; see to that, or "
        "revoke it with at-once",
        revoking->number);
  return FALSE;
}

static gboolean
leave_replace (HerdRun *run, gpointer data, GError **error)
{
  Revoking *revoking = data;

  if (herd_run_get_n_results (run) > 0
      && !revoking->context->replace_finish (herd_run_get_result (run, 0), error))
    return explain (revoking, error);
  return TRUE;
}

static gboolean
enter_deliver (HerdRun *run, gpointer data, GError **error)
{
  Revoking *revoking = data;
  const HerdCertificate *certificate = get_certificate (revoking, error);

  if (certificate == NULL)
    return FALSE;
  herd_deliveries_wait_async (revoking->context->deliveries, revoking->certificate,
                              certificate->current, herd_run_get_cancellable (run), herd_run_ready,
                              herd_run_slot (run));
  return TRUE;
}

static gboolean
leave_deliver (HerdRun *run, gpointer data, GError **error)
{
  return herd_deliveries_wait_finish (herd_run_get_result (run, 0), error) || explain (data, error);
}

/* --- account, key, own-key: the CA --- */

static gboolean
start_engine (Revoking *revoking, HerdRun *run, GBytes *public_key, GError **error)
{
  HerdIssuer *engine = herd_issuers_get (revoking->context->issuers, revoking->authority, error);

  if (engine == NULL) {
    herd_error_translate (error, HERD_ERROR_NOT_FOUND,
                          "the issuer that generation %" G_GUINT64_FORMAT " is from",
                          revoking->number);
    return FALSE;
  }
  g_set_object (&revoking->engine, engine);
  g_clear_object (&revoking->host);
  revoking->host = herd_issuers_new_host (revoking->context->issuers, revoking->authority,
                                          revoking->operation, NULL);
  if (revoking->key != NULL)
    herd_issuers_set_certificate_key (revoking->host, revoking->key);
  herd_issuer_revoke_async (engine, revoking->chain, herd_revocation_get_code (revoking->reason),
                            public_key, revoking->host, herd_run_get_cancellable (run),
                            herd_run_ready, herd_run_slot (run));
  return TRUE;
}

static gboolean
enter_account (HerdRun *run, gpointer data, GError **error)
{
  Revoking *revoking = data;

  return g_strcmp0 (revoking->with, "key") == 0 || start_engine (revoking, run, NULL, error);
}

/* There is none, it is over, or the certificate is not its own: whatever it is, the certificate's key has
 * a say of its own (RFC 8555 section 7.6). */
static gboolean
is_of_account (const GError *error)
{
  return g_error_matches (error, HERD_ERROR, HERD_ERROR_ACTION_REQUIRED)
         || g_strcmp0 (herd_error_get_problem_type (error), "unauthorized") == 0;
}

static gboolean
leave_account (HerdRun *run, gpointer data, GError **error)
{
  Revoking *revoking = data;
  g_autoptr (GError) local = NULL;

  if (herd_run_get_n_results (run) == 0)
    return TRUE;
  if (herd_issuer_revoke_finish (revoking->engine, herd_run_get_result (run, 0), &local)) {
    herd_run_jump (run, "end");
    return TRUE;
  }
  if (revoking->with != NULL || !is_of_account (local)) {
    g_propagate_error (error, g_steal_pointer (&local));
    return FALSE;
  }
  revoking->refused = g_steal_pointer (&local);
  return TRUE;
}

static gboolean
enter_key (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  Revoking *revoking = data;

  herd_state_read_generation_async (revoking->context->services->state, revoking->certificate,
                                    revoking->number, TRUE, herd_run_ready, herd_run_slot (run));
  return TRUE;
}

static gboolean
leave_key (HerdRun *run, gpointer data, GError **error)
{
  Revoking *revoking = data;
  g_autoptr (GBytes) chain = NULL;
  g_autoptr (GBytes) der = NULL;

  if (!herd_state_read_generation_finish (revoking->context->services->state,
                                          herd_run_get_result (run, 0), &chain, &der, error))
    return FALSE;
  revoking->key = herd_key_new_from_pkcs8 (der, error);
  return revoking->key != NULL;
}

static gboolean
enter_own_key (HerdRun *run, gpointer data, GError **error)
{
  Revoking *revoking = data;
  g_autoptr (GBytes) public_key = herd_key_get_public (revoking->key, error);

  return public_key != NULL && start_engine (revoking, run, public_key, error);
}

static gboolean
leave_own_key (HerdRun *run, gpointer data, GError **error)
{
  Revoking *revoking = data;

  if (herd_issuer_revoke_finish (revoking->engine, herd_run_get_result (run, 0), error))
    return TRUE;
  if (revoking->refused != NULL)
    herd_error_translate (error, HERD_ERROR_FAILED, "as the account: %s; with its own key",
                          revoking->refused->message);
  return FALSE;
}

static const HerdStep steps[] = {
  { "load", enter_load, leave_load, HERD_COMMIT_NONE },
  { "replace", enter_replace, leave_replace, HERD_COMMIT_NONE },
  { "deliver", enter_deliver, leave_deliver, HERD_COMMIT_NONE },
  { "account", enter_account, leave_account, HERD_COMMIT_NONE },
  { "key", enter_key, leave_key, HERD_COMMIT_NONE },
  { "own-key", enter_own_key, leave_own_key, HERD_COMMIT_NONE },
  { "end", NULL, NULL, HERD_COMMIT_NONE },
};

/* The issuer says its own steps. */
static gboolean
is_shown (const char *step)
{
  static const char *const shown[] = { "load", "replace", "deliver", NULL };

  return g_strv_contains (shown, step);
}

static void
entered (gpointer data, const char *step, double fraction)
{
  Revoking *revoking = data;

  if (is_shown (step))
    herd_operations_enter (revoking->context->services, revoking->operation, step,
                           fraction * HERD_PROGRESS_ISSUE_BEGIN);
}

static void
revoking_free (Revoking *revoking)
{
  herd_follow_free (revoking->follow);
  herd_run_unref (revoking->run);
  g_clear_pointer (&revoking->chain, g_bytes_unref);
  g_clear_pointer (&revoking->key, herd_key_unref);
  g_clear_object (&revoking->engine);
  g_clear_object (&revoking->host);
  g_clear_error (&revoking->refused);
  g_free (revoking);
}

static void
finished (gpointer data, const GError *error)
{
  Revoking *revoking = data;
  g_autoptr (GTask) task = g_steal_pointer (&revoking->task);

  revoking_free (revoking);
  if (error != NULL)
    g_task_return_error (task, g_error_copy (error));
  else
    g_task_return_boolean (task, TRUE);
}

static const HerdRunOps operations = { .entered = entered, .finished = finished };

void
herd_revocation_run_async (const HerdRevocationContext *context, const HerdOperation *operation,
                           GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data)
{
  Revoking *revoking = g_new0 (Revoking, 1);

  revoking->context = context;
  revoking->certificate = operation->certificate;
  revoking->operation = operation->id;
  revoking->starter = operation->starter;
  revoking->reason = herd_revocation_get_reason (operation->options);
  revoking->number = herd_revocation_get_generation (operation->options);
  revoking->with = get_with (operation->options);
  g_variant_lookup (operation->options, "at-once", "b", &revoking->at_once);
  revoking->task = g_task_new (NULL, cancellable, callback, data);
  g_task_set_check_cancellable (revoking->task, FALSE);
  revoking->run = herd_run_new ("revocation", steps, G_N_ELEMENTS (steps), &operations, revoking,
                                context->services->clock, context->services->crash);
  herd_run_start (revoking->run, NULL);
  revoking->follow = herd_follow_new (revoking->run, cancellable);
}

gboolean
herd_revocation_run_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
