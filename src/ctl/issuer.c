// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The commands for issuers: list, show, add, remove; those for their accounts are in account.c. Owned by
 * certherdctl; one thread.
 */
#include <glib/gi18n.h>

#include "ctl/output.h"

/* A file of trust anchors is a few kilobytes. */
#define TRUST_LIMIT (1024 * 1024)

/* ---- list and show ------------------------------------------------------------------------- */

static void
print_list (HerdCtl *ctl, GVariant *issuers)
{
  if (g_variant_n_children (issuers) == 0) {
    g_print (_ (
        "No issuers. \"certherdctl issuer add NAME --preset PRESET\" adds one, and \"certherdctl "
        "issuer presets\" has the presets.\n"));
    return;
  }
  const char *headings[] = { _ ("NAME"), _ ("KIND"), _ ("STATUS"), _ ("ORIGIN"), _ ("DIRECTORY") };
  g_autoptr (HerdCtlTable) table = herd_ctl_table_new (G_N_ELEMENTS (headings), headings);
  for (gsize i = 0; i < g_variant_n_children (issuers); i++) {
    g_autoptr (GVariant) issuer = g_variant_get_child_value (issuers, i);
    const char *status = herd_ctl_get_text (issuer, "status");
    herd_ctl_table_add (table, HERD_CTL_PLAIN, herd_ctl_get_text (issuer, "name"));
    herd_ctl_table_add (table, HERD_CTL_PLAIN, herd_ctl_get_text (issuer, "kind"));
    herd_ctl_table_add (table, herd_ctl_state_colour (status), status);
    herd_ctl_table_add (table, HERD_CTL_PLAIN, herd_ctl_get_text (issuer, "origin"));
    herd_ctl_table_add (table, HERD_CTL_PLAIN, herd_ctl_get_text (issuer, "directory-url"));
  }
  herd_ctl_table_print (table, ctl, 0);
}

HerdCtlStatus
herd_ctl_issuer_list (HerdCtl *ctl)
{
  g_autoptr (GError) error = NULL;
  if (!herd_ctl_parse (ctl, NULL, N_ ("Lists the issuers."), 0, &error))
    return herd_ctl_fail (ctl, error);
  g_autoptr (GVariant) reply = herd_ctl_call (ctl, HERD_CTL_ROOT, HERD_CTL_AGENT, "ListIssuers",
                                              NULL, "(aa{sv})", &error);
  if (reply == NULL)
    return herd_ctl_fail (ctl, error);
  g_autoptr (GVariant) issuers = g_variant_get_child_value (reply, 0);
  if (ctl->json)
    herd_ctl_json_print (json_gvariant_serialize (issuers), FALSE);
  else
    print_list (ctl, issuers);
  return HERD_CTL_OK;
}

static void
print_presets (HerdCtl *ctl, GVariant *presets)
{
  const char *headings[] = { _ ("PRESET"), _ ("CA"), _ ("BINDING"), _ ("DIRECTORY") };
  g_autoptr (HerdCtlTable) table = herd_ctl_table_new (G_N_ELEMENTS (headings), headings);
  for (gsize i = 0; i < g_variant_n_children (presets); i++) {
    g_autoptr (GVariant) preset = g_variant_get_child_value (presets, i);
    const char *url = herd_ctl_get_text (preset, "directory-url");
    herd_ctl_table_add (table, HERD_CTL_PLAIN, herd_ctl_get_text (preset, "name"));
    herd_ctl_table_add (table, HERD_CTL_PLAIN, herd_ctl_get_text (preset, "description"));
    herd_ctl_table_add (table, HERD_CTL_PLAIN, herd_ctl_get_text (preset, "eab"));
    herd_ctl_table_add (table, HERD_CTL_PLAIN,
                        *url != '\0' ? url : herd_ctl_get_text (preset, "directory-hint"));
  }
  herd_ctl_table_print (table, ctl, 0);
}

HerdCtlStatus
herd_ctl_issuer_presets (HerdCtl *ctl)
{
  g_autoptr (GError) error = NULL;
  if (!herd_ctl_parse (
          ctl, NULL,
          N_ ("Lists the CAs that are known by name, for \"issuer add --preset\": whether "
              "they want an external account binding, and where they are."),
          0, &error))
    return herd_ctl_fail (ctl, error);
  g_autoptr (GVariant) reply = herd_ctl_call (ctl, HERD_CTL_ROOT, HERD_CTL_AGENT, "ListPresets",
                                              NULL, "(aa{sv})", &error);
  if (reply == NULL)
    return herd_ctl_fail (ctl, error);
  g_autoptr (GVariant) presets = g_variant_get_child_value (reply, 0);
  if (ctl->json)
    herd_ctl_json_print (json_gvariant_serialize (presets), FALSE);
  else
    print_presets (ctl, presets);
  return HERD_CTL_OK;
}

