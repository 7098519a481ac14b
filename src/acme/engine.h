// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The ACME engine (RFC 8555): an Issuer, with Accounts, like any other. It meets the core only in
 * the Issuer contract; main.c hands it over. One engine for each [issuer] section. Main loop only.
 */
#pragma once

#include "acme/traits.h"
#include "net/http.h"
#include "plugin/issuer.h"

G_BEGIN_DECLS

#define HERD_TYPE_ACME_ENGINE (herd_acme_engine_get_type ())
G_DECLARE_FINAL_TYPE (HerdAcmeEngine, herd_acme_engine, HERD, ACME_ENGINE, GObject)

typedef struct {
  const char *name;          /* the issuer's, for messages */
  const char *directory_url; /* https */
  const char *trust;         /* PEM of the only trust anchors, or NULL: the system's */
  const char
      *account_key_type; /* "ecdsa-p256", "ecdsa-p384", "rsa-2048" …; NULL: what the CA takes */
  HerdAcmeTraits traits; /* what it has borrowed must outlive the engine */
  gboolean http1;        /* HTTP/1.1, even where the CA knows HTTP/2 */
  const char *version;   /* certherd's, for the User-Agent */
  HerdClock *clock;
  const HerdCrash *crash; /* may be NULL */
} HerdAcmeOptions;

/* Errors: HERD_ERROR_INVALID_ARGUMENT (the URL is not https, the trust holds no certificate, the
 * key type cannot sign JWS). */
HerdAcmeEngine *herd_acme_engine_new (const HerdAcmeOptions *options, GError **error);

G_END_DECLS
