// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The issuance's table of steps. Rows are looked up by id after every wait: they may be gone.
 */
#include "core/issuance.h"

#include "core/issuance-private.h"
#include "core/operations.h"
#include "core/registration.h"
#include "core/renewal-info.h"
#include "core/renewal.h"
#include "core/revocation.h"
#include "core/wish.h"
#include "crypto/chain.h"
#include "crypto/key.h"
#include "model/spec.h"
#include "plugin/error.h"
#include "util/steps.h"

#define NOT_SAVED "not-saved" /* attentions */
#define NOT_FIRST "issuer-not-first"

HerdCertificate *
herd_issuance_find_certificate (HerdIssuance *issuance, GError **error)
{
  HerdCertificate *certificate = herd_registry_get_certificate (
      issuance->context->services->registry, issuance->certificate);

  if (certificate == NULL) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_CANCELLED, "the certificate was removed");
    return NULL;
  }
  return certificate;
}

HerdOperation *
herd_issuance_find_operation (HerdIssuance *issuance, GError **error)
{
  HerdOperation *operation = herd_registry_get_operation (issuance->context->services->registry,
                                                          issuance->operation);

  if (operation == NULL) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_CANCELLED, "the operation was removed");
    return NULL;
  }
  return operation;
}

/* --- queue: a slot --- */

static gboolean
enter_queue (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  HerdIssuance *issuance = data;

  herd_gate_enter_async (issuance->context->slots, herd_run_get_cancellable (run), herd_run_ready,
                         herd_run_slot (run));
  return TRUE;
}

static gboolean
leave_queue (HerdRun *run, gpointer data, GError **error)
{
  HerdIssuance *issuance = data;

  if (!herd_gate_enter_finish (issuance->context->slots, herd_run_get_result (run, 0), error))
    return FALSE;
  issuance->inside = TRUE;
  return TRUE;
}

static void
leave_slot (HerdIssuance *issuance)
{
  if (issuance->inside)
    herd_gate_leave (issuance->context->slots);
  issuance->inside = FALSE;
}

/* --- load: what an earlier process left --- */

static gboolean
enter_load (HerdRun *run, gpointer data, GError **error)
{
  HerdIssuance *issuance = data;
  HerdState *state = issuance->context->services->state;
  const HerdCertificate *certificate = herd_issuance_find_certificate (issuance, error);

  if (certificate == NULL)
    return FALSE;
  herd_state_read_operation_async (state, issuance->operation, TRUE, herd_run_ready,
                                   herd_run_slot (run));
  if (certificate->current != 0)
    herd_state_read_generation_async (state, issuance->certificate, certificate->current, FALSE,
                                      herd_run_ready, herd_run_slot (run));
  return TRUE;
}

/* A chain that cannot be read is replaced all the more. */
static void
take_predecessor (HerdIssuance *issuance, GAsyncResult *result)
{
  g_autoptr (GError) error = NULL;

  if (!herd_state_read_generation_finish (issuance->context->services->state, result,
                                          &issuance->predecessor, NULL, &error))
    g_message ("the current chain: %s", error->message);
}

static gboolean
leave_load (HerdRun *run, gpointer data, GError **error)
{
  HerdIssuance *issuance = data;
  HerdOperation *operation = herd_issuance_find_operation (issuance, error);
  g_autoptr (GBytes) checkpoint = NULL;
  g_autoptr (GBytes) der = NULL;

  if (operation == NULL)
    return FALSE;
  if (!herd_state_read_operation_finish (issuance->context->services->state,
                                         herd_run_get_result (run, 0), &checkpoint, &der, error))
    return FALSE;
  if (der != NULL) {
    issuance->key = herd_key_new_from_pkcs8 (der, error);
    if (issuance->key == NULL)
      return FALSE;
  }
  issuance->checkpoint = g_steal_pointer (&checkpoint);
  if (herd_run_get_n_results (run) > 1)
    take_predecessor (issuance, herd_run_get_result (run, 1));
  return TRUE;
}

/* --- account --- */

static gboolean
enter_account (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  HerdIssuance *issuance = data;

  herd_registration_run_async (issuance->context->issuers, issuance->asked, issuance->operation,
                               NULL, FALSE, herd_run_get_cancellable (run), herd_run_ready,
                               herd_run_slot (run));
  return TRUE;
}