/* A row for the text PROPERTY, unless it is empty. */
static void
add_text (HerdCtlTable *table, const char *label, GVariant *properties, const char *property)
{
  const char *text = herd_ctl_get_text (properties, property);
  if (*text != '\0')
    herd_ctl_table_add_pair (table, label, HERD_CTL_PLAIN, "%s", text);
}

/* What the agent says of the issuer at PATH that needs somebody: aa{sv} (transfer full). */
static GVariant *
find_attentions (HerdCtl *ctl, const char *path)
{
  g_autoptr (GVariant) agent = herd_ctl_get_all (ctl, HERD_CTL_ROOT, HERD_CTL_AGENT, NULL);
  g_autoptr (GVariant) all = NULL;
  GVariantBuilder builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));

  if (agent != NULL)
    all = g_variant_lookup_value (agent, "Attentions", G_VARIANT_TYPE ("aa{sv}"));
  for (gsize i = 0; all != NULL && i < g_variant_n_children (all); i++) {
    g_autoptr (GVariant) attention = g_variant_get_child_value (all, i);
    if (g_str_equal (herd_ctl_get_text (attention, "object"), path))
      g_variant_builder_add_value (&builder, attention);
  }
  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

static void
add_attentions (HerdCtlTable *table, GVariant *attentions)
{
  for (gsize i = 0; i < g_variant_n_children (attentions); i++) {
    g_autoptr (GVariant) attention = g_variant_get_child_value (attentions, i);
    herd_ctl_table_add_pair (table, _ ("Attention"), HERD_CTL_BAD, "%s: %s",
                             herd_ctl_get_text (attention, "severity"),
                             herd_ctl_get_text (attention, "message"));
  }
}

static void
print_issuer (HerdCtl *ctl, GVariant *properties, GVariant *attentions)
{
  g_autoptr (HerdCtlTable) table = herd_ctl_table_new (2, NULL);
  const char *status = herd_ctl_get_text (properties, "Status");
  g_autofree char *contacts = herd_ctl_get_joined (properties, "Contacts");
  g_autofree char *capabilities = herd_ctl_get_joined (properties, "Capabilities");
  gint64 retry = herd_ctl_get_int64 (properties, "RetryAt");
  herd_ctl_table_add_pair (table, _ ("Name"), HERD_CTL_STRONG, "%s",
                           herd_ctl_get_text (properties, "Name"));
  herd_ctl_table_add_pair (table, _ ("Status"), herd_ctl_state_colour (status), "%s", status);
  add_text (table, _ ("Kind"), properties, "Kind");
  add_text (table, _ ("Directory"), properties, "DirectoryUrl");
  add_text (table, _ ("Account"), properties, "AccountUrl");
  if (*contacts != '\0')
    herd_ctl_table_add_pair (table, _ ("Contacts"), HERD_CTL_PLAIN, "%s", contacts);
  add_text (table, _ ("Terms"), properties, "TermsUrl");
  if (*capabilities != '\0')
    herd_ctl_table_add_pair (table, _ ("Offers"), HERD_CTL_PLAIN, "%s", capabilities);
  add_text (table, _ ("CAA record"), properties, "CaaRecord");
  if (*herd_ctl_get_text (properties, "LastError") != '\0')
    herd_ctl_table_add_pair (table, _ ("Last error"), HERD_CTL_BAD, "%s",
                             herd_ctl_get_text (properties, "LastErrorMessage"));
  if (retry > ctl->now) {
    g_autofree char *when = herd_ctl_format_time (ctl, retry);
    herd_ctl_table_add_pair (table, _ ("Next try"), HERD_CTL_PLAIN, "%s", when);
  }
  add_attentions (table, attentions);
  herd_ctl_table_print (table, ctl, 0);
}

/* When there is room, for the cell of a table. (transfer full) */
static char *
format_room (HerdCtl *ctl, GVariant *line, const char *key)
{
  gint64 when = herd_ctl_get_int64 (line, key);
  return when > ctl->now ? herd_ctl_format_relative (ctl->now, when) : g_strdup (_ ("now"));
}

