// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What newer CAs know, said in the place of one that does not.
 */
#include "proxy-extensions.h"

#include <gnutls/x509.h>
#include <json-glib/json-glib.h>
#include <string.h>

#include "util/base64url.h"

struct TestExtensions {
  char *base;
  GMutex mutex; /* for what follows: requests come on threads */
  gboolean renewal_info;
  gint64 start;
  gint64 end;
  char *profile;
  GHashTable *issued;   /* set of identifiers (RFC 9773 section 4.1) */
  GHashTable *replaced; /* likewise */
};

TestExtensions *
test_extensions_new (void)
{
  TestExtensions *extensions = g_new0 (TestExtensions, 1);

  g_mutex_init (&extensions->mutex);
  extensions->issued = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  extensions->replaced = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  return extensions;
}

void
test_extensions_free (TestExtensions *extensions)
{
  if (extensions == NULL)
    return;
  g_mutex_clear (&extensions->mutex);
  g_hash_table_unref (extensions->issued);
  g_hash_table_unref (extensions->replaced);
  g_free (extensions->profile);
  g_free (extensions->base);
  g_free (extensions);
}

void
test_extensions_set_base (TestExtensions *extensions, const char *base)
{
  extensions->base = g_strdup (base);
}

void
test_extensions_add_renewal_info (TestExtensions *extensions, gint64 start, gint64 end)
{
  g_mutex_lock (&extensions->mutex);
  extensions->renewal_info = TRUE;
  extensions->start = start;
  extensions->end = end;
  g_mutex_unlock (&extensions->mutex);
}

void
test_extensions_add_profile (TestExtensions *extensions, const char *name)
{
  g_mutex_lock (&extensions->mutex);
  g_free (extensions->profile);
  extensions->profile = g_strdup (name);
  g_mutex_unlock (&extensions->mutex);
}

/* --- what is seen --- */

/* "AKI.serial" of the first certificate in PEM, straight on GnuTLS, sharing no code with what is
 * tested. */
static char *
get_renewal_id (const char *pem)
{
  gnutls_datum_t data = { (unsigned char *) pem, (unsigned int) strlen (pem) };
  gnutls_x509_crt_t certificate;
  guint8 authority[64], serial[64];
  size_t authority_size = sizeof authority, serial_size = sizeof serial;
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;

  g_assert_cmpint (gnutls_x509_crt_init (&certificate), ==, 0);
  g_assert_cmpint (gnutls_x509_crt_import (certificate, &data, GNUTLS_X509_FMT_PEM), ==, 0);
  g_assert_cmpint (
      gnutls_x509_crt_get_authority_key_id (certificate, authority, &authority_size, NULL), ==, 0);
  g_assert_cmpint (gnutls_x509_crt_get_serial (certificate, serial, &serial_size), ==, 0);
  gnutls_x509_crt_deinit (certificate);
  first = herd_base64url_encode (authority, authority_size);
  second = herd_base64url_encode (serial, serial_size);
  return g_strjoin (".", first, second, NULL);
}

static JsonParser *
parse (const char *text)
{
  JsonParser *parser = json_parser_new ();

  g_assert_true (json_parser_load_from_data (parser, text, -1, NULL));
  return parser;
}

/* A string member of the JSON object TEXT, or NULL. */
static char *
get_member (const char *text, const char *member)
{
  g_autoptr (JsonParser) parser = parse (text);

  return g_strdup (json_object_get_string_member_with_default (
      json_node_get_object (json_parser_get_root (parser)), member, NULL));
}

static void
alter_directory (TestExtensions *extensions, char **body)
{
  g_autoptr (JsonParser) parser = parse (*body);
  JsonObject *object = json_node_get_object (json_parser_get_root (parser));
  g_autofree char *url = g_strconcat (extensions->base, TEST_RENEWAL_INFO_PATH, NULL);

  if (extensions->renewal_info)
    json_object_set_string_member (object, "renewalInfo", url);
  if (extensions->profile != NULL) {
    JsonObject *profiles = json_object_new ();

    json_object_set_string_member (profiles, extensions->profile, "of a protocol double");
    json_object_set_object_member (json_object_get_object_member (object, "meta"), "profiles",
                                   profiles);
  }
  g_free (*body);
  *body = json_to_string (json_parser_get_root (parser), FALSE);
}

