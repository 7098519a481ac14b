// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Authorities: the rows behind Issuer1 objects.
 */
#include "model/authority.h"

HerdAuthority *
herd_authority_new (guint64 id, const char *name, const char *kind, GVariant *settings)
{
  HerdAuthority *authority = g_new0 (HerdAuthority, 1);

  authority->id = id;
  authority->name = g_strdup (name);
  authority->kind = g_strdup (kind);
  authority->settings = g_variant_ref_sink (settings);
  authority->account = herd_account_new ();
  authority->last_error = g_strdup ("");
  authority->last_error_message = g_strdup ("");
  return authority;
}

void
herd_authority_free (HerdAuthority *authority)
{
  if (authority == NULL)
    return;
  g_free (authority->name);
  g_free (authority->kind);
  g_variant_unref (authority->settings);
  herd_account_free (authority->account);
  g_free (authority->last_error);
  g_free (authority->last_error_message);
  g_free (authority);
}

void
herd_authority_restore (HerdAuthority *authority, HerdAuthority *saved)
{
  GVariant *settings = authority->settings;

  authority->settings = g_steal_pointer (&saved->settings);
  saved->settings = settings;
  authority->from_file = saved->from_file;
  authority->retired = saved->retired;
  authority->created = saved->created;
  authority->revision++;
  herd_authority_free (saved);
}

const char *
herd_authority_get_setting (const HerdAuthority *authority, const char *key, const char *fallback)
{
  const char *value = fallback;

  g_variant_lookup (authority->settings, key, "&s", &value);
  return value;
}

gboolean
herd_authority_can (const HerdAuthority *authority, const char *capability)
{
  return g_strv_contains ((const char *const *) authority->account->capabilities, capability);
}

void
herd_authority_set_error (HerdAuthority *authority, const char *error, const char *message,
                          gint64 retry_at)
{
  g_free (authority->last_error);
  g_free (authority->last_error_message);
  authority->last_error = g_strdup (error != NULL ? error : "");
  authority->last_error_message = g_strdup (error != NULL ? message : "");
  authority->retry_at = error != NULL ? retry_at : 0;
}
