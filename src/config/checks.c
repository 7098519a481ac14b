// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Checks of single values: numbers, words, names of users, files and units, URLs. Every one takes
 * the value as it was written and gives its normal form; the vocabulary adds the key's name and
 * what the key allows to the errors, so these say only what is wrong.
 */
#include "config/checks.h"

#include <string.h>

#include "config/probe.h"
#include "plugin/error.h"
#include "util/text.h"

/* Says what is wrong with TEXT; always NULL, so that a check can return it. */
static char *
refuse (GError **error, const char *text, const char *cause)
{
  g_autofree char *shown = herd_text_from_remote (text, -1);

  g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT, "\"%s\" %s", shown, cause);
  return NULL;
}

gboolean
herd_text_is_clean (const char *text)
{
  /* In pieces, because herd_text_from_remote() cuts what is long. */
  for (const char *end; *text != '\0'; text = end) {
    g_autofree char *clean = NULL;
    gsize length = strnlen (text, HERD_TEXT_LIMIT / 2);

    if (!g_utf8_validate (text, -1, NULL))
      return FALSE;
    while (length > 0 && (text[length] & 0xc0) == 0x80)
      length--;
    end = text + length;
    clean = herd_text_from_remote (text, (gssize) length);
    if (strlen (clean) != length || memcmp (clean, text, length) != 0)
      return FALSE;
  }
  return TRUE;
}

static gboolean
is_graphic_ascii (const char *text)
{
  for (; *text != '\0'; text++) {
    if (!g_ascii_isgraph (*text))
      return FALSE;
  }
  return TRUE;
}

/* --- words and numbers --- */

char *
herd_check_word (const HerdWord *word, guint index, const char *text, GError **error)
{
  g_autofree char *known = NULL;
  g_autofree char *cause = NULL;

  if (g_strv_contains (word->words, text))
    return g_strdup (text);
  known = g_strjoinv (", ", (char **) word->words);
  cause = g_strdup_printf ("is not one of %s", known);
  return refuse (error, text, cause);
}

char *
herd_check_number (const HerdWord *word, guint index, const char *text, GError **error)
{
  g_autofree char *cause = NULL;
  gint64 number;

  if (g_ascii_isdigit (*text)
      && g_ascii_string_to_signed (text, 10, word->minimum, word->maximum, &number, NULL))
    return g_strdup_printf ("%" G_GINT64_FORMAT, number);
  cause = g_strdup_printf ("is not a whole number from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT,
                           word->minimum, word->maximum);
  return refuse (error, text, cause);
}

gboolean
herd_duration_parse (const char *text, gint64 *seconds, GError **error)
{
  static const struct {
    char suffix;
    gint64 seconds;
  } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 604800 } };
  gsize length = strlen (text);
  g_autofree char *digits = length > 0 ? g_strndup (text, length - 1) : g_strdup ("");
  gint64 number;

  for (guint i = 0; length > 1 && g_ascii_isdigit (*text) && i < G_N_ELEMENTS (units); i++) {
    if (text[length - 1] == units[i].suffix
        && g_ascii_string_to_signed (digits, 10, 1, G_MAXINT32, &number, NULL)) {
      *seconds = number * units[i].seconds;
      return TRUE;
    }
  }
  refuse (error, text, "is not a duration such as 90s, 15m, 12h, 14d or 2w");
  return FALSE;
}

gboolean
herd_percentage_parse (const char *text, double *fraction, GError **error)
{
  gsize length = strlen (text);
  g_autofree char *digits = length > 0 ? g_strndup (text, length - 1) : g_strdup ("");
  gint64 number;

  if (length > 1 && g_ascii_isdigit (*text) && text[length - 1] == '%'
      && g_ascii_string_to_signed (digits, 10, 1, 99, &number, NULL)) {
    *fraction = (double) number / 100.0;
    return TRUE;
  }
  refuse (error, text, "is not a percentage from 1% to 99%");
  return FALSE;
}

char *
herd_check_duration (const HerdWord *word, guint index, const char *text, GError **error)
{
  gint64 seconds;

  if (!herd_duration_parse (text, &seconds, error))
    return NULL;
  if (seconds < word->minimum || seconds > word->maximum)
    return refuse (error, text, "is out of range");
  return g_strdup (text);
}

