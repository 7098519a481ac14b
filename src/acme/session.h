// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What all operations of one engine share: the HTTP session, the nonces, and what is known of the
 * directory and the account. The engine owns it; every operation holds the engine. Main loop only.
 */
#pragma once

#include "acme/account.h"
#include "acme/directory.h"
#include "acme/nonces.h"
#include "acme/poll.h"
#include "acme/traits.h"
#include "acme/tried.h"
#include "net/http.h"
#include "util/gate.h"

G_BEGIN_DECLS

#define HERD_SIZE_DIRECTORY (64 * 1024)
#define HERD_SIZE_OBJECT (256 * 1024)
#define HERD_SIZE_CHAIN (1024 * 1024)

typedef struct HerdPrepare HerdPrepare;

typedef struct {
  char *name; /* the issuer's */
  HerdSite site;
  HerdAcmeTraits traits;
  char *directory_url; /* the site's */
  char *key_type;
  HerdHttp *http;
  HerdNonces *nonces;
  HerdGate *posts; /* who may have a nonce: as many as HTTP sends at a time */
  HerdClock *clock;
  const HerdCrash *crash;

  gboolean loaded; /* the records were read */
  HerdAcmeAccount *account;
  HerdTried *tried;
  GBytes *next_key;            /* of the record HERD_NEXT_KEY_RECORD: PKCS#8; NULL: there is none */
  gboolean unsettled;          /* the CA may have taken it for the account's key */
  HerdGate *turns;             /* whoever signs for longer; alone: who changes the key */
  HerdDirectory *directory;    /* NULL: not known */
  gboolean directory_is_stale; /* the CA no longer knows what it told us */
  HerdPrepare *preparing;      /* the one under way, or NULL */
  HerdPace validation;         /* where nobody tells of validators */
  HerdPace verdict;            /* where somebody does */
  HerdPace issue;
  GHashTable *orders; /* set of URLs (char *): orders that operations work on */
} HerdAcmeSession;

/* Takes HTTP. What TRAITS have borrowed must outlive the session. */
HerdAcmeSession *herd_acme_session_new (const char *name, const char *directory_url,
                                        const HerdAcmeTraits *traits, const char *key_type,
                                        HerdHttp *http, HerdClock *clock, const HerdCrash *crash);
void herd_acme_session_free (HerdAcmeSession *session);

gboolean herd_acme_session_check_url (HerdAcmeSession *session, const char *url, const char *what,
                                      GError **error);
/* Is there an account that can be used? Errors: HERD_ERROR_ACTION_REQUIRED, saying what it is like. */
gboolean herd_acme_session_check_account (HerdAcmeSession *session, GError **error);
/* What Issuer1 shows. (transfer full) */
HerdAccount *herd_acme_session_describe (HerdAcmeSession *session);
gint64 herd_acme_session_get_seconds (HerdAcmeSession *session);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdAcmeSession, herd_acme_session_free)

G_END_DECLS
