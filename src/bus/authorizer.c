// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What all authorizers do, and the two kinds that need nobody's answer.
 */
#include "bus/authorizer.h"

#include "bus/authorizer-private.h"
#include "herd-config.h"
#include "plugin/error.h"

void
herd_details_clear (HerdDetails *details)
{
  g_clear_pointer (&details->certificate, g_free);
  g_clear_pointer (&details->identifiers, g_free);
  g_clear_pointer (&details->owner, g_free);
  g_clear_pointer (&details->issuer, g_free);
  g_clear_pointer (&details->targets, g_free);
  g_clear_pointer (&details->readers, g_free);
  g_clear_pointer (&details->patterns, g_free);
  g_clear_pointer (&details->directory_url, g_free);
  g_clear_pointer (&details->contact, g_free);
  g_clear_pointer (&details->agree_terms, g_free);
}

static void
refuse (HerdAuthorizer *authorizer, const HerdQuestion *question, GTask *task)
{
  g_task_return_new_error (task, HERD_ERROR, HERD_ERROR_NOT_AUTHORIZED,
                           "user %u may not do org.certherd.%s; only user %u may", question->uid,
                           question->action, authorizer->trusted);
  g_object_unref (task);
}

static HerdAuthorizer *
new_refusing (guint32 trusted)
{
  static const HerdAuthorizerKind kind = { refuse, (void (*) (HerdAuthorizer *)) g_free };
  HerdAuthorizer *authorizer = g_new0 (HerdAuthorizer, 1);

  authorizer->kind = &kind;
  authorizer->trusted = trusted;
  return authorizer;
}

HerdAuthorizer *
herd_authorizer_new_session (guint32 uid)
{
  return new_refusing (uid);
}

HerdAuthorizer *
herd_authorizer_new_system (GDBusConnection *connection, HerdClock *clock)
{
#if HERD_WITH_POLKIT
  return herd_authorizer_new_polkit (connection, clock);
#else
  return new_refusing (0);
#endif
}

void
herd_authorizer_free (HerdAuthorizer *authorizer)
{
  if (authorizer != NULL)
    authorizer->kind->free (authorizer);
}

void
herd_authorizer_check_async (HerdAuthorizer *authorizer, const char *sender, guint32 uid,
                             const char *action, const HerdDetails *details, gboolean interactive,
                             GAsyncReadyCallback callback, gpointer data)
{
  const HerdQuestion question = { sender, uid, action, details, interactive };
  g_autoptr (GTask) task = g_task_new (NULL, NULL, callback, data);

  if (uid == authorizer->trusted)
    g_task_return_boolean (task, TRUE);
  else
    authorizer->kind->ask (authorizer, &question, g_steal_pointer (&task));
}

gboolean
herd_authorizer_check_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

gboolean
herd_authorizer_wants_interaction (const GError *error)
{
  g_autofree char *name = g_dbus_error_get_remote_error (error);

  return g_strcmp0 (name, HERD_INTERACTION_REQUIRED) == 0;
}
