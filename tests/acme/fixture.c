// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * One engine with one host.
 */
#include "fixture.h"

#include <string.h>

#include "pebble.h"
#include "plugin/error.h"

static const HerdAcmeTraits nothing_known;

static void
make (Acme *acme, const char *url, const char *trust, const char *challtestsrv,
      const HerdAcmeTraits *traits)
{
  HerdAcmeOptions options = { .name = "ca",
                              .directory_url = url,
                              .trust = trust,
                              .traits = *traits,
                              .http1 = acme->http1,
                              .version = "test",
                              .clock = acme->clock };
  g_autofree char *log = g_build_filename (acme->directory, "solver.log", NULL);
  g_autoptr (GError) error = NULL;

  acme->engine = herd_acme_engine_new (&options, &error);
  g_assert_no_error (error);
  acme->host = test_host_new (acme->directory);
  acme->solver = test_solver_new ("http-01", challtestsrv, log);
  test_host_add_solver (acme->host, acme->solver);
}

static void
unmake (Acme *acme)
{
  g_object_unref (acme->engine);
  g_object_unref (acme->host);
  g_object_unref (acme->solver);
  while (g_main_context_iteration (NULL, FALSE))
    continue;
}

void
acme_set_up (Acme *acme, const char *url, const char *trust, const char *challtestsrv,
             HerdClock *clock)
{
  g_autoptr (GError) error = NULL;

  acme->directory = g_dir_make_tmp ("certherd-host-XXXXXX", &error);
  g_assert_no_error (error);
  acme->http1 = FALSE;
  acme->clock = clock != NULL ? herd_clock_ref (clock) : herd_clock_new_system ();
  make (acme, url, trust, challtestsrv, &nothing_known);
}

void
acme_restart (Acme *acme, const char *url, const char *trust, const char *challtestsrv)
{
  unmake (acme);
  make (acme, url, trust, challtestsrv, &nothing_known);
}

void
acme_restart_with (Acme *acme, const char *url, const char *trust, const HerdAcmeTraits *traits)
{
  unmake (acme);
  make (acme, url, trust, NULL, traits);
}

void
acme_tear_down (Acme *acme)
{
  unmake (acme);
  test_remove_directory (acme->directory);
  g_free (acme->directory);
  herd_clock_unref (acme->clock);
}

HerdAccount *
acme_register_with (Acme *acme, const char *agree_terms, const char *const *contacts,
                    const HerdBinding *binding, GError **error)
{
  g_autoptr (GVariant) options = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  if (agree_terms != NULL)
    g_variant_builder_add (&builder, "{sv}", "agree-terms", g_variant_new_string (agree_terms));
  if (contacts != NULL)
    g_variant_builder_add (&builder, "{sv}", "contacts", g_variant_new_strv (contacts, -1));
  options = g_variant_ref_sink (g_variant_builder_end (&builder));
  herd_accounts_register_async (HERD_ACCOUNTS (acme->engine), options, binding,
                                HERD_ISSUER_HOST (acme->host), NULL, test_on_result, &result);
  test_wait (result != NULL);
  return herd_accounts_register_finish (HERD_ACCOUNTS (acme->engine), result, error);
}

HerdAccount *
acme_register (Acme *acme, const char *agree_terms, GError **error)
{
  return acme_register_with (acme, agree_terms, NULL, NULL, error);
}

HerdAccount *
acme_update (Acme *acme, const char *const *contacts, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  herd_accounts_update_async (HERD_ACCOUNTS (acme->engine), contacts, HERD_ISSUER_HOST (acme->host),
                              NULL, test_on_result, &result);
  test_wait (result != NULL);
  return herd_accounts_update_finish (HERD_ACCOUNTS (acme->engine), result, error);
}

