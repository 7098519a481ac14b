// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Registration, as a table. The key is on disk before the CA sees it, and a key that was on disk before
 * is looked for at the CA first: so a lost answer never leads to a second account, nor is a binding, which
 * the CA takes once, sent a second time. A valid account only gets its contacts brought up to date.
 */
#include "acme/registration.h"

#include "acme/account-run.h"
#include "acme/account-update.h"
#include "acme/binding.h"
#include "acme/find.h"
#include "acme/json.h"
#include "acme/prepare.h"
#include "crypto/key.h"
#include "plugin/error.h"

#define AGREE_TO_ANY "yes"

typedef struct {
  char *agreed;    /* the terms' URL, AGREE_TO_ANY, or "" */
  char **contacts; /* NULL: nothing was said of them */
  HerdBinding *binding;
  gboolean binding_is_kept; /* there is a record of it */
  GBytes *key;              /* a new one, PKCS#8 */
} Registration;

/* --- what must hold before anything leaves --- */

static gboolean
check_terms (HerdAcmeSession *session, const Registration *registration, GError **error)
{
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

static gboolean
refuse_unbound (const HerdAcmeSession *session, GError **error)
{
  const char *hint = session->traits.eab_hint;

  g_set_error (
      error, HERD_ERROR, HERD_ERROR_ACTION_REQUIRED,
      "issuer %s: the CA wants an external account binding; get a key id and a MAC key from "
      "the CA%s%s%s, and register the issuer with them (eab-kid, eab-hmac-file)",
      session->name, hint != NULL ? " (" : "", hint != NULL ? hint : "", hint != NULL ? ")" : "");
  return FALSE;
}

/* What is known of the CA tells that it will refuse, before it is asked anything. An account whose key is
 * there may be found by it; a binding may be kept from an earlier attempt. */
static gboolean
known_enter (HerdRun *run, gpointer operation, GError **error G_GNUC_UNUSED)
{
  HerdAccountRun *self = operation;

  herd_acme_load_async (self->session, self->host, herd_run_ready, herd_run_slot (run));
  herd_issuer_host_record_get_async (self->host, HERD_BINDING_RECORD, herd_run_ready,
                                     herd_run_slot (run));
  return TRUE;
}

static gboolean
known_leave (HerdRun *run, gpointer operation, GError **error)
{
  HerdAccountRun *self = operation;
  HerdAcmeSession *session = self->session;
  const Registration *registration = self->data;
  gboolean loaded = herd_acme_prepare_finish (herd_run_get_result (run, 0), error);
  g_autoptr (GError) local = NULL;
  g_autoptr (GBytes)
      kept = herd_issuer_host_record_get_finish (self->host, herd_run_get_result (run, 1), &local);

  if (!loaded)
    return FALSE;
  if (session->account->signer != NULL)
    return TRUE;
  if (session->traits.eab_required && registration->binding == NULL && kept == NULL
      && g_error_matches (local, HERD_ERROR, HERD_ERROR_NOT_FOUND))
    return refuse_unbound (session, error);
  if (!session->traits.contact_required
      || (registration->contacts != NULL && registration->contacts[0] != NULL))
    return TRUE;
  g_set_error (
      error, HERD_ERROR, HERD_ERROR_ACTION_REQUIRED,
      "issuer %s: the CA wants a contact; register the issuer with a mail address (contact)",
      session->name);
  return FALSE;
}

static gboolean
prepare_enter (HerdRun *run, gpointer operation, GError **error)
{
  const Registration *registration = ((HerdAccountRun *) operation)->data;

  if ((registration->contacts != NULL
       && !herd_account_check_contacts ((const char *const *) registration->contacts, error))
      || (registration->binding != NULL && !herd_acme_binding_check (registration->binding, error)))
    return FALSE;
  return herd_account_prepare_enter (run, operation, error);
}

/* Is there anything to be told about the valid account? */
static gboolean
is_current (const HerdAcmeAccount *account, const Registration *registration)
{
  return registration->contacts == NULL
         || g_strv_equal ((const char *const *) account->contacts,
                          (const char *const *) registration->contacts);
}

static gboolean
settle_leave (HerdRun *run, gpointer operation, GError **error)
{
  HerdAccountRun *self = operation;
  const HerdAcmeAccount *account = self->session->account;
  const Registration *registration = self->data;

  if (!herd_account_settle_leave (run, operation, error))
    return FALSE;
  if (herd_acme_account_is_registered (account)) {
    herd_run_jump (run, is_current (account, registration) ? "end" : "update");
    return TRUE;
  }
  /* For ever: to ask the CA again would only be noise (RFC 8555 section 7.3.6). */
  if (g_str_equal (account->status, HERD_ACCOUNT_DEACTIVATED))
    return herd_acme_session_check_account (self->session, error);
  return check_terms (self->session, registration, error);
}

/* --- the binding --- */

static gboolean
binding_enter (HerdRun *run, gpointer operation, GError **error G_GNUC_UNUSED)
{
  HerdAccountRun *self = operation;
  const Registration *registration = self->data;
  g_autoptr (GBytes) bytes = NULL;

  if (registration->binding == NULL) {
    herd_issuer_host_record_get_async (self->host, HERD_BINDING_RECORD, herd_run_ready,
                                       herd_run_slot (run));
    return TRUE;
  }
  bytes = herd_acme_binding_to_bytes (registration->binding);
  herd_account_run_put (run, self, HERD_BINDING_RECORD, bytes);
  return TRUE;
}

static gboolean
read_binding (HerdRun *run, HerdAccountRun *self, GError **error)
{
  Registration *registration = self->data;
  g_autoptr (GError) local = NULL;
  g_autoptr (GBytes)
      bytes = herd_issuer_host_record_get_finish (self->host, herd_run_get_result (run, 0), &local);

  if (bytes != NULL)
    registration->binding = herd_acme_binding_new_from_bytes (bytes, error);
  registration->binding_is_kept = registration->binding != NULL;
  if (bytes != NULL)
    return registration->binding != NULL;
  if (g_error_matches (local, HERD_ERROR, HERD_ERROR_NOT_FOUND))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

static gboolean
binding_leave (HerdRun *run, gpointer operation, GError **error)
{
  HerdAccountRun *self = operation;
  HerdAcmeSession *session = self->session;
  Registration *registration = self->data;

  if (registration->binding != NULL) {
    if (!herd_account_run_put_finish (run, self, error))
      return FALSE;
    registration->binding_is_kept = TRUE;
  } else if (!read_binding (run, self, error)) {
    return FALSE;
  }
  /* A key that was there before may have its account already. */
  if (session->account->signer != NULL)
    herd_run_jump (run, "find");
  return TRUE;
}

/* --- the key --- */

static gboolean
check_binding (const HerdAccountRun *self, GError **error)
{
  const Registration *registration = self->data;

  if (!self->session->directory->eab_required || registration->binding != NULL)
    return TRUE;
  return refuse_unbound (self->session, error);
}

static gboolean
key_enter (HerdRun *run, gpointer operation, GError **error)
{
  HerdAccountRun *self = operation;

  if (!check_binding (self, error))
    return FALSE;
  herd_key_generate_async (self->session->key_type, herd_run_get_cancellable (run), herd_run_ready,
                           herd_run_slot (run));
  return TRUE;
}

static gboolean
key_leave (HerdRun *run, gpointer operation, GError **error)
{
  Registration *registration = ((HerdAccountRun *) operation)->data;
  g_autoptr (HerdKey) key = herd_key_generate_finish (herd_run_get_result (run, 0), error);

  if (key == NULL)
    return FALSE;
  registration->key = herd_key_to_pkcs8 (key, error);
  return registration->key != NULL;
}

static gboolean
keep_key_enter (HerdRun *run, gpointer operation, GError **error G_GNUC_UNUSED)
{
  HerdAccountRun *self = operation;

  herd_issuer_host_spend (self->host, HERD_SPENDING_ACCOUNT, NULL);
  herd_account_run_put (run, self, HERD_ACCOUNT_KEY_RECORD, ((Registration *) self->data)->key);
  return TRUE;
}

static gboolean
keep_key_leave (HerdRun *run, gpointer operation, GError **error)
{
  HerdAccountRun *self = operation;
  const Registration *registration = self->data;

  if (!herd_account_run_put_finish (run, self, error)
      || !herd_acme_account_set_key (self->session->account, registration->key, error))
    return FALSE;
  herd_run_jump (run, "register");
  return TRUE;
}

/* --- the account --- */

static gboolean
find_enter (HerdRun *run, gpointer operation, GError **error G_GNUC_UNUSED)
{
  HerdAccountRun *self = operation;

  herd_acme_find_async (self->session, self->host, NULL, herd_run_get_cancellable (run),
                        herd_run_ready, herd_run_slot (run));
  return TRUE;
}

static gboolean
find_leave (HerdRun *run, gpointer operation, GError **error)
{
  HerdAccountRun *self = operation;
  HerdAcmeAccount *account = self->session->account;
  g_autoptr (GError) local = NULL;
  const char *type;

  if (herd_acme_find_finish (self->session, herd_run_get_result (run, 0), &local)) {
    herd_run_jump (run, "keep");
    return TRUE;
  }
  type = herd_error_get_problem_type (local);
  if (g_strcmp0 (type, "accountDoesNotExist") == 0) {
    if (!check_binding (self, error))
      return FALSE;
    herd_issuer_host_spend (self->host, HERD_SPENDING_ACCOUNT, NULL);
    return TRUE;
  }
  /* The key is right: so there was an account, and it is over. */
  if (g_strcmp0 (type, "unauthorized") == 0 && *account->url != '\0') {
    herd_acme_account_set_status (account, HERD_ACCOUNT_DEACTIVATED);
    herd_run_jump (run, "keep");
    return TRUE;
  }
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

/* {"contact": …}, {"termsOfServiceAgreed": …}, {"externalAccountBinding": …} */
static JsonObject *
new_account (const HerdAccountRun *self, GError **error)
{
  HerdAcmeSession *session = self->session;
  const Registration *registration = self->data;
  g_autoptr (JsonObject) object = json_object_new ();
  g_autofree char *binding = NULL;

  if (*session->directory->terms != '\0')
    json_object_set_boolean_member (object, "termsOfServiceAgreed", TRUE);
  if (registration->contacts != NULL && *registration->contacts != NULL)
    herd_account_add_contacts (object, (const char *const *) registration->contacts);
  if (registration->binding != NULL) {
    binding = herd_acme_binding_sign (registration->binding, session->account->signer,
                                      session->directory->new_account, error);
    if (binding == NULL)
      return NULL;
    json_object_set_member (object, "externalAccountBinding", json_from_string (binding, NULL));
  }
  return g_steal_pointer (&object);
}

static gboolean
register_enter (HerdRun *run, gpointer operation, GError **error)
{
  HerdAccountRun *self = operation;
  g_autoptr (JsonObject) object = new_account (self, error);
  g_autofree char *payload = object != NULL ? herd_json_to_text (object) : NULL;
  HerdAcmePost post = {
    .label = "newAccount",
    .url = self->session->directory->new_account,
    .payload = payload,
    .with_jwk = TRUE,
  };

  if (payload == NULL)
    return FALSE;
  herd_acme_post_async (self->session, self->host, &post, herd_run_get_cancellable (run),
                        herd_run_ready, herd_run_slot (run));
  return TRUE;
}

static gboolean
register_leave (HerdRun *run, gpointer operation, GError **error)
{
  HerdAccountRun *self = operation;
  const Registration *registration = self->data;
  g_autoptr (HerdHttpResponse)
      response = herd_acme_post_finish (herd_run_get_result (run, 0), error);

  if (response == NULL)
    return FALSE;
  if (registration->contacts != NULL)
    herd_acme_account_set_contacts (self->session->account,
                                    (const char *const *) registration->contacts);
  if (!herd_acme_find_read (self->session, self->session->account, response, error))
    return FALSE;
  herd_run_jump (run, "keep");
  return TRUE;
}

/* --- its contacts --- */

static gboolean
update_enter (HerdRun *run, gpointer operation, GError **error G_GNUC_UNUSED)
{
  HerdAccountRun *self = operation;
  const Registration *registration = self->data;

  herd_acme_update_async (self->session, (const char *const *) registration->contacts, self->host,
                          herd_run_get_cancellable (run), herd_run_ready, herd_run_slot (run));
  return TRUE;
}

static gboolean
update_leave (HerdRun *run, gpointer operation G_GNUC_UNUSED, GError **error)
{
  g_autoptr (HerdAccount) account = herd_account_run_finish (herd_run_get_result (run, 0), error);

  if (account == NULL)
    return FALSE;
  herd_run_jump (run, "end");
  return TRUE;
}

/* --- on disk --- */

static gboolean
keep_enter (HerdRun *run, gpointer operation, GError **error)
{
  HerdAccountRun *self = operation;
  HerdAcmeSession *session = self->session;

  /* What was agreed to is what the directory named, also for AGREE_TO_ANY. */
  if (*session->directory->terms != '\0') {
    g_free (session->account->terms);
    session->account->terms = g_strdup (session->directory->terms);
    session->account->agreed_at = herd_acme_session_get_seconds (session);
  }
  return herd_account_keep_enter (run, operation, error);
}

static gboolean
keep_leave (HerdRun *run, gpointer operation, GError **error)
{
  HerdAccountRun *self = operation;

  if (!herd_account_keep_leave (run, operation, error)) {
    /* What is not on disk is not known: the next attempt finds the account by its key. */
    herd_acme_account_forget (self->session->account);
    return FALSE;
  }
  return herd_acme_session_check_account (self->session, error);
}

/* The CA takes a binding once. */
static gboolean
drop_enter (HerdRun *run, gpointer operation, GError **error G_GNUC_UNUSED)
{
  HerdAccountRun *self = operation;

  if (((Registration *) self->data)->binding_is_kept)
    herd_account_run_put (run, self, HERD_BINDING_RECORD, NULL);
  return TRUE;
}

static gboolean
drop_leave (HerdRun *run, gpointer operation, GError **error)
{
  return herd_run_get_n_results (run) == 0 || herd_account_run_put_finish (run, operation, error);
}

static const HerdStep steps[] = {
  { "known", known_enter, known_leave, HERD_COMMIT_NONE },
  { "prepare", prepare_enter, herd_account_prepare_leave, HERD_COMMIT_NONE },
  { "settle", herd_account_settle_enter, settle_leave, HERD_COMMIT_NONE },
  { "binding", binding_enter, binding_leave, HERD_COMMIT_NONE },
  { "key", key_enter, key_leave, HERD_COMMIT_NONE },
  { "keep-key", keep_key_enter, keep_key_leave, HERD_COMMIT_NONE },
  { "find", find_enter, find_leave, HERD_COMMIT_NONE },
  { "register", register_enter, register_leave, HERD_COMMIT_NONE },
  { "update", update_enter, update_leave, HERD_COMMIT_NONE },
  { "keep", keep_enter, keep_leave, HERD_COMMIT_NONE },
  { "drop", drop_enter, drop_leave, HERD_COMMIT_NONE },
  { "end", NULL, NULL, HERD_COMMIT_NONE },
};

static void
registration_free (gpointer data)
{
  Registration *registration = data;

  g_free (registration->agreed);
  g_strfreev (registration->contacts);
  herd_binding_free (registration->binding);
  g_clear_pointer (&registration->key, g_bytes_unref);
  g_free (registration);
}

static const HerdAccountTable table = {
  .name = "register",
  .steps = steps,
  .n_steps = G_N_ELEMENTS (steps),
  .free_data = registration_free,
};

void
herd_acme_registration_async (HerdAcmeSession *session, GVariant *options,
                              const HerdBinding *binding, HerdIssuerHost *host,
                              GCancellable *cancellable, GAsyncReadyCallback callback,
                              gpointer data)
{
  Registration *registration = g_new0 (Registration, 1);

  if (options == NULL || !g_variant_lookup (options, "agree-terms", "s", &registration->agreed))
    registration->agreed = g_strdup ("");
  if (options != NULL)
    g_variant_lookup (options, "contacts", "^as", &registration->contacts);
  registration->binding = herd_binding_copy (binding);
  herd_account_run_start (&table, session, host, registration, cancellable, callback, data);
}
