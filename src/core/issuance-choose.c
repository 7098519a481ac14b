// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Whom an issuance asks: one issuer after the other, each once, the real one after its rehearsal. An attempt
 * has a key, an order and a checkpoint of its own; what it leaves goes with it, or is kept for the next
 * operation that asks this issuer for the same.
 */
#include "core/budget.h"
#include "core/choice.h"
#include "core/issuance-private.h"
#include "core/renewal.h"
#include "model/spec.h"
#include "plugin/error.h"
#include "util/text.h"

gboolean
herd_issuance_is_rehearsal (const HerdIssuance *issuance)
{
  return issuance->asked != issuance->issuer;
}

/* --- what became of an attempt --- */

static void
forget_attempt (HerdIssuance *issuance)
{
  g_clear_pointer (&issuance->checkpoint, g_bytes_unref);
  g_clear_pointer (&issuance->key, herd_key_unref);
  g_clear_object (&issuance->engine);
  g_clear_object (&issuance->host);
  g_clear_pointer (&issuance->entry, herd_ledger_entry_free);
  issuance->kept = FALSE;
  issuance->taken = FALSE;
  issuance->over = TRUE;
}

/* FAILURE is taken. */
static void
keep_failure (HerdIssuance *issuance, GError *failure)
{
  const HerdAuthority *asked = herd_registry_get_authority (issuance->context->services->registry,
                                                            issuance->asked);
  const char *label = herd_issuance_is_rehearsal (issuance) ? "rehearsal with issuer" : "issuer";

  if (issuance->failure != NULL && issuance->before == NULL)
    issuance->before = g_string_new (NULL);
  if (issuance->failure != NULL)
    g_string_append_printf (issuance->before, "%s: %s; ", issuance->failed,
                            issuance->failure->message);
  g_clear_error (&issuance->failure);
  issuance->failure = failure;
  g_free (issuance->failed);
  issuance->failed = g_strdup_printf ("%s %s", label, asked != NULL ? asked->name : "(removed)");
}

/* The issuer is not asked again by this issuance, nor by others before its time. */
static void
blame (HerdIssuance *issuance, HerdCertificate *certificate)
{
  const GError *failure = issuance->failure;
  gint64 now = herd_clock_get_seconds (issuance->context->services->clock);
  HerdBackoff *backoff = herd_backoffs_ensure (&certificate->backoffs, issuance->issuer);
  g_autofree char *message = g_strdup_printf ("%s: %s", issuance->failed, failure->message);

  backoff->failures++;
  backoff->retry_at = herd_backoff_get_time (failure, backoff->failures, now, g_random_double ());
  backoff->rehearse = g_error_matches (failure, HERD_ERROR, HERD_ERROR_CHALLENGE_FAILED);
  herd_backoff_set_error (backoff, herd_error_get_name (failure), message);
  herd_certificate_set_error (certificate, herd_error_get_name (failure), message, now);
  if (issuance->tried == NULL)
    issuance->tried = g_array_new (FALSE, FALSE, sizeof (guint64));
  g_array_append_val (issuance->tried, issuance->issuer);
}

/* The next attempt is with the real one, at once. */
static void
end_rehearsals (HerdIssuance *issuance, HerdCertificate *certificate)
{
  HerdBackoff *backoff = herd_backoffs_find (certificate->backoffs, issuance->issuer);

  if (backoff == NULL)
    return;
  backoff->rehearse = FALSE;
  backoff->retry_at = 0;
}

/* Does it say anything of the issuer? */
static gboolean
is_issuers (const GError *failure)
{
  return !g_error_matches (failure, HERD_ERROR, HERD_ERROR_CANCELLED)
         && !g_error_matches (failure, G_IO_ERROR, G_IO_ERROR_CANCELLED)
         && !g_error_matches (failure, HERD_ERROR, HERD_ERROR_LOCKED);
}

gboolean
herd_issuance_fail_over (HerdIssuance *issuance, HerdRun *run, gboolean resumable, GError *failure,
                         GError **error)
{
  HerdCertificate *certificate = herd_issuance_find_certificate (issuance, NULL);

  if (certificate == NULL || !is_issuers (failure)) {
    g_propagate_error (error, failure);
    return FALSE;
  }
  if (herd_error_class (failure) == HERD_ERROR_CLASS_HUMAN)
    issuance->context->refused (issuance->asked, issuance->context->data);
  keep_failure (issuance, failure);
  g_message ("%s: %s: %s", certificate->name, issuance->failed, failure->message);
  /* A rehearsal that could not take place says nothing of the challenge, and must not keep the certificate
   * from being renewed: its time has come anyway. */
  if (herd_issuance_is_rehearsal (issuance)
      && !g_error_matches (failure, HERD_ERROR, HERD_ERROR_CHALLENGE_FAILED))
    end_rehearsals (issuance, certificate);
  else
    blame (issuance, certificate);
  if (resumable && !herd_issuance_is_rehearsal (issuance))
    issuance->left = issuance->issuer;
  forget_attempt (issuance);
  herd_run_jump (run, "choose");
  return TRUE;
}

