// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the tables of HerdAccounts have in common: each is a run with the session and the host, which
 * ends with what the account looks like. Steps get the HerdAccountRun; what is their own is in DATA.
 * Owned by itself until its end; main loop only.
 */
#pragma once

#include "acme/session.h"
#include "util/follow.h"
#include "util/steps.h"

G_BEGIN_DECLS

typedef struct {
  const char *name; /* of the run, for crash points */
  const HerdStep *steps;
  guint n_steps;
  GDestroyNotify free_data;
  /* What rows with a commit write: a checkpoint of the operation. NULL: there are no such rows. */
  GBytes *(*write) (gpointer data);
} HerdAccountTable;

typedef struct {
  HerdAcmeSession *session;
  HerdIssuerHost *host;
  gpointer data;

  const HerdAccountTable *table;
  HerdRun *run;
  GTask *task;
  HerdFollow *follow;
} HerdAccountRun;

/* Takes DATA. SESSION lives until the end. */
void herd_account_run_start (const HerdAccountTable *table, HerdAcmeSession *session,
                             HerdIssuerHost *host, gpointer data, GCancellable *cancellable,
                             GAsyncReadyCallback callback, gpointer user_data);
HerdAccount *herd_account_run_finish (GAsyncResult *result, GError **error);

/* --- rows --- */

/* The records and the directory. */
gboolean herd_account_prepare_enter (HerdRun *run, gpointer operation, GError **error);
gboolean herd_account_prepare_leave (HerdRun *run, gpointer operation, GError **error);
/* Finds out which key the account has, if that is not known. */
gboolean herd_account_settle_enter (HerdRun *run, gpointer operation, GError **error);
gboolean herd_account_settle_leave (HerdRun *run, gpointer operation, GError **error);
/* The record of the account. */
gboolean herd_account_keep_enter (HerdRun *run, gpointer operation, GError **error);
gboolean herd_account_keep_leave (HerdRun *run, gpointer operation, GError **error);

/* --- for rows --- */

/* Starts writing, or with BYTES NULL deleting, a sealed record. */
void herd_account_run_put (HerdRun *run, HerdAccountRun *account_run, const char *record,
                           GBytes *bytes);
/* The answer to that. */
gboolean herd_account_run_put_finish (HerdRun *run, HerdAccountRun *account_run, GError **error);
/* {"contact": …} with CONTACTS, into OBJECT. */
void herd_account_add_contacts (JsonObject *object, const char *const *contacts);
/* RFC 8555 section 7.3: mailto:, one address each, no header fields. */
gboolean herd_account_check_contacts (const char *const *contacts, GError **error);

G_END_DECLS