char *
herd_check_renew (const HerdWord *word, guint index, const char *text, GError **error)
{
  double fraction;

  if (g_str_equal (text, "auto"))
    return g_strdup (text);
  if (strchr (text, '%') == NULL)
    return herd_check_duration (word, index, text, error);
  return herd_percentage_parse (text, &fraction, error) ? g_strdup (text) : NULL;
}

/* As CAs name them ("tlsserver"); it becomes a JSON string and part of messages. */
char *
herd_check_profile (const HerdWord *word, guint index, const char *text, GError **error)
{
  for (const char *at = text; *at != '\0'; at++) {
    if (!g_ascii_isalnum (*at) && strchr ("._-", *at) == NULL)
      return refuse (error, text, "has other characters than letters, digits, \".\", \"_\", \"-\"");
  }
  return *text != '\0' ? g_strdup (text) : refuse (error, text, "is empty");
}

char *
herd_check_chain (const HerdWord *word, guint index, const char *text, GError **error)
{
  static const char *const prefixes[] = { "sha256:", "spki:" };

  for (guint i = 0; i < G_N_ELEMENTS (prefixes); i++) {
    const char *hex = text + strlen (prefixes[i]);

    if (!g_str_has_prefix (text, prefixes[i]))
      continue;
    if (strlen (hex) != 64 || strspn (hex, "0123456789abcdefABCDEF") != 64)
      return refuse (error, text, "is not a SHA-256 in 64 hexadecimal digits");
    return g_ascii_strdown (text, -1);
  }
  return herd_check_text (word, index, text, error);
}

char *
herd_check_mode (const HerdWord *word, guint index, const char *text, GError **error)
{
  guint64 mode = 0;

  if (strspn (text, "01234567") != strlen (text)
      || !g_ascii_string_to_unsigned (text, 8, 0, 07777, &mode, NULL))
    return refuse (error, text, "is not an octal mode");
  /* It is a key's: the adapters take no other either. */
  if ((mode & ~0660u) != 0)
    return refuse (error, text, "is not for an owner and a group, as 0600, 0640 or 0440 are");
  if ((mode & 0400) == 0)
    return refuse (error, text, "does not let the owner read");
  return g_strdup_printf ("%04o", (guint) mode);
}

/* --- names and text --- */

char *
herd_check_identifier (const HerdWord *word, guint index, const char *text, GError **error)
{
  return herd_identifier_normalize (text, error);
}

char *
herd_check_name (const HerdWord *word, guint index, const char *text, GError **error)
{
  return herd_name_check (word->key, text, error) ? g_strdup (text) : NULL;
}

char *
herd_check_text (const HerdWord *word, guint index, const char *text, GError **error)
{
  g_autofree char *stripped = g_strstrip (g_strdup (text));

  if (*stripped == '\0')
    return refuse (error, text, "is empty");
  if (!herd_text_is_clean (stripped))
    return refuse (error, text, "has control or invisible characters");
  return g_steal_pointer (&stripped);
}

char *
herd_check_country (const HerdWord *word, guint index, const char *text, GError **error)
{
  if (strlen (text) != 2 || !g_ascii_isalpha (text[0]) || !g_ascii_isalpha (text[1]))
    return refuse (error, text, "is not a country code of two letters");
  return g_ascii_strup (text, -1);
}

/* The numeric form of a user or group id is kept without zeros in front, so that it compares. */
static char *
check_account (const char *text, GError **error)
{
  static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
  gsize length = strlen (text);
  guint64 id;

  if (length > 0 && strspn (text, "0123456789") == length) {
    /* The highest two mean "no change" to chown() and "nobody in particular" to the kernel. */
    if (!g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT32 - 2, &id, NULL))
      return refuse (error, text, "is not a numeric id");
    return g_strdup_printf ("%" G_GUINT64_FORMAT, id);
  }
  if (length == 0 || length > 32 || strspn (text, allowed) < length
      || (!g_ascii_isalpha (text[0]) && text[0] != '_'))
    return refuse (error, text, "is neither a name nor a numeric id");
  return g_strdup (text);
}

