// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The rows of the order's table that prove control: authorize, present, respond, explain, cleanup.
 * Private to order.c and proof.c, which share the operation. Main loop only.
 */
#pragma once

#include "acme/object.h"
#include "acme/poll.h"
#include "acme/record.h"
#include "acme/session.h"
#include "util/follow.h"
#include "util/steps.h"

G_BEGIN_DECLS

typedef struct HerdAcmeOrder HerdAcmeOrder;

struct HerdAcmeOrder {
  HerdAcmeSession *session;
  HerdIssueRequest *request;
  HerdIssuerHost *host;
  GTask *task;
  HerdRun *run;
  HerdFollow *follow;

  HerdRecord *record;
  HerdOrder *order;     /* as last seen */
  GPtrArray *to_answer; /* of char *: URLs of challenges */
  GPtrArray *batches;   /* of HerdBatch: the present wait's */
  HerdPoll poll;
  gint64 deadline; /* monotonic, for all polling */
  guint finalizes;
  gboolean read_again; /* the authorizations, after a challenge that was not to be answered */
  GBytes *chain;
};

const char *const *herd_acme_order_get_identifiers (HerdAcmeOrder *order);
/* Starts a signed request of the present wait. PAYLOAD NULL: POST-as-GET. */
void herd_acme_order_post (HerdRun *run, HerdAcmeOrder *order, const char *label, const char *url,
                           const char *payload);

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

G_END_DECLS
