// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Authorizers that need nobody's answer.
 */
#include "bus/authorizer.h"

#include "plugin/error.h"

struct HerdAuthorizer {
  guint32 uid; /* who may do everything */
};

void
herd_details_clear (HerdDetails *details)
{
  g_clear_pointer (&details->certificate, g_free);
  g_clear_pointer (&details->identifiers, g_free);
  g_clear_pointer (&details->owner, g_free);
  g_clear_pointer (&details->issuer, g_free);
  g_clear_pointer (&details->targets, g_free);
}

HerdAuthorizer *
herd_authorizer_new_session (guint32 uid)
{
  HerdAuthorizer *authorizer = g_new0 (HerdAuthorizer, 1);

  authorizer->uid = uid;
  return authorizer;
}

HerdAuthorizer *
herd_authorizer_new_root (void)
{
  return herd_authorizer_new_session (0);
}

void
herd_authorizer_free (HerdAuthorizer *authorizer)
{
  g_free (authorizer);
}

void
herd_authorizer_check_async (HerdAuthorizer *authorizer, const char *sender G_GNUC_UNUSED,
                             guint32 uid, const char *action,
                             const HerdDetails *details G_GNUC_UNUSED,
                             gboolean interactive G_GNUC_UNUSED, GAsyncReadyCallback callback,
                             gpointer data)
{
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, data);

  if (uid == authorizer->uid)
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_new_error (task, HERD_ERROR, HERD_ERROR_NOT_AUTHORIZED,
                             "user %u may not do org.certherd.%s; only user %u may", uid, action,
                             authorizer->uid);
}

gboolean
herd_authorizer_check_finish (HerdAuthorizer *authorizer G_GNUC_UNUSED, GAsyncResult *result,
                              GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
