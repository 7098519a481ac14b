// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Buffers that are wiped with their last reference. They are plain GBytes to whoever holds them, so
 * a secret can go wherever bytes can. Any thread.
 */
#include "util/secret.h"

#include <string.h>

/* GBytes' free function is not told the size. */
typedef struct {
  gpointer data;
  gsize size;
} Secret;

static void
free_secret (gpointer user_data)
{
  Secret *secret = user_data;

  herd_secret_wipe (secret->data, secret->size);
  g_free (secret->data);
  g_free (secret);
}

GBytes *
herd_secret_new_take (gpointer data, gsize size)
{
  Secret *secret = g_new (Secret, 1);

  secret->data = data;
  secret->size = size;
  return g_bytes_new_with_free_func (data, size, free_secret, secret);
}

GBytes *
herd_secret_new (gconstpointer data, gsize size)
{
  return herd_secret_new_take (g_memdup2 (data, size), size);
}

void
herd_secret_wipe (gpointer data, gsize size)
{
  if (size > 0)
    explicit_bzero (data, size);
}

void
herd_secret_free (char *text)
{
  if (text == NULL)
    return;
  herd_secret_wipe (text, strlen (text));
  g_free (text);
}

gboolean
herd_secret_equal (GBytes *a, GBytes *b)
{
  gsize size, other_size;
  const guint8 *data = g_bytes_get_data (a, &size);
  const guint8 *other = g_bytes_get_data (b, &other_size);
  /* volatile: the compiler must not stop at the first difference. */
  volatile guint8 difference = 0;

  if (size != other_size)
    return FALSE;
  for (gsize i = 0; i < size; i++)
    difference |= data[i] ^ other[i];
  return difference == 0;
}
