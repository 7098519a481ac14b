// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Names and identifiers as people write them, brought to their one normal form. libidn2 does the
 * mapping and the tests of IDNA 2008 / UTS 46; the rules for host names are checked here.
 */
#include "config/vocabulary.h"

#include <arpa/inet.h>
#include <idn2.h>
#include <string.h>

#include "config/checks.h"
#include "plugin/error.h"
#include "util/text.h"

/* Longer than any name whose A-labels could fit into 253 bytes. */
#define INPUT_LIMIT 1024
#define NAME_LIMIT 253
#define LABEL_LIMIT 63

static void
refuse (GError **error, const char *text, const char *cause)
{
  g_autofree char *shown = herd_text_from_remote (text, -1);

  g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT, "\"%s\" %s", shown, cause);
}

gboolean
herd_name_check (const char *what, const char *name, GError **error)
{
  static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";
  gsize length = strlen (name);
  g_autofree char *shown = NULL;

  if (length >= 1 && length <= 64 && strspn (name, allowed) == length && g_ascii_isalnum (name[0])
      && name[length - 1] != '.')
    return TRUE;
  shown = herd_text_from_remote (name, -1);
  g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
               "the %s's name \"%s\" is not fit; allowed are 1 to 64 of a-z, 0-9, \".\", "
               "\"_\" and \"-\", with a letter or digit first and no dot at the end",
               what, shown);
  return FALSE;
}

/* The normal form of an IP address (RFC 8738 section 3), or NULL if TEXT is none. */
static char *
normalize_address (const char *text)
{
  struct in6_addr address6;
  struct in_addr address4;
  char buffer[INET6_ADDRSTRLEN];

  if (inet_pton (AF_INET, text, &address4) == 1)
    return g_strdup (inet_ntop (AF_INET, &address4, buffer, sizeof buffer));
  if (inet_pton (AF_INET6, text, &address6) == 1)
    return g_strdup (inet_ntop (AF_INET6, &address6, buffer, sizeof buffer));
  return NULL;
}

/* What is wrong with a label of LENGTH bytes, or NULL. */
static const char *
find_label_fault (const char *label, gsize length)
{
  static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-";

  if (length == 0)
    return "has an empty label (two dots in a row, or one at the start)";
  if (length > LABEL_LIMIT)
    return "has a label of more than 63 bytes";
  if (strspn (label, allowed) < length)
    return "has a character other than letters, digits, \"-\" and \".\"";
  if (label[0] == '-' || label[length - 1] == '-')
    return "has a label that begins or ends with \"-\"";
  if (length >= 4 && label[2] == '-' && label[3] == '-' && strncmp (label, "xn", 2) != 0)
    return "has \"--\" at the third place of a label, which is reserved";
  return NULL;
}

static const char *
find_name_fault (const char *name)
{
  const char *label = name;

  if (strlen (name) > NAME_LIMIT)
    return "is longer than 253 bytes";
  while (TRUE) {
    gsize length = strcspn (label, ".");
    const char *fault = find_label_fault (label, length);

    if (fault != NULL)
      return fault;
    if (label[length] == '\0')
      break;
    label += length + 1;
  }
  if (strspn (label, "0123456789") == strlen (label))
    return "ends in a number, but is not an IP address";
  return NULL;
}

/* What is wrong with TEXT before libidn2 sees it, or NULL. */
static const char *
find_text_fault (const char *text)
{
  if (*text == '\0')
    return "is empty";
  if (strlen (text) > INPUT_LIMIT)
    return "is too long";
  if (!g_utf8_validate (text, -1, NULL))
    return "is not UTF-8";
  if (strchr (text, '%') != NULL)
    return "has a \"%\": an address with a zone is good on one machine only";
  if (strpbrk (text, ":[]/@") != NULL)
    return "is not a bare name or address: leave scheme, port, brackets and path out";
  if (strchr (text, '*') != NULL)
    return "has a \"*\" that is not its whole first label";
  return NULL;
}

/* Says why libidn2 refused NAME. */
static void
refuse_name (GError **error, const char *text, const char *name, int code)
{
  g_autofree char *lower = g_ascii_strdown (name, -1);
  const char *fault = g_str_is_ascii (lower) ? find_name_fault (lower) : NULL;
  g_autofree char *cause = NULL;

  if (fault == NULL) {
    cause = g_strdup_printf ("is not a valid internationalised name (%s)", idn2_strerror (code));
    fault = cause;
  }
  refuse (error, text, fault);
}

/* NAME as A-labels in lower case, without the last dot; TEXT is what errors quote. */
static char *
normalize_name (const char *text, const char *name, GError **error)
{
  g_autofree char *bare = g_strdup (name);
  g_autofree char *result = NULL;
  gsize length = strlen (bare);
  char *encoded = NULL;
  const char *fault;
  int code;

  if (length > 1 && bare[length - 1] == '.')
    bare[length - 1] = '\0';
  code = idn2_to_ascii_8z (bare, &encoded, IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT);
  if (code != IDN2_OK) {
    refuse_name (error, text, bare, code);
    return NULL;
  }
  result = g_ascii_strdown (encoded, -1);
  idn2_free (encoded);
  fault = find_name_fault (result);
  if (fault != NULL) {
    refuse (error, text, fault);
    return NULL;
  }
  return g_steal_pointer (&result);
}

char *
herd_host_normalize (const char *text, GError **error)
{
  g_autofree char *name = normalize_address (text);
  const char *fault;

  if (name != NULL)
    return g_steal_pointer (&name);
  fault = find_text_fault (text);
  if (fault != NULL) {
    refuse (error, text, fault);
    return NULL;
  }
  return normalize_name (text, text, error);
}

static char *
normalize_wildcard (const char *text, GError **error)
{
  g_autofree char *address = normalize_address (text + 2);
  g_autofree char *name = NULL;
  const char *fault = address != NULL ? "is a wildcard of an IP address"
                                      : find_text_fault (text + 2);

  if (fault == NULL) {
    name = normalize_name (text, text + 2, error);
    if (name == NULL)
      return NULL;
    if (strlen (name) + 2 > NAME_LIMIT)
      fault = "is longer than 253 bytes";
  }
  if (fault != NULL) {
    refuse (error, text, fault);
    return NULL;
  }
  return g_strconcat ("*.", name, NULL);
}

char *
herd_identifier_normalize (const char *text, GError **error)
{
  gboolean wildcard = g_str_has_prefix (text, "*.");
  g_autofree char *name = NULL;

  name = wildcard ? normalize_wildcard (text, error) : herd_host_normalize (text, error);
  if (name != NULL && strchr (name + (wildcard ? 2 : 0), '.') == NULL
      && strchr (name, ':') == NULL) {
    refuse (error, text, "is a single label, which no public CA issues for: give the whole name");
    return NULL;
  }
  return g_steal_pointer (&name);
}
