// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The Issuer contract: where certificates come from. An issuer knows nothing of the bus, the state
 * or the schedule; what it needs of them its host gives it. Both run on the agent's main loop.
 *
 * Every function may be called twice with the same arguments, and succeeds both times.
 */
#pragma once

#include <gio/gio.h>

#include "plugin/challenge.h"
#include "plugin/solver.h"

G_BEGIN_DECLS

/* --- values --- */

/* What is wanted. The private key stays with the core: the issuer sees the CSR and the public
 * key. */
typedef struct {
  char *certificate;  /* its name, for messages */
  char **identifiers; /* normal form, at least one, no duplicates */
  GBytes *csr;        /* PKCS#10, DER, signed */
  GBytes *public_key; /* SubjectPublicKeyInfo, DER */
  char **solvers;     /* names of solvers to use, in order of preference; empty: any */

  /* Set by the maker, where they are wanted. */
  char *profile;             /* of the CA's (draft-ietf-acme-profiles), or NULL */
  gboolean profile_required; /* rather no certificate than one of another profile */
  char *preferred_chain;     /* "sha256:HEX", "spki:HEX" or the common name of the root; or NULL */
  char *key_type;            /* of the public key: "ecdsa-p256" …; or NULL: not said */
  gboolean must_staple;      /* the CSR asks for it */
  gint64 lifetime;           /* seconds until the notAfter that is asked for; 0: the CA decides */
  GBytes *predecessor; /* the chain (PEM) that is replaced, of this issuer and account; or NULL */
} HerdIssueRequest;

/* The others are NULL or 0. (transfer full) */
HerdIssueRequest *herd_issue_request_new (const char *certificate, const char *const *identifiers,
                                          GBytes *csr, GBytes *public_key,
                                          const char *const *solvers);
HerdIssueRequest *herd_issue_request_copy (const HerdIssueRequest *request);
void herd_issue_request_free (HerdIssueRequest *request);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdIssueRequest, herd_issue_request_free)

/* What came of it. */
typedef struct {
  GBytes *chain; /* PEM, leaf first, "\n" at the end; checked */
  char *profile; /* that the CA says it used; "" if it does not */
  /* What was wished for and is not so ("profile-dropped", "chain-not-preferred"), in words for people;
   * NULL: as it was wished. */
  char *profile_dropped;
  char *chain_not_preferred;
} HerdIssued;

/* As it was wished. (transfer full) */
HerdIssued *herd_issued_new (GBytes *chain);
void herd_issued_free (HerdIssued *issued);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdIssued, herd_issued_free)

/* When a CA would like a certificate to be renewed (RFC 9773 section 4.2). */
typedef struct {
  gint64 start, end;     /* seconds since the epoch, start < end */
  char *explanation_url; /* for people; "" if there is none. Never to be fetched. */
  gint64 retry_at;       /* when to ask again: not before, and not much after */
} HerdRenewalInfo;

void herd_renewal_info_free (HerdRenewalInfo *info);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdRenewalInfo, herd_renewal_info_free)

/* What Issuer1 shows of an account. Strings may be empty, never NULL. */
typedef struct {
  char *
      status; /* "unregistered", "valid", "rolling" (which key is the account's is to be found out),
                 * "deactivated", "revoked" … */
  char *url;  /* the account's (RFC 8555 section 7.3): its identity */
  char *terms; /* the terms of service's URL as last seen */
  char **contacts;
  char **capabilities; /* "ari", "profiles", "eab-required", "key-change", as the directory says */
  GVariant *profiles;  /* a{ss}: name, description */
  char *caa_record;    /* the CAA record that pins this account (RFC 8657), or empty */
} HerdAccount;

HerdAccount *herd_account_new (void);
HerdAccount *herd_account_copy (const HerdAccount *account);
void herd_account_free (HerdAccount *account);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdAccount, herd_account_free)

/* What an issuer can tell of itself before an attempt is spent. */
typedef struct {
  HerdAccount *account;  /* as the CA says now, where it could be asked */
  GError *account_error; /* why the account cannot be used; NULL: it can, or there is none yet */
  char **caa_identities; /* the CA's names in CAA records (RFC 8555 section 9.7.6); may be empty */
  gint64 ca_time;        /* its clock, seconds since the epoch; 0: it does not say */
  gint64 own_time;       /* ours at that moment */
} HerdOutlook;

