// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * org.certherd.Issuer1.
 */
#include "bus/table.h"
#include "core/budget.h"
#include "core/directories.h"
#include "herd-interfaces.h"
#include "plugin/error.h"

/* Text of a kilobyte at most; a key of 4096 bits, as JWK or PEM, has 3 to 4 KiB. */
#define MAC_KEY_LIMIT 1024
#define KEY_LIMIT (64 * 1024)

/* --- methods --- */

/* The dictionary in CALL's checked form, under the names that settings of the same meaning have. */
static gboolean
check_settings (HerdBusCall *call, GVariantDict *settings, GError **error)
{
  g_autoptr (GVariant) dictionary = g_variant_ref_sink (g_variant_dict_end (settings));

  call->checked = herd_agent_check (call->agent, HERD_SECTION_ISSUER, dictionary, error);
  return call->checked != NULL;
}

/* A binding is whole, or not there. */
static gboolean
read_binding (HerdBusCall *call, GVariant *options, GError **error)
{
  g_autoptr (GVariant) handle = g_variant_lookup_value (options, "eab-hmac", NULL);
  const char *kid = NULL;

  g_variant_lookup (options, "eab-kid", "&s", &kid);
  if (handle == NULL && kid == NULL)
    return TRUE;
  if (handle == NULL || kid == NULL) {
    g_set_error_literal (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
                         "an external account binding is both eab-kid and eab-hmac");
    return FALSE;
  }
  call->secret = herd_bus_read_handle (call, handle, MAC_KEY_LIMIT, error);
  return call->secret != NULL;
}

static gboolean
prepare_register (HerdBusCall *call, GError **error)
{
  static const char *const known[] = { "agree-terms s",   "contacts as", "eab-kid s",
                                       "eab-algorithm s", "eab-hmac h",  NULL };
  static const char *const settings_of[][2] = { { "agree-terms", "agree-terms" },
                                                { "contacts", "contact" },
                                                { "eab-kid", "eab-kid" },
                                                { "eab-algorithm", "eab-algorithm" } };
  g_autoptr (GVariant) options = g_variant_get_child_value (call->parameters, 0);
  g_auto (GVariantDict) settings = G_VARIANT_DICT_INIT (NULL);

  if (!herd_bus_check_options (call, options, known, error) || !read_binding (call, options, error))
    return FALSE;
  /* They are checked as the settings of the same meaning are. */
  for (guint i = 0; i < G_N_ELEMENTS (settings_of); i++) {
    g_autoptr (GVariant) value = g_variant_lookup_value (options, settings_of[i][0], NULL);

    if (value != NULL)
      g_variant_dict_insert_value (&settings, settings_of[i][1], value);
  }
  return check_settings (call, &settings, error);
}

/* The verb's options: "agree-terms", "contacts". (transfer full) */
static GVariant *
make_options (const HerdBusCall *call)
{
  g_auto (GVariantDict) options = G_VARIANT_DICT_INIT (NULL);
  g_autoptr (GVariant) terms = NULL;
  g_autoptr (GVariant) contacts = NULL;

  if (call->checked != NULL) {
    terms = g_variant_lookup_value (call->checked, "agree-terms", NULL);
    contacts = g_variant_lookup_value (call->checked, "contact", NULL);
  }
  if (terms != NULL)
    g_variant_dict_insert_value (&options, "agree-terms", terms);
  if (contacts != NULL)
    g_variant_dict_insert_value (&options, "contacts", contacts);
  return g_variant_ref_sink (g_variant_dict_end (&options));
}

static void
change_account (HerdBusCall *call, const char *kind, const HerdBinding *binding, GBytes *key,
                gpointer slot)
{
  g_autoptr (GVariant) options = make_options (call);
  const HerdAccountWish wish = { kind, options, binding, key };

  herd_agent_change_account_async (call->agent, call->uid, call->id, &wish, herd_run_ready, slot);
}

static void
start_register (HerdBusCall *call, gpointer slot)
{
  g_autoptr (HerdBinding) binding = NULL;
  const char *kid = NULL;
  const char *algorithm = "HS256";

  g_variant_lookup (call->checked, "eab-kid", "&s", &kid);
  g_variant_lookup (call->checked, "eab-algorithm", "&s", &algorithm);
  if (call->secret != NULL)
    binding = herd_binding_new (kid, algorithm, call->secret);
  change_account (call, "register", binding, NULL, slot);
}

static gboolean
prepare_set_contacts (HerdBusCall *call, GError **error)
{
  g_autoptr (GVariant) contacts = g_variant_get_child_value (call->parameters, 0);
  g_auto (GVariantDict) settings = G_VARIANT_DICT_INIT (NULL);

  g_variant_dict_insert_value (&settings, "contact", contacts);
  return check_settings (call, &settings, error);
}

static void
start_set_contacts (HerdBusCall *call, gpointer slot)
{
  change_account (call, "set-contacts", NULL, NULL, slot);
}

static void
start_roll_key (HerdBusCall *call, gpointer slot)
{
  change_account (call, "roll-key", NULL, NULL, slot);
}

static void
start_deactivate (HerdBusCall *call, gpointer slot)
{
  change_account (call, "deactivate", NULL, NULL, slot);
}

static gboolean
prepare_import (HerdBusCall *call, GError **error)
{
  static const char *const known[] = { NULL };
  g_autoptr (GVariant) handle = g_variant_get_child_value (call->parameters, 0);
  g_autoptr (GVariant) options = g_variant_get_child_value (call->parameters, 1);

  if (!herd_bus_check_options (call, options, known, error))
    return FALSE;
  call->secret = herd_bus_read_handle (call, handle, KEY_LIMIT, error);
  return call->secret != NULL;
}

static void
start_import (HerdBusCall *call, gpointer slot)
{
  change_account (call, "import", NULL, call->secret, slot);
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
  { .member = "SetContacts",
    .action = "manage-issuers",
    .prepare = prepare_set_contacts,
    .start = start_set_contacts,
    .finish = herd_bus_finish_operation },
  { .member = "RollKey",
    .action = "manage-issuers",
    .start = start_roll_key,
    .finish = herd_bus_finish_operation },
  { .member = "Deactivate",
    .action = "manage-issuers",
    .start = start_deactivate,
    .finish = herd_bus_finish_operation },
  { .member = "ImportAccount",
    .action = "manage-issuers",
    .prepare = prepare_import,
    .start = start_import,
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
get_status (HerdAgent *agent, gpointer row)
{
  return g_variant_new_string (herd_agent_get_issuer_status (agent, row));
}

static GVariant *
get_directory_url (HerdAgent *agent, gpointer row)
{
  return g_variant_new_string (herd_directories_get_url (herd_agent_get_services (agent), row));
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
get_retry_at (HerdAgent *agent, gpointer row)
{
  return g_variant_new_int64 (herd_budget_get_retry_at (herd_agent_get_services (agent), row));
}

static GVariant *
get_budget (HerdAgent *agent, gpointer row)
{
  return herd_budget_describe (herd_agent_get_services (agent), row);
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
  { "Budget", get_budget },
  { NULL, NULL },
};

const HerdBusInterface herd_bus_issuer1 = {
  .info = &org_certherd_issuer1_interface,
  .noun = HERD_NOUN_ISSUER,
  .methods = methods,
  .properties = properties,
};
