// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The agent: the parts of the core put together, and its verbs: what the bus calls, and what the
 * configuration and the schedule do by themselves. Verbs take checked, normal values; rights were
 * checked by the caller. Main loop only.
 */
#pragma once

#include "core/deliveries.h"
#include "core/filter.h"
#include "core/issuers.h"
#include "core/registration.h"
#include "core/services.h"
#include "state/kek.h"

G_BEGIN_DECLS

typedef struct HerdAgent HerdAgent;

typedef struct {
  HerdClock *clock;
  HerdState *state;     /* taken */
  HerdConfig *config;   /* referenced */
  HerdPresets *presets; /* referenced; may be NULL */
  const char *config_directory;
  const char *plugin_directory;
  HerdResponderLink *link; /* taken; may be NULL */
  HerdLauncher *launcher;  /* taken */
  HerdIssuerFactory factory;
  gpointer factory_data;
  const HerdCrash *crash; /* may be NULL */
  const char *version;
  const char *at_rest; /* "none", "credential", "secret-service", "locked" */
  /* Of a state that is locked: the keystore where [agent] names none, and the directory of the state. The
   * agent unlocks it as soon as it can. NULL: it stays as it is. */
  const char *keystore;
  const char *state_directory;
  gboolean session;
} HerdAgentOptions;

HerdAgent *herd_agent_new (const HerdAgentOptions *options);
void herd_agent_free (HerdAgent *agent);

/* Loads the state and applies the configuration. Errors: the state's. */
gboolean herd_agent_load (HerdAgent *agent, GError **error);
/* Begins to schedule everything, and goes on with what an earlier process was at: not before the agent
 * can be reached, since what it starts calls back. Once; later calls do nothing. */
void herd_agent_start (HerdAgent *agent);

HerdServices *herd_agent_get_services (HerdAgent *agent);
HerdSolvers *herd_agent_get_solvers (HerdAgent *agent);
HerdDeliveries *herd_agent_get_deliveries (HerdAgent *agent);
const char *herd_agent_get_version (HerdAgent *agent);
const char *herd_agent_get_at_rest (HerdAgent *agent);
/* The head of the schedule; NULL if there is none. */
HerdCertificate *herd_agent_get_next (HerdAgent *agent);

/* Issuer1.Status of AUTHORITY: what runs, else its account's. */
const char *herd_agent_get_issuer_status (HerdAgent *agent, const HerdAuthority *authority);

/* --- verbs: every one finishes when what it did is on disk --- */

/* What a verb made or found: ids, 0 = none. */
typedef struct {
  guint64 object; /* the certificate or issuer */
  guint64 operation;
} HerdVerbResult;

gboolean herd_agent_verb_finish (GAsyncResult *result, HerdVerbResult *ids, GError **error);

/* Is NAME, from the bus, fit to be the name of a new object of SECTION? */
gboolean herd_agent_check_name (HerdSection section, const char *name, GError **error);
/* A dictionary from the bus as a spec in normal form; SECTION certificate or issuer. On the session
 * bus the words mean what they mean in a file. */
GVariant *herd_agent_check (HerdAgent *agent, HerdSection section, GVariant *dictionary,
                            GError **error);

/* RequestCertificate. SPEC from herd_agent_check. */
void herd_agent_request_async (HerdAgent *agent, guint32 uid, const char *name, GVariant *spec,
                               GAsyncReadyCallback callback, gpointer data);
/* Renew. */
void herd_agent_renew_async (HerdAgent *agent, guint32 uid, guint64 certificate, gboolean force,
                             const char *reason, GAsyncReadyCallback callback, gpointer data);
/* Modify. SET from herd_agent_check. */
void herd_agent_modify_async (HerdAgent *agent, guint32 uid, guint64 certificate, GVariant *set,
                              const char *const *unset, GAsyncReadyCallback callback,
                              gpointer data);
/* Revoke. OPTIONS (a{sv}): reason s, generation t, with s, at-once b, as org.certherd.Certificate1 says,
 * checked. */
void herd_agent_revoke_async (HerdAgent *agent, guint32 uid, guint64 certificate, GVariant *options,
                              GAsyncReadyCallback callback, gpointer data);
void herd_agent_remove_async (HerdAgent *agent, guint64 certificate, GAsyncReadyCallback callback,
                              gpointer data);
void herd_agent_retry_async (HerdAgent *agent, guint64 certificate, GAsyncReadyCallback callback,
                             gpointer data);
/* Preflight of CERTIFICATE with WISH (from herd_agent_check) in place of the same keys of its own, or, where
 * CERTIFICATE is 0, of WISH alone. */
void herd_agent_preflight_async (HerdAgent *agent, guint32 uid, guint64 certificate, GVariant *wish,
                                 GAsyncReadyCallback callback, gpointer data);
/* AddIssuer. SETTINGS from herd_agent_check. */
void herd_agent_add_issuer_async (HerdAgent *agent, const char *name, GVariant *settings,
                                  GAsyncReadyCallback callback, gpointer data);
/* Register, SetContacts, RollKey, Deactivate, ImportAccount: WISH says which; its options are not NULL.
 * Joins the same that is under way; HERD_ERROR_BUSY if something else is. */
void herd_agent_change_account_async (HerdAgent *agent, guint32 uid, guint64 authority,
                                      const HerdAccountWish *wish, GAsyncReadyCallback callback,
                                      gpointer data);
void herd_agent_remove_issuer_async (HerdAgent *agent, guint64 authority,
                                     GAsyncReadyCallback callback, gpointer data);
void herd_agent_cancel_async (HerdAgent *agent, guint64 operation, GAsyncReadyCallback callback,
                              gpointer data);

/* Chain (PEM) and, if KEY, private key (PEM PKCS#8) of GENERATION, 0: the current one. */
void herd_agent_open_async (HerdAgent *agent, guint64 certificate, guint64 generation, gboolean key,
                            GAsyncReadyCallback callback, gpointer data);
gboolean herd_agent_open_finish (HerdAgent *agent, GAsyncResult *result, guint64 *generation,
                                 GBytes **chain, GBytes **key, HerdFacts **facts, GError **error);

/* Subscribe: TARGET NULL: an observer. ALLOWED: somebody was asked, and lets UID be a configured target
 * that does not list it. (transfer none) */
HerdSubscription *herd_agent_subscribe (HerdAgent *agent, const char *sender, guint32 uid,
                                        const char *const *patterns, const char *target,
                                        gboolean allowed, const char *server, GError **error);
/* The connection that is TARGET already, as UID would be it; NULL: nobody, or TARGET is. */
const char *herd_agent_get_holder (HerdAgent *agent, guint32 uid, const char *target);
void herd_agent_unsubscribe (HerdAgent *agent, guint64 subscription);
/* The bus was lost, and every connection with it. */
void herd_agent_unsubscribe_all (HerdAgent *agent);

/* Reads the configuration again and applies it, and looks for the keys again if they are locked:
 * HerdConfigProblem. Errors: the state's; then the agent
 * goes on with the configuration that it had. (transfer full) */
void herd_agent_reload_async (HerdAgent *agent, GAsyncReadyCallback callback, gpointer data);
GPtrArray *herd_agent_reload_finish (GAsyncResult *result, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (HerdAgent, herd_agent_free)

G_END_DECLS
