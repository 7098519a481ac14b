// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Directories: parsed, checked, kept as a record.
 */
#include "acme/directory.h"

#include <string.h>

#include "acme/json.h"
#include "net/http.h"
#include "plugin/error.h"
#include "util/text.h"

#define WHAT "directory"
#define HTTPS_PORT 443
#define RECORD_FORMAT "(ssssssssbasa{ss}x)"
#define IDENTITIES_MAX 32
#define PROFILES_MAX 32
#define PROFILE_NAME_MAX 64

/* HOST:PORT, as a list of others has it. */
static char *
describe_host (GUri *uri)
{
  g_autofree char *host = g_ascii_strdown (g_uri_get_host (uri), -1);
  int port = g_uri_get_port (uri) > 0 ? g_uri_get_port (uri) : HTTPS_PORT;

  return g_strdup_printf (strchr (host, ':') != NULL ? "[%s]:%d" : "%s:%d", host, port);
}

gboolean
herd_directory_check_url (const HerdSite *site, const char *url, const char *what, GError **error)
{
  g_autoptr (GUri) directory = herd_http_url_parse (site->directory_url, WHAT, error);
  g_autoptr (GUri) uri = NULL;
  g_autofree char *own = NULL;
  g_autofree char *host = NULL;
  g_autofree char *text = NULL;

  if (directory == NULL)
    return FALSE;
  uri = herd_http_url_parse (url, what, error);
  if (uri == NULL)
    return FALSE;
  own = describe_host (directory);
  host = describe_host (uri);
  if (g_str_equal (host, own) || (site->hosts != NULL && g_strv_contains (site->hosts, host)))
    return TRUE;
  text = herd_text_from_remote (url, -1);
  g_set_error (error, HERD_ERROR, HERD_ERROR_REFUSED,
               "%s: the CA gave the URL %s, which is not on the host of its directory %s", what,
               text, site->directory_url);
  return FALSE;
}

static char *
dup_url (JsonObject *object, const char *member, const HerdSite *site, GError **error)
{
  g_autofree char *what = g_strdup_printf (WHAT " \"%s\"", member);
  const char *url = herd_json_need_string (object, WHAT, member, error);

  if (url == NULL || !herd_directory_check_url (site, url, what, error))
    return NULL;
  return g_strdup (url);
}

/* What a CA need not have; a URL that must not be asked is as good as none. */
static char *
dup_optional_url (JsonObject *object, const char *member, const HerdSite *site)
{
  char *url = json_object_has_member (object, member) ? dup_url (object, member, site, NULL) : NULL;

  return url != NULL ? url : g_strdup ("");
}

static gboolean
read_urls (HerdDirectory *directory, JsonObject *object, const HerdSite *site, GError **error)
{
  directory->new_nonce = dup_url (object, "newNonce", site, error);
  if (directory->new_nonce == NULL)
    return FALSE;
  directory->new_account = dup_url (object, "newAccount", site, error);
  if (directory->new_account == NULL)
    return FALSE;
  directory->new_order = dup_url (object, "newOrder", site, error);
  directory->revoke_cert = dup_optional_url (object, "revokeCert", site);
  directory->key_change = dup_optional_url (object, "keyChange", site);
  directory->renewal_info = dup_optional_url (object, "renewalInfo", site);
  return directory->new_order != NULL;
}

/* A name in a CAA record (RFC 8659 section 4.2) has to stand in a zone file: letters, digits,
 * hyphens and dots, or it is not shown. */
static char **
select_identities (char **identities)
{
  g_autoptr (GStrvBuilder) selected = g_strv_builder_new ();

  for (char **identity = identities; identity != NULL && *identity != NULL; identity++) {
    const char *at = *identity;

    while (g_ascii_isalnum (*at) || *at == '-' || *at == '.')
      at++;
    if (*at == '\0' && at != *identity && at - *identity <= 253)
      g_strv_builder_add (selected, *identity);
  }
  return g_strv_builder_end (selected);
}

