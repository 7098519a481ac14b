// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Server names of challenges.
 */
#include "responder/server-name.h"

#include <gio/gio.h>

#include "herd-config.h"

/* RFC 1035 section 3.5, RFC 3596 section 2.5. */
static char *
reverse_name (GInetAddress *address)
{
  const guint8 *bytes = g_inet_address_to_bytes (address);
  gsize size = g_inet_address_get_native_size (address);
  gboolean is_ipv4 = g_inet_address_get_family (address) == G_SOCKET_FAMILY_IPV4;
  g_autoptr (GString) name = g_string_new (NULL);

  for (gsize i = size; i-- > 0;) {
    if (is_ipv4)
      g_string_append_printf (name, "%u.", bytes[i]);
    else
      g_string_append_printf (name, "%x.%x.", bytes[i] & 15, bytes[i] >> 4);
  }
  g_string_append (name, is_ipv4 ? "in-addr.arpa" : "ip6.arpa");
  return g_string_free (g_steal_pointer (&name), FALSE);
}

static char *
alpn_name (const HerdChallenge *challenge)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (challenge->identifier);

  return address != NULL ? reverse_name (address) : g_strdup (challenge->identifier);
}

#if HERD_WITH_LEGACY
static char *
sni_name (const HerdChallenge *challenge)
{
  g_autofree char *digest = g_compute_checksum_for_string (G_CHECKSUM_SHA256,
                                                           challenge->key_authorization, -1);

  return g_strdup_printf ("%.32s.%s.acme.invalid", digest, digest + 32);
}
#endif

char *
herd_server_name_of (const HerdChallenge *challenge)
{
  if (g_str_equal (challenge->type, "tls-alpn-01"))
    return alpn_name (challenge);
#if HERD_WITH_LEGACY
  if (g_str_equal (challenge->type, "tls-sni-01"))
    return sni_name (challenge);
#endif
  return NULL;
}