static gboolean
leave_account (HerdRun *run, gpointer data, GError **error)
{
  GError *failure = NULL;

  return herd_registration_run_finish (herd_run_get_result (run, 0), &failure)
         || herd_issuance_fail_over (data, run, TRUE, failure, error);
}

/* --- key --- */

static gboolean
enter_key (HerdRun *run, gpointer data, GError **error)
{
  HerdIssuance *issuance = data;
  HerdCertificate *certificate = herd_issuance_find_certificate (issuance, error);

  if (certificate == NULL)
    return FALSE;
  if (issuance->key == NULL) {
    herd_key_generate_async (herd_spec_get_key_type (issuance->spec),
                             herd_run_get_cancellable (run), herd_run_ready, herd_run_slot (run));
  }
  return TRUE;
}

static gboolean
leave_key (HerdRun *run, gpointer data, GError **error)
{
  HerdIssuance *issuance = data;

  if (issuance->key == NULL)
    issuance->key = herd_key_generate_finish (herd_run_get_result (run, 0), error);
  return issuance->key != NULL;
}

/* The key is on disk, sealed, before anybody outside can know of it. */
static void
commit_key (HerdRun *run G_GNUC_UNUSED, gpointer data, gpointer slot)
{
  HerdIssuance *issuance = data;
  HerdServices *services = issuance->context->services;
  HerdOperation *operation = herd_issuance_find_operation (issuance, NULL);
  g_autoptr (GBytes) der = herd_key_to_pkcs8 (issuance->key, NULL);
  HerdBatch *batch = herd_batch_new ();

  if (operation != NULL) {
    herd_batch_put_operation (batch, operation);
    herd_batch_put_pending_key (batch, operation->id, der);
    herd_issuance_put_taken (issuance, batch);
  }
  herd_state_commit_async (services->state, batch, herd_run_ready, slot);
}

static gboolean
commit_finish (gpointer data, GAsyncResult *result, GError **error)
{
  HerdIssuance *issuance = data;

  return herd_state_commit_finish (issuance->context->services->state, result, error);
}

/* --- issue: the issuer's own table --- */

/* What is to be replaced, if it came from the one that is asked, and from this account: others know nothing of
 * it. One that is not the newest has been replaced; one that a target rejected, or that was revoked, is
 * nobody's predecessor. */
static GBytes *
get_predecessor (HerdIssuance *issuance, const HerdCertificate *certificate)
{
  const HerdAuthority *authority = herd_registry_get_authority (
      issuance->context->services->registry, issuance->asked);
  const HerdGeneration *current = herd_certificate_get_current (certificate);
  gboolean fit = authority != NULL && current != NULL && current->issuer == issuance->asked
                 && current == herd_certificate_get_newest (certificate) && !current->rejected
                 && current->revoked == HERD_REVOCATION_NONE
                 && herd_renewal_info_is_of (certificate, authority->account->url);

  return fit ? issuance->predecessor : NULL;
}

static gboolean
enter_issue (HerdRun *run, gpointer data, GError **error)
{
  HerdIssuance *issuance = data;
  HerdCertificate *certificate = herd_issuance_find_certificate (issuance, error);
  HerdIssuer *engine = NULL;
  g_autoptr (HerdIssueRequest) request = NULL;
  g_autoptr (GBytes) resume = NULL;

  if (certificate == NULL)
    return FALSE;
  request = herd_wish_new_request (certificate->name, issuance->spec, issuance->key,
                                   get_predecessor (issuance, certificate), error);
  if (request == NULL)
    return FALSE;
  engine = herd_issuers_get (issuance->context->issuers, issuance->asked, error);
  if (engine == NULL)
    return FALSE;
  issuance->engine = g_object_ref (engine);
  issuance->host = herd_issuers_new_host (issuance->context->issuers, issuance->asked,
                                          issuance->operation,
                                          (const char *const *) request->solvers);
  herd_issuers_set_entry (issuance->host, g_steal_pointer (&issuance->entry));
  if (herd_issuance_is_rehearsal (issuance))
    herd_issuers_set_step (issuance->host, HERD_ISSUANCE_REHEARSE);
  resume = herd_issuers_open_checkpoint (issuance->context->issuers, issuance->asked,
                                         issuance->checkpoint);
  issuance->handed = TRUE;
  herd_issuer_issue_async (engine, request, resume, issuance->host, herd_run_get_cancellable (run),
                           herd_run_ready, herd_run_slot (run));
  return TRUE;
}

