// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The account at one CA: its key, as far as the engine may see it, and the record "account". A plain
 * value, owned by the session. The private key stays in the record "account-key", where the host
 * signs with it.
 */
#pragma once

#include <json-glib/json-glib.h>

#include "acme/directory.h"
#include "acme/signer.h"

G_BEGIN_DECLS

#define HERD_ACCOUNT_KEY_RECORD "account-key" /* sealed: PKCS#8, DER */
#define HERD_ACCOUNT_RECORD "account"
/* Sealed: PKCS#8, DER. A key that the CA may have taken for the account's (RFC 8555 section 7.3.5); it
 * is never thrown away before it is certain that the CA did not. */
#define HERD_NEXT_KEY_RECORD "account-key-next"
/* Sealed: PKCS#8, DER. A key that is being imported. */
#define HERD_IMPORT_KEY_RECORD "account-key-import"

#define HERD_ACCOUNT_VALID "valid"
#define HERD_ACCOUNT_UNREGISTERED "unregistered"
#define HERD_ACCOUNT_DEACTIVATED "deactivated"
#define HERD_ACCOUNT_REVOKED "revoked"
#define HERD_ACCOUNT_ROLLING "rolling"

typedef struct {
  /* Of the key; NULL until there is one. */
  GBytes *public_key; /* SubjectPublicKeyInfo, DER */
  HerdSigner *signer;
  char *thumbprint;

  /* The record. Strings are never NULL. */
  char *url; /* "": none known */
  char *status;
  char *terms;      /* agreed to */
  gint64 agreed_at; /* seconds since the epoch, 0: nothing was agreed to */
  char **contacts;
  char *orders; /* the URL of the list of orders; "": the CA has none */
} HerdAcmeAccount;

HerdAcmeAccount *herd_acme_account_new (void);
void herd_acme_account_free (HerdAcmeAccount *account);

/* PKCS8: the account's private key. */
gboolean herd_acme_account_set_key (HerdAcmeAccount *account, GBytes *pkcs8, GError **error);

/* The record, and back. A record that cannot be read is HERD_ERROR_FAILED: not having an account
 * is something else. */
GBytes *herd_acme_account_to_bytes (const HerdAcmeAccount *account);
gboolean herd_acme_account_read (HerdAcmeAccount *account, GBytes *bytes, GError **error);

/* Takes over what the CA says: URL (checked already) and the account object (RFC 8555 section
 * 7.1.2). A CA that does not tell the contacts leaves them as they are. Nothing changes on failure. */
gboolean herd_acme_account_update (HerdAcmeAccount *account, const char *url, JsonObject *object,
                                   const HerdSite *site, GError **error);

/* The CA does not know the account any more; the key stays. */
void herd_acme_account_forget (HerdAcmeAccount *account);
void herd_acme_account_set_status (HerdAcmeAccount *account, const char *status);
void herd_acme_account_set_contacts (HerdAcmeAccount *account, const char *const *contacts);

gboolean herd_acme_account_is_registered (const HerdAcmeAccount *account);
/* What Issuer1 shows. DIRECTORY may be NULL: not read yet. */
HerdAccount *herd_acme_account_describe (const HerdAcmeAccount *account,
                                         const HerdDirectory *directory);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdAcmeAccount, herd_acme_account_free)

G_END_DECLS