HerdOutlook *herd_outlook_new (void);
void herd_outlook_free (HerdOutlook *outlook);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdOutlook, herd_outlook_free)

/* What binds an account to one that the CA knows already (RFC 8555 section 7.3.4). */
typedef struct {
  char *kid;       /* the CA's name for KEY */
  char *algorithm; /* "HS256", "HS384", "HS512" */
  GBytes *key; /* the MAC key, as text as the CA gave it: base64url, perhaps padded, or base64 */
} HerdBinding;

HerdBinding *herd_binding_new (const char *kid, const char *algorithm, GBytes *key);
HerdBinding *herd_binding_copy (const HerdBinding *binding);
void herd_binding_free (HerdBinding *binding);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdBinding, herd_binding_free)

/* --- what the host gives (the core implements it, one for each issuer and operation) --- */

/* Not a record: in sign(), the key of the certificate that is to be revoked. */
#define HERD_RECORD_CERTIFICATE_KEY "certificate-key"

/* What is spent of the limits that CAs set. */
typedef enum {
  HERD_SPENDING_ACCOUNT,     /* a new account is about to be asked for */
  HERD_SPENDING_ORDER,       /* a new order */
  HERD_SPENDING_REPLACEMENT, /* one that says what it replaces (RFC 9773 section 5) */
  HERD_SPENDING_FAILURE,     /* an authorization has failed */
} HerdSpending;

#define HERD_TYPE_ISSUER_HOST (herd_issuer_host_get_type ())
G_DECLARE_INTERFACE (HerdIssuerHost, herd_issuer_host, HERD, ISSUER_HOST, GObject)

struct _HerdIssuerHostInterface {
  GTypeInterface parent;

  /* Writes BYTES as this attempt's record; finishing means that they are on disk. They come back as "resume"
   * after a restart; and after a failure, to the next attempt at the same wish: so what an issuance leaves
   * when it fails is what is of use to that one. NULL: nothing is. Errors: the state's (full disk …), class
   * backoff. */
  void (*checkpoint_async) (HerdIssuerHost *host, GBytes *bytes, GAsyncReadyCallback callback,
                            gpointer data);
  gboolean (*checkpoint_finish) (HerdIssuerHost *host, GAsyncResult *result, GError **error);

  /* Records of the issuer, kept until the issuer is removed: the account, its key, the directory.
   * get: NULL with HERD_ERROR_NOT_FOUND if there is none, HERD_ERROR_LOCKED if it is sealed and
   * the KEK is not to be had: the two must never be confused. put: finishing means on disk;
   * SEALED ones are encrypted; BYTES NULL deletes. */
  void (*record_get_async) (HerdIssuerHost *host, const char *name, GAsyncReadyCallback callback,
                            gpointer data);
  GBytes *(*record_get_finish) (HerdIssuerHost *host, GAsyncResult *result, GError **error);
  void (*record_put_async) (HerdIssuerHost *host, const char *name, GBytes *bytes, gboolean sealed,
                            GAsyncReadyCallback callback, gpointer data);
  gboolean (*record_put_finish) (HerdIssuerHost *host, GAsyncResult *result, GError **error);

  /* Signs DIGEST with the sealed PKCS#8 key in the record NAME, which must have been got or put
   * in this process before; or with the certificate's own key, if NAME is
   * HERD_RECORD_CERTIFICATE_KEY and this host is one of a revocation with it. Blocking, below 5 ms.
   * The signature as X.509 has it: DER for EC, PKCS#1 for RSA. */
  GBytes *(*sign) (HerdIssuerHost *host, const char *name, GBytes *digest, GError **error);

  /* The solvers that may be used for IDENTIFIER, in order of preference (transfer container: the
   * elements belong to the host). Empty is possible. */
  GPtrArray *(*get_solvers) (HerdIssuerHost *host, const char *identifier);
  /* The name of SOLVER, one of these, for records: it is the same after a restart. The host's for as
   * long as there is the solver. */
  const char *(*get_solver_name) (HerdIssuerHost *host, HerdSolver *solver);

  /* The operation has come to STEP, FRACTION (0 to 1) of the issuer's part. */
  void (*progress) (HerdIssuerHost *host, const char *step, double fraction);