static GVariant *
read_profiles (JsonObject *profiles)
{
  GVariantBuilder builder;
  g_autoptr (GList) names = profiles != NULL ? json_object_get_members (profiles) : NULL;
  guint count = 0;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a{ss}"));
  for (GList *link = names; link != NULL && count < PROFILES_MAX; link = link->next) {
    const char *description = NULL;
    g_autofree char *name = herd_text_from_remote (link->data, -1);
    g_autofree char *text = NULL;

    /* One that cannot be shown cannot be chosen either; the others can. */
    if (!g_str_equal (name, link->data) || strlen (name) > PROFILE_NAME_MAX
        || !herd_json_get_string (profiles, WHAT, link->data, &description, NULL))
      continue;
    text = herd_text_from_remote (description, -1);
    g_variant_builder_add (&builder, "{ss}", name, text);
    count++;
  }
  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

static char **
list_capabilities (HerdDirectory *directory)
{
  g_autoptr (GStrvBuilder) capabilities = g_strv_builder_new ();

  if (*directory->renewal_info != '\0')
    g_strv_builder_add (capabilities, "ari");
  if (g_variant_n_children (directory->profiles) > 0)
    g_strv_builder_add (capabilities, "profiles");
  if (directory->eab_required)
    g_strv_builder_add (capabilities, "eab-required");
  if (*directory->key_change != '\0')
    g_strv_builder_add (capabilities, "key-change");
  return g_strv_builder_end (capabilities);
}

static gboolean
read_meta (HerdDirectory *directory, JsonObject *meta, GError **error)
{
  g_auto (GStrv) identities = NULL;
  JsonObject *profiles = NULL;
  const char *terms = NULL;

  if (meta != NULL
      && (!herd_json_get_string (meta, WHAT, "termsOfService", &terms, error)
          || !herd_json_get_boolean (meta, WHAT, "externalAccountRequired",
                                     &directory->eab_required, error)
          || !herd_json_get_strings (meta, WHAT, "caaIdentities", IDENTITIES_MAX, &identities,
                                     error)
          || !herd_json_get_object (meta, WHAT, "profiles", &profiles, error)))
    return FALSE;
  directory->terms = herd_text_from_remote (terms, -1);
  directory->caa_identities = select_identities (identities);
  directory->caa_identity = g_strdup (
      directory->caa_identities[0] != NULL ? directory->caa_identities[0] : "");
  directory->profiles = read_profiles (profiles);
  return TRUE;
}

HerdDirectory *
herd_directory_new (GBytes *body, const HerdSite *site, gint64 fetched, GError **error)
{
  g_autoptr (HerdDirectory) directory = g_new0 (HerdDirectory, 1);
  g_autoptr (JsonObject) object = herd_json_parse (body, WHAT, error);
  JsonObject *meta = NULL;

  if (object == NULL || !herd_json_get_object (object, WHAT, "meta", &meta, error)
      || !read_urls (directory, object, site, error) || !read_meta (directory, meta, error))
    return NULL;
  directory->capabilities = list_capabilities (directory);
  directory->fetched = fetched;
  return g_steal_pointer (&directory);
}

void
herd_directory_forget (HerdDirectory *directory, char **url)
{
  g_free (*url);
  *url = g_strdup ("");
  g_strfreev (directory->capabilities);
  directory->capabilities = list_capabilities (directory);
}

void
herd_directory_free (HerdDirectory *directory)
{
  if (directory == NULL)
    return;
  g_free (directory->new_nonce);
  g_free (directory->new_account);
  g_free (directory->new_order);
  g_free (directory->revoke_cert);
  g_free (directory->key_change);
  g_free (directory->renewal_info);
  g_free (directory->terms);
  g_free (directory->caa_identity);
  g_strfreev (directory->caa_identities);
  g_strfreev (directory->capabilities);
  g_clear_pointer (&directory->profiles, g_variant_unref);
  g_free (directory);
}

GBytes *
herd_directory_to_bytes (const HerdDirectory *directory)
{
  g_autoptr (GVariant) record = g_variant_ref_sink (g_variant_new (
      "(ssssssssb^as@a{ss}x)", directory->new_nonce, directory->new_account, directory->new_order,
      directory->revoke_cert, directory->key_change, directory->renewal_info, directory->terms,
      directory->caa_identity, directory->eab_required, directory->capabilities,
      directory->profiles, directory->fetched));

  return g_variant_get_data_as_bytes (record);
}

HerdDirectory *
herd_directory_new_from_bytes (GBytes *bytes)
{
  g_autoptr (GVariant) record = g_variant_ref_sink (
      g_variant_new_from_bytes (G_VARIANT_TYPE (RECORD_FORMAT), bytes, FALSE));
  HerdDirectory *directory;

  if (!g_variant_is_normal_form (record))
    return NULL;
  directory = g_new0 (HerdDirectory, 1);
  g_variant_get (record, "(ssssssssb^as@a{ss}x)", &directory->new_nonce, &directory->new_account,
                 &directory->new_order, &directory->revoke_cert, &directory->key_change,
                 &directory->renewal_info, &directory->terms, &directory->caa_identity,
                 &directory->eab_required, &directory->capabilities, &directory->profiles,
                 &directory->fetched);
  return directory;
}