static void
print_budget (HerdCtl *ctl, GVariant *properties)
{
  g_autoptr (GVariant)
      lines = g_variant_lookup_value (properties, "Budget", G_VARIANT_TYPE ("aa{sv}"));
  if (lines == NULL || g_variant_n_children (lines) == 0)
    return;
  const char *headings[] = { _ ("LIMIT"), _ ("OF"), _ ("SPENT"), _ ("ROOM"),
                             _ ("ROOM FOR RENEWALS") };
  g_autoptr (HerdCtlTable) table = herd_ctl_table_new (G_N_ELEMENTS (headings), headings);
  for (gsize i = 0; i < g_variant_n_children (lines); i++) {
    g_autoptr (GVariant) line = g_variant_get_child_value (lines, i);
    const char *subject = herd_ctl_get_text (line, "subject");
    guint32 spent = 0;
    guint32 allowed = 0;
    g_variant_lookup (line, "spent", "u", &spent);
    g_variant_lookup (line, "allowed", "u", &allowed);
    g_autofree char *share = g_strdup_printf (_ ("%u of %u"), spent, allowed);
    g_autofree char *room = format_room (ctl, line, "room-at");
    g_autofree char *renewals = format_room (ctl, line, "renewal-room-at");
    herd_ctl_table_add (table, HERD_CTL_PLAIN, herd_ctl_get_text (line, "limit"));
    herd_ctl_table_add (table, HERD_CTL_PLAIN, *subject != '\0' ? subject : "-");
    herd_ctl_table_add (table, HERD_CTL_PLAIN, share);
    herd_ctl_table_add (table, HERD_CTL_PLAIN, room);
    herd_ctl_table_add (table, HERD_CTL_PLAIN, renewals);
  }
  g_print ("\n");
  herd_ctl_table_print (table, ctl, 0);
}

HerdCtlStatus
herd_ctl_issuer_print (HerdCtl *ctl, const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) properties = herd_ctl_get_all (ctl, path, HERD_CTL_ISSUER, &error);
  if (properties == NULL)
    return herd_ctl_fail (ctl, error);
  g_autoptr (GVariant) attentions = find_attentions (ctl, path);
  if (!ctl->json) {
    print_issuer (ctl, properties, attentions);
    print_budget (ctl, properties);
    return HERD_CTL_OK;
  }
  JsonObject *object = herd_ctl_json_new (properties);
  json_object_set_string_member (object, "path", path);
  json_object_set_member (object, "attentions", json_gvariant_serialize (attentions));
  herd_ctl_json_print_object (object, FALSE);
  return HERD_CTL_OK;
}

HerdCtlStatus
herd_ctl_issuer_show (HerdCtl *ctl)
{
  g_autoptr (GError) error = NULL;
  if (!herd_ctl_parse (ctl, NULL, N_ ("Shows one issuer and its account."), 1, &error))
    return herd_ctl_fail (ctl, error);
  g_autofree char *path = herd_ctl_find (ctl, "GetIssuer", ctl->arguments[1], &error);
  return path != NULL ? herd_ctl_issuer_print (ctl, path) : herd_ctl_fail (ctl, error);
}

/* ---- add ----------------------------------------------------------------------------------- */

GVariant *
herd_ctl_contacts_to_variant (char **contacts)
{
  g_autoptr (GVariantBuilder) builder = g_variant_builder_new (G_VARIANT_TYPE ("as"));
  for (; *contacts != NULL; contacts++) {
    g_autofree char *url = strchr (*contacts, ':') != NULL
                               ? g_strdup (*contacts)
                               : g_strconcat ("mailto:", *contacts, NULL);
    g_variant_builder_add (builder, "s", url);
  }
  return g_variant_builder_end (builder);
}

/* The contents of FILE: the agent takes no path from the bus. */
static char *
read_trust (const char *file, GError **error)
{
  g_autofree char *contents = NULL;
  gsize length;
  if (!g_file_get_contents (file, &contents, &length, error))
    return NULL;
  if (length > TRUST_LIMIT || !g_utf8_validate_len (contents, length, NULL)
      || strstr (contents, "-----BEGIN CERTIFICATE-----") == NULL) {
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                 _ ("%s holds no certificates in PEM; --trust wants the CA's root"), file);
    return NULL;
  }
  return g_steal_pointer (&contents);
}

typedef struct {
  char *preset;
  char *directory_url;
  char *trust;
  char *agree_terms;
  char *key_type;
  char *http;
  char *staging;
  char **contacts;
} Settings;

static void
settings_clear (Settings *settings)
{
  g_free (settings->preset);
  g_free (settings->directory_url);
  g_free (settings->trust);
  g_free (settings->agree_terms);
  g_free (settings->key_type);
  g_free (settings->http);
  g_free (settings->staging);
  g_strfreev (settings->contacts);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Settings, settings_clear)

