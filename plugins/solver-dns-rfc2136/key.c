// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Reading keys. What was read is wiped before it is freed, on every way out.
 */
#include "key.h"

#include <string.h>

#include "plugin/error.h"
#include "secret-file.h"

#define WORDS_LIMIT 64

static const char *const algorithms[] = { "hmac-sha256", "hmac-sha384", "hmac-sha512", NULL };

void
update_key_free (UpdateKey *key)
{
  if (key == NULL)
    return;
  herd_secret_text_free (key->secret);
  g_free (key->name);
  g_free (key->algorithm);
  g_free (key);
}

gboolean
update_name_is_plain (const char *name)
{
  static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
  const char *label = name;

  if (strlen (name) > 253)
    return FALSE;
  for (;;) {
    gsize length = strspn (label, allowed);

    if (length == 0 || length > 63)
      return FALSE;
    if (label[length] == '\0')
      return TRUE;
    if (label[length] != '.')
      return FALSE;
    label += length + 1;
  }
}

/* A comment becomes blanks (named.conf's other kinds are not written by the programs that make keys). */
static void
drop_comments (char *text)
{
  for (char *line = text; *line != '\0'; line += strcspn (line, "\n"), line += *line == '\n') {
    gsize blank = strspn (line, " \t");

    if (line[blank] == '#' || g_str_has_prefix (line + blank, "//"))
      memset (line, ' ', strcspn (line, "\n"));
  }
}

/* TEXT cut into words in place; returns how many. */
static guint
split_words (char *text, char *words[WORDS_LIMIT])
{
  static const char separators[] = " \t\r\n\";{}";
  guint n = 0;

  for (char *at = text + strspn (text, separators); *at != '\0' && n < WORDS_LIMIT;) {
    gsize length = strcspn (at, separators);
    gboolean last = at[length] == '\0';

    words[n++] = at;
    at[length] = '\0';
    at += length + !last;
    at += strspn (at, separators);
  }
  return n;
}

static gboolean
is_secret (const char *text)
{
  gsize length = strlen (text);
  gsize body = strspn (text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");

  return length % 4 == 0 && length >= 16 && length - body <= 2
         && strspn (text + body, "=") == length - body;
}

/* Cuts TEXT into pieces. */
static UpdateKey *
parse (char *text)
{
  g_autoptr (UpdateKey) key = g_new0 (UpdateKey, 1);
  char *words[WORDS_LIMIT];
  guint n;

  drop_comments (text);
  n = split_words (text, words);
  if (n == 1)
    key->secret = g_strdup (words[0]);
  for (guint i = 0; n > 1 && i + 1 < n; i += 2) {
    char **place = g_str_equal (words[i], "key")         ? &key->name
                   : g_str_equal (words[i], "algorithm") ? &key->algorithm
                   : g_str_equal (words[i], "secret")    ? &key->secret
                                                         : NULL;

    if (place == NULL || *place != NULL) /* something else, or a second key */
      return NULL;
    *place = g_strdup (words[i + 1]);
  }
  return key->secret != NULL && is_secret (key->secret) ? g_steal_pointer (&key) : NULL;
}

static void
override (char **value, const char *wanted)
{
  if (wanted == NULL)
    return;
  g_free (*value);
  *value = g_strdup (wanted);
}

UpdateKey *
update_key_read (const char *path, const char *name, const char *algorithm, GError **error)
{
  char *text = herd_secret_file_read ("key-file", path, error);
  gsize size = text != NULL ? strlen (text) : 0;
  g_autoptr (UpdateKey) key = NULL;

  if (text == NULL)
    return NULL;
  key = parse (text);
  explicit_bzero (text, size); /* in pieces now */
  g_free (text);
  if (key == NULL) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_ACTION_REQUIRED,
                 "key-file %s is not a key as tsig-keygen writes it, nor the base64 of a secret",
                 path);
    return NULL;
  }
  override (&key->name, name);
  override (&key->algorithm,
            algorithm != NULL || key->algorithm != NULL ? algorithm : algorithms[0]);
  if (key->name == NULL || !update_name_is_plain (key->name)) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
                 "key-file %s does not say how the key is called; set key-name", path);
    return NULL;
  }
  if (!g_strv_contains (algorithms, key->algorithm)) {
    g_set_error (error, HERD_ERROR, HERD_ERROR_INVALID_ARGUMENT,
                 "key-file %s is for an algorithm other than hmac-sha256, hmac-sha384 and "
                 "hmac-sha512; make a key for one of these",
                 path);
    return NULL;
  }
  return g_steal_pointer (&key);
}
