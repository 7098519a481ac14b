// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * GnuTLS's results and data as ours. Everything that GnuTLS allocates is wiped before it is freed,
 * whether it is a secret or not: it costs nothing, and nobody has to decide. Any thread.
 */
#include "crypto/glue.h"

#include <string.h>

#include "util/secret.h"

gboolean
herd_gnutls_check (int result, HerdError code, const char *what, GError **error)
{
  if (result >= 0)
    return TRUE;
  g_set_error (error, HERD_ERROR, (int) code, "%s: %s", what, gnutls_strerror (result));
  return FALSE;
}

gnutls_datum_t
herd_datum_peek (GBytes *bytes)
{
  gsize size;
  gconstpointer data = g_bytes_get_data (bytes, &size);

  /* GnuTLS has no const datum. */
  return (gnutls_datum_t){ (unsigned char *) data, (unsigned int) size };
}

GBytes *
herd_datum_steal (gnutls_datum_t *datum)
{
  GBytes *bytes = herd_secret_new (datum->data, datum->size);

  herd_datum_clear (datum);
  return bytes;
}

void
herd_datum_clear (gnutls_datum_t *datum)
{
  if (datum->data == NULL)
    return;
  herd_secret_wipe (datum->data, datum->size);
  gnutls_free (datum->data);
  *datum = (gnutls_datum_t){ NULL, 0 };
}

gboolean
herd_datum_write_padded (const gnutls_datum_t *number, guint8 *field, gsize size)
{
  const guint8 *data = number->data;
  gsize length = number->size;

  for (; length > 0 && *data == 0; length--)
    data++;
  if (length > size)
    return FALSE;
  memcpy (field + size - length, data, length);
  return TRUE;
}
