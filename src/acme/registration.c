// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Registration, as a table: prepare, key, keep-key, find, register, keep, end. The key is on disk
 * before the CA sees it, and a key that was on disk before is looked for at the CA first: so a lost
 * answer never leads to a second account. Owned by itself until its end.
 */
#include "acme/registration.h"

#include <string.h>

#include "acme/json.h"
#include "acme/post.h"
#include "acme/prepare.h"
#include "crypto/key.h"
#include "plugin/error.h"
#include "util/follow.h"
#include "util/steps.h"

#define AGREE_TO_ANY "yes"

typedef struct {
  HerdAcmeSession *session;
  HerdIssuerHost *host;
  GTask *task;
  HerdRun *run;
  HerdFollow *follow;
  char *agreed; /* the terms' URL, AGREE_TO_ANY, or "" */
  char **contacts;
  GBytes *key; /* a new one, PKCS#8 */
} Registration;

/* --- what must hold before anything leaves --- */

static gboolean
check_terms (Registration *registration, GError **error)
{
  HerdAcmeSession *session = registration->session;
  const char *terms = session->directory->terms;

  if (*terms == '\0' || g_str_equal (registration->agreed, terms)
      || g_str_equal (registration->agreed, AGREE_TO_ANY))
    return TRUE;
  g_set_error (error, HERD_ERROR, HERD_ERROR_ACTION_REQUIRED,
               "issuer %s: the CA wants agreement to its terms of service, %s; read them and set "
               "agree-terms to that URL",
               session->name, terms);
  return FALSE;
}

/* RFC 8555 section 7.3: one address each, no header fields. */
static gboolean
check_contacts (Registration *registration, GError **error)
{
  for (char **contact = registration->contacts; *contact != NULL; contact++) {
    if (!g_str_has_prefix (*contact, "mailto:") || strlen (*contact) == strlen ("mailto:")
        || strpbrk (*contact, "?,") != NULL) {
      g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
                   "contact “%s” is not of the form mailto:name@example.org", *contact);
      return FALSE;
    }
  }
  return TRUE;
}

static gboolean
prepare_enter (HerdRun *run, gpointer data, GError **error)
{
  Registration *registration = data;

  if (!check_contacts (registration, error))
    return FALSE;
  herd_acme_prepare_async (registration->session, registration->host,
                           herd_run_get_cancellable (run), herd_run_ready, herd_run_slot (run));
  return TRUE;
}

static gboolean
prepare_leave (HerdRun *run, gpointer data, GError **error)
{
  Registration *registration = data;
  HerdAcmeSession *session = registration->session;

  if (!herd_acme_prepare_finish (herd_run_get_result (run, 0), error))
    return FALSE;
  if (herd_acme_account_is_registered (session->account)) {
    herd_run_jump (run, "end");
    return TRUE;
  }
  if (session->directory->eab_required) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_ACTION_REQUIRED,
                 "issuer %s: the CA wants an external account binding, which certherd cannot give; "
                 "choose another CA",
                 session->name);
    return FALSE;
  }
  if (!check_terms (registration, error))
    return FALSE;
  if (session->account->jwk != NULL)
    herd_run_jump (run, "find");
  return TRUE;
}

/* --- the key --- */

static gboolean
key_enter (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  Registration *registration = data;

  herd_key_generate_async (registration->session->key_type, herd_run_get_cancellable (run),
                           herd_run_ready, herd_run_slot (run));
  return TRUE;
}

static gboolean
key_leave (HerdRun *run, gpointer data, GError **error)
{
  Registration *registration = data;
  g_autoptr (HerdKey) key = herd_key_generate_finish (herd_run_get_result (run, 0), error);

  if (key == NULL)
    return FALSE;
  registration->key = herd_key_to_pkcs8 (key, error);
  return registration->key != NULL;
}

static gboolean
keep_key_enter (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  Registration *registration = data;

  herd_issuer_host_record_put_async (registration->host, HERD_ACCOUNT_KEY_RECORD, registration->key,
                                     TRUE, herd_run_ready, herd_run_slot (run));
  return TRUE;
}