  /* WHAT is spent, of IDENTIFIER, or NULL where it is not of one; again where a request is sent again. It
   * is on disk with the next checkpoint or record: so it is said before the one that goes before the
   * request. */
  void (*spend) (HerdIssuerHost *host, HerdSpending what, const char *identifier);
};

void herd_issuer_host_checkpoint_async (HerdIssuerHost *host, GBytes *bytes,
                                        GAsyncReadyCallback callback, gpointer data);
gboolean herd_issuer_host_checkpoint_finish (HerdIssuerHost *host, GAsyncResult *result,
                                             GError **error);
void herd_issuer_host_record_get_async (HerdIssuerHost *host, const char *name,
                                        GAsyncReadyCallback callback, gpointer data);
GBytes *herd_issuer_host_record_get_finish (HerdIssuerHost *host, GAsyncResult *result,
                                            GError **error);
void herd_issuer_host_record_put_async (HerdIssuerHost *host, const char *name, GBytes *bytes,
                                        gboolean sealed, GAsyncReadyCallback callback,
                                        gpointer data);
gboolean herd_issuer_host_record_put_finish (HerdIssuerHost *host, GAsyncResult *result,
                                             GError **error);
GBytes *herd_issuer_host_sign (HerdIssuerHost *host, const char *name, GBytes *digest,
                               GError **error);
GPtrArray *herd_issuer_host_get_solvers (HerdIssuerHost *host, const char *identifier);
const char *herd_issuer_host_get_solver_name (HerdIssuerHost *host, HerdSolver *solver);
void herd_issuer_host_progress (HerdIssuerHost *host, const char *step, double fraction);
void herd_issuer_host_spend (HerdIssuerHost *host, HerdSpending what, const char *identifier);

/* --- the issuer --- */

#define HERD_TYPE_ISSUER (herd_issuer_get_type ())
G_DECLARE_INTERFACE (HerdIssuer, herd_issuer, HERD, ISSUER, GObject)

struct _HerdIssuerInterface {
  GTypeInterface parent;

  /* Issues. RESUME is the last checkpoint, of this operation before a restart or of an earlier one that
   * failed, with the same REQUEST and key; or NULL: then it starts anew. One that has become useless
   * meanwhile is no failure.
   * HOST stays valid until the end. Finishing means: the chain has been checked against public key,
   * identifiers and dates, and every challenge was cleaned up; after failure and cancel, too, it finishes only when the clean-up has been tried. Errors:
   * of HERD_ERROR; herd_error_class() says what to do. */
  void (*issue_async) (HerdIssuer *issuer, const HerdIssueRequest *request, GBytes *resume,
                       HerdIssuerHost *host, GCancellable *cancellable,
                       GAsyncReadyCallback callback, gpointer data);
  HerdIssued *(*issue_finish) (HerdIssuer *issuer, GAsyncResult *result, GError **error);

  /* Nobody goes on with RESUME, the last checkpoint of an issuance, of this issuer as it is or was
   * configured: what that has presented is taken away. The CA is not asked, and no key is needed. Finishing
   * means that it was tried; not cancellable. HOST as above; it is asked for solvers alone. Errors:
   * HERD_ERROR_FAILED (RESUME cannot be read), the solvers': the rest was tried all the same. */
  void (*abandon_async) (HerdIssuer *issuer, GBytes *resume, HerdIssuerHost *host,
                         GAsyncReadyCallback callback, gpointer data);
  gboolean (*abandon_finish) (HerdIssuer *issuer, GAsyncResult *result, GError **error);

  /* Revokes the leaf of CHAIN (PEM) for REASON (RFC 5280 section 5.3.1: 0, 1, 3, 4, 5): as the
   * account, or, PUBLIC_KEY not being NULL, with the certificate's own key (SubjectPublicKeyInfo, DER),
   * which needs no account (RFC 8555 section 7.6). One that is revoked already is a success. Errors:
   * HERD_ERROR_REFUSED, those of the network. */
  void (*revoke_async) (HerdIssuer *issuer, GBytes *chain, guint reason, GBytes *public_key,
                        HerdIssuerHost *host, GCancellable *cancellable,
                        GAsyncReadyCallback callback, gpointer data);
  gboolean (*revoke_finish) (HerdIssuer *issuer, GAsyncResult *result, GError **error);