/* What is not as it was wished needs somebody to look at it, until it is. */
static void
note (HerdIssuance *issuance, const char *code, const char *message)
{
  HerdAttentions *attentions = issuance->context->services->attentions;

  if (message != NULL)
    herd_attentions_raise (attentions, HERD_NOUN_CERTIFICATE, issuance->certificate, "warning",
                           code, message);
  else
    herd_attentions_clear (attentions, HERD_NOUN_CERTIFICATE, issuance->certificate, code);
}

static gboolean
leave_issue (HerdRun *run, gpointer data, GError **error)
{
  HerdIssuance *issuance = data;
  HerdCertificate *certificate;
  GError *failure = NULL;
  g_autofree char *detour = NULL;
  g_autoptr (HerdChain) chain = NULL;
  g_autoptr (HerdIssued)
      issued = herd_issuer_issue_finish (issuance->engine, herd_run_get_result (run, 0), &failure);

  herd_issuers_settle (issuance->host, failure);
  if (issued == NULL)
    return herd_issuance_fail_over (issuance, run, TRUE, failure, error);
  if (herd_issuance_is_rehearsal (issuance))
    return herd_issuance_end_rehearsal (issuance, run, error);
  chain = herd_chain_new (issued->chain, &failure);
  if (chain == NULL)
    return herd_issuance_fail_over (issuance, run, FALSE, failure, error);
  certificate = herd_issuance_find_certificate (issuance, error);
  if (certificate == NULL)
    return FALSE;
  issuance->generation = herd_generation_new (
      certificate->last_number + 1, issuance->issuer,
      herd_clock_get_seconds (issuance->context->services->clock), herd_chain_get_facts (chain));
  issuance->chain = herd_chain_to_pem (chain);
  detour = herd_issuance_describe_detour (issuance, certificate);
  note (issuance, NOT_FIRST, detour);
  note (issuance, "profile-dropped", issued->profile_dropped);
  note (issuance, "chain-not-preferred", issued->chain_not_preferred);
  return TRUE;
}

/* --- save: one transaction --- */

/* Seconds until the first, and between later attempts where the state cannot be written. */
#define SAVE_AGAIN_FIRST 1
#define SAVE_AGAIN_LONGEST 300

/* Takes out of memory, and deletes in BATCH, what is not kept beside a new one. */
static void
drop_old_generations (const HerdIssuance *issuance, HerdCertificate *certificate, HerdBatch *batch)
{
  guint n = herd_certificate_count_generations (certificate);
  HerdGeneration *next;

  for (HerdGeneration *old = certificate->generations;
       old != NULL && n >= issuance->context->generations; old = next) {
    next = old->next;
    if (herd_revocation_find (issuance->context->services->registry, certificate->id, old->number)
        != NULL)
      continue;
    herd_batch_delete_generation (batch, certificate->id, old->number);
    herd_certificate_remove_generation (certificate, old);
    n--;
  }
}

/* The CA is asked about the new generation, and no longer about the one before. */
static void
follow_suggestion (HerdIssuance *issuance, HerdCertificate *certificate)
{
  HerdServices *services = issuance->context->services;
  const HerdAuthority *authority = herd_registry_get_authority (services->registry,
                                                                issuance->issuer);

  if (authority != NULL && herd_authority_can (authority, "ari"))
    herd_renewal_info_begin (certificate, issuance->generation, authority->account->url,
                             herd_clock_get_seconds (services->clock));
  else
    g_clear_pointer (&certificate->suggestion, herd_suggestion_free);
}

/* Memory first, the disk after it: whoever writes the row from here on writes this generation. */
static void
apply_generation (HerdIssuance *issuance, HerdCertificate *certificate, HerdOperation *operation)
{
  guint64 number = issuance->generation->number;

  follow_suggestion (issuance, certificate);
  certificate->current = number;
  certificate->last_number = number;
  certificate->renew_at = issuance->renew_at;
  certificate->failures = 0;
  certificate->retry_at = 0;
  herd_backoffs_remove (&certificate->backoffs, issuance->issuer);
  herd_certificate_set_error (certificate, NULL, NULL, 0);
  operation->generation = number;
  herd_certificate_add_generation (certificate, herd_generation_copy (issuance->generation));
}

