// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the files of the agent share: its parts, and the ways in which verbs end.
 */
#pragma once

#include "core/agent.h"
#include "core/issuance.h"
#include "core/polls.h"
#include "core/revocation.h"
#include "core/scheduler.h"
#include "state/kek-watch.h"
#include "util/steps.h"

struct HerdAgent {
  HerdServices services;
  char *config_directory;
  char *version;
  char *at_rest;
  char *keystore; /* where the configuration names none; NULL: keys are never looked for */
  char *state_directory;
  HerdKekWatch *keys;   /* while the state is locked */
  HerdKeystore watched; /* by it */
  HerdResponderLink *link;
  HerdLauncher *launcher;
  HerdSolvers *solvers;
  HerdIssuers *issuers;
  HerdDeliveries *deliveries;
  HerdScheduler *scheduler;
  HerdPolls *polls;
  HerdGate *slots;
  HerdRun *start; /* what herd_agent_start began; NULL = not yet */
  char *start_at; /* the name of the certificate that it has come to */
  HerdIssuanceContext issuance;
  GHashTable *issuances;     /* &operation id → HerdIssuance */
  GHashTable *registrations; /* &operation id → GCancellable */
  GHashTable *abandonments;  /* set of &operation id: what is about to end (agent-operations.c) */
  GHashTable *asides;        /* likewise: preflights and revocations */
  HerdRevocationContext revocation;
  GPtrArray *replacements; /* what revocations wait for (agent-revocations.c) */
  GHashTable
      *secrets; /* &operation id → what came with its call; NULL: nothing (agent-accounts.c) */
  GHashTable *queued; /* &certificate id → guint64*: the operation to start when the running ends */
};

/* The number that [agent] has for KEY, as it was read last. */
guint herd_agent_get_number (HerdAgent *agent, const char *key, guint fallback);
/* What [agent] says of operations at the same time and of generations to keep, as it was read last, holds
 * from now on: for what begins, and for certificates that get another generation. */
void herd_agent_follow_limits (HerdAgent *agent);

/* --- operations (agent-operations.c) --- */

/* May UID have one more unfinished operation, for CERTIFICATE (NULL: for an issuer)? Root, the user of
 * an instance of its own and declared certificates may. Errors: HERD_ERROR_LIMIT_EXCEEDED. */
gboolean herd_agent_check_quota (HerdAgent *agent, guint32 uid, const HerdCertificate *certificate,
                                 GError **error);
/* A new operation of KIND, in the registry; in BATCH, if there is one. */
HerdOperation *herd_agent_add_operation (HerdAgent *agent, const char *kind, guint32 uid,
                                         guint64 certificate, guint64 authority, HerdBatch *batch);
/* An issuance of CERTIFICATE: a new operation that starts at once. It is put into BATCH. */
HerdOperation *herd_agent_begin_issuance (HerdAgent *agent, HerdCertificate *certificate,
                                          guint32 uid, HerdBatch *batch);
/* One that asks issuers that are in back-off too. */
HerdOperation *herd_agent_force_issuance (HerdAgent *agent, HerdCertificate *certificate,
                                          guint32 uid, HerdBatch *batch);
/* In place of the running one, which is cancelled, if it has not saved anything yet, once BATCH is on
 * disk. */
HerdOperation *herd_agent_replace_issuance (HerdAgent *agent, HerdCertificate *certificate,
                                            guint32 uid, HerdBatch *batch);
/* What is queued for CERTIFICATE is on disk: what runs makes way for it. */
void herd_agent_follow_queue (HerdAgent *agent, HerdCertificate *certificate);
/* After an undo: operations that run by their rows, and not in fact, are resumed or queued. */
void herd_agent_requeue (HerdAgent *agent);
/* Ends the operations of CERTIFICATE, which is gone, and takes their rows out of the registry. */
void herd_agent_drop_operations (HerdAgent *agent, guint64 certificate);
/* Goes on with an operation of an earlier process, or one that waited for the keys. */
void herd_agent_resume (HerdAgent *agent, HerdOperation *operation);
/* herd_agent_resume for all that do not run, newest first: of a certificate's, that one goes on. */
void herd_agent_resume_operations (HerdAgent *agent);
/* The issuance's calls back. */
void herd_agent_issued (guint64 certificate, gpointer data);
void herd_agent_refused (guint64 authority, gpointer data);
void herd_agent_issuance_finished (HerdIssuance *issuance, guint64 certificate, guint64 operation,
                                   const GError *error, gpointer data);
/* Cancels an operation that is no issuance under way. */
void herd_agent_cancel_other (HerdAgent *agent, HerdOperation *operation);

/* --- beside the issuances (agent-asides.c) --- */

/* Is OPERATION a preflight or a revocation? */
gboolean herd_agent_is_aside (const HerdOperation *operation);
/* OPERATION is on disk, of this process or of an earlier one: one of these that has not begun begins, as
 * soon as the keys that it needs are there. FALSE: it is none. */
gboolean herd_agent_follow_aside (HerdAgent *agent, guint64 operation);
/* FALSE: OPERATION is none of these that is under way. */
gboolean herd_agent_cancel_aside (HerdAgent *agent, guint64 operation);

/* --- revocations (agent-revocations.c) --- */

void herd_agent_init_revocations (HerdAgent *agent);
GPtrArray *herd_agent_new_replacements (void);
gboolean herd_agent_is_revocation (const HerdOperation *operation);
/* For herd_agent_follow_aside. CANCELLABLE stays until the end, which takes OPERATION out of asides. */
void herd_agent_begin_revocation (HerdAgent *agent, HerdOperation *operation,
                                  GCancellable *cancellable);