static gboolean
keep_key_leave (HerdRun *run, gpointer data, GError **error)
{
  Registration *registration = data;

  if (!herd_issuer_host_record_put_finish (registration->host, herd_run_get_result (run, 0), error)
      || !herd_acme_account_set_key (registration->session->account, registration->key, error))
    return FALSE;
  herd_run_jump (run, "register");
  return TRUE;
}

/* --- the account --- */

static void
post_new_account (HerdRun *run, Registration *registration, JsonObject *object)
{
  g_autofree char *payload = herd_json_to_text (object);
  HerdAcmePost post = {
    .label = "newAccount",
    .url = registration->session->directory->new_account,
    .payload = payload,
    .with_jwk = TRUE,
  };

  herd_acme_post_async (registration->session, registration->host, &post,
                        herd_run_get_cancellable (run), herd_run_ready, herd_run_slot (run));
}

static gboolean
take_account (Registration *registration, HerdHttpResponse *response, GError **error)
{
  HerdAcmeSession *session = registration->session;
  const char *location = herd_http_response_get_header (response, "Location");
  g_autoptr (JsonObject) object = NULL;

  if (location == NULL) {
    g_set_error_literal (error, HERD_ERROR, HERD_ERROR_REFUSED,
                         "newAccount: the CA did not say where the account is (no Location)");
    return FALSE;
  }
  if (!herd_acme_session_check_url (session, location, "newAccount", error))
    return FALSE;
  object = herd_json_parse (herd_http_response_get_body (response), "account", error);
  return object != NULL
         && herd_acme_account_update (session->account, location, object, session->directory_url,
                                      error);
}

static gboolean
find_enter (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  g_autoptr (JsonObject) object = json_object_new ();

  json_object_set_boolean_member (object, "onlyReturnExisting", TRUE);
  post_new_account (run, data, object);
  return TRUE;
}

static gboolean
find_leave (HerdRun *run, gpointer data, GError **error)
{
  Registration *registration = data;
  g_autoptr (GError) local = NULL;
  g_autoptr (HerdHttpResponse)
      response = herd_acme_post_finish (herd_run_get_result (run, 0), &local);

  if (response == NULL
      && g_strcmp0 (herd_error_get_problem_type (local), "accountDoesNotExist") == 0)
    return TRUE;
  if (response == NULL) {
    g_propagate_error (error, g_steal_pointer (&local));
    return FALSE;
  }
  if (!take_account (registration, response, error))
    return FALSE;
  herd_run_jump (run, "keep");
  return TRUE;
}

static gboolean
register_enter (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  Registration *registration = data;
  g_autoptr (JsonObject) object = json_object_new ();
  JsonArray *contacts;

  if (*registration->session->directory->terms != '\0')
    json_object_set_boolean_member (object, "termsOfServiceAgreed", TRUE);
  if (*registration->contacts != NULL) {
    contacts = json_array_new ();
    for (char **contact = registration->contacts; *contact != NULL; contact++)
      json_array_add_string_element (contacts, *contact);
    json_object_set_array_member (object, "contact", contacts);
  }
  post_new_account (run, registration, object);
  return TRUE;
}

static gboolean
register_leave (HerdRun *run, gpointer data, GError **error)
{
  Registration *registration = data;
  g_autoptr (HerdHttpResponse)
      response = herd_acme_post_finish (herd_run_get_result (run, 0), error);

  return response != NULL && take_account (registration, response, error);
}