static gboolean
enter_save (HerdRun *run, gpointer data, GError **error)
{
  HerdIssuance *issuance = data;
  HerdServices *services = issuance->context->services;
  HerdCertificate *certificate = herd_issuance_find_certificate (issuance, error);
  HerdOperation *operation = certificate != NULL ? herd_issuance_find_operation (issuance, error)
                                                 : NULL;
  g_autoptr (GBytes) der = NULL;
  HerdBatch *batch;

  if (operation == NULL)
    return FALSE;
  der = herd_key_to_pkcs8 (issuance->key, error);
  if (der == NULL)
    return FALSE;
  issuance->renew_at = herd_renewal_get_time (
      issuance->generation, herd_spec_get_string (certificate->spec, "renew", "auto"),
      g_random_double ());
  batch = herd_batch_new ();
  herd_registry_begin_notes (services->registry);
  drop_old_generations (issuance, certificate, batch);
  apply_generation (issuance, certificate, operation);
  herd_registry_touch (services->registry, HERD_NOUN_CERTIFICATE, certificate->id);
  herd_registry_touch (services->registry, HERD_NOUN_OPERATION, operation->id);
  issuance->notices = herd_registry_end_notes (services->registry);
  herd_batch_put_generation (batch, certificate->id, issuance->generation, issuance->chain, der);
  herd_batch_put_certificate (batch, certificate);
  herd_batch_put_operation (batch, operation);
  herd_batch_put_checkpoint (batch, operation->id, NULL);
  herd_batch_put_pending_key (batch, operation->id, NULL);
  herd_batch_delete_attempts (batch, certificate->id);
  herd_ledger_put (services->ledger, batch);
  herd_state_change_async (services->state, batch, herd_run_ready, herd_run_slot (run));
  return TRUE;
}

/* The chain and its key are in hand, and key and order on disk: nothing is lost by waiting for room. */
static void
save_again (HerdRun *run, HerdIssuance *issuance, const GError *error)
{
  guint delay = MIN (SAVE_AGAIN_FIRST << MIN (issuance->n_saves, 10), SAVE_AGAIN_LONGEST);

  issuance->n_saves++;
  g_warning ("a new generation waits for being saved: %s", error->message);
  herd_attentions_raise (issuance->context->services->attentions, HERD_NOUN_CERTIFICATE,
                         issuance->certificate, "critical", NOT_SAVED, error->message);
  herd_run_again (run, delay * HERD_SECOND);
}

static gboolean
leave_save (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  HerdIssuance *issuance = data;
  HerdServices *services = issuance->context->services;
  g_autoptr (GError) failure = NULL;
  gboolean ok = herd_state_change_finish (services->state, herd_run_get_result (run, 0),
                                          services->undo, services->undo_data, &failure);

  herd_registry_settle_notes (services->registry, g_steal_pointer (&issuance->notices), ok);
  if (!ok) {
    herd_ledger_put_again (services->ledger);
    save_again (run, issuance, failure);
    return TRUE;
  }
  note (issuance, NOT_SAVED, NULL);
  leave_slot (issuance); /* the CA has done its part */
  issuance->context->issued (issuance->certificate, issuance->context->data);
  return TRUE;
}

/* --- deliver --- */

static gboolean
enter_deliver (HerdRun *run, gpointer data, GError **error)
{
  HerdIssuance *issuance = data;
  HerdOperation *operation = herd_issuance_find_operation (issuance, error);

  if (operation == NULL)
    return FALSE;
  leave_slot (issuance);
  herd_deliveries_wait_async (issuance->context->deliveries, issuance->certificate,
                              operation->generation, herd_run_get_cancellable (run), herd_run_ready,
                              herd_run_slot (run));
  return TRUE;
}

static gboolean
leave_deliver (HerdRun *run, gpointer data G_GNUC_UNUSED, GError **error)
{
  return herd_deliveries_wait_finish (herd_run_get_result (run, 0), error);
}

static gboolean
leave_done (HerdRun *run, gpointer data, GError **error)
{
  leave_slot (data);
  return herd_issuance_leave_abandon (run, data, error);
}