/* CERTIFICATE has another generation, or what was to make one has ended. */
void herd_agent_settle_replacements (HerdAgent *agent, guint64 certificate);

/* --- preflights (agent-preflight.c) --- */

gboolean herd_agent_is_preflight (const HerdOperation *operation);
/* As herd_agent_begin_revocation. */
void herd_agent_begin_preflight (HerdAgent *agent, HerdOperation *operation,
                                 GCancellable *cancellable);
/* What the last preflight warned of is shown with the issuance that FAILED. */
void herd_agent_recall_findings (HerdAgent *agent, HerdOperation *failed);

/* --- the schedule (agent-schedule.c) --- */

/* Works out CERTIFICATE's next action, schedules it, and says that its row has changed. */
void herd_agent_reschedule (HerdAgent *agent, HerdCertificate *certificate);
/* The same where nothing has happened but a start: says so only if the next action is another one. */
void herd_agent_schedule_first (HerdAgent *agent, HerdCertificate *certificate);
/* The clock was set back: what comes next for every certificate is worked out again (start.c). */
void herd_agent_look_again (gpointer agent);
/* Its time has come. FALSE: every slot is taken. */
gboolean herd_agent_due (guint64 certificate, gpointer data);

/* --- what CAs suggest (agent-renewals.c) --- */

#define HERD_RENEWAL_SUGGESTED "renewal-suggested" /* an attention */

/* HerdPollsFunc: CERTIFICATE's renew_at may be another one. */
void herd_agent_suggested (HerdCertificate *certificate, gpointer data);
/* HerdIssuersFunc. */
void herd_agent_follow_account (guint64 authority, gpointer data);

/* May none of CERTIFICATE's issuers be asked, now that its time has come (core/choice.h)? Then its next action, and the
 * schedule, say when there is (agent-budget.c). */
gboolean herd_agent_hold_back (HerdAgent *agent, HerdCertificate *certificate);

/* --- accounts (agent-accounts.c) --- */

/* Starts OPERATION, which is on disk, on AUTHORITY's account: with the secrets that came with its call, if
 * that was in this process. */
void herd_agent_begin_account (HerdAgent *agent, HerdAuthority *authority,
                               HerdOperation *operation);
/* OPERATION never was: its secrets go. */
void herd_agent_drop_secrets (HerdAgent *agent, guint64 operation);

/* Shows the account of AUTHORITY, as far as it is known here. */
void herd_agent_load_account (HerdAgent *agent, guint64 authority);

/* --- keys (agent-keys.c) --- */

/* Looks for the key-encryption key, in the keystore that the configuration has now, while it is missing:
 * what waits for it goes on by itself. */
void herd_agent_watch_keys (HerdAgent *agent);
/* Is the state locked? Then OPERATION says that it waits for that. */
gboolean herd_agent_waits_for_keys (HerdAgent *agent, const HerdOperation *operation);
/* Shows the accounts of all issuers. */
void herd_agent_load_accounts (HerdAgent *agent);

/* --- changes (agent-undo.c): what memory does is said in state/state.h --- */

/* A change begins: what it does to the rows is told only once it is on disk. The batch is for
 * herd_agent_commit, in the same turn of the loop. */
HerdBatch *herd_agent_begin (HerdAgent *agent);
/* Commits BATCH (taken), then ends TASK (taken) with the ids, after what follows for OBJECT was begun.
 * Where it fails the rows are what the disk has, and nothing follows. An issuance may begin with the
 * change: it reads from the state first, after the commit, and so is told before it goes out. */
void herd_agent_commit (HerdAgent *agent, HerdBatch *batch, GTask *task, guint64 object,
                        guint64 operation);
/* What follows outside from the rows of CERTIFICATE, which are on disk: withdrawals, deliveries, the end
 * of what runs for nothing. Again is no harm. */
void herd_agent_follow (HerdAgent *agent, guint64 certificate);
/* HerdStateUndo; DATA is the agent. */
void herd_agent_undo (const GArray *ids, HerdStateContents *contents, gpointer data);
/* Ends TASK at once. */
void herd_agent_return_ids (GTask *task, guint64 object, guint64 operation);

/* --- certificates (agent-certificates.c) --- */

/* Are the spec's issuer, solvers and targets there, and does it have identifiers? CERTIFICATE: whose it
 * is or shall be, NULL: a new one's. */
gboolean herd_agent_check_spec (HerdAgent *agent, const HerdCertificate *certificate,
                                GVariant *spec, GError **error);
HerdCertificate *herd_agent_add_certificate (HerdAgent *agent, const char *name, guint32 uid,
                                             HerdOrigin origin, GVariant *spec);
/* HERD_ERROR_NOT_FOUND: CERTIFICATE (NULL: it is gone) has no generation NUMBER, or, 0, none at all. */
GError *herd_agent_new_no_generation (const HerdCertificate *certificate, guint64 number);
/* Gives CERTIFICATE another spec, into BATCH. The new operation's id, or 0. */
guint64 herd_agent_change_spec (HerdAgent *agent, HerdCertificate *certificate, guint32 uid,
                                GVariant *spec, HerdBatch *batch);

/* --- the configuration (reload.c) --- */

/* Brings issuers and declared certificates up to the configuration; what cannot be is added to
 * PROBLEMS (HerdConfigProblem). TASK (taken) ends when that is on disk. */
void herd_agent_apply_config (HerdAgent *agent, GPtrArray *problems, GTask *task);
/* herd_agent_follow for every certificate of a file. */
void herd_agent_follow_declared (HerdAgent *agent);