gboolean
herd_issuance_end_rehearsal (HerdIssuance *issuance, HerdRun *run, GError **error)
{
  HerdCertificate *certificate = herd_issuance_find_certificate (issuance, error);

  if (certificate == NULL)
    return FALSE;
  end_rehearsals (issuance, certificate);
  forget_attempt (issuance);
  herd_run_jump (run, "choose");
  return TRUE;
}

/* --- what an earlier operation left --- */

/* The order and its key, in the transaction that takes them from the operation. */
void
herd_issuance_keep (HerdIssuance *issuance, HerdBatch *batch)
{
  g_autofree char *digest = NULL;

  if (issuance->left == 0)
    return;
  digest = herd_spec_make_digest (issuance->spec);
  herd_batch_keep_attempt (batch, issuance->operation, issuance->left, digest);
  issuance->left = 0;
}

/* Only where an attempt has failed there can be anything: others are spared the question. */
static void
look_for_kept (HerdIssuance *issuance, const HerdCertificate *certificate, HerdRun *run)
{
  if (issuance->key != NULL || herd_issuance_is_rehearsal (issuance)
      || herd_backoffs_find (certificate->backoffs, issuance->issuer) == NULL)
    return;
  herd_state_read_attempt_async (issuance->context->services->state, issuance->certificate,
                                 issuance->issuer, herd_run_ready, herd_run_slot (run));
  issuance->kept = TRUE;
}

/* Without it there is another order: nothing of it is worth a failure. */
static void
take_kept (HerdIssuance *issuance, GAsyncResult *result)
{
  g_autofree char *mine = herd_spec_make_digest (issuance->spec);
  g_autofree char *wish = NULL;
  g_autoptr (GBytes) checkpoint = NULL;
  g_autoptr (GBytes) der = NULL;
  g_autoptr (GError) error = NULL;

  if (!herd_state_read_attempt_finish (issuance->context->services->state, result, &wish,
                                       &checkpoint, &der, &error)) {
    issuance->kept = !g_error_matches (error, HERD_ERROR, HERD_ERROR_NOT_FOUND);
    if (issuance->kept)
      g_message ("an order that was begun: %s", error->message);
    return;
  }
  if (!g_str_equal (wish, mine))
    return;
  issuance->key = herd_key_new_from_pkcs8 (der, &error);
  if (issuance->key == NULL) {
    g_message ("an order that was begun: %s", error->message);
    return;
  }
  issuance->checkpoint = g_steal_pointer (&checkpoint);
  issuance->taken = TRUE;
}

void
herd_issuance_put_taken (HerdIssuance *issuance, HerdBatch *batch)
{
  if (issuance->taken)
    herd_batch_put_checkpoint (batch, issuance->operation, issuance->checkpoint);
  if (issuance->kept)
    herd_batch_delete_attempt (batch, issuance->certificate, issuance->issuer);
}

/* --- choose --- */

static gboolean
is_forced (const HerdOperation *operation)
{
  gboolean force = FALSE;

  g_variant_lookup (operation->options, "force", "b", &force);
  return force;
}

static gboolean
has_one_issuer (HerdIssuance *issuance, const HerdCertificate *certificate)
{
  g_autoptr (GPtrArray) list = herd_issuers_list (issuance->context->services->registry,
                                                  certificate, issuance->spec, NULL);

  return list == NULL || list->len == 1;
}

/* All that have failed; a single one needs no name. */
static GError *
take_failure (HerdIssuance *issuance, const HerdCertificate *certificate)
{
  if (issuance->before != NULL || herd_issuance_is_rehearsal (issuance)
      || !has_one_issuer (issuance, certificate))
    herd_error_translate (&issuance->failure, HERD_ERROR_FAILED, "%s%s",
                          issuance->before != NULL ? issuance->before->str : "", issuance->failed);
  return g_steal_pointer (&issuance->failure);
}

static GError *
make_waiting_error (const HerdChoice *choice)
{
  g_autofree char *when = herd_text_from_time (choice->until);
  GError *error = g_error_new (HERD_ERROR, HERD_ERROR_RATE_LIMITED,
                               "no issuer is asked before %s (%s); wait, or use force", when,
                               choice->why);

  herd_error_set_retry_at (error, choice->until);
  return error;
}

