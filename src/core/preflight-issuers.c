// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Directory, clock, account and limits, for one issuer.
 */
#include "core/preflight-issuers.h"

#include "core/budget.h"
#include "herd-config.h"
#include "plugin/error.h"
#include "util/file.h"

#define SKEW_WARNING 300 /* seconds: what CAs let pass of a date is not much more */
#define SKEW_ERROR 86400 /* seconds: nothing that is issued now would be valid here */
#define MAC_KEY_LIMIT 4096

static void
issuer_free (gpointer data)
{
  HerdPreflightIssuer *issuer = data;

  herd_outlook_free (issuer->outlook);
  g_clear_object (&issuer->host);
  g_clear_object (&issuer->engine);
  g_free (issuer->name);
  g_free (issuer);
}

static void
add_issuer (GPtrArray *issuers, const HerdAuthority *authority)
{
  HerdPreflightIssuer *issuer = g_new0 (HerdPreflightIssuer, 1);

  issuer->id = authority->id;
  issuer->name = g_strdup (authority->name);
  issuer->is_private = herd_authority_get_setting (authority, "trust", NULL) != NULL;
  g_ptr_array_add (issuers, issuer);
}

GPtrArray *
herd_preflight_issuers_new (HerdRegistry *registry, const HerdOperation *operation)
{
  const HerdCertificate *certificate = herd_registry_get_certificate (registry,
                                                                      operation->certificate);
  const HerdAuthority *only = herd_registry_get_authority (registry, operation->issuer);
  g_autoptr (GPtrArray) list = herd_issuers_list (registry, certificate, operation->options, NULL);
  GPtrArray *issuers = g_ptr_array_new_with_free_func (issuer_free);

  for (guint i = 0; list != NULL && i < list->len; i++)
    add_issuer (issuers, list->pdata[i]);
  if (list == NULL && only != NULL)
    add_issuer (issuers, only); /* it says itself why it cannot be asked */
  return issuers;
}

void
herd_preflight_issuer_ask (HerdPreflightIssuer *issuer, HerdIssuers *issuers, guint64 operation,
                           const char *const *solvers, HerdRun *run, HerdFindings *findings)
{
  g_autoptr (GError) failure = NULL;
  HerdIssuer *engine = herd_issuers_get (issuers, issuer->id, &failure);

  if (engine == NULL) {
    herd_findings_add_for (findings, issuer->name, "", "issuer", HERD_SEVERITY_ERROR, "%s",
                           failure->message);
    return;
  }
  issuer->engine = g_object_ref (engine);
  issuer->host = herd_issuers_new_host (issuers, issuer->id, operation, solvers);
  herd_issuer_preflight_async (engine, issuer->host, herd_run_get_cancellable (run), herd_run_ready,
                               herd_run_slot (run));
}

/* --- the clock --- */

static void
compare_clocks (const HerdPreflightIssuer *issuer, HerdFindings *findings)
{
  const HerdOutlook *outlook = issuer->outlook;
  gint64 skew = outlook->own_time - outlook->ca_time;

  if (outlook->ca_time == 0)
    herd_findings_add_for (
        findings, issuer->name, "", "clock", HERD_SEVERITY_NOTICE,
        "the CA does not say what time it is; this machine's clock was not compared");
  else if (ABS (skew) > SKEW_WARNING)
    herd_findings_add_for (findings, issuer->name, "", "clock",
                           ABS (skew) > SKEW_ERROR ? HERD_SEVERITY_ERROR : HERD_SEVERITY_WARNING,
                           "this machine's clock is %" G_GINT64_FORMAT " seconds %s the CA's; set "
                           "it, or new certificates seem %s",
                           ABS (skew), skew > 0 ? "ahead of" : "behind",
                           skew > 0 ? "to have ended" : "not to be valid yet");
  else
    herd_findings_add_for (findings, issuer->name, "", "clock", HERD_SEVERITY_OK,
                           "as the CA's, within %d minutes", SKEW_WARNING / 60);
}

void
herd_preflight_issuers_judge_clock (const GPtrArray *issuers, HerdFindings *findings)
{
  for (guint i = 0; i < issuers->len; i++) {
    const HerdPreflightIssuer *issuer = issuers->pdata[i];

    if (issuer->outlook == NULL)
      continue;
    if (issuer->outlook->own_time >= HERD_BUILD_TIME) {
      compare_clocks (issuer, findings);
      continue;
    }
    herd_findings_add (
        findings, "", "clock", HERD_SEVERITY_ERROR,
        "this machine's clock is before the day on which certherd was built; set it");
    return;
  }
}

/* --- the account --- */

/* Is there what a CA that wants accounts bound to its own would be shown? Both halves of it, and readable:
 * *WHY says what is amiss with what there is. */