void
test_extensions_note (TestExtensions *extensions, const char *endpoint, const char *payload,
                      guint status, char **body)
{
  g_mutex_lock (&extensions->mutex);
  if (g_str_equal (endpoint, "directory") && status == 200
      && (extensions->renewal_info || extensions->profile != NULL)) {
    alter_directory (extensions, body);
  } else if (g_str_equal (endpoint, "certificate") && status == 200) {
    g_hash_table_add (extensions->issued, get_renewal_id (*body));
  } else if (g_str_equal (endpoint, "newOrder") && status == 201) {
    g_autofree char *replaces = get_member (payload, "replaces");

    if (replaces != NULL)
      g_hash_table_add (extensions->replaced, g_steal_pointer (&replaces));
  }
  g_mutex_unlock (&extensions->mutex);
}

/* --- what is said --- */

static gboolean
refuse (guint *status, char **fields, char **body, guint code, const char *type, const char *detail)
{
  *status = code;
  *fields = g_strdup ("Content-Type: application/problem+json\r\n");
  *body = g_strdup_printf ("{\"type\":\"urn:ietf:params:acme:error:%s\",\"detail\":\"%s\"}", type,
                           detail);
  return TRUE;
}

static gboolean
answer_renewal_info (TestExtensions *extensions, const char *id, guint *status, char **fields,
                     char **body)
{
  g_autoptr (GDateTime) start = g_date_time_new_from_unix_utc (extensions->start);
  g_autoptr (GDateTime) end = g_date_time_new_from_unix_utc (extensions->end);
  g_autofree char *from = g_date_time_format (start, "%Y-%m-%dT%H:%M:%SZ");
  g_autofree char *to = g_date_time_format (end, "%Y-%m-%dT%H:%M:%SZ");

  if (!g_hash_table_contains (extensions->issued, id))
    return refuse (status, fields, body, 404, "malformed", "no such certificate");
  *status = 200;
  *fields = g_strdup ("Retry-After: 21600\r\n");
  *body = g_strdup_printf ("{\"suggestedWindow\":{\"start\":\"%s\",\"end\":\"%s\"}}", from, to);
  return TRUE;
}

static gboolean
check_order (TestExtensions *extensions, const char *payload, guint *status, char **fields,
             char **body)
{
  g_autofree char *replaces = get_member (payload, "replaces");
  g_autofree char *profile = get_member (payload, "profile");

  if (extensions->profile != NULL && profile != NULL && !g_str_equal (profile, extensions->profile))
    return refuse (status, fields, body, 400, "invalidProfile", "no such profile");
  if (!extensions->renewal_info || replaces == NULL)
    return FALSE;
  if (!g_hash_table_contains (extensions->issued, replaces))
    return refuse (status, fields, body, 404, "malformed", "no such certificate");
  if (g_hash_table_contains (extensions->replaced, replaces))
    return refuse (status, fields, body, 409, "alreadyReplaced", "it has been replaced before");
  return FALSE;
}

gboolean
test_extensions_answer (TestExtensions *extensions, const char *endpoint, const char *path,
                        const char *payload, guint *status, char **fields, char **body)
{
  gboolean answered = FALSE;

  g_mutex_lock (&extensions->mutex);
  if (g_str_equal (endpoint, "renewalInfo"))
    answered = answer_renewal_info (extensions, path + strlen (TEST_RENEWAL_INFO_PATH), status,
                                    fields, body);
  else if (g_str_equal (endpoint, "newOrder") && payload != NULL)
    answered = check_order (extensions, payload, status, fields, body);
  g_mutex_unlock (&extensions->mutex);
  return answered;
}
