// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The one table of keys, and what walks it: the check of a dictionary from a file or the bus, and
 * the reading of a value's text.
 */
#include "config/vocabulary.h"

#include <string.h>

#include "config/checks.h"
#include "plugin/error.h"
#include "util/text.h"

/* More than any wish needs, and far below what the bus carries. */
#define IDENTIFIERS_LIMIT 100
#define LIST_LIMIT 64
#define TEXT_LIMIT 4096
#define PEM_LIMIT (256 * 1024)
#define FILE_SET (HERD_WORD_LIST | HERD_WORD_SET | HERD_WORD_FILE_ONLY)
#define DAY (24 * 60 * 60)

const char *const herd_key_types[] = { "ecdsa-p256", "ecdsa-p384", "rsa-2048", "rsa-3072",
                                       "rsa-4096",   "ed25519",    NULL };
/* What JWS signs with in src/crypto/jws.h: ES256, ES384, RS256. */
const char *const herd_account_key_types[] = { "ecdsa-p256", "ecdsa-p384", "rsa-2048",
                                               "rsa-3072",   "rsa-4096",   NULL };
static const char *const mac_algorithms[] = { "HS256", "HS384", "HS512", NULL };
static const char *const answers[] = { "yes", "no", NULL };
static const char *const key_algorithms[] = { "hmac-sha256", "hmac-sha384", "hmac-sha512", NULL };
static const char *const http_versions[] = { "1.1", "2", NULL };
static const char *const kinds[] = { "acme", NULL };
static const char *const layouts[] = { "name", "single", NULL };
static const char *const actions[] = { "reload", "restart", "reload-or-restart", NULL };
static const char *const challenge_types[] = { "dns-01", "http-01", "tls-alpn-01", NULL };
static const char *const conventions[] = { "certherd", "certbot", "dehydrated", NULL };
static const char *const policies[] = { "preferred", "required", NULL };
static const char *const keystores[] = { "credential", "secret-service", "file", NULL };

