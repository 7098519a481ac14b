// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The import of an account, as a table. The key waits in a record of its own until the CA has said that
 * it knows it; a run that was cut off goes on with that.
 */
#include "acme/account-import.h"

#include "acme/account-run.h"
#include "acme/find.h"
#include "crypto/jws.h"
#include "crypto/key-text.h"
#include "plugin/error.h"

typedef struct {
  GBytes *text; /* NULL: the record has the key */
  GBytes *key;  /* PKCS#8 */
  HerdSigner *signer;
  gboolean kept;     /* in the record */
  gboolean adopting; /* what is in memory and what is on disk may differ */
} Import;

static gboolean
load_enter (HerdRun *run, gpointer operation, GError **error G_GNUC_UNUSED)
{
  HerdAccountRun *self = operation;
  const Import *import = self->data;

  if (import->text == NULL)
    herd_issuer_host_record_get_async (self->host, HERD_IMPORT_KEY_RECORD, herd_run_ready,
                                       herd_run_slot (run));
  return TRUE;
}

static gboolean
load_leave (HerdRun *run, gpointer operation, GError **error)
{
  HerdAccountRun *self = operation;
  Import *import = self->data;
  g_autoptr (HerdKey) key = NULL;
  g_autoptr (GBytes) public_key = NULL;
  g_autoptr (GError) local = NULL;

  if (herd_run_get_n_results (run) > 0) {
    import->key = herd_issuer_host_record_get_finish (self->host, herd_run_get_result (run, 0),
                                                      &local);
    /* The last thing that an import does: it may have happened. */
    if (g_error_matches (local, HERD_ERROR, HERD_ERROR_NOT_FOUND))
      return TRUE;
    if (local != NULL)
      g_propagate_error (error, g_steal_pointer (&local));
    key = import->key != NULL ? herd_key_new_from_pkcs8 (import->key, error) : NULL;
  } else {
    key = herd_key_new_from_text (import->text, error);
    import->key = key != NULL ? herd_key_to_pkcs8 (key, error) : NULL;
  }
  public_key = key != NULL && import->key != NULL ? herd_key_get_public (key, error) : NULL;
  import->signer = public_key != NULL ? herd_signer_new (HERD_IMPORT_KEY_RECORD, public_key, error)
                                      : NULL;
  return import->signer != NULL;
}

static gboolean
settle_leave (HerdRun *run, gpointer operation, GError **error)
{
  HerdAccountRun *self = operation;
  const HerdAcmeAccount *account = self->session->account;
  const Import *import = self->data;
  gboolean registered;
  g_autofree char *thumbprint = NULL;

  if (!herd_account_settle_leave (run, operation, error))
    return FALSE;
  registered = herd_acme_account_is_registered (account);
  if (import->signer == NULL && registered) {
    herd_run_jump (run, "end");
    return TRUE;
  }
  if (import->signer == NULL) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_NOT_FOUND,
                 "issuer %s: no key waits to be imported; give it again", self->session->name);
    return FALSE;
  }
  thumbprint = herd_jwk_get_thumbprint (import->signer->jwk);
  if (!registered || g_str_equal (account->thumbprint, thumbprint))
    return TRUE;
  g_set_error (error, HERD_ERROR, HERD_ERROR_EXISTS,
               "issuer %s has the account %s already, with another key; import into an issuer of "
               "another name, or deactivate this account first",
               self->session->name, account->url);
  return FALSE;
}

static gboolean
keep_key_enter (HerdRun *run, gpointer operation, GError **error G_GNUC_UNUSED)
{
  HerdAccountRun *self = operation;
  Import *import = self->data;

  import->kept = TRUE;
  herd_account_run_put (run, self, HERD_IMPORT_KEY_RECORD, import->key);
  return TRUE;
}

static gboolean
put_leave (HerdRun *run, gpointer operation, GError **error)
{
  return herd_account_run_put_finish (run, operation, error);
}

/* --- the account --- */

static gboolean
find_enter (HerdRun *run, gpointer operation, GError **error G_GNUC_UNUSED)
{
  HerdAccountRun *self = operation;

  herd_acme_find_async (self->session, self->host, ((Import *) self->data)->signer,
                        herd_run_get_cancellable (run), herd_run_ready, herd_run_slot (run));
  return TRUE;
}

