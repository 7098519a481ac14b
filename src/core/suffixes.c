// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Registered domains.
 */
#include "core/suffixes.h"

#include <gio/gio.h>
#include <libpsl.h>
#include <string.h>

#include "plugin/identifier.h"

#define PREFIX_BYTES 8 /* of an IPv6 address: a /64 is what one customer has */

struct HerdSuffixes {
  psl_ctx_t *list;
};

HerdSuffixes *
herd_suffixes_new (void)
{
  HerdSuffixes *suffixes = g_new0 (HerdSuffixes, 1);

  suffixes->list = psl_latest (NULL);
  return suffixes;
}

void
herd_suffixes_free (HerdSuffixes *suffixes)
{
  if (suffixes == NULL)
    return;
  psl_free (suffixes->list);
  g_free (suffixes);
}

static char *
get_network (const char *text)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (text);
  g_autoptr (GInetAddress) network = NULL;
  g_autofree char *prefix = NULL;
  guint8 bytes[16] = { 0 };

  if (address == NULL || g_inet_address_get_family (address) != G_SOCKET_FAMILY_IPV6)
    return g_strdup (text);
  memcpy (bytes, g_inet_address_to_bytes (address), PREFIX_BYTES);
  network = g_inet_address_new_from_bytes (bytes, G_SOCKET_FAMILY_IPV6);
  prefix = g_inet_address_to_string (network);
  return g_strdup_printf ("%s/%d", prefix, PREFIX_BYTES * 8);
}

char *
herd_suffixes_get_registered (const HerdSuffixes *suffixes, const char *identifier)
{
  const char *name = herd_identifier_is_wildcard (identifier) ? identifier + 2 : identifier;
  const char *registered;

  if (g_str_equal (herd_identifier_get_type_name (identifier), "ip"))
    return get_network (identifier);
  registered = suffixes->list != NULL ? psl_registrable_domain (suffixes->list, name) : NULL;
  return g_strdup (registered != NULL ? registered : name);
}