static const HerdWord words[] = {
  { HERD_SECTION_AGENT, "generations", HERD_WORD_FILE_ONLY, herd_check_number, 16, .minimum = 1,
    .maximum = 100, .help = "how many generations of a certificate are kept" },
  { HERD_SECTION_AGENT, "keystore", HERD_WORD_FILE_ONLY, herd_check_word, 16, .words = keystores,
    .help = "where the key is that seals the keys: credential, secret-service or file" },
  { HERD_SECTION_AGENT, "operations", HERD_WORD_FILE_ONLY, herd_check_number, 16, .minimum = 1,
    .maximum = 500, .help = "how many operations run at the same time" },
  { HERD_SECTION_AGENT, "operations-per-user", HERD_WORD_FILE_ONLY, herd_check_number, 16,
    .minimum = 1, .maximum = 10000,
    .help = "how many unfinished operations a user may have; 10 where it is not set" },
  { HERD_SECTION_AGENT, "subscriptions-per-user", HERD_WORD_FILE_ONLY, herd_check_number, 16,
    .minimum = 1, .maximum = 10000,
    .help = "how many subscriptions a user may have; 20 where it is not set" },

  { HERD_SECTION_CERTIFICATE, "challenge", HERD_WORD_LIST | HERD_WORD_SET, herd_check_name, 64,
    LIST_LIMIT, .help = "names of solvers, in the order in which they are tried" },
  { HERD_SECTION_CERTIFICATE, "common-name", 0, herd_check_identifier, 64,
    .help = "the subject's common name: one of the identifiers, at most 64 bytes" },
  { HERD_SECTION_CERTIFICATE, "country", 0, herd_check_country, 2,
    .help = "the subject's country, two letters" },
  { HERD_SECTION_CERTIFICATE, "deliver", HERD_WORD_LIST | HERD_WORD_SET | HERD_WORD_MAY_BE_EMPTY,
    herd_check_name, 64, LIST_LIMIT, .help = "names of targets; may be empty" },
  { HERD_SECTION_CERTIFICATE, "identifiers", HERD_WORD_LIST | HERD_WORD_SET | HERD_WORD_REQUIRED,
    herd_check_identifier, TEXT_LIMIT, IDENTIFIERS_LIMIT,
    .help = "DNS names such as www.example.org, perhaps with \"*.\" before, and IP addresses" },
  { HERD_SECTION_CERTIFICATE, "issuer", HERD_WORD_LIST | HERD_WORD_SET, herd_check_name, 64,
    LIST_LIMIT, .help = "names of issuers, in the order in which they are tried" },
  { HERD_SECTION_CERTIFICATE, "key-type", 0, herd_check_word, 16, .words = herd_key_types,
    .help = "the type of the certificate's key" },
  { HERD_SECTION_CERTIFICATE, "lifetime", 0, herd_check_duration, 16, .minimum = 60,
    .maximum = 3650 * (gint64) DAY,
    .help = "how long it is to be valid, such as 30d; many CAs allow no such wish" },
  { HERD_SECTION_CERTIFICATE, "locality", 0, herd_check_text, 128,
    .help = "the subject's locality, at most 128 bytes" },
  { HERD_SECTION_CERTIFICATE, "must-staple", HERD_WORD_BOOLEAN, NULL, 0,
    .help = "yes: the certificate is good with a stapled OCSP answer only" },
  { HERD_SECTION_CERTIFICATE, "organization", 0, herd_check_text, 64,
    .help = "the subject's organization, at most 64 bytes" },
  { HERD_SECTION_CERTIFICATE, "preferred-chain", 0, herd_check_chain, 128,
    .help =
        "the common name of the root, or sha256:HEX of a CA certificate, or spki:HEX of its key" },
  { HERD_SECTION_CERTIFICATE, "profile", 0, herd_check_profile, 64,
    .help = "one of the CA's profiles, such as tlsserver" },
  { HERD_SECTION_CERTIFICATE, "profile-policy", 0, herd_check_word, 16, .words = policies,
    .help = "preferred: rather another profile than no certificate; or required" },
  { HERD_SECTION_CERTIFICATE, "readers", HERD_WORD_LIST | HERD_WORD_SET | HERD_WORD_MAY_BE_EMPTY,
    herd_check_user, 64, LIST_LIMIT,
    .help = "names or numeric ids of users who may take the key; may be empty" },
  { HERD_SECTION_CERTIFICATE, "renew", 0, herd_check_renew, 16, .minimum = 1,
    .maximum = 3650 * (gint64) DAY,
    .help = "auto, a duration before expiry such as 14d, or a percentage of the lifetime "
            "that is left, such as 33%" },
  { HERD_SECTION_CERTIFICATE, "state", 0, herd_check_text, 128,
    .help = "the subject's state or province, at most 128 bytes" },

  { HERD_SECTION_ISSUER, "account-key-type", 0, herd_check_word, 16,
    .words = herd_account_key_types, .help = "the type of the account's key" },
  { HERD_SECTION_ISSUER, "agree-terms", 0, herd_check_terms, TEXT_LIMIT,
    .help = "the URL of the terms of service that you agree to, or \"yes\"" },
  { HERD_SECTION_ISSUER, "contact", HERD_WORD_LIST | HERD_WORD_SET | HERD_WORD_MAY_BE_EMPTY,
    herd_check_contact, 320, LIST_LIMIT, .help = "mail addresses for the CA; may be empty" },
  { HERD_SECTION_ISSUER, "directory-url", 0, herd_check_directory_url, 1024,
    .help = "the https URL of the ACME directory" },
  { HERD_SECTION_ISSUER, "eab-algorithm", 0, herd_check_word, 16, .words = mac_algorithms,
    .help = "how the external account binding is signed: HS256, HS384 or HS512" },
  { HERD_SECTION_ISSUER, "eab-hmac-file", HERD_WORD_FILE_ONLY, herd_check_path, TEXT_LIMIT - 1,
    .help = "the absolute path of a file with the MAC key of the external account binding, in "
            "base64url; it is read when the account is registered" },
  { HERD_SECTION_ISSUER, "eab-kid", 0, herd_check_text, 512,
    .help = "the CA's key id of the external account binding, at most 512 bytes" },
  { HERD_SECTION_ISSUER, "http", 0, herd_check_word, 4, .words = http_versions,
    .help = "the newest HTTP that is spoken with the CA: 2, or 1.1" },
  { HERD_SECTION_ISSUER, "kind", 0, herd_check_word, 16, .words = kinds,
    .help = "what kind of issuer it is: acme" },
  { HERD_SECTION_ISSUER, "preset", 0, herd_check_name, 64,
    .help = "the name of a CA that is known, such as letsencrypt; instead of directory-url" },
  { HERD_SECTION_ISSUER, "staging", 0, herd_check_name, 64,
    .help = "the name of another issuer: where to rehearse after a failed validation" },
  { HERD_SECTION_ISSUER, "trust", HERD_WORD_CONTENTS, herd_check_pem, PEM_LIMIT,
    .help = "the only certificates to trust for this issuer's TLS, as PEM (in a file: the "
            "absolute path of a PEM file)" },

  { HERD_SECTION_SOLVER, "cleanup-command", HERD_WORD_LIST | HERD_WORD_FILE_ONLY,
    herd_check_argument, TEXT_LIMIT, LIST_LIMIT,
    .help = "the absolute path of certbot's clean-up hook, and its arguments" },
  { HERD_SECTION_SOLVER, "command", HERD_WORD_LIST | HERD_WORD_FILE_ONLY, herd_check_argument,
    TEXT_LIMIT, LIST_LIMIT, .help = "the absolute path of a program, and its arguments" },
  { HERD_SECTION_SOLVER, "convention", HERD_WORD_FILE_ONLY, herd_check_word, 16,
    .words = conventions, .help = "how the program is told: certherd, certbot or dehydrated" },
  { HERD_SECTION_SOLVER, "fulldomain", HERD_WORD_FILE_ONLY, herd_check_zone, 254,
    .help = "the name at acme-dns that the CNAMEs lead to" },
  { HERD_SECTION_SOLVER, "hook-chain", HERD_WORD_FILE_ONLY, herd_check_word, 4, .words = answers,
    .help = "yes: dehydrated's hook is called once for all challenges" },
  { HERD_SECTION_SOLVER, "key-algorithm", HERD_WORD_FILE_ONLY, herd_check_word, 16,
    .words = key_algorithms,
    .help = "the algorithm of the key in key-file: hmac-sha256, hmac-sha384 or hmac-sha512" },
  { HERD_SECTION_SOLVER, "key-file", HERD_WORD_FILE_ONLY, herd_check_path, TEXT_LIMIT - 1,
    .help = "the absolute path of the file with the key that signs DNS updates" },
  { HERD_SECTION_SOLVER, "key-name", HERD_WORD_FILE_ONLY, herd_check_zone, 254,
    .help = "the name of the key in key-file, as the DNS server knows it" },
  { HERD_SECTION_SOLVER, "listen", FILE_SET, herd_check_address, 320, LIST_LIMIT,
    .help = "addresses HOST:PORT or [IPV6]:PORT, such as [::]:80" },
  { HERD_SECTION_SOLVER, "password-file", HERD_WORD_FILE_ONLY, herd_check_path, TEXT_LIMIT - 1,
    .help = "the absolute path of the file with the password for acme-dns" },
  { HERD_SECTION_SOLVER, "plugin", HERD_WORD_FILE_ONLY, herd_check_name, 64,
    .help = "the name of the solver's plugin, where it is not the section's" },
  { HERD_SECTION_SOLVER, "propagation-check", HERD_WORD_FILE_ONLY, herd_check_word, 8,
    .words = answers,
    .help = "yes, or no: whether it is looked for new DNS records at the zone's servers" },
  { HERD_SECTION_SOLVER, "propagation-delay", HERD_WORD_FILE_ONLY, herd_check_duration, 16,
    .minimum = 1, .maximum = 3600,
    .help = "how long to wait after new DNS records were seen, from 1s to 1h" },
  { HERD_SECTION_SOLVER, "propagation-timeout", HERD_WORD_FILE_ONLY, herd_check_duration, 16,
    .minimum = 1, .maximum = 3600,
    .help = "how long new DNS records may need until all servers show them, from 1s to 1h" },
  { HERD_SECTION_SOLVER, "server", HERD_WORD_FILE_ONLY, herd_check_address, 320,
    .help = "the DNS server that takes updates, HOST:PORT or [IPV6]:PORT, such as "
            "ns1.example.org:53" },
  { HERD_SECTION_SOLVER, "subdomain", HERD_WORD_FILE_ONLY, herd_check_zone, 254,
    .help = "the account's subdomain at acme-dns" },
  { HERD_SECTION_SOLVER, "timeout", HERD_WORD_FILE_ONLY, herd_check_duration, 16, .minimum = 1,
    .maximum = 3600, .help = "how long a program may take, from 1s to 1h, such as 90s" },
  { HERD_SECTION_SOLVER, "trust", HERD_WORD_FILE_ONLY | HERD_WORD_CONTENTS, herd_check_pem,
    PEM_LIMIT,
    .help = "the only certificates to trust for the service's TLS: the absolute path of a PEM "
            "file" },
  { HERD_SECTION_SOLVER, "ttl", HERD_WORD_FILE_ONLY, herd_check_number, 16, .minimum = 1,
    .maximum = 86400, .help = "the time to live of DNS records, in seconds" },
  { HERD_SECTION_SOLVER, "type", HERD_WORD_FILE_ONLY, herd_check_word, 16, .words = challenge_types,
    .help = "the type of challenges that it solves: dns-01, http-01 or tls-alpn-01" },
  { HERD_SECTION_SOLVER, "url", HERD_WORD_FILE_ONLY, herd_check_directory_url, 1024,
    .help = "the https URL of acme-dns, such as https://auth.example.org" },
  { HERD_SECTION_SOLVER, "username", HERD_WORD_FILE_ONLY, herd_check_text, 128,
    .help = "the account's user name at acme-dns" },
  { HERD_SECTION_SOLVER, "zone", HERD_WORD_FILE_ONLY, herd_check_zone, 254,
    .help = "the DNS zone to be changed, such as example.org" },
  { HERD_SECTION_SOLVER, "webroot", HERD_WORD_FILE_ONLY, herd_check_path, TEXT_LIMIT - 1,
    .help = "the absolute path of a web server's root directory" },

  { HERD_SECTION_TARGET, "action", HERD_WORD_FILE_ONLY, herd_check_word, 32, .words = actions,
    .help = "what is done to the unit: reload, restart or reload-or-restart" },
  { HERD_SECTION_TARGET, "adapter", HERD_WORD_FILE_ONLY, herd_check_name, 64,
    .help = "the name of an adapter, such as files" },
  { HERD_SECTION_TARGET, "allow-users", FILE_SET | HERD_WORD_MAY_BE_EMPTY, herd_check_user, 64,
    LIST_LIMIT,
    .help = "names or numeric ids of users who may deliver to this target, and subscribe as it" },
  { HERD_SECTION_TARGET, "command", HERD_WORD_LIST | HERD_WORD_FILE_ONLY, herd_check_argument,
    TEXT_LIMIT, LIST_LIMIT, .help = "the absolute path of a program, and its arguments" },
  { HERD_SECTION_TARGET, "group", HERD_WORD_FILE_ONLY, herd_check_group, 64,
    .help = "the name or numeric id of the files' group" },
  { HERD_SECTION_TARGET, "identifiers", FILE_SET, herd_check_glob, 253, LIST_LIMIT,
    .help = "patterns of the identifiers that this target may have, such as *.example.org" },
  { HERD_SECTION_TARGET, "layout", HERD_WORD_FILE_ONLY, herd_check_word, 16, .words = layouts,
    .help = "name: a directory for each certificate; single: only one certificate" },
  { HERD_SECTION_TARGET, "mode", HERD_WORD_FILE_ONLY, herd_check_mode, 8,
    .help = "the mode of the key's file, octal, at most 0660, such as 0640" },
  { HERD_SECTION_TARGET, "owner", HERD_WORD_FILE_ONLY, herd_check_user, 64,
    .help = "the name or numeric id of the files' owner" },
  { HERD_SECTION_TARGET, "path", HERD_WORD_FILE_ONLY, herd_check_path, TEXT_LIMIT - 1,
    .help = "an absolute path" },
  { HERD_SECTION_TARGET, "probe", HERD_WORD_FILE_ONLY, herd_check_probe, 1024,
    .help = "where the new certificate is to be seen: tls:HOST:PORT, perhaps with ?sni=NAME" },
  { HERD_SECTION_TARGET, "timeout", HERD_WORD_FILE_ONLY, herd_check_duration, 16, .minimum = 1,
    .maximum = 3600, .help = "how long an activation may take, from 1s to 1h, such as 90s" },
  { HERD_SECTION_TARGET, "unit", HERD_WORD_FILE_ONLY, herd_check_unit, 255,
    .help = "a systemd unit, such as nginx.service" },
};