/* a{sv}, not floating; NULL if the file of --trust is no good. */
static GVariant *
settings_to_variant (const Settings *settings, GError **error)
{
  g_auto (GVariantDict) dict = G_VARIANT_DICT_INIT (NULL);
  g_autofree char *trust = NULL;
  if (settings->trust != NULL) {
    trust = read_trust (settings->trust, error);
    if (trust == NULL)
      return NULL;
    g_variant_dict_insert (&dict, "trust", "s", trust);
  }
  if (settings->preset != NULL)
    g_variant_dict_insert (&dict, "preset", "s", settings->preset);
  if (settings->directory_url != NULL)
    g_variant_dict_insert (&dict, "directory-url", "s", settings->directory_url);
  if (settings->agree_terms != NULL)
    g_variant_dict_insert (&dict, "agree-terms", "s", settings->agree_terms);
  if (settings->key_type != NULL)
    g_variant_dict_insert (&dict, "account-key-type", "s", settings->key_type);
  if (settings->http != NULL)
    g_variant_dict_insert (&dict, "http", "s", settings->http);
  if (settings->staging != NULL)
    g_variant_dict_insert (&dict, "staging", "s", settings->staging);
  if (settings->contacts != NULL)
    g_variant_dict_insert_value (&dict, "contact",
                                 herd_ctl_contacts_to_variant (settings->contacts));
  return g_variant_ref_sink (g_variant_dict_end (&dict));
}

HerdCtlStatus
herd_ctl_issuer_add (HerdCtl *ctl)
{
  g_auto (Settings) settings = { 0 };
  const GOptionEntry options[] = {
    { "preset", 'p', 0, G_OPTION_ARG_STRING, &settings.preset,
      N_ ("A CA that is known by name; see \"certherdctl issuer presets\""), N_ ("PRESET") },
    { "directory-url", 'u', 0, G_OPTION_ARG_STRING, &settings.directory_url,
      N_ ("Where the CA's ACME directory is (https)"), N_ ("URL") },
    { "trust", 0, 0, G_OPTION_ARG_FILENAME, &settings.trust,
      N_ ("The only roots to trust for the CA's server (PEM), for a private CA"), N_ ("FILE") },
    { "contact", 0, 0, G_OPTION_ARG_STRING_ARRAY, &settings.contacts,
      N_ ("Whom the CA may write to (repeat)"), N_ ("ADDRESS") },
    { "agree-terms", 0, 0, G_OPTION_ARG_STRING, &settings.agree_terms,
      N_ ("The URL of the terms that you agree to, or yes for whatever they are"), N_ ("URL") },
    { "account-key-type", 0, 0, G_OPTION_ARG_STRING, &settings.key_type,
      N_ ("The type of the account's key"), N_ ("TYPE") },
    { "http", 0, 0, G_OPTION_ARG_STRING, &settings.http,
      N_ ("The newest HTTP to speak with the CA: 2 or 1.1"), N_ ("VERSION") },
    { "staging", 0, 0, G_OPTION_ARG_STRING, &settings.staging,
      N_ ("Another issuer, to rehearse with after a failed validation"), N_ ("ISSUER") },
    { 0 },
  };
  g_autoptr (GError) error = NULL;
  if (!herd_ctl_parse (ctl, options,
                       N_ ("Adds an ACME CA. It is not spoken to before an account is "
                           "registered or a certificate is wished for."),
                       1, &error))
    return herd_ctl_fail (ctl, error);
  if (settings.preset == NULL && settings.directory_url == NULL) {
    g_set_error (&error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
                 _ ("issuer add: --preset or --directory-url is missing"));
    return herd_ctl_fail (ctl, error);
  }
  g_autoptr (GVariant) variant = settings_to_variant (&settings, &error);
  if (variant == NULL)
    return herd_ctl_fail (ctl, error);
  g_autoptr (GVariant) reply = herd_ctl_call (
      ctl, HERD_CTL_ROOT, HERD_CTL_AGENT, "AddIssuer",
      g_variant_new ("(s@a{sv})", ctl->arguments[1], variant), "(o)", &error);
  if (reply == NULL)
    return herd_ctl_fail (ctl, error);
  const char *path;
  g_variant_get (reply, "(&o)", &path);
  return herd_ctl_issuer_print (ctl, path);
}

/* ---- remove -------------------------------------------------------------------------------- */

HerdCtlStatus
herd_ctl_issuer_remove (HerdCtl *ctl)
{
  g_autoptr (GError) error = NULL;
  if (!herd_ctl_parse (ctl, NULL,
                       N_ ("Forgets an issuer that no certificate names, with its account "
                           "and its key."),
                       1, &error))
    return herd_ctl_fail (ctl, error);
  g_autofree char *path = herd_ctl_find (ctl, "GetIssuer", ctl->arguments[1], &error);
  g_autoptr (GVariant) reply = path != NULL ? herd_ctl_call (ctl, path, HERD_CTL_ISSUER, "Remove",
                                                             NULL, "()", &error)
                                            : NULL;
  if (reply == NULL)
    return herd_ctl_fail (ctl, error);
  if (ctl->json) {
    JsonObject *object = json_object_new ();
    json_object_set_string_member (object, "name", ctl->arguments[1]);
    json_object_set_string_member (object, "path", path);
    herd_ctl_json_print_object (object, FALSE);
  } else {
    g_print (_ ("%s: removed\n"), ctl->arguments[1]);
  }
  return HERD_CTL_OK;
}
