// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * One engine with one host in a directory of its own, and calls that are waited for. Main loop only.
 */
#pragma once

#include "acme/engine.h"
#include "host.h"

G_BEGIN_DECLS

typedef struct {
  char *directory;
  HerdClock *clock;
  HerdAcmeEngine *engine;
  TestHost *host;
  TestSolver *solver; /* http-01 */
  gboolean http1;     /* of the engine that the next acme_restart() makes */
} Acme;

/* An engine for the directory at URL. CHALLTESTSRV: of the http-01 solver, or NULL. CLOCK may be
 * NULL: the machine's. */
void acme_set_up (Acme *acme, const char *url, const char *trust, const char *challtestsrv,
                  HerdClock *clock);
/* Another engine and host on the same directory: a restart. */
void acme_restart (Acme *acme, const char *url, const char *trust, const char *challtestsrv);
/* The same with an engine that knows TRAITS of the CA, which must outlive it. */
void acme_restart_with (Acme *acme, const char *url, const char *trust,
                        const HerdAcmeTraits *traits);
void acme_tear_down (Acme *acme);

/* AGREE_TERMS may be NULL. */
HerdAccount *acme_register (Acme *acme, const char *agree_terms, GError **error);
/* CONTACTS and BINDING may be NULL. */
HerdAccount *acme_register_with (Acme *acme, const char *agree_terms, const char *const *contacts,
                                 const HerdBinding *binding, GError **error);
HerdAccount *acme_update (Acme *acme, const char *const *contacts, GError **error);
/* RESUME: the checkpoint of an earlier one, or NULL. */
HerdAccount *acme_roll_key (Acme *acme, GBytes *resume, GError **error);
HerdAccount *acme_deactivate (Acme *acme, GError **error);
/* KEY: text; NULL: that of an import that was cut off. */
HerdAccount *acme_import (Acme *acme, const char *key, GError **error);
HerdAccount *acme_load (Acme *acme, GError **error);
/* Registers, which must succeed. */
void acme_must_register (Acme *acme);
/* Issues with a new key for IDENTIFIERS (up to NULL); the chain as text. */
char *acme_issue (Acme *acme, GError **error, const char *identifiers, ...) G_GNUC_NULL_TERMINATED;
HerdIssued *acme_issue_wish (Acme *acme, const HerdIssueRequest *request, GBytes *resume,
                             GError **error);
/* PUBLIC_KEY: with the certificate's key, which the host was given. NULL: as the account. */
gboolean acme_revoke (Acme *acme, GBytes *chain, guint reason, GBytes *public_key, GError **error);
HerdRenewalInfo *acme_ask_renewal (Acme *acme, GBytes *chain, GError **error);
char *acme_issue_request (Acme *acme, const HerdIssueRequest *request, GBytes *resume,
                          GError **error);

/* The error has CODE, and its message says WORDS. Clears it. */
#define acme_assert_error(error, code, words)                                                      \
  G_STMT_START                                                                                     \
  {                                                                                                \
    g_assert_error (error, HERD_ERROR, code);                                                      \
    if (strstr ((error)->message, words) == NULL)                                                  \
      g_error ("\"%s\" does not say \"%s\"", (error)->message, words);                             \
    g_clear_error (&(error));                                                                      \
  }                                                                                                \
  G_STMT_END

G_END_DECLS