/* The attempt that begins, and what became of the one before, in one transaction. */
static void
commit_attempt (HerdIssuance *issuance, const HerdCertificate *certificate,
                HerdOperation *operation, HerdRun *run)
{
  HerdServices *services = issuance->context->services;
  HerdBatch *batch = herd_batch_new ();

  herd_issuance_keep (issuance, batch);
  if (operation->issuer != 0) {
    herd_batch_put_checkpoint (batch, operation->id, NULL);
    herd_batch_put_pending_key (batch, operation->id, NULL);
  }
  operation->issuer = issuance->issuer;
  herd_batch_put_operation (batch, operation);
  herd_batch_put_certificate (batch, certificate);
  herd_registry_touch (services->registry, HERD_NOUN_CERTIFICATE, certificate->id);
  herd_registry_touch (services->registry, HERD_NOUN_OPERATION, operation->id);
  herd_state_commit_async (services->state, batch, herd_run_ready, herd_run_slot (run));
}

gboolean
herd_issuance_enter_choose (HerdRun *run, gpointer data, GError **error)
{
  HerdIssuance *issuance = data;
  HerdServices *services = issuance->context->services;
  const HerdCertificate *certificate = herd_issuance_find_certificate (issuance, error);
  HerdOperation *operation = certificate != NULL ? herd_issuance_find_operation (issuance, error)
                                                 : NULL;
  HerdChoiceQuery query = { .services = services,
                            .begun = issuance->checkpoint != NULL,
                            .tried = issuance->tried };
  g_auto (HerdChoice) choice = { 0 };

  if (operation == NULL)
    return FALSE;
  query.now = herd_clock_get_seconds (services->clock);
  query.preferred = operation->issuer;
  query.force = is_forced (operation);
  if (!herd_choice_make (services->registry, certificate, issuance->spec, &query, &choice, error))
    return FALSE;
  if (choice.issuer == NULL) {
    g_propagate_error (error, issuance->failure != NULL ? take_failure (issuance, certificate)
                                                        : make_waiting_error (&choice));
    return FALSE;
  }
  issuance->issuer = choice.issuer->id;
  issuance->asked = choice.asked->id;
  issuance->entry = herd_budget_begin (services, choice.asked, certificate, issuance->spec);
  if (issuance->over || operation->issuer != issuance->issuer)
    commit_attempt (issuance, certificate, operation, run);
  look_for_kept (issuance, certificate, run);
  return TRUE;
}

gboolean
herd_issuance_leave_choose (HerdRun *run, gpointer data, GError **error)
{
  HerdIssuance *issuance = data;
  guint n = herd_run_get_n_results (run);

  if (issuance->kept)
    take_kept (issuance, herd_run_get_result (run, --n));
  if (n > 0
      && !herd_state_commit_finish (issuance->context->services->state,
                                    herd_run_get_result (run, 0), error))
    return FALSE;
  issuance->over = FALSE;
  if (!herd_issuance_is_rehearsal (issuance))
    herd_run_jump (run, "abandon");
  return TRUE;
}

/* Why AUTHORITY, which the wish names, was not the one: it has failed, or is not asked for its limits' sake. */
static char *
describe_refusal (HerdIssuance *issuance, const HerdCertificate *certificate,
                  const HerdAuthority *authority)
{
  const HerdBackoff *backoff = herd_backoffs_find (certificate->backoffs, authority->id);
  g_autoptr (GError) error = NULL;

  if (backoff != NULL)
    return g_strdup (backoff->message);
  if (!herd_budget_ask (issuance->context->services, authority, certificate, issuance->spec,
                        &error))
    return g_strdup (error->message);
  return g_strdup_printf ("issuer %s", authority->name);
}

char *
herd_issuance_describe_detour (HerdIssuance *issuance, const HerdCertificate *certificate)
{
  HerdRegistry *registry = issuance->context->services->registry;
  const HerdAuthority *issuer = herd_registry_get_authority (registry, issuance->issuer);
  g_autoptr (GPtrArray) list = herd_issuers_list (registry, certificate, issuance->spec, NULL);
  const HerdAuthority *first = list != NULL ? g_ptr_array_index (list, 0) : NULL;
  g_autofree char *why = NULL;

  if (issuer == NULL || first == NULL || first == issuer)
    return NULL;
  why = describe_refusal (issuance, certificate, first);
  return g_strdup_printf ("issuer %s has issued, as another one could not: %s", issuer->name, why);
}
