// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Subscriptions.
 */
#include "model/subscription.h"

HerdSubscription *
herd_subscription_new (guint64 id, const char *sender, guint32 uid, const char *const *patterns)
{
  HerdSubscription *subscription = g_new0 (HerdSubscription, 1);

  subscription->id = id;
  subscription->sender = g_strdup (sender);
  subscription->uid = uid;
  subscription->patterns = g_strdupv ((char **) patterns);
  return subscription;
}

void
herd_subscription_free (HerdSubscription *subscription)
{
  if (subscription == NULL)
    return;
  g_free (subscription->sender);
  g_strfreev (subscription->patterns);
  g_free (subscription->target);
  g_free (subscription->server);
  g_free (subscription);
}

gboolean
herd_subscription_matches (const HerdSubscription *subscription, const char *name)
{
  for (char **pattern = subscription->patterns; *pattern != NULL; pattern++) {
    if (g_pattern_match_simple (*pattern, name))
      return TRUE;
  }
  return FALSE;
}
