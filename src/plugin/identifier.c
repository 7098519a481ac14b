// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Identifiers in their normal form.
 */
#include "plugin/identifier.h"

#include <gio/gio.h>

const char *
herd_identifier_get_type_name (const char *identifier)
{
  return g_hostname_is_ip_address (identifier) ? "ip" : "dns";
}

gboolean
herd_identifier_is_wildcard (const char *identifier)
{
  return g_str_has_prefix (identifier, "*.");
}