char *
herd_check_user (const HerdWord *word, guint index, const char *text, GError **error)
{
  return check_account (text, error);
}

char *
herd_check_group (const HerdWord *word, guint index, const char *text, GError **error)
{
  return check_account (text, error);
}

char *
herd_check_glob (const HerdWord *word, guint index, const char *text, GError **error)
{
  static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-_.:*?";
  g_autofree char *lower = g_ascii_strdown (text, -1);

  if (*lower == '\0' || strspn (lower, allowed) < strlen (lower))
    return refuse (error, text,
                   "is not a pattern of A-labels with \"*\" and \"?\", such as *.example.org");
  return g_steal_pointer (&lower);
}

/* --- files, commands, units --- */

char *
herd_check_path (const HerdWord *word, guint index, const char *text, GError **error)
{
  g_auto (GStrv) parts = NULL;
  g_autoptr (GString) path = g_string_new (NULL);

  if (text[0] != '/')
    return refuse (error, text, "is not an absolute path");
  if (!herd_text_is_clean (text))
    return refuse (error, text, "has control or invisible characters");
  parts = g_strsplit (text, "/", -1);
  for (guint i = 0; parts[i] != NULL; i++) {
    if (g_str_equal (parts[i], ".."))
      return refuse (error, text, "has \"..\" in it");
    if (*parts[i] != '\0' && !g_str_equal (parts[i], "."))
      g_string_append_printf (path, "/%s", parts[i]);
  }
  if (path->len == 0)
    return refuse (error, text, "is the root directory");
  return g_string_free (g_steal_pointer (&path), FALSE);
}

char *
herd_check_argument (const HerdWord *word, guint index, const char *text, GError **error)
{
  if (index == 0)
    return herd_check_path (word, index, text, error);
  if (*text == '\0' || !herd_text_is_clean (text))
    return refuse (error, text, "is empty, or has control or invisible characters");
  return g_strdup (text);
}

