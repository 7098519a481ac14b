// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Orders and authorizations as the CA describes them (RFC 8555 sections 7.1.3 to 7.1.5), checked:
 * URLs are the CA's own, counts are bounded, identifiers are what was asked for. Plain values.
 */
#pragma once

#include <json-glib/json-glib.h>

#include "acme/directory.h"
#include "net/http.h"

G_BEGIN_DECLS

typedef enum {
  HERD_ORDER_PENDING,
  HERD_ORDER_READY,
  HERD_ORDER_PROCESSING,
  HERD_ORDER_VALID,
  HERD_ORDER_INVALID,
} HerdOrderStatus;

typedef struct {
  HerdOrderStatus status;
  char **authorizations; /* URLs */
  char *finalize;        /* URL */
  char *certificate;     /* URL; NULL until the order is valid */
  char *profile;         /* that the CA says it chose, cleaned; "" if it does not */
  GError *error;         /* why it is invalid, or NULL */
} HerdOrder;

/* An order for IDENTIFIERS. Errors: HERD_ERROR_REFUSED. */
HerdOrder *herd_order_new (GBytes *body, const HerdSite *site, const char *const *identifiers,
                           GError **error);
void herd_order_free (HerdOrder *order);

typedef enum {
  HERD_AUTHORIZATION_PENDING,
  HERD_AUTHORIZATION_VALID,
  HERD_AUTHORIZATION_FAILED, /* invalid, deactivated, expired, revoked */
} HerdAuthorizationStatus;

/* A challenge that the CA offers. TYPE may be one that nobody here knows. */
typedef struct {
  char *type;
  char *url;
  char *token;         /* "" if it has none */
  gboolean processing; /* the CA is at it already */
  gboolean over;       /* valid or invalid: nothing to be done */
} HerdOffer;

typedef struct {
  HerdAuthorizationStatus status;
  gboolean lapsed;   /* FAILED, though no proof has: deactivated, expired, revoked */
  char *wish;        /* the identifier, with "*." if it is for the wildcard */
  char *identifier;  /* without */
  GPtrArray *offers; /* of HerdOffer */
  GError *error;     /* why it failed: of its challenge, or in general; else NULL */
} HerdAuthorization;

/* An authorization for one of IDENTIFIERS. Errors: HERD_ERROR_REFUSED. */
HerdAuthorization *herd_authorization_new (GBytes *body, const HerdSite *site,
                                           const char *const *identifiers, GError **error);
void herd_authorization_free (HerdAuthorization *authorization);

/* Does the order object in BODY (of a list of orders) wait for us, with exactly IDENTIFIERS: is it
 * pending or ready? FALSE for anything that cannot be read. */
gboolean herd_order_waits_for (GBytes *body, const char *const *identifiers);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdOrder, herd_order_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdAuthorization, herd_authorization_free)

G_END_DECLS
