// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Readers and users.
 */
#include "core/rights.h"

#include <pwd.h>

#include "model/spec.h"

static gboolean
is_user (const char *text, guint32 uid)
{
  g_autofree char *buffer = g_malloc (16384);
  struct passwd entry, *found = NULL;
  guint64 number;

  if (g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT32, &number, NULL))
    return number == uid;
  return getpwnam_r (text, &entry, buffer, 16384, &found) == 0 && found != NULL
         && found->pw_uid == uid;
}

gboolean
herd_rights_lists_user (const char *const *users, guint32 uid)
{
  for (; *users != NULL; users++) {
    if (is_user (*users, uid))
      return TRUE;
  }
  return FALSE;
}

gboolean
herd_rights_is_reader (const HerdCertificate *certificate, guint32 uid)
{
  g_auto (GStrv) readers = herd_spec_get_list (certificate->spec, "readers");

  return herd_rights_lists_user ((const char *const *) readers, uid);
}