static gboolean
find_leave (HerdRun *run, gpointer operation, GError **error)
{
  HerdAccountRun *self = operation;
  Import *import = self->data;
  g_autoptr (GError) local = NULL;
  g_autoptr (HerdAcmeAccount) seen = herd_acme_account_new ();
  g_autoptr (HerdHttpResponse)
      response = herd_acme_post_finish (herd_run_get_result (run, 0), &local);
  const char *type = herd_error_get_problem_type (local);

  if (g_strcmp0 (type, "accountDoesNotExist") == 0 || g_strcmp0 (type, "unauthorized") == 0) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_ACTION_REQUIRED,
                 "issuer %s: the CA has no account for this key; is it of this CA, and not "
                 "deactivated? (%s)",
                 self->session->name, local->message);
    return FALSE;
  }
  if (response == NULL) {
    g_propagate_error (error, g_steal_pointer (&local));
    return FALSE;
  }
  if (!herd_acme_find_read (self->session, seen, response, error)
      || !herd_acme_account_set_key (seen, import->key, error))
    return FALSE;
  if (!herd_acme_account_is_registered (seen)) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_ACTION_REQUIRED,
                 "issuer %s: the CA says that the account %s of this key is %s; import another one",
                 self->session->name, seen->url, seen->status);
    return FALSE;
  }
  herd_acme_account_free (self->session->account);
  self->session->account = g_steal_pointer (&seen);
  return TRUE;
}

/* The key before the account: with the key alone the account is found again. */
static gboolean
adopt_enter (HerdRun *run, gpointer operation, GError **error G_GNUC_UNUSED)
{
  HerdAccountRun *self = operation;

  ((Import *) self->data)->adopting = TRUE;
  herd_account_run_put (run, self, HERD_ACCOUNT_KEY_RECORD, ((Import *) self->data)->key);
  return TRUE;
}

static gboolean
end_enter (HerdRun *run, gpointer operation, GError **error G_GNUC_UNUSED)
{
  HerdAccountRun *self = operation;
  const Import *import = self->data;

  if (import->adopting && herd_run_get_error (run) != NULL) {
    herd_acme_account_free (self->session->account);
    self->session->account = herd_acme_account_new ();
    self->session->loaded = FALSE; /* the records tell */
  }
  if (import->kept)
    herd_account_run_put (run, self, HERD_IMPORT_KEY_RECORD, NULL);
  return TRUE;
}

static gboolean
end_leave (HerdRun *run, gpointer operation, GError **error)
{
  return herd_run_get_n_results (run) == 0 || put_leave (run, operation, error);
}

static const HerdStep steps[] = {
  { "load", load_enter, load_leave, HERD_COMMIT_NONE },
  { "prepare", herd_account_prepare_enter, herd_account_prepare_leave, HERD_COMMIT_NONE },
  { "settle", herd_account_settle_enter, settle_leave, HERD_COMMIT_NONE },
  { "keep-key", keep_key_enter, put_leave, HERD_COMMIT_NONE },
  { "find", find_enter, find_leave, HERD_COMMIT_NONE },
  { "adopt", adopt_enter, put_leave, HERD_COMMIT_NONE },
  { "keep", herd_account_keep_enter, herd_account_keep_leave, HERD_COMMIT_NONE },
  { "end", end_enter, end_leave, HERD_COMMIT_NONE },
};

static void
import_free (gpointer data)
{
  Import *import = data;

  g_clear_pointer (&import->text, g_bytes_unref);
  g_clear_pointer (&import->key, g_bytes_unref);
  herd_signer_free (import->signer);
  g_free (import);
}

static const HerdAccountTable table = {
  .name = "import",
  .steps = steps,
  .n_steps = G_N_ELEMENTS (steps),
  .free_data = import_free,
};

void
herd_acme_import_async (HerdAcmeSession *session, GBytes *key, HerdIssuerHost *host,
                        GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data)
{
  Import *import = g_new0 (Import, 1);

  import->text = key != NULL ? g_bytes_ref (key) : NULL;
  herd_account_run_start (&table, session, host, import, cancellable, callback, data);
}