static const HerdStep steps[] = {
  { "queue", enter_queue, leave_queue, HERD_COMMIT_NONE },
  { "load", enter_load, leave_load, HERD_COMMIT_NONE },
  { "choose", herd_issuance_enter_choose, herd_issuance_leave_choose, HERD_COMMIT_NONE },
  { HERD_ISSUANCE_REHEARSE, NULL, NULL, HERD_COMMIT_NONE },
  { "abandon", herd_issuance_enter_abandon, herd_issuance_leave_abandon, HERD_COMMIT_NONE },
  { "account", enter_account, leave_account, HERD_COMMIT_NONE },
  { "key", enter_key, leave_key, HERD_COMMIT_AFTER },
  { "issue", enter_issue, leave_issue, HERD_COMMIT_NONE },
  { "save", enter_save, leave_save, HERD_COMMIT_NONE },
  { "deliver", enter_deliver, leave_deliver, HERD_COMMIT_NONE },
  { "done", herd_issuance_enter_done, leave_done, HERD_COMMIT_NONE },
};

static void
entered (gpointer data, const char *step, double fraction)
{
  HerdIssuance *issuance = data;

  /* The issuer says its own steps; the end is not one, and mostly there is nothing to abandon. */
  if (g_str_equal (step, "issue") || g_str_equal (step, "abandon") || g_str_equal (step, "done"))
    return;
  if (g_str_equal (step, "save"))
    fraction = HERD_PROGRESS_ISSUE_END;
  else if (g_str_equal (step, "deliver"))
    fraction = (1.0 + HERD_PROGRESS_ISSUE_END) / 2.0;
  else
    fraction = MIN (fraction, 1.0) * HERD_PROGRESS_ISSUE_BEGIN;
  herd_operations_enter (issuance->context->services, issuance->operation, step, fraction);
}

static void
finished (gpointer data, const GError *error)
{
  HerdIssuance *issuance = data;

  issuance->context->finished (issuance, issuance->certificate, issuance->operation, error,
                               issuance->context->data);
}

static const HerdRunOps operations = {
  .commit = commit_key,
  .commit_finish = commit_finish,
  .entered = entered,
  .finished = finished,
};

HerdIssuance *
herd_issuance_start (const HerdIssuanceContext *context, HerdOperation *operation)
{
  HerdIssuance *issuance = g_new0 (HerdIssuance, 1);
  const HerdCertificate *certificate = herd_registry_get_certificate (context->services->registry,
                                                                      operation->certificate);

  issuance->context = context;
  issuance->certificate = operation->certificate;
  issuance->operation = operation->id;
  issuance->spec = certificate != NULL ? g_variant_ref (certificate->spec) : NULL;
  issuance->run = herd_run_new ("issue", steps, G_N_ELEMENTS (steps), &operations, issuance,
                                context->services->clock, context->services->crash);
  /* Past the point of no return only the delivery is left. */
  herd_run_start (issuance->run, operation->generation != 0 ? "deliver" : NULL);
  return issuance;
}

void
herd_issuance_cancel (HerdIssuance *issuance)
{
  herd_run_cancel (issuance->run);
}

gboolean
herd_issuance_is_saving (const HerdIssuance *issuance)
{
  return issuance->notices != NULL;
}

guint64
herd_issuance_get_certificate (const HerdIssuance *issuance)
{
  return issuance->certificate;
}

void
herd_issuance_free (HerdIssuance *issuance)
{
  if (issuance == NULL)
    return;
  herd_run_unref (issuance->run);
  if (issuance->notices != NULL)
    herd_registry_settle_notes (issuance->context->services->registry, issuance->notices, FALSE);
  g_clear_pointer (&issuance->spec, g_variant_unref);
  g_clear_pointer (&issuance->checkpoint, g_bytes_unref);
  g_clear_pointer (&issuance->predecessor, g_bytes_unref);
  g_clear_pointer (&issuance->chain, g_bytes_unref);
  g_clear_pointer (&issuance->key, herd_key_unref);
  g_clear_object (&issuance->engine);
  g_clear_object (&issuance->host);
  herd_ledger_entry_free (issuance->entry);
  herd_generation_free (issuance->generation);
  g_clear_pointer (&issuance->tried, g_array_unref);
  g_clear_error (&issuance->failure);
  g_free (issuance->failed);
  if (issuance->before != NULL)
    g_string_free (issuance->before, TRUE);
  g_free (issuance);
}
