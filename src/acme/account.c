// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Accounts as values and records.
 */
#include "acme/account.h"

#include "acme/json.h"
#include "crypto/jws.h"
#include "crypto/key.h"
#include "plugin/error.h"
#include "util/text.h"

#define WHAT "account"
#define VERSION 1
#define CONTACTS_MAX 32

HerdAcmeAccount *
herd_acme_account_new (void)
{
  HerdAcmeAccount *account = g_new0 (HerdAcmeAccount, 1);

  account->url = g_strdup ("");
  account->status = g_strdup (HERD_ACCOUNT_UNREGISTERED);
  account->terms = g_strdup ("");
  account->contacts = g_new0 (char *, 1);
  account->orders = g_strdup ("");
  return account;
}

void
herd_acme_account_free (HerdAcmeAccount *account)
{
  if (account == NULL)
    return;
  g_clear_pointer (&account->public_key, g_bytes_unref);
  herd_signer_free (account->signer);
  g_free (account->thumbprint);
  g_free (account->url);
  g_free (account->status);
  g_free (account->terms);
  g_strfreev (account->contacts);
  g_free (account->orders);
  g_free (account);
}

gboolean
herd_acme_account_set_key (HerdAcmeAccount *account, GBytes *pkcs8, GError **error)
{
  g_autoptr (HerdKey) key = herd_key_new_from_pkcs8 (pkcs8, error);
  g_autoptr (GBytes) public_key = NULL;
  g_autoptr (HerdSigner) signer = NULL;

  if (key == NULL)
    return FALSE;
  public_key = herd_key_get_public (key, error);
  signer = public_key != NULL ? herd_signer_new (HERD_ACCOUNT_KEY_RECORD, public_key, error) : NULL;
  if (signer == NULL)
    return FALSE;
  g_clear_pointer (&account->public_key, g_bytes_unref);
  herd_signer_free (account->signer);
  g_free (account->thumbprint);
  account->thumbprint = herd_jwk_get_thumbprint (signer->jwk);
  account->public_key = g_steal_pointer (&public_key);
  account->signer = g_steal_pointer (&signer);
  return TRUE;
}

GBytes *
herd_acme_account_to_bytes (const HerdAcmeAccount *account)
{
  g_autoptr (GVariant) record = g_variant_ref_sink (
      g_variant_new ("(usssx^ass)", VERSION, account->url, account->status, account->terms,
                     account->agreed_at, account->contacts, account->orders));

  return g_variant_get_data_as_bytes (record);
}

gboolean
herd_acme_account_read (HerdAcmeAccount *account, GBytes *bytes, GError **error)
{
  g_autoptr (GVariant) record = g_variant_ref_sink (
      g_variant_new_from_bytes (G_VARIANT_TYPE ("(usssxass)"), bytes, FALSE));
  guint32 version = 0;

  if (g_variant_is_normal_form (record))
    g_variant_get_child (record, 0, "u", &version);
  if (version != VERSION) {
    g_set_error_literal (error, HERD_ERROR, HERD_ERROR_FAILED,
                         "the saved account cannot be read; it is of another version, or damaged");
    return FALSE;
  }
  g_free (account->url);
  g_free (account->status);
  g_free (account->terms);
  g_strfreev (account->contacts);
  g_free (account->orders);
  g_variant_get (record, "(usssx^ass)", NULL, &account->url, &account->status, &account->terms,
                 &account->agreed_at, &account->contacts, &account->orders);
  return TRUE;
}

static char **
clean_all (char **texts)
{
  g_autoptr (GStrvBuilder) clean = g_strv_builder_new ();

  for (char **text = texts; text != NULL && *text != NULL; text++) {
    g_autofree char *one = herd_text_from_remote (*text, -1);

    g_strv_builder_add (clean, one);
  }
  return g_strv_builder_end (clean);
}

gboolean
herd_acme_account_update (HerdAcmeAccount *account, const char *url, JsonObject *object,
                          const HerdSite *site, GError **error)
{
  const char *status = herd_json_need_string (object, WHAT, "status", error);
  const char *orders = NULL;
  g_auto (GStrv) contacts = NULL;

  if (status == NULL
      || !herd_json_get_strings (object, WHAT, "contact", CONTACTS_MAX, &contacts, error)
      || !herd_json_get_string (object, WHAT, "orders", &orders, error))
    return FALSE;
  /* The list is a convenience: one that we would not ask counts as none. */
  if (orders != NULL && !herd_directory_check_url (site, orders, WHAT " \"orders\"", NULL))
    orders = NULL;
  g_free (account->url);
  account->url = g_strdup (url);
  g_free (account->status);
  account->status = herd_text_from_remote (status, -1);
  if (contacts != NULL) {
    g_strfreev (account->contacts);
    account->contacts = clean_all (contacts);
  }
  g_free (account->orders);
  account->orders = g_strdup (orders != NULL ? orders : "");
  return TRUE;
}

void
herd_acme_account_forget (HerdAcmeAccount *account)
{
  g_free (account->url);
  account->url = g_strdup ("");
  g_free (account->status);
  account->status = g_strdup (HERD_ACCOUNT_UNREGISTERED);
  g_free (account->orders);
  account->orders = g_strdup ("");
}

void
herd_acme_account_set_status (HerdAcmeAccount *account, const char *status)
{
  g_free (account->status);
  account->status = g_strdup (status);
}

void
herd_acme_account_set_contacts (HerdAcmeAccount *account, const char *const *contacts)
{
  char **copy = g_strdupv ((char **) contacts);

  g_strfreev (account->contacts);
  account->contacts = copy;
}

gboolean
herd_acme_account_is_registered (const HerdAcmeAccount *account)
{
  return account->signer != NULL && *account->url != '\0'
         && g_str_equal (account->status, HERD_ACCOUNT_VALID);
}

HerdAccount *
herd_acme_account_describe (const HerdAcmeAccount *account, const HerdDirectory *directory)
{
  HerdAccount *shown = herd_account_new ();

  g_free (shown->status);
  shown->status = g_strdup (account->status);
  g_free (shown->url);
  shown->url = g_strdup (account->url);
  g_strfreev (shown->contacts);
  shown->contacts = g_strdupv (account->contacts);
  if (directory == NULL)
    return shown;
  g_free (shown->terms);
  shown->terms = g_strdup (directory->terms);
  g_strfreev (shown->capabilities);
  shown->capabilities = g_strdupv (directory->capabilities);
  g_variant_unref (shown->profiles);
  shown->profiles = g_variant_ref (directory->profiles);
  if (*directory->caa_identity != '\0' && *account->url != '\0') {
    g_free (shown->caa_record);
    shown->caa_record = g_strdup_printf ("0 issue \"%s; accounturi=%s\"", directory->caa_identity,
                                         account->url);
  }
  return shown;
}