HerdAccount *
acme_roll_key (Acme *acme, GBytes *resume, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  herd_accounts_roll_key_async (HERD_ACCOUNTS (acme->engine), resume, HERD_ISSUER_HOST (acme->host),
                                NULL, test_on_result, &result);
  test_wait (result != NULL);
  return herd_accounts_roll_key_finish (HERD_ACCOUNTS (acme->engine), result, error);
}

HerdAccount *
acme_deactivate (Acme *acme, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  herd_accounts_deactivate_async (HERD_ACCOUNTS (acme->engine), HERD_ISSUER_HOST (acme->host), NULL,
                                  test_on_result, &result);
  test_wait (result != NULL);
  return herd_accounts_deactivate_finish (HERD_ACCOUNTS (acme->engine), result, error);
}

HerdAccount *
acme_import (Acme *acme, const char *key, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GBytes) text = key != NULL ? g_bytes_new (key, strlen (key)) : NULL;

  herd_accounts_import_async (HERD_ACCOUNTS (acme->engine), text, HERD_ISSUER_HOST (acme->host),
                              NULL, test_on_result, &result);
  test_wait (result != NULL);
  return herd_accounts_import_finish (HERD_ACCOUNTS (acme->engine), result, error);
}

void
acme_must_register (Acme *acme)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (HerdAccount) account = acme_register (acme, "yes", &error);

  g_assert_no_error (error);
  g_assert_cmpstr (account->status, ==, "valid");
}

HerdAccount *
acme_load (Acme *acme, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  herd_accounts_load_async (HERD_ACCOUNTS (acme->engine), HERD_ISSUER_HOST (acme->host),
                            test_on_result, &result);
  test_wait (result != NULL);
  return herd_accounts_load_finish (HERD_ACCOUNTS (acme->engine), result, error);
}

HerdIssued *
acme_issue_wish (Acme *acme, const HerdIssueRequest *request, GBytes *resume, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  herd_issuer_issue_async (HERD_ISSUER (acme->engine), request, resume,
                           HERD_ISSUER_HOST (acme->host), NULL, test_on_result, &result);
  test_wait (result != NULL);
  return herd_issuer_issue_finish (HERD_ISSUER (acme->engine), result, error);
}

char *
acme_issue_request (Acme *acme, const HerdIssueRequest *request, GBytes *resume, GError **error)
{
  g_autoptr (HerdIssued) issued = acme_issue_wish (acme, request, resume, error);

  return issued != NULL
             ? g_strndup (g_bytes_get_data (issued->chain, NULL), g_bytes_get_size (issued->chain))
             : NULL;
}

gboolean
acme_revoke (Acme *acme, GBytes *chain, guint reason, GBytes *public_key, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  herd_issuer_revoke_async (HERD_ISSUER (acme->engine), chain, reason, public_key,
                            HERD_ISSUER_HOST (acme->host), NULL, test_on_result, &result);
  test_wait (result != NULL);
  return herd_issuer_revoke_finish (HERD_ISSUER (acme->engine), result, error);
}

HerdRenewalInfo *
acme_ask_renewal (Acme *acme, GBytes *chain, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;

  herd_issuer_renewal_info_async (HERD_ISSUER (acme->engine), chain, HERD_ISSUER_HOST (acme->host),
                                  NULL, test_on_result, &result);
  test_wait (result != NULL);
  return herd_issuer_renewal_info_finish (HERD_ISSUER (acme->engine), result, error);
}

char *
acme_issue (Acme *acme, GError **error, const char *first, ...)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_auto (GStrv) identifiers = NULL;
  g_autoptr (HerdIssueRequest) request = NULL;
  va_list arguments;

  va_start (arguments, first);
  for (const char *one = first; one != NULL; one = va_arg (arguments, const char *))
    g_strv_builder_add (builder, one);
  va_end (arguments);
  identifiers = g_strv_builder_end (builder);
  request = test_request_new ((const char *const *) identifiers, NULL);
  return acme_issue_request (acme, request, NULL, error);
}