/* systemd.unit(5): the name, perhaps "@" and an instance, and the type. */
char *
herd_check_unit (const HerdWord *word, guint index, const char *text, GError **error)
{
  static const char allowed[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789:_.\\-@";
  static const char *const types[] = { ".service", ".socket", ".target", ".path",
                                       ".timer",   ".mount",  NULL };
  const char *at = strchr (text, '@');
  gsize length = strlen (text);

  if (length == 0 || strspn (text, allowed) < length || text[0] == '.' || text[0] == '@'
      || text[0] == '-')
    return refuse (error, text, "is not the name of a systemd unit");
  if (at != NULL && (at[1] == '\0' || at[1] == '.'))
    return refuse (error, text, "is a template: an instance stands after the \"@\"");
  for (guint i = 0; types[i] != NULL; i++) {
    if (g_str_has_suffix (text, types[i]) && length > strlen (types[i]))
      return g_strdup (text);
  }
  return g_strconcat (text, ".service", NULL);
}

/* A name of the DNS, "_" allowed (RFC 2181 section 11), in lower case, without the last dot. */
char *
herd_check_zone (const HerdWord *word, guint index, const char *text, GError **error)
{
  static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-_";
  g_autofree char *name = g_ascii_strdown (text, -1);
  gsize length = strlen (name);

  if (length > 1 && name[length - 1] == '.')
    name[length - 1] = '\0';
  if (strlen (name) > 253)
    return refuse (error, text, "is longer than 253 bytes");
  for (const char *label = name;; label++) {
    gsize size = strspn (label, allowed);

    if (size == 0 || size > 63 || (label[size] != '.' && label[size] != '\0'))
      return refuse (error, text,
                     "is not a DNS name of labels with letters, digits, \"-\" and \"_\"");
    label += size;
    if (*label == '\0')
      return g_steal_pointer (&name);
  }
}

/* --- addresses and URLs --- */

char *
herd_check_address (const HerdWord *word, guint index, const char *text, GError **error)
{
  g_autofree char *host = NULL;
  guint16 port;

  if (!herd_address_parse (text, &host, &port, error))
    return NULL;
  return g_strdup_printf (strchr (host, ':') != NULL ? "[%s]:%u" : "%s:%u", host, port);
}

char *
herd_check_probe (const HerdWord *word, guint index, const char *text, GError **error)
{
  g_autoptr (HerdProbe) probe = herd_probe_parse (text, error);

  return probe != NULL ? herd_probe_to_string (probe) : NULL;
}

char *
herd_check_directory_url (const HerdWord *word, guint index, const char *text, GError **error)
{
  g_autoptr (GUri) uri = NULL;
  g_autoptr (GUri) normal = NULL;
  g_autofree char *host = NULL;

  if (!is_graphic_ascii (text) || strpbrk (text, "\"<>\\^`{|}") != NULL)
    return refuse (error, text, "has characters that a URL has not");
  uri = g_uri_parse (text, G_URI_FLAGS_ENCODED | G_URI_FLAGS_SCHEME_NORMALIZE, NULL);
  if (uri == NULL)
    return refuse (error, text, "is not a URL");
  if (!g_str_equal (g_uri_get_scheme (uri), "https"))
    return refuse (error, text, "is not https");
  if (g_uri_get_userinfo (uri) != NULL || g_uri_get_fragment (uri) != NULL)
    return refuse (error, text, "has a user or a fragment, which a directory's URL has not");
  if (g_uri_get_host (uri) == NULL || g_uri_get_port (uri) == 0)
    return refuse (error, text, "has no host, or a port that is none");
  host = herd_host_normalize (g_uri_get_host (uri), error);
  if (host == NULL)
    return NULL;
  normal = g_uri_build (G_URI_FLAGS_ENCODED | G_URI_FLAGS_SCHEME_NORMALIZE, "https", NULL, host,
                        g_uri_get_port (uri), g_uri_get_path (uri), g_uri_get_query (uri), NULL);
  return g_uri_to_string (normal);
}

char *
herd_check_terms (const HerdWord *word, guint index, const char *text, GError **error)
{
  g_autofree char *scheme = NULL;

  if (g_str_equal (text, "yes"))
    return g_strdup (text);
  scheme = g_uri_parse_scheme (text);
  if (scheme == NULL || !is_graphic_ascii (text))
    return refuse (error, text, "is neither the URL of terms nor \"yes\"");
  return g_strdup (text);
}

/* RFC 8555 section 7.3: a mailto URL with one address and no header fields. */
char *
herd_check_contact (const HerdWord *word, guint index, const char *text, GError **error)
{
  static const char prefix[] = "mailto:";
  gboolean has_prefix = g_ascii_strncasecmp (text, prefix, strlen (prefix)) == 0;
  const char *address = has_prefix ? text + strlen (prefix) : text;
  const char *at = strchr (address, '@');
  g_autofree char *host = NULL;
  g_autofree char *local = NULL;

  if (at == NULL || at == address || at - address > 64 || strchr (at + 1, '@') != NULL
      || !is_graphic_ascii (address) || strpbrk (address, ",;:?\"()<>[]\\%") != NULL)
    return refuse (error, text, "is not one mail address");
  host = herd_host_normalize (at + 1, error);
  if (host == NULL)
    return NULL;
  local = g_strndup (address, (gsize) (at - address));
  return g_strconcat (prefix, local, "@", host, NULL);
}

/* --- contents --- */

/* Structure only; whether the certificates are good is for those who use them to say. */
char *
herd_check_pem (const HerdWord *word, guint index, const char *text, GError **error)
{
  static const char begin[] = "-----BEGIN CERTIFICATE-----";
  static const char end[] = "-----END CERTIFICATE-----";
  const char *next = text;
  guint n_certificates = 0;

  if (strstr (text, "PRIVATE KEY-----") != NULL) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
                 "holds a private key, which does not belong there");
    return NULL;
  }
  while ((next = strstr (next, begin)) != NULL) {
    const char *close = strstr (next, end);
    const char *again = strstr (next + 1, begin);

    if (close == NULL || (again != NULL && again < close))
      break;
    n_certificates++;
    next = close;
  }
  if (n_certificates == 0 || next != NULL) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT, "holds no whole PEM certificate");
    return NULL;
  }
  return g_strdup (text);
}