static gboolean
keep_enter (HerdRun *run, gpointer data, GError **error G_GNUC_UNUSED)
{
  Registration *registration = data;
  HerdAcmeSession *session = registration->session;
  g_autoptr (GBytes) bytes = NULL;

  /* What was agreed to is what the directory named, also for AGREE_TO_ANY. */
  if (*session->directory->terms != '\0') {
    g_free (session->account->terms);
    session->account->terms = g_strdup (session->directory->terms);
    session->account->agreed_at = herd_acme_session_get_seconds (session);
  }
  bytes = herd_acme_account_to_bytes (session->account);
  herd_issuer_host_record_put_async (registration->host, HERD_ACCOUNT_RECORD, bytes, FALSE,
                                     herd_run_ready, herd_run_slot (run));
  return TRUE;
}

static gboolean
keep_leave (HerdRun *run, gpointer data, GError **error)
{
  Registration *registration = data;
  HerdAcmeAccount *account = registration->session->account;

  if (!herd_issuer_host_record_put_finish (registration->host, herd_run_get_result (run, 0),
                                           error)) {
    /* What is not on disk is not known: the next attempt finds the account by its key. */
    herd_acme_account_forget (account);
    return FALSE;
  }
  if (!herd_acme_account_is_registered (account)) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_ACTION_REQUIRED,
                 "issuer %s: the CA says that the account %s is %s; ask the CA, or remove the "
                 "issuer and add it again for a new account",
                 registration->session->name, account->url, account->status);
    return FALSE;
  }
  return TRUE;
}

static const HerdStep steps[] = {
  { "prepare", prepare_enter, prepare_leave, HERD_COMMIT_NONE },
  { "key", key_enter, key_leave, HERD_COMMIT_NONE },
  { "keep-key", keep_key_enter, keep_key_leave, HERD_COMMIT_NONE },
  { "find", find_enter, find_leave, HERD_COMMIT_NONE },
  { "register", register_enter, register_leave, HERD_COMMIT_NONE },
  { "keep", keep_enter, keep_leave, HERD_COMMIT_NONE },
  { "end", NULL, NULL, HERD_COMMIT_NONE },
};

/* --- the border --- */

static void
on_entered (gpointer data, const char *step, double fraction)
{
  herd_issuer_host_progress (((Registration *) data)->host, step, fraction);
}

static void
on_finished (gpointer data, const GError *error)
{
  Registration *registration = data;
  HerdAcmeSession *session = registration->session;

  if (error != NULL) {
    GError *copy = g_error_copy (error);

    if (copy->domain != HERD_ERROR)
      herd_error_translate (&copy, HERD_ERROR_FAILED, "issuer %s", session->name);
    g_task_return_error (registration->task, copy);
  } else {
    g_task_return_pointer (registration->task,
                           herd_acme_account_describe (session->account, session->directory),
                           (GDestroyNotify) herd_account_free);
  }
  herd_follow_free (registration->follow);
  herd_run_unref (registration->run);
  g_object_unref (registration->host);
  g_object_unref (registration->task);
  g_free (registration->agreed);
  g_strfreev (registration->contacts);
  g_clear_pointer (&registration->key, g_bytes_unref);
  g_free (registration);
}

static const HerdRunOps ops = { .entered = on_entered, .finished = on_finished };

void
herd_acme_registration_async (HerdAcmeSession *session, GVariant *options, HerdIssuerHost *host,
                              GCancellable *cancellable, GAsyncReadyCallback callback,
                              gpointer data)
{
  Registration *registration = g_new0 (Registration, 1);

  registration->session = session;
  registration->host = g_object_ref (host);
  registration->task = g_task_new (NULL, cancellable, callback, data);
  g_task_set_check_cancellable (registration->task, FALSE);
  if (options == NULL || !g_variant_lookup (options, "agree-terms", "s", &registration->agreed))
    registration->agreed = g_strdup ("");
  if (options == NULL || !g_variant_lookup (options, "contacts", "^as", &registration->contacts))
    registration->contacts = g_new0 (char *, 1);
  registration->run = herd_run_new ("register", steps, G_N_ELEMENTS (steps), &ops, registration,
                                    session->clock, session->crash);
  herd_run_start (registration->run, NULL);
  registration->follow = herd_follow_new (registration->run, cancellable);
}

HerdAccount *
herd_acme_registration_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