  /* Asks when the leaf of CHAIN (PEM) should be renewed. Errors: HERD_ERROR_NOT_FOUND if the CA, or
   * that certificate, knows no such thing; herd_error_get_retry_at() may say when to ask again. */
  void (*renewal_info_async) (HerdIssuer *issuer, GBytes *chain, HerdIssuerHost *host,
                              GCancellable *cancellable, GAsyncReadyCallback callback,
                              gpointer data);
  HerdRenewalInfo *(*renewal_info_finish) (HerdIssuer *issuer, GAsyncResult *result,
                                           GError **error);

  /* Looks whether an order could be begun, without beginning one: asks the CA anew what it offers, and
   * about the account, if there is one; makes none. Errors: HERD_ERROR_LOCKED, those of the network. */
  void (*preflight_async) (HerdIssuer *issuer, HerdIssuerHost *host, GCancellable *cancellable,
                           GAsyncReadyCallback callback, gpointer data);
  HerdOutlook *(*preflight_finish) (HerdIssuer *issuer, GAsyncResult *result, GError **error);
};

void herd_issuer_issue_async (HerdIssuer *issuer, const HerdIssueRequest *request, GBytes *resume,
                              HerdIssuerHost *host, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer data);
HerdIssued *herd_issuer_issue_finish (HerdIssuer *issuer, GAsyncResult *result, GError **error);
void herd_issuer_abandon_async (HerdIssuer *issuer, GBytes *resume, HerdIssuerHost *host,
                                GAsyncReadyCallback callback, gpointer data);
gboolean herd_issuer_abandon_finish (HerdIssuer *issuer, GAsyncResult *result, GError **error);
void herd_issuer_revoke_async (HerdIssuer *issuer, GBytes *chain, guint reason, GBytes *public_key,
                               HerdIssuerHost *host, GCancellable *cancellable,
                               GAsyncReadyCallback callback, gpointer data);
gboolean herd_issuer_revoke_finish (HerdIssuer *issuer, GAsyncResult *result, GError **error);
void herd_issuer_renewal_info_async (HerdIssuer *issuer, GBytes *chain, HerdIssuerHost *host,
                                     GCancellable *cancellable, GAsyncReadyCallback callback,
                                     gpointer data);
HerdRenewalInfo *herd_issuer_renewal_info_finish (HerdIssuer *issuer, GAsyncResult *result,
                                                  GError **error);

void herd_issuer_preflight_async (HerdIssuer *issuer, HerdIssuerHost *host,
                                  GCancellable *cancellable, GAsyncReadyCallback callback,
                                  gpointer data);
HerdOutlook *herd_issuer_preflight_finish (HerdIssuer *issuer, GAsyncResult *result,
                                           GError **error);

/* --- accounts: an optional interface beside it --- */

#define HERD_TYPE_ACCOUNTS (herd_accounts_get_type ())
G_DECLARE_INTERFACE (HerdAccounts, herd_accounts, HERD, ACCOUNTS, GObject)

struct _HerdAccountsInterface {
  GTypeInterface parent;

  /* Creates the account, or finds it again by its key; OPTIONS (a{sv}): agree-terms s (the terms'
   * URL, or "yes" for whatever they are now), contacts as. BINDING: what the CA wants to see of an
   * account of its own, or NULL; it is used once, and kept, sealed, until then. A lost reply must not
   * lead to a second account. A valid account whose contacts are others than these gets these.
   * Finishing means: the account's URL is on disk. Errors: HERD_ERROR_ACTION_REQUIRED names the terms'
   * URL if they are not agreed to, asks for a binding, says that the account was deactivated. */
  void (*register_async) (HerdAccounts *accounts, GVariant *options, const HerdBinding *binding,
                          HerdIssuerHost *host, GCancellable *cancellable,
                          GAsyncReadyCallback callback, gpointer data);
  HerdAccount *(*register_finish) (HerdAccounts *accounts, GAsyncResult *result, GError **error);