const char *
herd_section_to_string (HerdSection section)
{
  switch (section) {
  case HERD_SECTION_AGENT:
    return "agent";
  case HERD_SECTION_CERTIFICATE:
    return "certificate";
  case HERD_SECTION_ISSUER:
    return "issuer";
  case HERD_SECTION_TARGET:
    return "target";
  case HERD_SECTION_SOLVER:
    return "solver";
  case HERD_SECTION_PRESET:
    return "preset";
  case HERD_SECTION_LIMIT:
    return "limit";
  }
  return "unknown";
}

/* The next word of SECTION at or behind *INDEX, which becomes the one behind it; NULL: no more. */
static const HerdWord *
next_word (HerdSection section, guint *index)
{
  while (*index < G_N_ELEMENTS (words) + herd_n_preset_words) {
    guint i = (*index)++;
    const HerdWord *word = i < G_N_ELEMENTS (words) ? &words[i]
                                                    : &herd_preset_words[i - G_N_ELEMENTS (words)];

    if (word->section == section)
      return word;
  }
  return NULL;
}

static const HerdWord *
find_word (HerdSection section, const char *key)
{
  const HerdWord *word;

  for (guint i = 0; (word = next_word (section, &i)) != NULL;) {
    if (g_str_equal (word->key, key))
      return word;
  }
  return NULL;
}