static gboolean
can_bind (const HerdAuthority *authority, char **why)
{
  const char *kid = herd_authority_get_setting (authority, "eab-kid", NULL);
  const char *file = herd_authority_get_setting (authority, "eab-hmac-file", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) key = NULL;

  if (kid != NULL && file != NULL) {
    key = herd_file_read (file, MAC_KEY_LIMIT, &error);
    if (key == NULL)
      *why = g_strdup_printf ("eab-hmac-file: %s", error->message);
    return key != NULL;
  }
  *why = g_strdup (kid != NULL    ? "eab-kid is set, and eab-hmac-file is not"
                   : file != NULL ? "eab-hmac-file is set, and eab-kid is not"
                                  : "get key identifier and key there, for eab-kid and "
                                    "eab-hmac-file or for “certherdctl issuer register”");
  return FALSE;
}

/* What the first attempt would have to do before anything else. */
static void
judge_unregistered (const HerdAuthority *authority, const HerdAccount *account,
                    HerdFindings *findings)
{
  gboolean agreed = herd_authority_get_setting (authority, "agree-terms", NULL) != NULL;
  g_autofree char *why = NULL;

  if (g_strv_contains ((const char *const *) account->capabilities, "eab-required")
      && !can_bind (authority, &why))
    herd_findings_add_for (
        findings, authority->name, "", "account", HERD_SEVERITY_ERROR,
        "there is no account at issuer %s, and the CA wants one that is bound to an "
        "account on its web pages (external account binding): %s",
        authority->name, why);
  else if (*account->terms != '\0' && !agreed)
    herd_findings_add_for (
        findings, authority->name, "", "account", HERD_SEVERITY_ERROR,
        "there is no account at issuer %s, and nobody has agreed to its terms, %s; "
        "“certherdctl issuer register %s” says how",
        authority->name, account->terms, authority->name);
  else
    herd_findings_add_for (findings, authority->name, "", "account", HERD_SEVERITY_NOTICE,
                           "there is no account at issuer %s yet; the first attempt makes one",
                           authority->name);
}

static void
judge_account (const HerdPreflightIssuer *issuer, const HerdAuthority *authority,
               HerdFindings *findings)
{
  const HerdOutlook *outlook = issuer->outlook;
  const HerdAccount *account = outlook->account;

  if (outlook->account_error != NULL)
    herd_findings_add_for (findings, issuer->name, "", "account", HERD_SEVERITY_ERROR,
                           "the account at issuer %s cannot be used: %s", issuer->name,
                           outlook->account_error->message);
  else if (*account->url == '\0')
    judge_unregistered (authority, account, findings);
  else if (!g_str_equal (account->status, "valid"))
    herd_findings_add_for (findings, issuer->name, "", "account", HERD_SEVERITY_ERROR,
                           "the account at issuer %s is %s; register another one", issuer->name,
                           account->status);
  else
    herd_findings_add_for (findings, issuer->name, "", "account", HERD_SEVERITY_OK, "%s is valid",
                           account->url);
}

guint
herd_preflight_issuer_read (HerdPreflightIssuer *issuer, const HerdServices *services, HerdRun *run,
                            guint index, HerdFindings *findings)
{
  const HerdAuthority *authority = herd_registry_get_authority (services->registry, issuer->id);
  g_autoptr (GError) failure = NULL;

  if (issuer->engine == NULL)
    return index;
  issuer->outlook = herd_issuer_preflight_finish (issuer->engine, herd_run_get_result (run, index),
                                                  &failure);
  if (issuer->outlook == NULL) {
    herd_findings_add_for (findings, issuer->name, "", "issuer", HERD_SEVERITY_ERROR, "%s",
                           failure->message);
    return index + 1;
  }
  herd_findings_add_for (findings, issuer->name, "", "issuer", HERD_SEVERITY_OK, "it answers");
  if (authority != NULL)
    judge_account (issuer, authority, findings);
  return index + 1;
}

/* --- limits --- */

void
herd_preflight_issuer_judge_budget (const HerdPreflightIssuer *issuer, const HerdServices *services,
                                    guint64 id, HerdFindings *findings)
{
  HerdRegistry *registry = services->registry;
  const HerdAuthority *authority = herd_registry_get_authority (registry, issuer->id);
  const HerdOperation *operation = herd_registry_get_operation (registry, id);
  const HerdCertificate *certificate =
      operation != NULL ? herd_registry_get_certificate (registry, operation->certificate) : NULL;
  g_autoptr (GPtrArray) spendings = NULL;
  g_autoptr (GError) failure = NULL;
  g_autofree char *joined = NULL;

  if (authority == NULL || operation == NULL)
    return;
  if (!herd_budget_ask (services, authority, certificate, operation->options, &failure)) {
    herd_findings_add_for (findings, issuer->name, "", "limits", HERD_SEVERITY_ERROR, "%s",
                           failure->message);
    return;
  }
  spendings = herd_budget_explain (services, authority, certificate, operation->options);
  g_ptr_array_add (spendings, NULL);
  joined = g_strjoinv ("; ", (char **) spendings->pdata);
  if (*joined == '\0')
    herd_findings_add_for (findings, issuer->name, "", "limits", HERD_SEVERITY_OK,
                           "no limit of the CA that is known here counts this");
  else
    herd_findings_add_for (findings, issuer->name, "", "limits", HERD_SEVERITY_OK,
                           "there is room for an attempt: %s", joined);
}
