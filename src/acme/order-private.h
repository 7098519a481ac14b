// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * One order under way, and the rows of its table, which stand in the files where they belong: asking
 * for the order (new-order.c), proving control (proof.c), the chain (download.c), all else (order.c).
 * Private to these files. Main loop only.
 */
#pragma once

#include "acme/object.h"
#include "acme/poll.h"
#include "acme/record.h"
#include "acme/session.h"
#include "crypto/chain.h"
#include "util/follow.h"
#include "util/steps.h"

G_BEGIN_DECLS

#define HERD_ATTEMPTS_MAX 2 /* newOrders without a known answer */

typedef struct HerdAcmeOrder HerdAcmeOrder;

struct HerdAcmeOrder {
  HerdAcmeSession *session;
  HerdIssueRequest *request;
  HerdIssuerHost *host;
  GTask *task;
  HerdRun *run;
  HerdFollow *follow;

  gboolean inside;       /* the session's turns */
  gboolean had_account;  /* a valid one, at the beginning */
  gboolean account_lost; /* and none any more */
  HerdRecord *record;
  char *profile;        /* to ask for; NULL: none */
  char *replaces;       /* the identifier (RFC 9773) of the predecessor; NULL: none */
  HerdOrder *order;     /* as last seen */
  GPtrArray *pending;   /* of char *: URLs of authorizations that wait for proof */
  GPtrArray *to_answer; /* of char *: URLs of challenges */
  GPtrArray *batches;   /* of HerdBatch: the present wait's */
  guint releases;       /* the present wait's, after the batches */
  HerdPoll poll;
  HerdSightings *sightings; /* NULL: nothing was presented */
  gint64 deadline;          /* monotonic, for all polling */
  guint finalizes;
  gboolean asked;      /* newOrder has left since the last commit */
  gboolean lost;       /* the answer to newOrder, just now */
  gboolean read_again; /* the authorizations, after a challenge that was not to be answered */
  gboolean resumed;    /* the order was made before this run */
  gboolean spoilt;     /* the order is of no use to another attempt */
  gboolean recorded;   /* the host has a checkpoint */
  gboolean leaving;    /* what is left is being recorded */
  HerdChain *chain;
  char **alternates; /* URLs */
  HerdIssued *issued;
};

const char *const *herd_acme_order_get_identifiers (HerdAcmeOrder *order);
/* Starts a signed request of the present wait. */
void herd_acme_order_post (HerdRun *run, HerdAcmeOrder *order, const char *label, const char *url,
                           const char *payload);
/* The same for what may be asked twice, and is if the answer is lost. PAYLOAD NULL: POST-as-GET. */
void herd_acme_order_ask (HerdRun *run, HerdAcmeOrder *order, const char *label, const char *url,
                          const char *payload);
/* ERROR, unless the CA says that it does not know URL: then the order is gone, which is no matter of
 * the wish; another attempt begins anew, and may well succeed. Takes ERROR. */
GError *herd_acme_order_note_gone (HerdAcmeOrder *order, GError *error);
/* In leave: the order was made before this run, and is over, though nothing is wrong (WHY): jumps to where
 * another one is asked for. */
gboolean herd_acme_order_begin_anew (HerdRun *run, HerdAcmeOrder *order, const char *why,
                                     GError **error);
/* The order object in RESPONSE becomes the one that is known. */
gboolean herd_acme_order_take (HerdAcmeOrder *order, HerdHttpResponse *response, GError **error);
void herd_acme_order_set_url (HerdAcmeOrder *order, const char *url);
/* Jumps to the row that the status of the order asks for. */
gboolean herd_acme_order_go_on (HerdRun *run, HerdAcmeOrder *order, GError **error);

/* A validator was shown a challenge of the order: asks the CA when the verdict is near. */
void herd_acme_order_saw_validator (gpointer order);

/* Settles what newOrder is to say, now that the directory is known. Errors: HERD_ERROR_REFUSED (a
 * required profile that the CA does not have). */
gboolean herd_new_order_settle (HerdAcmeOrder *order, GError **error);
gboolean herd_new_order_enter (HerdRun *run, gpointer data, GError **error);
gboolean herd_new_order_leave (HerdRun *run, gpointer data, GError **error);

gboolean herd_proof_authorize_enter (HerdRun *run, gpointer data, GError **error);
gboolean herd_proof_authorize_leave (HerdRun *run, gpointer data, GError **error);
gboolean herd_proof_present_enter (HerdRun *run, gpointer data, GError **error);
gboolean herd_proof_present_leave (HerdRun *run, gpointer data, GError **error);
gboolean herd_proof_respond_enter (HerdRun *run, gpointer data, GError **error);
gboolean herd_proof_respond_leave (HerdRun *run, gpointer data, GError **error);
/* Always fails, with the reason why the CA gave the order up. */
gboolean herd_proof_explain_leave (HerdRun *run, gpointer data, GError **error);
gboolean herd_proof_cleanup_enter (HerdRun *run, gpointer data, GError **error);
gboolean herd_proof_cleanup_leave (HerdRun *run, gpointer data, GError **error);

gboolean herd_download_enter (HerdRun *run, gpointer data, GError **error);
gboolean herd_download_leave (HerdRun *run, gpointer data, GError **error);
/* Other chains for the same leaf, if the first one is not what was wished for. */
gboolean herd_alternates_enter (HerdRun *run, gpointer data, GError **error);
gboolean herd_alternates_leave (HerdRun *run, gpointer data, GError **error);

G_END_DECLS