/* The word, or an error that lists those there are. */
static const HerdWord *
require_word (HerdSection section, const char *key, GError **error)
{
  const HerdWord *word = find_word (section, key);
  g_autoptr (GString) known = NULL;
  g_autofree char *shown = NULL;

  if (word != NULL)
    return word;
  known = g_string_new (NULL);
  shown = herd_text_from_remote (key, -1);
  for (guint i = 0; (word = next_word (section, &i)) != NULL;)
    g_string_append_printf (known, "%s%s", known->len > 0 ? ", " : "", word->key);
  g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
               "\"%s\": no such key of [%s]; known are %s", shown, herd_section_to_string (section),
               known->str);
  return NULL;
}

/* "KEY: cause (what is allowed)". */
static void
complete_error (const HerdWord *word, GError **error)
{
  if (error == NULL)
    return;
  g_prefix_error (error, "%s: ", word->key);
  if (*error != NULL) {
    g_autofree char *message = g_strdup_printf ("%s (%s)", (*error)->message, word->help);

    g_free ((*error)->message);
    (*error)->message = g_steal_pointer (&message);
  }
}

/* One value or entry in its normal form. */
static char *
check_text (const HerdWord *word, guint index, const char *text, GError **error)
{
  if (strlen (text) > word->limit) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
                 "a value of %" G_GSIZE_FORMAT " bytes is too long, at most %" G_GSIZE_FORMAT
                 " are allowed",
                 strlen (text), word->limit);
    return NULL;
  }
  return word->check (word, index, text, error);
}

