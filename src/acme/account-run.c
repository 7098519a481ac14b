// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The runs behind HerdAccounts, and the rows that several of them have.
 */
#include "acme/account-run.h"

#include <string.h>

#include "acme/json.h"
#include "acme/prepare.h"
#include "acme/settle.h"
#include "plugin/error.h"

/* --- rows --- */

gboolean
herd_account_prepare_enter (HerdRun *run, gpointer operation, GError **error G_GNUC_UNUSED)
{
  HerdAccountRun *self = operation;

  herd_acme_prepare_async (self->session, self->host, herd_run_get_cancellable (run),
                           herd_run_ready, herd_run_slot (run));
  return TRUE;
}

gboolean
herd_account_prepare_leave (HerdRun *run, gpointer operation G_GNUC_UNUSED, GError **error)
{
  return herd_acme_prepare_finish (herd_run_get_result (run, 0), error);
}

gboolean
herd_account_settle_enter (HerdRun *run, gpointer operation, GError **error G_GNUC_UNUSED)
{
  HerdAccountRun *self = operation;

  if (self->session->unsettled)
    herd_acme_settle_async (self->session, self->host, herd_run_get_cancellable (run),
                            herd_run_ready, herd_run_slot (run));
  return TRUE;
}

gboolean
herd_account_settle_leave (HerdRun *run, gpointer operation G_GNUC_UNUSED, GError **error)
{
  return herd_run_get_n_results (run) == 0
         || herd_acme_settle_finish (herd_run_get_result (run, 0), error);
}

gboolean
herd_account_keep_enter (HerdRun *run, gpointer operation, GError **error G_GNUC_UNUSED)
{
  HerdAccountRun *self = operation;
  g_autoptr (GBytes) bytes = herd_acme_account_to_bytes (self->session->account);

  herd_issuer_host_record_put_async (self->host, HERD_ACCOUNT_RECORD, bytes, FALSE, herd_run_ready,
                                     herd_run_slot (run));
  return TRUE;
}

gboolean
herd_account_keep_leave (HerdRun *run, gpointer operation, GError **error)
{
  return herd_account_run_put_finish (run, operation, error);
}

/* --- for rows --- */

void
herd_account_run_put (HerdRun *run, HerdAccountRun *self, const char *record, GBytes *bytes)
{
  herd_issuer_host_record_put_async (self->host, record, bytes, TRUE, herd_run_ready,
                                     herd_run_slot (run));
}

gboolean
herd_account_run_put_finish (HerdRun *run, HerdAccountRun *self, GError **error)
{
  return herd_issuer_host_record_put_finish (self->host, herd_run_get_result (run, 0), error);
}

void
herd_account_add_contacts (JsonObject *object, const char *const *contacts)
{
  JsonArray *array = json_array_new ();

  for (; *contacts != NULL; contacts++)
    json_array_add_string_element (array, *contacts);
  json_object_set_array_member (object, "contact", array);
}

gboolean
herd_account_check_contacts (const char *const *contacts, GError **error)
{
  for (; *contacts != NULL; contacts++) {
    if (!g_str_has_prefix (*contacts, "mailto:") || strlen (*contacts) == strlen ("mailto:")
        || strpbrk (*contacts, "?,") != NULL) {
      g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
                   "contact “%s” is not of the form mailto:name@example.org", *contacts);
      return FALSE;
    }
  }
  return TRUE;
}

/* --- the run --- */

static void
commit (HerdRun *run G_GNUC_UNUSED, gpointer operation, gpointer slot)
{
  HerdAccountRun *self = operation;
  g_autoptr (GBytes) bytes = self->table->write (self->data);

  herd_issuer_host_checkpoint_async (self->host, bytes, herd_run_ready, slot);
}

static gboolean
commit_finish (gpointer operation, GAsyncResult *result, GError **error)
{
  return herd_issuer_host_checkpoint_finish (((HerdAccountRun *) operation)->host, result, error);
}

static void
on_entered (gpointer operation, const char *step, double fraction)
{
  herd_issuer_host_progress (((HerdAccountRun *) operation)->host, step, fraction);
}

static void
on_finished (gpointer operation, const GError *error)
{
  HerdAccountRun *self = operation;

  if (error != NULL) {
    GError *copy = g_error_copy (error);

    if (copy->domain != HERD_ERROR)
      herd_error_translate (&copy, HERD_ERROR_FAILED, "issuer %s", self->session->name);
    g_task_return_error (self->task, copy);
  } else {
    g_task_return_pointer (self->task, herd_acme_session_describe (self->session),
                           (GDestroyNotify) herd_account_free);
  }
  herd_follow_free (self->follow);
  herd_run_unref (self->run);
  g_object_unref (self->host);
  g_object_unref (self->task);
  self->table->free_data (self->data);
  g_free (self);
}

static const HerdRunOps ops = {
  .commit = commit,
  .commit_finish = commit_finish,
  .entered = on_entered,
  .finished = on_finished,
};

void
herd_account_run_start (const HerdAccountTable *table, HerdAcmeSession *session,
                        HerdIssuerHost *host, gpointer data, GCancellable *cancellable,
                        GAsyncReadyCallback callback, gpointer user_data)
{
  HerdAccountRun *self = g_new0 (HerdAccountRun, 1);

  self->table = table;
  self->session = session;
  self->host = g_object_ref (host);
  self->data = data;
  self->task = g_task_new (NULL, cancellable, callback, user_data);
  g_task_set_check_cancellable (self->task, FALSE);
  self->run = herd_run_new (table->name, table->steps, table->n_steps, &ops, self, session->clock,
                            session->crash);
  herd_run_start (self->run, NULL);
  self->follow = herd_follow_new (self->run, cancellable);
}

HerdAccount *
herd_account_run_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
