// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * org.certherd.Issuer1.
 */
#include "bus/table.h"
#include "herd-interfaces.h"
#include "plugin/error.h"

/* --- methods --- */

static gboolean
prepare_register (HerdBusCall *call, GError **error)
{
  static const char *const known[] = { "agree-terms s", "contacts as", NULL };
  g_autoptr (GVariant) options = g_variant_get_child_value (call->parameters, 0);
  g_auto (GVariantDict) settings = G_VARIANT_DICT_INIT (NULL);
  g_autoptr (GVariant) terms = g_variant_lookup_value (options, "agree-terms", NULL);
  g_autoptr (GVariant) contacts = g_variant_lookup_value (options, "contacts", NULL);
  g_autoptr (GVariant) dictionary = NULL;

  if (!herd_bus_check_options (call, options, known, error))
    return FALSE;
  /* They are checked as the settings of the same meaning are. */
  if (terms != NULL)
    g_variant_dict_insert_value (&settings, "agree-terms", terms);
  if (contacts != NULL)
    g_variant_dict_insert_value (&settings, "contact", contacts);
  dictionary = g_variant_ref_sink (g_variant_dict_end (&settings));
  call->checked = herd_agent_check (call->agent, HERD_SECTION_ISSUER, dictionary, error);
  return call->checked != NULL;
}

static void
start_register (HerdBusCall *call, gpointer slot)
{
  g_auto (GVariantDict) options = G_VARIANT_DICT_INIT (NULL);
  g_autoptr (GVariant) terms = g_variant_lookup_value (call->checked, "agree-terms", NULL);
  g_autoptr (GVariant) contacts = g_variant_lookup_value (call->checked, "contact", NULL);
  g_autoptr (GVariant) dictionary = NULL;

  if (terms != NULL)
    g_variant_dict_insert_value (&options, "agree-terms", terms);
  if (contacts != NULL)
    g_variant_dict_insert_value (&options, "contacts", contacts);
  dictionary = g_variant_ref_sink (g_variant_dict_end (&options));
  herd_agent_register_async (call->agent, call->uid, call->id, dictionary, herd_run_ready, slot);
}

static void
start_remove (HerdBusCall *call, gpointer slot)
{
  herd_agent_remove_issuer_async (call->agent, call->id, herd_run_ready, slot);
}

static const HerdBusMethod methods[] = {
  { .member = "Register",
    .action = "manage-issuers",
    .prepare = prepare_register,
    .start = start_register,
    .finish = herd_bus_finish_operation },
  { .member = "Remove",
    .action = "manage-issuers",
    .start = start_remove,
    .finish = herd_bus_finish_nothing },
  { NULL },
};

/* --- properties --- */

static GVariant *
get_name (HerdAgent *agent G_GNUC_UNUSED, gpointer row)
{
  return g_variant_new_string (((HerdAuthority *) row)->name);
}

static GVariant *
get_kind (HerdAgent *agent G_GNUC_UNUSED, gpointer row)
{
  return g_variant_new_string (((HerdAuthority *) row)->kind);
}

static GVariant *
get_status (HerdAgent *agent G_GNUC_UNUSED, gpointer row)
{
  const HerdAuthority *authority = row;

  return g_variant_new_string (authority->operation != 0 ? "registering"
                                                         : authority->account->status);
}

static GVariant *
get_directory_url (HerdAgent *agent G_GNUC_UNUSED, gpointer row)
{
  return g_variant_new_string (herd_authority_get_setting (row, "directory-url", ""));
}

static GVariant *
get_account_url (HerdAgent *agent G_GNUC_UNUSED, gpointer row)
{
  return g_variant_new_string (((HerdAuthority *) row)->account->url);
}

static GVariant *
get_terms_url (HerdAgent *agent G_GNUC_UNUSED, gpointer row)
{
  return g_variant_new_string (((HerdAuthority *) row)->account->terms);
}

static GVariant *
get_contacts (HerdAgent *agent G_GNUC_UNUSED, gpointer row)
{
  return g_variant_new_strv ((const char *const *) ((HerdAuthority *) row)->account->contacts, -1);
}

static GVariant *
get_profiles (HerdAgent *agent G_GNUC_UNUSED, gpointer row)
{
  return g_variant_ref (((HerdAuthority *) row)->account->profiles);
}

static GVariant *
get_capabilities (HerdAgent *agent G_GNUC_UNUSED, gpointer row)
{
  return g_variant_new_strv ((const char *const *) ((HerdAuthority *) row)->account->capabilities,
                             -1);
}

static GVariant *
get_caa_record (HerdAgent *agent G_GNUC_UNUSED, gpointer row)
{
  return g_variant_new_string (((HerdAuthority *) row)->account->caa_record);
}

static GVariant *
get_last_error (HerdAgent *agent G_GNUC_UNUSED, gpointer row)
{
  return g_variant_new_string (((HerdAuthority *) row)->last_error);
}

static GVariant *
get_last_error_message (HerdAgent *agent G_GNUC_UNUSED, gpointer row)
{
  return g_variant_new_string (((HerdAuthority *) row)->last_error_message);
}

static GVariant *
get_retry_at (HerdAgent *agent G_GNUC_UNUSED, gpointer row)
{
  return g_variant_new_int64 (((HerdAuthority *) row)->retry_at);
}

static const HerdBusProperty properties[] = {
  { "Name", get_name },
  { "Kind", get_kind },
  { "Status", get_status },
  { "DirectoryUrl", get_directory_url },
  { "AccountUrl", get_account_url },
  { "TermsUrl", get_terms_url },
  { "Contacts", get_contacts },
  { "Profiles", get_profiles },
  { "Capabilities", get_capabilities },
  { "CaaRecord", get_caa_record },
  { "LastError", get_last_error },
  { "LastErrorMessage", get_last_error_message },
  { "RetryAt", get_retry_at },
  { NULL, NULL },
};

const HerdBusInterface herd_bus_issuer1 = {
  .info = &org_certherd_issuer1_interface,
  .noun = HERD_NOUN_ISSUER,
  .methods = methods,
  .properties = properties,
};