static GVariant *
check_string (const HerdWord *word, GVariant *value, GError **error)
{
  g_autofree char *normal = check_text (word, 0, g_variant_get_string (value, NULL), error);

  return normal != NULL ? g_variant_new_string (normal) : NULL;
}

static GVariant *
check_list (const HerdWord *word, GVariant *value, GError **error)
{
  gsize n = g_variant_n_children (value);
  g_autoptr (GPtrArray) list = g_ptr_array_new_with_free_func (g_free);
  g_autofree const char **entries = NULL;

  if (n > word->entries || (n == 0 && (word->flags & HERD_WORD_MAY_BE_EMPTY) == 0)) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
                 "a list of %" G_GSIZE_FORMAT " entries, allowed are %u to %u", n,
                 (word->flags & HERD_WORD_MAY_BE_EMPTY) != 0 ? 0u : 1u, word->entries);
    return NULL;
  }
  entries = g_variant_get_strv (value, NULL);
  for (gsize i = 0; i < n; i++) {
    g_autofree char *normal = check_text (word, (guint) i, entries[i], error);

    if (normal == NULL)
      return NULL;
    if ((word->flags & HERD_WORD_SET) == 0
        || !g_ptr_array_find_with_equal_func (list, normal, g_str_equal, NULL))
      g_ptr_array_add (list, g_steal_pointer (&normal));
  }
  return g_variant_new_strv ((const char *const *) list->pdata, (gssize) list->len);
}

