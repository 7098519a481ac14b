// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * base64url without padding. Decoding is strict, so that there is exactly one text for any bytes;
 * what was decoded is wiped when it goes, because it may be a key. Pure functions, any thread.
 */
#include "util/base64url.h"

#include <string.h>

#include "util/secret.h"

char *
herd_base64url_encode (gconstpointer data, gsize size)
{
  static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const guint8 *bytes = data;
  char *text = g_malloc (size / 3 * 4 + (size % 3 * 4 + 2) / 3 + 1);
  char *end = text;
  guint32 bits = 0;
  guint n_bits = 0;

  for (gsize i = 0; i < size; i++) {
    bits = (bits & 0x3f) << 8 | bytes[i];
    for (n_bits += 8; n_bits >= 6; n_bits -= 6)
      *end++ = alphabet[bits >> (n_bits - 6) & 0x3f];
  }
  if (n_bits > 0)
    *end++ = alphabet[bits << (6 - n_bits) & 0x3f];
  *end = '\0';
  return text;
}

char *
herd_base64url_encode_bytes (GBytes *bytes)
{
  gsize size;
  gconstpointer data = g_bytes_get_data (bytes, &size);

  return herd_base64url_encode (data, size);
}

/* The six bits that CHARACTER stands for, or -1. */
static int
get_bits (char character)
{
  if (character >= 'A' && character <= 'Z')
    return character - 'A';
  if (character >= 'a' && character <= 'z')
    return character - 'a' + 26;
  if (character >= '0' && character <= '9')
    return character - '0' + 52;
  if (character == '-')
    return 62;
  return character == '_' ? 63 : -1;
}

/* The bytes of the LENGTH characters of TEXT; *LEFT are the bits that are over at the end. */
static GBytes *
decode (const char *text, gsize length, guint32 *left)
{
  gsize size = length / 4 * 3 + (length % 4 * 3) / 4;
  g_autofree guint8 *data = g_malloc (size + 1);
  g_autoptr (GBytes) bytes = herd_secret_new_take (data, size);
  guint8 *end = g_steal_pointer (&data);
  guint32 bits = 0;
  guint n_bits = 0;

  if (length % 4 == 1)
    return NULL;
  for (const char *p = text; p < text + length; p++) {
    int value = get_bits (*p);

    if (value < 0)
      return NULL;
    bits = (bits << 6) | (guint32) value;
    n_bits += 6;
    if (n_bits >= 8) {
      n_bits -= 8;
      *end++ = (guint8) (bits >> n_bits);
      bits &= (1u << n_bits) - 1;
    }
  }
  *left = bits;
  return g_steal_pointer (&bytes);
}

GBytes *
herd_base64url_decode (const char *text)
{
  guint32 left = 0;
  g_autoptr (GBytes) bytes = decode (text, strlen (text), &left);

  return left == 0 ? g_steal_pointer (&bytes) : NULL;
}

GBytes *
herd_base64url_decode_leniently (const char *text)
{
  gsize length = strlen (text);
  g_autoptr (GBytes) copy = NULL;
  guint32 left = 0;
  char *plain;

  while (length > 0 && g_ascii_isspace (*text)) {
    text++;
    length--;
  }
  while (length > 0 && (g_ascii_isspace (text[length - 1]) || text[length - 1] == '='))
    length--;
  plain = g_strndup (text, length);
  copy = herd_secret_new_take (plain, length);
  for (char *p = plain; *p != '\0'; p++)
    *p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
  return decode (plain, length, &left);
}