  /* Gives the valid account the CONTACTS (mailto: URLs); none are possible. Finishing means that the
   * CA has said so, and that it is on disk. Errors: HERD_ERROR_ACTION_REQUIRED (no valid account; an
   * address that the CA does not like), those of the network: try again. */
  void (*update_async) (HerdAccounts *accounts, const char *const *contacts, HerdIssuerHost *host,
                        GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
  HerdAccount *(*update_finish) (HerdAccounts *accounts, GAsyncResult *result, GError **error);

  /* Gives the valid account a new key, as soon as nothing is under way with the old one; what is asked
   * for meanwhile waits. RESUME: the last checkpoint of this very operation, or NULL. The new key is on
   * disk before the CA sees it, and the old one until it is known that the new one is the account's:
   * whenever this is cut off, the next operation finds out which it is. Finishing means that the new
   * key is in use, and on disk. Errors: HERD_ERROR_REFUSED (the CA changes no keys), others as in
   * update; after all of them the account has one key that works, or "rolling" is its status. */
  void (*roll_key_async) (HerdAccounts *accounts, GBytes *resume, HerdIssuerHost *host,
                          GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
  HerdAccount *(*roll_key_finish) (HerdAccounts *accounts, GAsyncResult *result, GError **error);

  /* Deactivates the account, for ever (RFC 8555 section 7.3.6); one that is deactivated already is a
   * success. Finishing means that the CA has said so, and that it is on disk. */
  void (*deactivate_async) (HerdAccounts *accounts, HerdIssuerHost *host, GCancellable *cancellable,
                            GAsyncReadyCallback callback, gpointer data);
  HerdAccount *(*deactivate_finish) (HerdAccounts *accounts, GAsyncResult *result, GError **error);

  /* Takes over the account whose private key is KEY (text: JWK or PEM), which the CA has to know. KEY
   * NULL: that of a call which was cut off, HERD_ERROR_NOT_FOUND if there is none. Finishing means:
   * key and account are on disk. Errors: HERD_ERROR_INVALID_ARGUMENT (no such key),
   * HERD_ERROR_EXISTS (there is a valid account with another key), HERD_ERROR_ACTION_REQUIRED (the CA
   * knows no account with this key, or deactivated it); nothing has changed then. */
  void (*import_async) (HerdAccounts *accounts, GBytes *key, HerdIssuerHost *host,
                        GCancellable *cancellable, GAsyncReadyCallback callback, gpointer data);
  HerdAccount *(*import_finish) (HerdAccounts *accounts, GAsyncResult *result, GError **error);

  /* What is known of the account, from the records alone: no request leaves. */
  void (*load_async) (HerdAccounts *accounts, HerdIssuerHost *host, GAsyncReadyCallback callback,
                      gpointer data);
  HerdAccount *(*load_finish) (HerdAccounts *accounts, GAsyncResult *result, GError **error);
};

void herd_accounts_register_async (HerdAccounts *accounts, GVariant *options,
                                   const HerdBinding *binding, HerdIssuerHost *host,
                                   GCancellable *cancellable, GAsyncReadyCallback callback,
                                   gpointer data);
HerdAccount *herd_accounts_register_finish (HerdAccounts *accounts, GAsyncResult *result,
                                            GError **error);
void herd_accounts_update_async (HerdAccounts *accounts, const char *const *contacts,
                                 HerdIssuerHost *host, GCancellable *cancellable,
                                 GAsyncReadyCallback callback, gpointer data);
HerdAccount *herd_accounts_update_finish (HerdAccounts *accounts, GAsyncResult *result,
                                          GError **error);
void herd_accounts_roll_key_async (HerdAccounts *accounts, GBytes *resume, HerdIssuerHost *host,
                                   GCancellable *cancellable, GAsyncReadyCallback callback,
                                   gpointer data);
HerdAccount *herd_accounts_roll_key_finish (HerdAccounts *accounts, GAsyncResult *result,
                                            GError **error);
void herd_accounts_deactivate_async (HerdAccounts *accounts, HerdIssuerHost *host,
                                     GCancellable *cancellable, GAsyncReadyCallback callback,
                                     gpointer data);
HerdAccount *herd_accounts_deactivate_finish (HerdAccounts *accounts, GAsyncResult *result,
                                              GError **error);
void herd_accounts_import_async (HerdAccounts *accounts, GBytes *key, HerdIssuerHost *host,
                                 GCancellable *cancellable, GAsyncReadyCallback callback,
                                 gpointer data);
HerdAccount *herd_accounts_import_finish (HerdAccounts *accounts, GAsyncResult *result,
                                          GError **error);
void herd_accounts_load_async (HerdAccounts *accounts, HerdIssuerHost *host,
                               GAsyncReadyCallback callback, gpointer data);
HerdAccount *herd_accounts_load_finish (HerdAccounts *accounts, GAsyncResult *result,
                                        GError **error);

G_END_DECLS