static gboolean
check_source (const HerdWord *word, HerdSource source, GError **error)
{
  if (source == HERD_SOURCE_FILE || (word->flags & HERD_WORD_FILE_ONLY) == 0)
    return TRUE;
  g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
               "is set in the configuration files only, not over the bus");
  return FALSE;
}

static GVariant *
check_boolean (const HerdWord *word G_GNUC_UNUSED, GVariant *value, GError **error G_GNUC_UNUSED)
{
  return g_variant_new_boolean (g_variant_get_boolean (value));
}

/* How the values of each type are checked. */
typedef struct {
  const char *type;
  const char *name;
  GVariant *(*check) (const HerdWord *word, GVariant *value, GError **error);
} Kind;

static const Kind *
get_kind (const HerdWord *word)
{
  static const Kind list = { "as", "a list of strings", check_list };
  static const Kind boolean = { "b", "a boolean", check_boolean };
  static const Kind string = { "s", "a string", check_string };

  if ((word->flags & HERD_WORD_LIST) != 0)
    return &list;
  return (word->flags & HERD_WORD_BOOLEAN) != 0 ? &boolean : &string;
}

static GVariant *
check_value (const HerdWord *word, HerdSource source, GVariant *value, GError **error)
{
  const Kind *kind = get_kind (word);

  if (!check_source (word, source, error))
    return NULL;
  if (g_str_equal (g_variant_get_type_string (value), kind->type))
    return kind->check (word, value, error);
  g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
               "is of type \"%.32s\", and should be \"%s\" (%s)", g_variant_get_type_string (value),
               kind->type, kind->name);
  return NULL;
}

GVariant *
herd_vocabulary_check_value (HerdSection section, HerdSource source, const char *key,
                             GVariant *value, GError **error)
{
  const HerdWord *word = require_word (section, key, error);
  GVariant *normal;

  if (word == NULL)
    return NULL;
  normal = check_value (word, source, value, error);
  if (normal == NULL) {
    complete_error (word, error);
    return NULL;
  }
  return g_variant_ref_sink (normal);
}

static int
compare_entries (gconstpointer a, gconstpointer b)
{
  const char *key_a, *key_b;

  g_variant_get (*(GVariant *const *) a, "{&sv}", &key_a, NULL);
  g_variant_get (*(GVariant *const *) b, "{&sv}", &key_b, NULL);
  return strcmp (key_a, key_b);
}

/* CAs refuse a common name that is not among the names (CA/Browser Forum baseline requirements,
 * section 7.1.4.3); better to say so before a key is made. */
static gboolean
check_common_name (GVariant *values, GError **error)
{
  g_autofree const char **identifiers = NULL;
  const char *common_name;

  if (!g_variant_lookup (values, "common-name", "&s", &common_name)
      || !g_variant_lookup (values, "identifiers", "^a&s", &identifiers)
      || g_strv_contains (identifiers, common_name))
    return TRUE;
  g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
               "common-name: \"%s\" is not one of the identifiers; add it to them, or leave it out",
               common_name);
  return FALSE;
}

GVariant *
herd_vocabulary_check (HerdSection section, HerdSource source, GVariant *dictionary, GError **error)
{
  g_autoptr (GVariant) given = NULL;
  g_autoptr (GVariant) values = NULL;
  g_autoptr (GPtrArray) entries = NULL;
  g_autoptr (GHashTable) keys = g_hash_table_new (g_str_hash, g_str_equal);
  GVariantIter iter;
  const char *key;
  GVariant *value;

  if (!g_variant_is_of_type (dictionary, G_VARIANT_TYPE_VARDICT)) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
                 "a value of type \"%.32s\" is not a dictionary a{sv}",
                 g_variant_get_type_string (dictionary));
    return NULL;
  }
  given = g_variant_get_normal_form (dictionary);
  entries = g_ptr_array_new_with_free_func ((GDestroyNotify) g_variant_unref);
  g_variant_iter_init (&iter, given);
  while (g_variant_iter_loop (&iter, "{&sv}", &key, &value)) {
    g_autoptr (GVariant) normal = NULL;

    if (!g_hash_table_add (keys, (gpointer) key)) {
      g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT, "%.64s: is there twice", key);
      g_variant_unref (value);
      return NULL;
    }
    normal = herd_vocabulary_check_value (section, source, key, value, error);
    if (normal == NULL) {
      g_variant_unref (value);
      return NULL;
    }
    g_ptr_array_add (entries, g_variant_ref_sink (g_variant_new ("{sv}", key, normal)));
  }
  g_ptr_array_sort (entries, compare_entries);
  values = g_variant_ref_sink (
      g_variant_new_array (G_VARIANT_TYPE ("{sv}"), (GVariant **) entries->pdata, entries->len));
  if (section == HERD_SECTION_CERTIFICATE && !check_common_name (values, error))
    return NULL;
  return g_steal_pointer (&values);
}

/* "yes" or "no", as systemd's files have it. */
static GVariant *
parse_boolean (const HerdWord *word, const char *text, GError **error)
{
  static const char *const words_for[] = { "no", "yes" };

  for (guint i = 0; i < G_N_ELEMENTS (words_for); i++) {
    if (g_str_equal (text, words_for[i]))
      return g_variant_ref_sink (g_variant_new_boolean (i == 1));
  }
  g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT, "\"%.64s\" is neither yes nor no",
               text);
  complete_error (word, error);
  return NULL;
}

GVariant *
herd_vocabulary_parse (HerdSection section, const char *key, const char *text, GError **error)
{
  const HerdWord *word = require_word (section, key, error);
  g_autoptr (GPtrArray) list = NULL;
  g_auto (GStrv) parts = NULL;

  if (word == NULL)
    return NULL;
  if ((word->flags & HERD_WORD_BOOLEAN) != 0)
    return parse_boolean (word, text, error);
  if ((word->flags & HERD_WORD_LIST) == 0)
    return g_variant_ref_sink (g_variant_new_string (text));
  parts = g_strsplit_set (text, " \t;", -1);
  list = g_ptr_array_new ();
  for (guint i = 0; parts[i] != NULL; i++) {
    if (*parts[i] != '\0')
      g_ptr_array_add (list, parts[i]);
  }
  return g_variant_ref_sink (
      g_variant_new_strv ((const char *const *) list->pdata, (gssize) list->len));
}

gboolean
herd_vocabulary_check_key (HerdSection section, HerdSource source, const char *key, GError **error)
{
  const HerdWord *word = require_word (section, key, error);

  if (word == NULL)
    return FALSE;
  if (check_source (word, source, error))
    return TRUE;
  complete_error (word, error);
  return FALSE;
}

gboolean
herd_vocabulary_is_contents (HerdSection section, const char *key)
{
  const HerdWord *word = find_word (section, key);

  return word != NULL && (word->flags & HERD_WORD_CONTENTS) != 0;
}

const char *
herd_vocabulary_find_missing (HerdSection section, GVariant *values)
{
  const HerdWord *word;

  for (guint i = 0; (word = next_word (section, &i)) != NULL;) {
    if ((word->flags & HERD_WORD_REQUIRED) != 0 && !g_variant_lookup (values, word->key, "*", NULL))
      return word->key;
  }
  return NULL;
}
